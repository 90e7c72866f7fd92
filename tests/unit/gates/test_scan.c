/* Scan reports: what each dialect says is counted, and nothing that is broken passes for "no findings". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gates/scan.h"
#include "sys/file.h"

static void read_report(const char *text, size_t n, const char *name, struct scan *out)
{
    struct err e = { 0 };
    if (!scan_read(out, text, n, name, &e))
        fail_msg("%s", e.msg);
}

static void read_text(const char *text, struct scan *out)
{
    read_report(text, strlen(text), "report", out);
}

static void read_fixture(const char *name, struct scan *out)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_SCAN_REPORT_BYTES);
    AUTO(mem_auto) char *path = mem_format("%s/tests/fuzz/corpus/scan/%s", getenv("ARCHON_SOURCE_DIR"), name);
    assert_true(file_read(path, FILE_PLAIN, LIMIT_SCAN_REPORT_BYTES, &text, &e));
    read_report(buf_text(&text), text.len, name, out);
}

#define COUNTED(s, critical, high, medium, low, negligible, unknown)                                  \
    do {                                                                                              \
        const struct severity_counts want = { { unknown, negligible, low, medium, high, critical } }; \
        assert_memory_equal(&want, &(s)->counts, sizeof want);                                        \
    } while (0)

static const char *digest_of(char fill)
{
    static char text[DIGEST_TEXT_BYTES];
    memcpy(text, "sha256:", 7);
    memset(text + 7, fill, 64);
    return text;
}

static void has_digest(const struct scan_digests *list, char fill)
{
    struct digest d;
    struct err e = { 0 };
    assert_true(digest_parse(&d, digest_of(fill), "", &e));
    for (size_t i = 0; i < list->n; i++)
        if (digest_equal(&list->items[i], &d))
            return;
    fail_msg("%s is not there", digest_of(fill));
}

static void trivy_json_is_counted(void **state)
{
    (void)state;
    AUTO(scan_clear_auto) struct scan s = { 0 };
    read_fixture("trivy.json", &s);
    assert_string_equal(s.format, "Trivy JSON");
    COUNTED(&s, 2, 2, 1, 1, 0, 1); /* what passed a check is no finding */
    assert_int_equal(s.n_fixable, 2);
    assert_string_equal(s.artifact, "registry.example:5000/shop/app:1.4.0");
    assert_int_equal(s.n_targets, 4);
    assert_string_equal(s.targets[0].name, "registry.example:5000/shop/app:1.4.0 (debian 12.5)");
    assert_int_equal(severity_sum(&s.targets[0].counts), 4);
    assert_int_equal(s.targets[1].n_fixable, 1);
    assert_string_equal(s.worst[0].id, "CVE-2024-0001");
    assert_string_equal(s.worst[0].package, "libssl3 3.0.11-1~deb12u2");
    assert_string_equal(s.worst[1].id, "aws-access-key-id");
    assert_string_equal(s.worst[1].target, "/app/.env");
    assert_string_equal(s.worst[2].id, "CVE-2024-0002");
}

static void trivy_json_says_which_image(void **state)
{
    (void)state;
    AUTO(scan_clear_auto) struct scan s = { 0 };
    read_fixture("trivy.json", &s);
    has_digest(&s.ids, '1');
    has_digest(&s.ids, '2');
    has_digest(&s.diff_ids, 'a');
    assert_int_equal(s.ids.n, 2);
    assert_string_equal(s.platform.architecture, "amd64");
}

static void grype_json_is_counted(void **state)
{
    (void)state;
    AUTO(scan_clear_auto) struct scan s = { 0 };
    read_fixture("grype.json", &s);
    assert_string_equal(s.format, "Grype JSON");
    assert_string_equal(s.tool, "grype 0.74.7");
    COUNTED(&s, 1, 1, 0, 0, 1, 0);
    assert_int_equal(s.n_fixable, 2);
    assert_int_equal(s.n_suppressed, 1);
    has_digest(&s.ids, '1');
    has_digest(&s.ids, '2');
    has_digest(&s.ids, '3');
    has_digest(&s.diff_ids, 'a');
    assert_string_equal(s.worst[0].package, "libssl3 3.0.11-1~deb12u2");
    assert_string_equal(s.worst[0].target, "deb");
}

