/* Makes the texts that are packed: image references literal, build sections cut out, every other byte as the author wrote it. Edits are
 * made at the places that the YAML reader gives; whether they did what they should is then seen by reading the result again. */
#include <stdlib.h>
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct edit {
    size_t at;
    size_t n;
    char *text; /* what stands there afterwards */
};
struct edits {
    struct edit *items;
    size_t n, cap;
};
struct freezer {
    struct compose *c;
    struct findings *f;
    template_lookup_fn lookup;
    void *ctx;
    const struct compose_file *file;
    struct edits edits;
};

static void edits_clear(struct edits *e)
{
    for (size_t i = 0; i < e->n; i++)
        mem_free(e->items[i].text);
    mem_free(e->items);
    *e = (struct edits){ 0 };
}

/* Anchored nodes are met more than once. */
static void add_edit(struct edits *e, size_t at, size_t n, const char *text)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->items[i].at == at)
            return;
    MEM_PUSH(e->items, e->n, e->cap) = (struct edit){ at, n, mem_text(text) };
}

static size_t line_start(const struct compose_file *file, unsigned line)
{
    size_t at = 0;
    for (unsigned i = 1; i < line && at < file->n; i++) {
        const char *newline = memchr(file->text + at, '\n', file->n - at);
        at = newline == NULL ? file->n : (size_t)(newline - file->text) + 1;
    }
    return at;
}

