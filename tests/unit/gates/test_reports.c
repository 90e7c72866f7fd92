/* The summary of reports: what was written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "gates/reports.h"

static void fill(struct reports *r)
{
    struct reports_scan x = { .member = mem_text("reports/trivy.json"), .match = REPORTS_DIGEST };
    x.scan.format = scan_formats[0];
    x.scan.tool = mem_text("Trivy 0.50.1");
    x.scan.artifact = mem_text("shop/app:\xc3\xa4");
    x.scan.counts.n[SEVERITY_HIGH] = 3;
    x.scan.counts.n[SEVERITY_UNKNOWN] = 1;
    x.scan.n_fixable = 2;
    x.scan.n_suppressed = 7;
    MEM_PUSH(x.scan.targets, x.scan.n_targets, x.scan.cap_targets) =
        (struct scan_target){ .name = mem_text("debian 12"), .counts = x.scan.counts, .n_fixable = 2 };
    x.scan.worst[x.scan.n_worst++] =
        (struct scan_finding){ SEVERITY_HIGH, true, mem_text("CVE-1"), mem_text("tar 1.34"), mem_text("debian 12") };
    reports_images_add(&x.images, "registry.example/shop/app:1", "linux/amd64");
    MEM_PUSH(r->scans, r->n_scans, r->cap_scans) = x;
    reports_images_add(&r->unscanned, "registry.example/shop/web:1", "linux/arm/v7");
    r->has_fail_on = true;
    r->fail_on = SEVERITY_CRITICAL;
    struct reports_sbom sbom = { reports_image_of("registry.example/shop/app:1", ""), REPORTS_CYCLONEDX,
                                 mem_text("images/0/attestation-0/blob-0.json") };
    MEM_PUSH(r->sboms, r->n_sboms, r->cap_sboms) = sbom;
    r->has_packages = true;
    struct reports_packages p = { reports_image_of("registry.example/shop/app:1", "linux/amd64"), mem_text("debian-12"), 88,
                                  REPORTS_DPKG | REPORTS_APK, REPORTS_RPM };
    MEM_PUSH(r->packages, r->n_packages, r->cap_packages) = p;
}

static void write_text(const struct reports *r, struct buf *out)
{
    struct err e = { 0 };
    *out = (struct buf)BUF_LIMIT(LIMIT_REPORTS_BYTES);
    if (!reports_write(r, out, &e))
        fail_msg("%s", e.msg);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(reports_clear_auto) struct reports r = { 0 };
    AUTO(reports_clear_auto) struct reports again = { 0 };
    AUTO(buf_clear_auto) struct buf first = { 0 };
    AUTO(buf_clear_auto) struct buf second = { 0 };
    fill(&r);
    write_text(&r, &first);
    if (!reports_read(&again, buf_text(&first), first.len, &e))
        fail_msg("%s", e.msg);
    write_text(&again, &second);
    assert_string_equal(buf_text(&first), buf_text(&second));
    assert_int_equal(again.scans[0].scan.counts.n[SEVERITY_HIGH], 3);
    assert_int_equal(again.fail_on, SEVERITY_CRITICAL);
    assert_int_equal(again.packages[0].found, REPORTS_DPKG | REPORTS_APK);
    assert_string_equal(again.scans[0].scan.artifact, "shop/app:\xc3\xa4");
}

static void refused(const char *from, const char *to, const char *why)
{
    struct err e = { 0 };
    AUTO(reports_clear_auto) struct reports r = { 0 };
    AUTO(reports_clear_auto) struct reports again = { 0 };
    AUTO(buf_clear_auto) struct buf text = { 0 };
    fill(&r);
    write_text(&r, &text);
    const char *at = strstr(buf_text(&text), from);
    assert_non_null(at);
    AUTO(mem_auto) char *bent = mem_format("%.*s%s%s", (int)(at - buf_text(&text)), buf_text(&text), to, at + strlen(from));
    if (reports_read(&again, bent, strlen(bent), &e))
        fail_msg("accepted: %s", to);
    assert_int_equal(e.code, ERR_FORMAT);
    if (strstr(e.msg, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, e.msg);
}

static void what_is_not_of_that_shape_is_refused(void **state)
{
    (void)state;
    refused("\"archon_reports\": 1", "\"archon_reports\": 2", "expected 1");
    refused("\"high\": 3", "\"hihg\": 3", "unknown key");
    refused("\"match\": \"digest\"", "\"match\": \"surely\"", "\"surely\" is not known");
    refused("\"format\": \"Trivy JSON\"", "\"format\": \"HTML\"", "\"HTML\" is not known");
    refused("\"fail_on\": \"critical\"", "\"fail_on\": \"bad\"", "\"bad\" is no severity");
    refused("[\"dpkg\",\"apk\"]", "[\"dpkg\",\"dpkg\"]", "there twice");
    refused("\"packages\": 88", "\"packages\": -1", "whole number");
    refused("\"kind\": \"CycloneDX\"", "\"kind\": \"x\",\"kind\": \"CycloneDX\"", "duplicate key");
    refused("\"unscanned\"", "\"unscaned\"", "unscanned");
}

static void nothing_is_empty(void **state)
{
    (void)state;
    AUTO(reports_clear_auto) struct reports r = { 0 };
    assert_true(reports_are_empty(&r));
    fill(&r);
    assert_false(reports_are_empty(&r));
    assert_string_equal(reports_databases(&(struct reports_databases_text){ { 0 } }, REPORTS_DPKG | REPORTS_RPM), "dpkg, rpm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_is_not_of_that_shape_is_refused),
        cmocka_unit_test(nothing_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
