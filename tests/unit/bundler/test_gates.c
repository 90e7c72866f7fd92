/* The gate: what scan reports say is compared with what is packed, and stops it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "bundler/create.h"
#include "tests/unit/show/golden.h"

struct world {
    struct scratch *s;
    struct heard heard;
    struct create_options o;
    struct create c;
    char *definition;
    struct image images[2];
    struct image_platform platforms[3];
    struct image_index index;
    struct digest diff_ids[2];
};

static struct digest digest_of(char fill)
{
    struct err e = { 0 };
    struct digest d;
    char hex[65] = { 0 };
    memset(hex, fill, 64);
    assert_true(digest_parse_hex(&d, hex, "", &e));
    return d;
}

/* shop/app of two platforms below index 2..., shop/web of one. */
static void make_images(struct world *w)
{
    static const char *const platforms[] = { "linux/amd64", "linux/arm64", "linux/amd64" };
    struct err e = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
        assert_true(platform_parse(&w->platforms[i].platform, platforms[i], &e));
        w->platforms[i].manifest_digest = digest_of((char)('3' + i));
        w->platforms[i].m.config.digest = digest_of((char)('7' + i));
    }
    w->diff_ids[0] = digest_of('a');
    w->diff_ids[1] = digest_of('b');
    w->platforms[2].c.diff_ids = w->diff_ids;
    w->platforms[2].c.n_diff_ids = 2;
    w->index.digest = digest_of('2');
    w->images[0] = (struct image){ .n_platforms = 2, .platforms = w->platforms, .n_indexes = 1, .indexes = &w->index };
    w->images[1] = (struct image){ .n_platforms = 1, .platforms = &w->platforms[2] };
}

static const char definition[] = "name: shop\nversion: 1.2.3\nimages: [registry.example/shop/app:1, registry.example/shop/web:1]\n";

static void world_start(struct world *w, struct scratch *s, const char *more)
{
    *w = (struct world){ .s = s };
    AUTO(mem_auto) char *text = mem_format("%s%s", definition, more);
    w->definition = mem_text(scratch_text(s, "bundle.yaml", text, 0644));
    w->o = (struct create_options){ .level = 3, .output = s->dir, .is_without_loader = true, .input = { .file = w->definition } };
    heard_open(&w->heard, NULL);
    w->c = (struct create){ .ctx = &w->heard.ctx, .o = &w->o };
    make_images(w);
}

static void world_end(struct world *w)
{
    for (size_t i = 0; i < w->o.gates.scan_reports.n; i++)
        mem_free((char *)(uintptr_t)w->o.gates.scan_reports.items[i]);
    mem_free(w->o.gates.scan_reports.items);
    create_clear(&w->c);
    heard_close(&w->heard);
    mem_free(w->definition);
}

static void give(struct world *w, const char *name, const char *text)
{
    struct cli_list *l = &w->o.gates.scan_reports;
    MEM_PUSH(l->items, l->n, l->cap) = mem_text(scratch_text(w->s, name, text, 0644)); /* the path is valid until the next one */
}

static bool read_gates(struct world *w, struct err *e)
{
    return create_read(&w->c, e) && gates_read(&w->c.gates, &w->o.gates, &w->c.input, e);
}

static bool pass(struct world *w, struct err *e)
{
    return read_gates(w, e) && gates_compare(&w->c.gates, w->c.app, w->images, e);
}

#define REPORT(meta, findings)                                               \
    "{\"SchemaVersion\":2,\"ArtifactName\":\"shop.tar\",\"Metadata\":{" meta \
    "},\"Results\":[{\"Target\":\"debian 12\",\"Vulnerabilities\":[" findings "]}]}"
#define HIGH_FINDING                                                                                                                 \
    "{\"VulnerabilityID\":\"CVE-2024-7\",\"PkgName\":\"zlib1g\",\"InstalledVersion\":\"1.2\",\"FixedVersion\":\"1.3\",\"Severity\":" \
    "\"HIGH\"}"