/* Columns count characters. */
static size_t offset_of(const struct compose_file *file, const struct ynode *node)
{
    size_t at = line_start(file, node->line);
    for (unsigned i = 1; i < node->column && at < file->n; i++) {
        at++;
        while (at < file->n && ((unsigned char)file->text[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

/* Behind an anchor or a tag that stands before the scalar. */
static size_t skip_properties(const struct compose_file *file, size_t at)
{
    while (at < file->n && (file->text[at] == '&' || file->text[at] == '!')) {
        at += strcspn(file->text + at, " \t\r\n");
        at += strspn(file->text + at, " \t");
    }
    return at;
}

static bool replace_scalar(struct freezer *z, const struct ynode *node, const char *text)
{
    const struct compose_file *file = z->file;
    size_t n = strlen(node->text);
    size_t at = skip_properties(file, offset_of(file, node));
    char quote = at < file->n && (file->text[at] == '"' || file->text[at] == '\'') ? file->text[at] : '\0';
    at += quote != '\0';
    bool is_plain_text = at + n <= file->n && memcmp(file->text + at, node->text, n) == 0 && (quote == '\0' || file->text[at + n] == quote);
    if (!is_plain_text)
        return findings_at(z->f, ERR_CONFIG, file->doc, node, "image: write the reference on one line, without escapes");
    add_edit(&z->edits, at, n, text);
    return true;
}

/* The reference that a text stands for; false with a finding. */
static bool resolve(struct freezer *z, const char *text, const char *what, struct ref *out)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf literal = BUF_LIMIT(LIMIT_REF_BYTES);
    if (template_expand(&literal, text, what, z->lookup, z->ctx, &e)) {
        if (ref_parse(out, buf_text(&literal), &e))
            return true;
        err_in(&e, "%s", what);
    }
    err_as(&e, ERR_CONFIG);
    return findings_take(z->f, &e);
}

static void freeze_image(struct freezer *z, const struct ynode *node)
{
    struct ref r;
    AUTO(mem_auto) char *what = mem_format("%s:%u:%u: image", z->file->path, node->line, node->column);
    if (node->kind != YNODE_SCALAR || !resolve(z, node->text, what, &r))
        return;
    compose_digest_tag(&r);
    replace_scalar(z, node, ref_format_tag(&(struct ref_text){ { 0 } }, &r));
}

static size_t line_end(const struct compose_file *file, size_t at)
{
    const char *newline = memchr(file->text + at, '\n', file->n - at);
    return newline == NULL ? file->n : (size_t)(newline - file->text) + 1;
}

/* Cuts the lines of a key and of what is indented deeper than it. */
static void cut_build(struct freezer *z, const struct ynode *key)
{
    const struct compose_file *file = z->file;
    size_t start = line_start(file, key->line);
    size_t at = offset_of(file, key);
    size_t indent = at - start;
    if (strspn(file->text + start, " ") < indent || (at < file->n && memchr("&!?\"'", file->text[at], 5) != NULL)) {
        findings_at(z->f, ERR_CONFIG, file->doc, key, "build: must stand on lines of its own, so that it can be left out of the bundle");
        return;
    }
    size_t end = line_end(file, at);
    for (size_t next = end; next < file->n; next = line_end(file, next)) {
        size_t blanks = strspn(file->text + next, " ");
        char first = file->text[next + blanks];
        bool is_content = first != '\0' && first != '\n' && first != '\r' && first != '#';
        if (is_content && blanks <= indent)
            break;
        if (is_content)
            end = line_end(file, next);
    }
    add_edit(&z->edits, start, end - start, "");
}

static void freeze_service(struct freezer *z, const struct ynode *service)
{
    for (size_t i = 0; service->kind == YNODE_MAP && i < service->n; i++) {
        if (text_is(service->keys[i]->text, "image"))
            freeze_image(z, service->items[i]);
        else if (text_is(service->keys[i]->text, "build"))
            cut_build(z, service->keys[i]);
    }
}

static int compare_edits(const void *a, const void *b)
{
    const struct edit *x = a;
    const struct edit *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static bool apply(const struct compose_file *file, struct edits *edits, struct buf *out, struct err *e)
{
    if (edits->n > 0)
        qsort(edits->items, edits->n, sizeof *edits->items, compare_edits);
    size_t at = 0;
    for (size_t i = 0; i < edits->n; i++) {
        const struct edit *edit = &edits->items[i];
        if (edit->at < at)
            continue; /* inside a section that was cut */
        buf_add(out, file->text + at, edit->at - at);
        buf_adds(out, edit->text);
        at = edit->at + edit->n;
    }
    buf_add(out, file->text + at, file->n - at);
    return buf_done(out, file->path, e) || err_as(e, ERR_CONFIG);
}

static bool freeze_file(struct freezer *z, struct buf *out, struct err *e)
{
    const struct ynode *services = compose_services(z->file);
    for (size_t i = 0; services != NULL && services->kind == YNODE_MAP && i < services->n; i++)
        freeze_service(z, services->items[i]);
    bool ok = apply(z->file, &z->edits, out, e);
    edits_clear(&z->edits);
    return ok;
}

static bool same_texts(const struct texts *a, const struct texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = text_is(a->items[i], b->items[i]);
    return same;
}

static bool same_model(const struct compose *a, const struct compose *b)
{
    bool same = a->n_services == b->n_services && a->n_variables == b->n_variables && same_texts(&a->paths, &b->paths) &&
                same_texts(&a->volumes, &b->volumes);
    for (size_t i = 0; same && i < a->n_services; i++)
        same = text_is(a->services[i].name, b->services[i].name) && same_texts(&a->services[i].needs, &b->services[i].needs) &&
               same_texts(&a->services[i].profiles, &b->services[i].profiles);
    for (size_t i = 0; same && i < a->n_variables; i++)
        same = text_is(a->variables[i].name, b->variables[i].name);
    return same;
}

/* Reads the packed texts as the host will. */
static struct compose *read_again(const struct compose *c, const struct buf *texts, struct findings *f, struct err *e)
{
    AUTO(mem_auto) struct origin_file *files = mem_new_array(c->n_files, sizeof *files);
    struct texts main_files = { 0 };
    for (size_t i = 0; i < c->n_files; i++) {
        files[i] = (struct origin_file){ .name = c->files[i].path, .bytes = buf_text(&texts[i]), .n = texts[i].len };
        if (c->files[i].is_main)
            texts_add(&main_files, c->files[i].path);
    }
    AUTO(origin_free_auto) struct origin *src = origin_memory(files, c->n_files);
    struct compose *again = compose_read(src, &main_files, COMPOSE_PACKED, f, e);
    texts_clear(&main_files);
    return again;
}

/* Each service must have got the image that its text stands for. */
static bool take_originals(struct freezer *z, struct compose *again)
{
    for (size_t i = 0; i < again->n_services; i++) {
        struct compose_service *s = &again->services[i];
        struct ref want;
        AUTO(mem_auto) char *what = mem_format("%s: services.%s.image", z->c->files[0].path, s->name);
        if (!resolve(z, z->c->services[i].image, what, &want))
            return false;
        s->original = want;
        compose_digest_tag(&want);
        if (!ref_equal(&want, &s->ref))
            return findings_add(z->f, ERR_CONFIG, "%s: the packed file would name %s", what, SHOWN(s->image));
    }
    return true;
}

static bool replace_model(struct freezer *z, struct buf *texts, struct err *e)
{
    struct findings about = { 0 };
    AUTO(compose_free_auto) struct compose *again = read_again(z->c, texts, &about, e);
    bool ok = again != NULL && about.n == 0;
    if (about.n > 0)
        findings_add(z->f, ERR_CONFIG, "without its build sections: %s", about.items[0].text);
    findings_clear(&about);
    if (ok && !same_model(z->c, again))
        ok = findings_add(z->f, ERR_CONFIG, "%s: image references and build sections cannot be told from the rest; "
                          "write them on lines of their own", z->c->files[0].path);
    if (!ok || !take_originals(z, again))
        return e->code == ERR_NONE;
    struct compose old = *z->c;
    *z->c = *again;
    *again = old; /* freed */
    return true;
}

bool compose_freeze(struct compose *c, template_lookup_fn lookup, void *ctx, struct findings *f, struct err *e)
{
    size_t before = f->n;
    struct freezer z = { .c = c, .f = f, .lookup = lookup, .ctx = ctx };
    AUTO(mem_auto) struct buf *texts = mem_new_array(c->n_files, sizeof *texts);
    bool ok = true;
    size_t n_files = c->n_files;
    for (size_t i = 0; i < n_files; i++) {
        texts[i] = (struct buf)BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
        z.file = &c->files[i];
        ok = ok && freeze_file(&z, &texts[i], e);
    }
    if (ok && f->n == before)
        ok = replace_model(&z, texts, e);
    for (size_t i = 0; i < n_files; i++)
        buf_clear(&texts[i]);
    return ok;
}