/* 9.8 by index, 3.7 by name, error and nothing at all without score, 9.8 that is under review, 3.7 by reference; 7.0 of an extension. */
static void sarif_is_counted(void **state)
{
    (void)state;
    AUTO(scan_clear_auto) struct scan s = { 0 };
    read_fixture("trivy.sarif", &s);
    assert_string_equal(s.format, "SARIF");
    assert_string_equal(s.tool, "Trivy 0.50.1");
    COUNTED(&s, 3, 1, 1, 2, 0, 0);
    assert_int_equal(s.n_suppressed, 1);
    assert_string_equal(s.worst[0].id, "CVE-2024-0001");
    assert_string_equal(s.worst[0].package, "shop/app: libssl3@3.0.11-1~deb12u2");
    assert_string_equal(s.targets[0].name, "shop/app");
    has_digest(&s.ids, '2');
}

static void a_clean_report_has_no_findings(void **state)
{
    (void)state;
    static const char *const clean[] = {
        "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"ArtifactType\":\"container_image\"}",
        "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"Results\":null}",
        "{\"matches\":[],\"source\":{\"type\":\"directory\",\"target\":\"/srv\"},\"descriptor\":{\"name\":\"grype\"}}",
        "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"x\"}},\"results\":[]}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(clean); i++) {
        AUTO(scan_clear_auto) struct scan s = { 0 };
        read_text(clean[i], &s);
        assert_int_equal(severity_sum(&s.counts), 0);
        assert_string_equal(SEVERITIES_SHOWN(&s.counts), "no findings");
    }
}

static void refused(const char *text, const char *why)
{
    struct err e = { 0 };
    struct scan s;
    if (scan_read(&s, text, strlen(text), "report", &e))
        fail_msg("accepted: %s", text);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, e.msg);
}

static void what_is_no_scan_report_is_refused(void **state)
{
    (void)state;
    refused("", "end");
    refused("[]", "expected an object");
    refused("{}", "neither Trivy's JSON");
    refused("{\"results\":[]}", "neither Trivy's JSON");
    refused("{\"SchemaVersion\":2}", "neither Trivy's JSON");
    refused("{\"ClusterName\":\"x\",\"Resources\":[]}", "neither Trivy's JSON");
    refused("<html>", "byte 0");
}

/* Each of these would hide findings if it were passed over. */
static void a_report_of_another_shape_is_refused(void **state)
{
    (void)state;
    refused("{\"SchemaVersion\":3,\"ArtifactName\":\"a\"}", "SchemaVersion: 3, expected 2");
    refused("{\"SchemaVersion\":2,\"Results\":{}}", "Results: expected an array");
    refused("{\"SchemaVersion\":2,\"Results\":[{\"Vulnerabilities\":{}}]}", "Results[0].Vulnerabilities: expected an array");
    refused("{\"SchemaVersion\":2,\"Results\":[{\"Vulnerabilities\":[7]}]}", "expected an object");
    refused("{\"SchemaVersion\":2,\"Results\":[{\"Vulnerabilities\":[{\"Severity\":9}]}]}", "Severity: expected text");
    refused("{\"SchemaVersion\":2,\"Results\":[],\"Results\":[]}", "duplicate key");
    refused("{\"matches\":{},\"source\":{}}", "matches: expected an array");
    refused("{\"matches\":[{}],\"source\":{}}", "vulnerability: missing");
    refused("{\"matches\":[],\"source\":{\"type\":\"image\",\"target\":\"x\"}}", "target: expected an object");
    refused("{\"version\":\"2.0.0\",\"runs\":[]}", "expected \"2.1.0\"");
    refused("{\"runs\":[]}", "version: missing");
    refused("{\"version\":\"2.1.0\",\"runs\":[{\"results\":[]}]}", "tool: missing");
    refused("{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"x\"}},\"results\":{}}]}", "results: expected an array");
}

static void a_word_that_is_no_severity_counts_as_unknown(void **state)
{
    (void)state;
    AUTO(scan_clear_auto) struct scan s = { 0 };
    read_text("{\"SchemaVersion\":2,\"Results\":[{\"Target\":\"t\",\"Vulnerabilities\":[{\"VulnerabilityID\":\"A\",\"Severity\":\"severe\"}"
              ",{}]}]}",
              &s);
    COUNTED(&s, 0, 0, 0, 0, 0, 2);
}

static void only_the_worst_are_kept_in_order(void **state)
{
    (void)state;
    static const char *const words[] = { "LOW", "CRITICAL", "MEDIUM", "HIGH" };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    AUTO(scan_clear_auto) struct scan s = { 0 };
    buf_adds(&text, "{\"SchemaVersion\":2,\"Results\":[{\"Target\":\"t\",\"Vulnerabilities\":[");
    for (int i = 0; i < 40; i++)
        buf_addf(&text, "%s{\"VulnerabilityID\":\"CVE-%02d\",\"Severity\":\"%s\"}", i == 0 ? "" : ",", i, words[i % 4]);
    buf_adds(&text, "]}]}");
    read_text(buf_text(&text), &s);
    COUNTED(&s, 10, 10, 10, 10, 0, 0);
    assert_int_equal(s.n_worst, SCAN_WORST);
    for (size_t i = 0; i < SCAN_WORST; i++) {
        AUTO(mem_auto) char *id = mem_format("CVE-%02zu", 1 + 4 * i);
        assert_string_equal(s.worst[i].id, id);
    }
}

