/* reports/summary.json, read strictly: it is our own document. */
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "gates/reports_parts.h"

#include "base/banned.h"

enum { TEXT_MAX = 1024 };

/* The place of a text in a list of words; 0 and the cursor's failure for another one. */
static unsigned read_word(struct jnode o, const char *key, const char *const *words, size_t n)
{
    AUTO(mem_auto) char *text = jread_text(o, key, TEXT_MAX);
    for (unsigned i = 0; i < n; i++)
        if (text_is(text, words[i]))
            return i;
    jread_fail(o, key, "\"%s\" is not known", SHOWN(text));
    return 0;
}

static enum severity read_severity(struct jnode o, const char *key)
{
    enum severity s;
    AUTO(mem_auto) char *text = jread_text(o, key, TEXT_MAX);
    if (!severity_parse(&s, text))
        jread_fail(o, key, "\"%s\" is no severity", SHOWN(text));
    return s;
}

static struct reports_image read_image_fields(struct jnode o)
{
    struct reports_image x = { jread_text(o, "reference", TEXT_MAX), jread_text(o, "platform", TEXT_MAX) };
    jread_end(o, JREAD_NO_EXTRA);
    return x;
}

static void read_images(struct jnode o, const char *key, struct reports_images *out)
{
    struct jnode list;
    size_t n = jread_array(o, key, LIMIT_IMAGES, &list);
    for (size_t i = 0; i < n; i++) {
        struct reports_image x = read_image_fields(jread_item(list, i));
        MEM_PUSH(out->items, out->n, out->cap) = x;
    }
}

static void read_counts(struct jnode o, struct severity_counts *c)
{
    struct jnode found = jread_object(o, "findings");
    for (unsigned s = 0; s < SEVERITIES; s++)
        if (jread_has(found, severity_key((enum severity)s)))
            jread_u64(found, severity_key((enum severity)s), LIMIT_JSON_NUMBER, &c->n[s]);
    jread_end(found, JREAD_NO_EXTRA);
}

static void read_targets(struct jnode o, struct scan *s)
{
    struct jnode list;
    size_t n = jread_array(o, "targets", LIMIT_SCAN_TARGETS + 1, &list);
    for (size_t i = 0; i < n; i++) {
        struct jnode x = jread_item(list, i);
        struct scan_target *t = &MEM_PUSH(s->targets, s->n_targets, s->cap_targets);
        *t = (struct scan_target){ .name = jread_text(x, "name", TEXT_MAX) };
        read_counts(x, &t->counts);
        jread_u64(x, "fixable", LIMIT_JSON_NUMBER, &t->n_fixable);
        jread_end(x, JREAD_NO_EXTRA);
    }
}

static void read_worst(struct jnode o, struct scan *s)
{
    struct jnode list;
    size_t n = jread_array(o, "worst", SCAN_WORST, &list);
    for (size_t i = 0; i < n; i++) {
        struct jnode x = jread_item(list, i);
        struct scan_finding *f = &s->worst[s->n_worst++];
        f->id = jread_text(x, "id", TEXT_MAX);
        f->severity = read_severity(x, "severity");
        f->package = jread_text(x, "package", TEXT_MAX);
        f->target = jread_text(x, "target", TEXT_MAX);
        jread_bool(x, "fixable", &f->is_fixable);
        jread_end(x, JREAD_NO_EXTRA);
    }
}

