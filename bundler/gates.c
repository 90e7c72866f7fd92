/* Reading scan reports, judging them, packing them. */
#include "bundler/gates.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

/* ---- reading ---- */

static bool read_text(const struct gates *g, const struct gates_file *f, struct buf *out, struct err *e)
{
    *out = (struct buf)BUF_LIMIT(LIMIT_SCAN_REPORT_BYTES);
    return f->is_of_definition ? origin_read(g->input->origin, f->path, out, e)
                               : file_read(f->path, FILE_PLAIN, LIMIT_SCAN_REPORT_BYTES, out, e) || err_as(e, ERR_CONFIG);
}

static bool name_is_taken(const struct reports *r, const char *member)
{
    static const char *const own[] = { REPORTS_SUMMARY, REPORTS_SBOM };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcasecmp(own[i], member) == 0)
            return true;
    for (size_t i = 0; i < r->n_scans; i++)
        if (strcasecmp(r->scans[i].member, member) == 0)
            return true;
    return false;
}

static bool check_name(const struct reports *r, const char *path, const char *member, struct err *e)
{
    struct safe_path safe;
    struct err why = { 0 };
    if (!safe_path_parse(&safe, member, "bundle", &why)) {
        err_set(e, ERR_USAGE, "scan report %s: %s", SHOWN(path), why.msg);
        return err_hint(e, "rename it: letters, digits and . _ + @ -");
    }
    if (!name_is_taken(r, member))
        return true;
    err_set(e, ERR_USAGE, "scan report %s: %s is taken in the bundle", SHOWN(path), member);
    return err_hint(e, "each needs a file name of its own; rename one");
}

static bool read_report(struct gates *g, const char *path, bool is_of_definition, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = { 0 };
    AUTO(mem_auto) char *member = mem_format(REPORTS_FOLDER "%s", path_base(path));
    struct gates_file f = { .is_of_definition = is_of_definition, .path = mem_text(path) };
    MEM_PUSH(g->files, g->n_files, g->cap_files) = f;
    if (g->n_files > LIMIT_SCAN_REPORTS)
        return err_set(e, ERR_USAGE, "more than %d scan reports", LIMIT_SCAN_REPORTS);
    if (!check_name(&g->reports, path, member, e) || !read_text(g, &f, &text, e))
        return false;
    struct reports_scan x = { 0 };
    if (!scan_read(&x.scan, buf_text(&text), text.len, path, e))
        return false;
    x.member = TAKE(member);
    sha256_of(&x.sha256, buf_text(&text), text.len);
    g->files[g->n_files - 1].size = text.len;
    MEM_PUSH(g->reports.scans, g->reports.n_scans, g->reports.cap_scans) = x;
    return true;
}

static bool read_listed(void *ctx, const char *name, struct err *e)
{
    return read_report(ctx, name, true, e);
}

static bool read_all(struct gates *g, const struct gates_options *o, struct err *e)
{
    const struct texts *listed = &g->input->app->definition.reports;
    for (size_t i = 0; i < listed->n; i++)
        if (!origin_list(g->input->origin, listed->items[i], read_listed, g, e))
            return err_in(e, "reports");
    for (size_t i = 0; i < o->scan_reports.n; i++)
        if (!read_report(g, o->scan_reports.items[i], false, e))
            return err_in(e, "--scan-report");
    return true;
}

/* ---- judging ---- */

static bool read_fail_on(struct gates *g, const char *word, struct err *e)
{
    g->reports.has_fail_on = word != NULL;
    if (word != NULL && !severity_parse(&g->reports.fail_on, word))
        return err_set(e, ERR_USAGE, "--fail-on %s: expected " SEVERITY_WORDS, SHOWN(word));
    return true;
}

/* "libssl3 3.0.11 in debian 12", as far as it is known. */
static char *place_of(const struct scan_finding *f)
{
    return mem_format("%s%s%s%s", f->package[0] == '\0' ? "" : " ", SHOWN(f->package), f->target[0] == '\0' ? "" : " in ",
                      SHOWN(f->target));
}

