/* The two forms of the summary. */
#include "show/reports.h"

#include <inttypes.h>

#include "base/text.h"

#include "base/banned.h"

/* ---- for people ---- */

static void print_scan(struct cli_context *ctx, const struct reports_scan *x)
{
    static const char *const doubts[] = { [REPORTS_UNKNOWN] = "; which image that is, is not known",
                                          [REPORTS_OTHER] = "; that is no image of this bundle",
                                          [REPORTS_NAME] = "; known by its name only",
                                          [REPORTS_DIGEST] = "" };
    const struct scan *s = &x->scan;
    cli_print(ctx, "  %s  %s (%s)%s%s%s\n", SHOWN(x->member), SHOWN(s->tool), s->format, s->artifact[0] == '\0' ? "" : " of ",
              SHOWN(s->artifact), doubts[x->match]);
    cli_print(ctx, "    %s", SEVERITIES_SHOWN(&s->counts));
    if (s->n_fixable > 0)
        cli_print(ctx, "; %" PRIu64 " can be fixed", s->n_fixable);
    if (s->n_suppressed > 0)
        cli_print(ctx, "; %" PRIu64 " more were judged and put aside", s->n_suppressed);
    cli_print(ctx, "\n");
    for (size_t i = 0; i < s->n_targets && s->n_targets > 1; i++)
        cli_print(ctx, "      %s: %s\n", SHOWN(s->targets[i].name), SEVERITIES_SHOWN(&s->targets[i].counts));
}

static void print_image(struct cli_context *ctx, const struct reports_image *x)
{
    cli_print(ctx, "%s%s%s%s", SHOWN(x->reference), x->platform[0] == '\0' ? "" : " (", SHOWN(x->platform),
              x->platform[0] == '\0' ? "" : ")");
}

static void print_scans(struct cli_context *ctx, const struct reports *r)
{
    if (r->n_scans > 0)
        cli_print(ctx, "\nScan reports\n");
    for (size_t i = 0; i < r->n_scans; i++)
        print_scan(ctx, &r->scans[i]);
    for (size_t i = 0; i < r->unscanned.n; i++) {
        cli_print(ctx, "  none about ");
        print_image(ctx, &r->unscanned.items[i]);
        cli_print(ctx, "\n");
    }
    if (r->has_fail_on)
        cli_print(ctx, "  The bundle was made with --fail-on %s\n", severity_name(r->fail_on));
}

static void print_packages(struct cli_context *ctx, const struct reports_packages *x)
{
    struct reports_databases_text found;
    struct reports_databases_text unread;
    cli_print(ctx, "  ");
    print_image(ctx, &x->image);
    cli_print(ctx, "  %" PRIu64 " package%s", x->n, text_s(x->n));
    if (x->found != 0)
        cli_print(ctx, " of %s%s%s", SHOWN(x->distro), x->distro[0] == '\0' ? "" : ", ", reports_databases(&found, x->found));
    if (x->unread != 0)
        cli_print(ctx, "; packages of %s were not read", reports_databases(&unread, x->unread));
    cli_print(ctx, "\n");
}

void show_reports_text(struct cli_context *ctx, const struct reports *r)
{
    print_scans(ctx, r);
    if (r->n_sboms > 0)
        cli_print(ctx, "\nSBOMs that came with the images\n");
    for (size_t i = 0; i < r->n_sboms; i++) {
        cli_print(ctx, "  ");
        print_image(ctx, &r->sboms[i].image);
        cli_print(ctx, "  %s, %s\n", reports_sbom_kind_name(r->sboms[i].kind), SHOWN(r->sboms[i].member));
    }
    if (r->has_packages)
        cli_print(ctx, "\nOS packages (%s)\n", REPORTS_SBOM);
    for (size_t i = 0; i < r->n_packages; i++)
        print_packages(ctx, &r->packages[i]);
}

/* ---- for programs ---- */

static void add_packages(struct jwrite *w, const struct reports_packages *x)
{
    struct reports_databases_text found;
    struct reports_databases_text unread;
    jwrite_object(w, NULL);
    reports_write_image_keys(w, &x->image);
    jwrite_str(w, "distro", x->distro);
    jwrite_u64(w, "packages", x->n);
    jwrite_str(w, "databases", reports_databases(&found, x->found));
    jwrite_str(w, "unread", reports_databases(&unread, x->unread));
    jwrite_end(w);
}

void show_reports_json(struct jwrite *w, const struct reports *r)
{
    jwrite_array(w, "scan_reports");
    for (size_t i = 0; i < r->n_scans; i++)
        reports_write_scan(w, &r->scans[i], REPORTS_ZEROS_SHOWN);
    jwrite_end(w);
    reports_write_images(w, "unscanned_images", &r->unscanned);
    if (r->has_fail_on)
        jwrite_str(w, "fail_on", severity_key(r->fail_on));
    else
        jwrite_null(w, "fail_on");
    jwrite_array(w, "sboms");
    for (size_t i = 0; i < r->n_sboms; i++) {
        jwrite_object(w, NULL);
        reports_write_image_keys(w, &r->sboms[i].image);
        jwrite_str(w, "kind", reports_sbom_kind_name(r->sboms[i].kind));
        jwrite_str(w, "member", r->sboms[i].member);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_array(w, "packages");
    for (size_t i = 0; i < r->n_packages; i++)
        add_packages(w, &r->packages[i]);
    jwrite_end(w);
}