#define LOW_FINDING "{\"VulnerabilityID\":\"CVE-2024-8\",\"PkgName\":\"apt\",\"Severity\":\"LOW\"}"
#define HEX16(c) c c c c c c c c c c c c c c c c
#define SHA(c) "sha256:" HEX16(c) HEX16(c) HEX16(c) HEX16(c)
#define WEB "\"ImageID\":\"" SHA("9") "\""

static void refused(struct world *w, enum err_code code, const char *part)
{
    struct err e = { 0 };
    assert_false(pass(w, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s, expected %s: %s", err_name(e.code), e.msg, err_name(code), part);
}

static void a_finding_at_the_gate_is_refused_and_named(void **state)
{
    struct world w;
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT(WEB, LOW_FINDING "," HIGH_FINDING));
    w.o.gates.fail_on = "high";
    refused(&w, ERR_POLICY, "1 finding at or above HIGH, the worst: CVE-2024-7 (HIGH) zlib1g 1.2 in debian 12, says reports/trivy.json");
    world_end(&w);
}

static void a_finding_below_the_gate_passes(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT(WEB, LOW_FINDING "," HIGH_FINDING));
    w.o.gates.fail_on = "CRITICAL";
    if (!pass(&w, &e))
        fail_msg("%s", e.msg);
    assert_true(w.c.gates.reports.has_fail_on);
    world_end(&w);
}

static void without_a_gate_findings_are_only_told(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT(WEB, HIGH_FINDING));
    assert_true(pass(&w, &e));
    assert_int_equal(w.c.gates.reports.scans[0].scan.counts.n[SEVERITY_HIGH], 1);
    world_end(&w);
}

static void a_gate_without_a_report_is_a_wrong_command_line(void **state)
{
    struct world w;
    world_start(&w, *state, "");
    w.o.gates.fail_on = "CRITICAL";
    refused(&w, ERR_USAGE, "--fail-on without a scan report");
    world_end(&w);
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT(WEB, ""));
    w.o.gates.fail_on = "WORST";
    refused(&w, ERR_USAGE, "--fail-on WORST: expected CRITICAL, HIGH");
    world_end(&w);
}

static void covered(const struct world *w, enum reports_match match, size_t n, size_t n_unscanned)
{
    const struct reports *r = &w->c.gates.reports;
    assert_int_equal(r->scans[0].match, match);
    assert_int_equal(r->scans[0].images.n, n);
    assert_int_equal(r->unscanned.n, n_unscanned);
}

/* Config, manifest, layers: one platform. Index: all of them, or the one that the report names. */
static void a_report_is_matched_by_its_digests(void **state)
{
    static const struct {
        const char *report;
        size_t n;
    } table[] = {
        { REPORT(WEB, ""), 1 },
        { REPORT("\"RepoDigests\":[\"x@" SHA("5") "\"]", ""), 1 },
        { REPORT("\"DiffIDs\":[\"" SHA("a") "\",\"" SHA("b") "\"]", ""), 1 },
        { REPORT("\"RepoDigests\":[\"x@" SHA("2") "\"]", ""), 2 },
        { REPORT("\"RepoDigests\":[\"x@" SHA("2") "\"],\"ImageConfig\":{\"os\":\"linux\",\"architecture\":\"arm64\"}", ""), 1 },
        { REPORT("\"ImageID\":\"" SHA("7") "\",\"RepoDigests\":[\"x@" SHA("2") "\"]", ""), 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct world w;
        struct err e = { 0 };
        world_start(&w, *state, "");
        give(&w, "trivy.json", table[i].report);
        w.o.gates.fail_on = "LOW";
        if (!pass(&w, &e))
            fail_msg("%s", e.msg);
        covered(&w, REPORTS_DIGEST, table[i].n, 3 - table[i].n);
        world_end(&w);
    }
}

static void a_report_about_another_image_is_no_gate(void **state)
{
    static const char *const others[] = { REPORT("\"ImageID\":\"" SHA("0") "\"", ""), REPORT("\"DiffIDs\":[\"" SHA("a") "\"]", ""),
                                          REPORT("\"RepoTags\":[\"registry.example/shop/web:1\"],\"ImageID\":\"" SHA("0") "\"", "") };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct world w;
        struct err e = { 0 };
        world_start(&w, *state, "");
        give(&w, "trivy.json", others[i]);
        assert_true(pass(&w, &e)); /* a warning */
        covered(&w, REPORTS_OTHER, 0, 3);
        world_end(&w);
        world_start(&w, *state, "");
        give(&w, "trivy.json", others[i]);
        w.o.gates.fail_on = "CRITICAL";
        refused(&w, ERR_POLICY, "which is no image of this bundle");
        world_end(&w);
    }
}

