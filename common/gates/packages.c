/* Package URLs, and the databases of one image brought together. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gates/packages_parts.h"

#include "base/banned.h"

/* ---- one package ---- */

/* Printable ASCII without spaces, as all three managers demand. */
static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n <= LIMIT_PACKAGE_WORD_BYTES;
}

/* Percent-encoded as the specification of package URLs says: all but letters, digits, . - _ ~ and the colon. */
static void add_encoded(struct buf *out, const char *s, size_t n)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~:";
    for (size_t i = 0; i < n; i++)
        if (memchr(plain, s[i], sizeof plain - 1) != NULL)
            buf_addc(out, s[i]);
        else
            buf_addf(out, "%%%02X", (unsigned)(uint8_t)s[i]);
}

static void add_qualifier(struct buf *out, char *mark, const char *key, struct slice value)
{
    if (value.n == 0)
        return;
    buf_addf(out, "%c%s=", *mark, key);
    add_encoded(out, value.p, value.n);
    *mark = '&';
}

/* Qualifiers are in the order of their names. */
static char *make_purl(const struct packages *p, const struct package_facts *f)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(16 * LIMIT_PACKAGE_WORD_BYTES);
    char mark = '?';
    buf_addf(&out, "pkg:%s/%s/", f->type, p->namespace == NULL ? f->usual_namespace : p->namespace);
    add_encoded(&out, f->name.p, f->name.n);
    buf_addc(&out, '@');
    add_encoded(&out, f->version.p, f->version.n);
    add_qualifier(&out, &mark, "arch", f->architecture);
    add_qualifier(&out, &mark, "distro", p->distro == NULL ? (struct slice){ "", 0 } : slice_of(p->distro));
    add_qualifier(&out, &mark, "epoch", f->epoch);
    BUG_IF(out.over);
    return buf_take(&out);
}

/* Of a field that may not be there. */
static char *text_of(struct slice s)
{
    return s.n == 0 ? mem_text("") : mem_text_n(s.p, s.n);
}

bool packages_add(struct packages *out, const struct package_facts *f, const char *what, struct err *e)
{
    if (f->name.n == 0 || f->version.n == 0 || !is_word(f->name) || !is_word(f->version) || !is_word(f->architecture) || !is_word(f->epoch))
        return err_set(e, ERR_REGISTRY, "%s: \"%s\" %s is no name and version of a package", what, SHOWN_N(f->name.p, f->name.n),
                       SHOWN_N(f->version.p, f->version.n));
    if (out->n == LIMIT_PACKAGES)
        return err_set(e, ERR_REGISTRY, "%s: more than %d packages", what, LIMIT_PACKAGES);
    struct package x = { .name = mem_text_n(f->name.p, f->name.n), .architecture = text_of(f->architecture), .purl = make_purl(out, f) };
    x.version = f->epoch.n == 0 ? mem_text_n(f->version.p, f->version.n)
                                : mem_format("%.*s:%.*s", (int)f->epoch.n, f->epoch.p, (int)f->version.n, f->version.p);
    MEM_PUSH(out->items, out->n, out->cap) = x;
    return true;
}

static void package_clear(struct package *x)
{
    mem_free(x->name);
    mem_free(x->version);
    mem_free(x->architecture);
    mem_free(x->purl);
}

/* ---- one image ---- */

static bool read_text(const struct layer_file *f, const struct spool *s, struct buf *out, struct err *e)
{
    *out = (struct buf)BUF_LIMIT(LIMIT_PACKAGES_TEXT_BYTES);
    buf_adds(out, "");
    void *to = f->size == 0 ? NULL : buf_reserve(out, (size_t)f->size);
    if (to == NULL)
        return f->size == 0 || err_set(e, ERR_REGISTRY, "%s: too large", f->path);
    if (!spool_read(s, f->at, to, (size_t)f->size, e))
        return false;
    out->len = (size_t)f->size;
    return true;
}