static void targets_beyond_the_limit_are_counted_together(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    AUTO(scan_clear_auto) struct scan s = { 0 };
    buf_adds(&text, "{\"SchemaVersion\":2,\"Results\":[");
    for (int i = 0; i < LIMIT_SCAN_TARGETS + 50; i++)
        buf_addf(&text, "%s{\"Target\":\"t%d\",\"Vulnerabilities\":[{\"Severity\":\"HIGH\"}]}", i == 0 ? "" : ",", i);
    buf_adds(&text, "]}");
    read_text(buf_text(&text), &s);
    assert_int_equal(s.n_targets, LIMIT_SCAN_TARGETS + 1);
    assert_int_equal(s.targets[LIMIT_SCAN_TARGETS].counts.n[SEVERITY_HIGH], 50);
    assert_int_equal(s.counts.n[SEVERITY_HIGH], LIMIT_SCAN_TARGETS + 50);
}

/* Descriptions, links and scores beside the findings: more values than other documents may have, and less than no end. */
static void reports_may_be_long(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        bool is_fine;
    } table[] = { { LIMIT_JSON_VALUES + 1000, true }, { LIMIT_REPORT_VALUES, false } };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct err e = { 0 };
        struct scan s;
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_SCAN_REPORT_BYTES);
        buf_adds(&text, "{\"SchemaVersion\":2,\"Results\":[],\"more\":[0");
        for (size_t k = 1; k < table[i].n; k++)
            buf_adds(&text, ",0");
        buf_adds(&text, "]}");
        assert_int_equal(scan_read(&s, buf_text(&text), text.len, "report", &e), table[i].is_fine);
        assert_true(table[i].is_fine || strstr(e.msg, "more than 2000000 values") != NULL);
        scan_clear(&s);
    }
}

static void scores_become_severities(void **state)
{
    (void)state;
    static const struct {
        const char *score;
        enum severity want;
    } table[] = { { "10.0", SEVERITY_CRITICAL },
                  { "9.0", SEVERITY_CRITICAL },
                  { "8.9", SEVERITY_HIGH },
                  { "7.0", SEVERITY_HIGH },
                  { "6.9", SEVERITY_MEDIUM },
                  { "4", SEVERITY_MEDIUM },
                  { "3.9", SEVERITY_LOW },
                  { "0.1", SEVERITY_LOW },
                  { "0.0", SEVERITY_UNKNOWN },
                  /* no score: the level speaks */
                  { "11", SEVERITY_LOW },
                  { "-1", SEVERITY_LOW },
                  { "9.8x", SEVERITY_LOW },
                  { "", SEVERITY_LOW },
                  { "9.", SEVERITY_LOW } };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        AUTO(scan_clear_auto) struct scan s = { 0 };
        AUTO(mem_auto)
        char *text = mem_format("{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"x\"}},\"results\":[{\"level\":\"note\","
                                "\"properties\":{\"security-severity\":\"%s\"}}]}]}",
                                table[i].score);
        read_text(text, &s);
        if (s.counts.n[table[i].want] != 1)
            fail_msg("%s", table[i].score);
    }
}

static void severities_are_read_in_any_letters(void **state)
{
    (void)state;
    enum severity s;
    assert_true(severity_parse(&s, "Critical") && s == SEVERITY_CRITICAL);
    assert_true(severity_parse(&s, "low") && s == SEVERITY_LOW);
    assert_false(severity_parse(&s, "criticals"));
    assert_false(severity_parse(&s, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trivy_json_is_counted),
        cmocka_unit_test(trivy_json_says_which_image),
        cmocka_unit_test(grype_json_is_counted),
        cmocka_unit_test(sarif_is_counted),
        cmocka_unit_test(a_clean_report_has_no_findings),
        cmocka_unit_test(what_is_no_scan_report_is_refused),
        cmocka_unit_test(a_report_of_another_shape_is_refused),
        cmocka_unit_test(a_word_that_is_no_severity_counts_as_unknown),
        cmocka_unit_test(only_the_worst_are_kept_in_order),
        cmocka_unit_test(targets_beyond_the_limit_are_counted_together),
        cmocka_unit_test(reports_may_be_long),
        cmocka_unit_test(scores_become_severities),
        cmocka_unit_test(severities_are_read_in_any_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