static void tell_worst(const struct reports_scan *x, enum severity least)
{
    for (size_t i = 0; i < x->scan.n_worst && x->scan.worst[i].severity >= least; i++) {
        const struct scan_finding *f = &x->scan.worst[i];
        AUTO(mem_auto) char *place = place_of(f);
        log_info("%s: %s %s%s%s", x->member, severity_name(f->severity), SHOWN(f->id), place, f->is_fixable ? ", can be fixed" : "");
    }
}

/* The worst of all reports; the first of several. */
static const struct reports_scan *worst_report(const struct reports *r)
{
    const struct reports_scan *worst = NULL;
    for (size_t i = 0; i < r->n_scans; i++)
        if (r->scans[i].scan.n_worst > 0 && (worst == NULL || r->scans[i].scan.worst[0].severity > worst->scan.worst[0].severity))
            worst = &r->scans[i];
    return worst;
}

static bool judge(const struct reports *r, struct err *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n_scans; i++)
        n += severity_at_least(&r->scans[i].scan.counts, r->fail_on);
    if (n == 0)
        return true;
    for (size_t i = 0; i < r->n_scans; i++)
        tell_worst(&r->scans[i], r->fail_on);
    const struct reports_scan *x = worst_report(r);
    const struct scan_finding *f = &x->scan.worst[0];
    AUTO(mem_auto) char *place = place_of(f);
    err_set(e, ERR_POLICY, "%llu finding%s at or above %s, the worst: %s (%s)%s, says %s", (unsigned long long)n, text_s(n),
            severity_name(r->fail_on), SHOWN(f->id), severity_name(f->severity), place, x->member);
    return err_hint(e, "take images in which they are fixed, or let the scanner ignore what was judged harmless, and scan again");
}

bool gates_read(struct gates *g, const struct gates_options *o, const struct input *in, struct err *e)
{
    g->input = in;
    if (!read_fail_on(g, o->fail_on, e) || !read_all(g, o, e))
        return false;
    if (!g->reports.has_fail_on)
        return true;
    if (g->reports.n_scans > 0)
        return judge(&g->reports, e);
    err_set(e, ERR_USAGE, "--fail-on without a scan report: there is nothing to judge by");
    return err_hint(e, "--scan-report FILE, or reports: in bundle.yaml");
}

/* ---- packing ---- */

void gates_measure(const struct gates *g, size_t *n, uint64_t *bytes)
{
    *n += g->n_files;
    for (size_t i = 0; i < g->n_files; i++)
        *bytes += g->files[i].size;
}

static bool write_report(const struct gates *g, size_t i, struct writer *w, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = { 0 };
    struct digest found;
    if (!read_text(g, &g->files[i], &text, e))
        return false;
    sha256_of(&found, buf_text(&text), text.len);
    if (!digest_equal(&found, &g->reports.scans[i].sha256))
        return err_set(e, ERR_CONFIG, "scan report %s: changed while it was read", SHOWN(g->files[i].path));
    return writer_add_member(w, g->reports.scans[i].member, buf_text(&text), text.len, false, e);
}

bool gates_write(const struct gates *g, struct writer *w, struct err *e)
{
    for (size_t i = 0; i < g->n_files; i++)
        if (!write_report(g, i, w, e))
            return false;
    return true;
}

bool gates_write_summary(const struct gates *g, struct writer *w, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_REPORTS_BYTES);
    if (reports_are_empty(&g->reports))
        return true;
    return reports_write(&g->reports, &text, e) && writer_add_member(w, REPORTS_SUMMARY, buf_text(&text), text.len, false, e);
}

void gates_clear(struct gates *g)
{
    for (size_t i = 0; i < g->n_files; i++)
        mem_free(g->files[i].path);
    mem_free(g->files);
    reports_clear(&g->reports);
    *g = (struct gates){ 0 };
}