static void a_name_is_a_weak_hint(void **state)
{
    struct world w;
    struct err e = { 0 };
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT("\"RepoTags\":[\"registry.example/shop/web:1\"]", ""));
    assert_true(pass(&w, &e));
    covered(&w, REPORTS_NAME, 1, 2);
    world_end(&w);
    world_start(&w, *state, "");
    give(&w, "trivy.json", REPORT("", ""));
    assert_true(pass(&w, &e));
    covered(&w, REPORTS_UNKNOWN, 0, 3);
    world_end(&w);
}

static void reports_of_the_definition_come_first(void **state)
{
    struct world w;
    struct err e = { 0 };
    struct scratch *s = *state;
    AUTO(mem_auto) char *folder = mem_format("%s/scans", s->dir);
    assert_true(path_make_dirs(folder, 0700, &e));
    scratch_text(s, "scans/b.json", REPORT(WEB, ""), 0644);
    scratch_text(s, "scans/a.json", REPORT(WEB, LOW_FINDING), 0644);
    world_start(&w, s, "reports: [scans]\n");
    give(&w, "trivy.json", REPORT(WEB, ""));
    w.o.gates.fail_on = "HIGH";
    if (!pass(&w, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(w.c.gates.reports.n_scans, 3);
    assert_string_equal(w.c.gates.reports.scans[0].member, "reports/a.json");
    assert_string_equal(w.c.gates.reports.scans[1].member, "reports/b.json");
    assert_string_equal(w.c.gates.reports.scans[2].member, "reports/trivy.json");
    world_end(&w);
    world_start(&w, s, "reports: [missing]\n");
    refused(&w, ERR_CONFIG, "missing");
    world_end(&w);
}

static void each_report_needs_a_name_of_its_own(void **state)
{
    struct world w;
    struct scratch *s = *state;
    world_start(&w, s, "");
    give(&w, "TRIVY.json", REPORT(WEB, ""));
    give(&w, "trivy.json", REPORT(WEB, ""));
    refused(&w, ERR_USAGE, "reports/trivy.json is taken");
    world_end(&w);
    world_start(&w, s, "");
    give(&w, "summary.json", REPORT(WEB, ""));
    refused(&w, ERR_USAGE, "reports/summary.json is taken");
    world_end(&w);
    world_start(&w, s, "");
    give(&w, "my report.json", REPORT(WEB, ""));
    refused(&w, ERR_USAGE, "illegal name");
    world_end(&w);
}

static void what_is_no_report_is_refused_before_anything_is_fetched(void **state)
{
    struct world w;
    world_start(&w, *state, "");
    give(&w, "x.json", "{\"results\":[]}");
    refused(&w, ERR_CONFIG, "x.json: neither Trivy's JSON");
    world_end(&w);
    world_start(&w, *state, "");
    give(&w, "gone.json", "");
    unlink(w.o.gates.scan_reports.items[0]);
    refused(&w, ERR_CONFIG, "gone.json");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_finding_at_the_gate_is_refused_and_named),
        SCRATCH_TEST(a_finding_below_the_gate_passes),
        SCRATCH_TEST(without_a_gate_findings_are_only_told),
        SCRATCH_TEST(a_gate_without_a_report_is_a_wrong_command_line),
        SCRATCH_TEST(a_report_is_matched_by_its_digests),
        SCRATCH_TEST(a_report_about_another_image_is_no_gate),
        SCRATCH_TEST(a_name_is_a_weak_hint),
        SCRATCH_TEST(reports_of_the_definition_come_first),
        SCRATCH_TEST(each_report_needs_a_name_of_its_own),
        SCRATCH_TEST(what_is_no_report_is_refused_before_anything_is_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