static void read_scan(struct jnode o, struct reports_scan *x)
{
    x->member = jread_text(o, "member", LIMIT_NAME_BYTES);
    jread_digest_hex(o, "sha256", &x->sha256);
    x->scan.format = scan_formats[read_word(o, "format", scan_formats, SCAN_FORMATS)];
    x->scan.tool = jread_text(o, "tool", TEXT_MAX);
    x->scan.artifact = jread_text(o, "artifact", TEXT_MAX);
    x->match = (enum reports_match)read_word(o, "match", reports_match_names, REPORTS_MATCHES);
    read_images(o, "images", &x->images);
    read_counts(o, &x->scan.counts);
    jread_u64(o, "fixable", LIMIT_JSON_NUMBER, &x->scan.n_fixable);
    jread_u64(o, "suppressed", LIMIT_JSON_NUMBER, &x->scan.n_suppressed);
    read_targets(o, &x->scan);
    read_worst(o, &x->scan);
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_scans(struct jnode root, struct reports *r)
{
    struct jnode list;
    size_t n = jread_array(root, "scans", LIMIT_SCAN_REPORTS, &list);
    for (size_t i = 0; i < n; i++) {
        struct reports_scan *x = &MEM_PUSH(r->scans, r->n_scans, r->cap_scans);
        *x = (struct reports_scan){ 0 };
        read_scan(jread_item(list, i), x);
    }
}

static void read_sboms(struct jnode root, struct reports *r)
{
    struct jnode list;
    size_t n = jread_array(root, "sboms", LIMIT_MEMBERS, &list);
    for (size_t i = 0; i < n; i++) {
        struct jnode o = jread_item(list, i);
        struct reports_sbom x = { .image = read_image_fields(jread_object(o, "image")) };
        x.kind = (enum reports_sbom_kind)read_word(o, "kind", reports_sbom_kind_names, REPORTS_SBOM_KINDS);
        x.member = jread_text(o, "member", LIMIT_NAME_BYTES);
        jread_end(o, JREAD_NO_EXTRA);
        MEM_PUSH(r->sboms, r->n_sboms, r->cap_sboms) = x;
    }
}

static unsigned read_databases(struct jnode o, const char *key)
{
    struct jnode list;
    unsigned set = 0;
    size_t n = jread_array(o, key, REPORTS_DATABASES, &list);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *text = jread_item_text(list, i, TEXT_MAX);
        unsigned bit = 0;
        while (bit < REPORTS_DATABASES && !text_is(text, reports_database_names[bit]))
            bit++;
        if (bit == REPORTS_DATABASES || (set & 1u << bit) != 0)
            jread_fail(o, key, "\"%s\" is not known, or there twice", SHOWN(text));
        set |= 1u << bit;
    }
    return set;
}

static void read_packages(struct jnode root, struct reports *r)
{
    struct jnode list;
    r->has_packages = jread_has(root, "packages");
    size_t n = r->has_packages ? jread_array(root, "packages", LIMIT_IMAGES, &list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct jnode o = jread_item(list, i);
        struct reports_packages x = { .image = read_image_fields(jread_object(o, "image")), .distro = jread_text(o, "distro", TEXT_MAX) };
        jread_u64(o, "packages", LIMIT_JSON_NUMBER, &x.n);
        x.found = read_databases(o, "databases");
        x.unread = read_databases(o, "unread");
        jread_end(o, JREAD_NO_EXTRA);
        MEM_PUSH(r->packages, r->n_packages, r->cap_packages) = x;
    }
}

static bool read_all(struct reports *r, const char *text, size_t n, struct err *e)
{
    uint64_t version = 0;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, REPORTS_SUMMARY, JREAD_STRICT, e);
    struct jnode root = jread_root(doc);
    jread_u64(root, "archon_reports", LIMIT_JSON_NUMBER, &version);
    if (version != 1)
        jread_fail(root, "archon_reports", "%llu, expected 1", (unsigned long long)version);
    read_scans(root, r);
    read_images(root, "unscanned", &r->unscanned);
    r->has_fail_on = jread_has(root, "fail_on");
    if (r->has_fail_on)
        r->fail_on = read_severity(root, "fail_on");
    read_sboms(root, r);
    read_packages(root, r);
    jread_end(root, JREAD_NO_EXTRA);
    return jread_done(doc, e);
}

bool reports_read(struct reports *out, const char *text, size_t n, struct err *e)
{
    *out = (struct reports){ 0 };
    if (read_all(out, text, n, e))
        return true;
    reports_clear(out);
    return false;
}
