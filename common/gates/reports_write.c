/* reports/summary.json, key by key; reports_read.c is its mirror. Parts of it inspect shows too. */
#include "format/jwrite.h"
#include "gates/reports_parts.h"

#include "base/banned.h"

void reports_write_image_keys(struct jwrite *w, const struct reports_image *x)
{
    jwrite_str(w, "reference", x->reference);
    jwrite_str(w, "platform", x->platform);
}

static void write_image(struct jwrite *w, const char *key, const struct reports_image *x)
{
    jwrite_object(w, key);
    reports_write_image_keys(w, x);
    jwrite_end(w);
}

void reports_write_images(struct jwrite *w, const char *key, const struct reports_images *list)
{
    jwrite_array(w, key);
    for (size_t i = 0; i < list->n; i++)
        write_image(w, NULL, &list->items[i]);
    jwrite_end(w);
}

static void write_counts(struct jwrite *w, const struct severity_counts *c, uint64_t n_fixable, enum reports_zeros zeros)
{
    jwrite_object(w, "findings");
    for (unsigned s = SEVERITIES; s-- > 0;)
        if (c->n[s] > 0 || zeros == REPORTS_ZEROS_SHOWN)
            jwrite_u64(w, severity_key((enum severity)s), c->n[s]);
    jwrite_end(w);
    jwrite_u64(w, "fixable", n_fixable);
}

static void write_findings(struct jwrite *w, const struct scan *s, enum reports_zeros zeros)
{
    write_counts(w, &s->counts, s->n_fixable, zeros);
    jwrite_u64(w, "suppressed", s->n_suppressed);
    jwrite_array(w, "targets");
    for (size_t i = 0; i < s->n_targets; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", s->targets[i].name);
        write_counts(w, &s->targets[i].counts, s->targets[i].n_fixable, zeros);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_array(w, "worst");
    for (size_t i = 0; i < s->n_worst; i++) {
        const struct scan_finding *f = &s->worst[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "id", f->id);
        jwrite_str(w, "severity", severity_key(f->severity));
        jwrite_str(w, "package", f->package);
        jwrite_str(w, "target", f->target);
        jwrite_bool(w, "fixable", f->is_fixable);
        jwrite_end(w);
    }
    jwrite_end(w);
}

void reports_write_scan(struct jwrite *w, const struct reports_scan *x, enum reports_zeros zeros)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "member", x->member);
    jwrite_digest_hex(w, "sha256", &x->sha256);
    jwrite_str(w, "format", x->scan.format);
    jwrite_str(w, "tool", x->scan.tool);
    jwrite_str(w, "artifact", x->scan.artifact);
    jwrite_str(w, "match", reports_match_names[x->match]);
    reports_write_images(w, "images", &x->images);
    write_findings(w, &x->scan, zeros);
    jwrite_end(w);
}

static void write_sbom(struct jwrite *w, const struct reports_sbom *x)
{
    jwrite_object(w, NULL);
    write_image(w, "image", &x->image);
    jwrite_str(w, "kind", reports_sbom_kind_names[x->kind]);
    jwrite_str(w, "member", x->member);
    jwrite_end(w);
}

static void write_databases(struct jwrite *w, const char *key, unsigned set)
{
    jwrite_array(w, key);
    for (unsigned i = 0; i < REPORTS_DATABASES; i++)
        if ((set & 1u << i) != 0)
            jwrite_str(w, NULL, reports_database_names[i]);
    jwrite_end(w);
}

static void write_packages(struct jwrite *w, const struct reports_packages *x)
{
    jwrite_object(w, NULL);
    write_image(w, "image", &x->image);
    jwrite_str(w, "distro", x->distro);
    jwrite_u64(w, "packages", x->n);
    write_databases(w, "databases", x->found);
    write_databases(w, "unread", x->unread);
    jwrite_end(w);
}

bool reports_write(const struct reports *r, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, LIMIT_REPORTS_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "archon_reports", 1);
    jwrite_array(w, "scans");
    for (size_t i = 0; i < r->n_scans; i++)
        reports_write_scan(w, &r->scans[i], REPORTS_ZEROS_LEFT_OUT);
    jwrite_end(w);
    reports_write_images(w, "unscanned", &r->unscanned);
    if (r->has_fail_on)
        jwrite_str(w, "fail_on", severity_key(r->fail_on));
    jwrite_array(w, "sboms");
    for (size_t i = 0; i < r->n_sboms; i++)
        write_sbom(w, &r->sboms[i]);
    jwrite_end(w);
    if (r->has_packages) {
        jwrite_array(w, "packages");
        for (size_t i = 0; i < r->n_packages; i++)
            write_packages(w, &r->packages[i]);
        jwrite_end(w);
    }
    jwrite_end(w);
    return jwrite_done(w, out, REPORTS_SUMMARY, e);
}