static bool read_os_release(struct packages *out, const struct layer_files *files, const struct spool *s, struct err *e)
{
    for (size_t i = 0; i < files->n_files && out->namespace == NULL; i++) {
        AUTO(buf_clear_auto) struct buf text = { 0 };
        if (files->files[i].kind != LAYER_OS_RELEASE || files->files[i].is_unreadable)
            continue;
        if (!read_text(&files->files[i], s, &text, e))
            return false;
        packages_parse_os_release(out, buf_text(&text), text.len);
    }
    return true;
}

static bool read_text_database(struct packages *out, const struct layer_file *f, const struct spool *s, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = { 0 };
    if (!read_text(f, s, &text, e))
        return false;
    return f->kind == LAYER_APK ? packages_parse_apk(out, buf_text(&text), text.len, f->path, e)
                                : packages_parse_dpkg(out, buf_text(&text), text.len, text_ends(f->path, "/status"), f->path, e);
}

static const unsigned bits[] = {
    [LAYER_OS_RELEASE] = 0, [LAYER_DPKG] = REPORTS_DPKG, [LAYER_APK] = REPORTS_APK, [LAYER_RPM] = REPORTS_RPM
};

/* Before anything is read. */
static bool check_text(const struct layer_files *files, struct err *e)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < files->n_files; i++)
        bytes += files->files[i].kind == LAYER_RPM ? 0 : files->files[i].size; /* each has its limit, and so has their number */
    return bytes <= LIMIT_IMAGE_PACKAGES_BYTES || err_set(e, ERR_REGISTRY, "%llu bytes of package databases, at most %llu",
                                                          (unsigned long long)bytes, (unsigned long long)LIMIT_IMAGE_PACKAGES_BYTES);
}

static bool read_databases(struct packages *out, const struct layer_files *files, const struct spool *s, struct err *e)
{
    unsigned there = 0;
    for (size_t i = 0; i < files->n_files; i++) {
        const struct layer_file *f = &files->files[i];
        there |= bits[f->kind];
        if (f->is_unreadable)
            out->unread |= bits[f->kind];
        else if ((f->kind == LAYER_DPKG || f->kind == LAYER_APK) && !read_text_database(out, f, s, e))
            return false;
    }
    bool is_read = false;
    if ((there & REPORTS_RPM) != 0 && (out->unread & REPORTS_RPM) == 0 && !packages_read_rpm(out, files, s, &is_read, e))
        return false;
    if ((there & REPORTS_RPM) != 0 && !is_read)
        out->unread |= REPORTS_RPM;
    out->found = there & ~out->unread;
    return true;
}

static int by_purl(const void *a, const void *b)
{
    return strcmp(((const struct package *)a)->purl, ((const struct package *)b)->purl);
}

static void sort(struct packages *p)
{
    size_t kept = 0;
    if (p->n > 0)
        qsort(p->items, p->n, sizeof *p->items, by_purl);
    for (size_t i = 0; i < p->n; i++) {
        if (kept > 0 && text_is(p->items[kept - 1].purl, p->items[i].purl))
            package_clear(&p->items[i]);
        else
            p->items[kept++] = p->items[i];
    }
    p->n = kept;
}

bool packages_read(struct packages *out, const struct layer_files *files, const struct spool *s, struct err *e)
{
    *out = (struct packages){ 0 };
    if (!check_text(files, e) || !read_os_release(out, files, s, e) || !read_databases(out, files, s, e)) {
        packages_clear(out);
        return false;
    }
    sort(out);
    return true;
}

void packages_clear(struct packages *p)
{
    for (size_t i = 0; i < p->n; i++)
        package_clear(&p->items[i]);
    mem_free(p->items);
    mem_free(p->distro);
    mem_free(p->namespace);
    *p = (struct packages){ 0 };
}

void packages_clear_auto(struct packages *p)
{
    packages_clear(p);
}
