/* The referrers API, its pages, and the tag that stands in for it; from registries that behave and registries that do not. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "registry/manifests.h"
#include "registry/mirrors.h"
#include "registry/referrers.h"
#include "tests/support/fake.h"

#include "base/banned.h"

#define HEX "0100000000000000000000000000000000000000000000000000000000000000"
#define API "/v2/a/referrers/sha256:" HEX
#define TAG "/v2/a/manifests/sha256-" HEX
#define TYPED "\"headers\": [[\"Content-Type\", \"application/vnd.oci.image.index.v1+json\"]]"
#define LINKED(to) "\"headers\": [[\"Content-Type\", \"application/vnd.oci.image.index.v1+json\"], [\"Link\", \"<" to ">; rel=\\\"next\\\"\"]]"
#define ENTRY(digit) "{\\\"mediaType\\\":\\\"application/vnd.oci.image.manifest.v1+json\\\",\\\"artifactType\\\":\\\"t/" digit "\\\",\\\"size\\\":9,\\\"digest\\\":\\\"sha256:000000000000000000000000000000000000000000000000000000000000000" digit "\\\"}"
#define LIST(entries) "\"body\": \"{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"application/vnd.oci.image.index.v1+json\\\",\\\"manifests\\\":[" entries "]}\""
#define RULES(text) "{\"ports\": 2, \"rules\": [" text "]}"

static struct fake fake; /* one server for all tests, with other rules for each */

struct setting {
    char mirror[64];
    const char *plain[2];
    struct mirrors *mirrors;
    struct registry *r;
    struct ref ref;
    struct digest subject;
    struct referrers found;
    enum registry_referrers_from from;
};

static void begin_with_mirror(struct setting *s, const char *script, bool has_mirror)
{
    struct err e = { 0 };
    memset(s, 0, sizeof *s);
    fake_again(&fake, script);
    snprintf(s->ref.host, sizeof s->ref.host, "127.0.0.1:%u", fake.ports[0]);
    s->ref.repository[0] = 'a';
    s->ref.tag[0] = '1';
    s->subject.bytes[0] = 1;
    snprintf(s->mirror, sizeof s->mirror, "127.0.0.1:%u", fake.ports[1]);
    s->plain[0] = s->ref.host;
    s->plain[1] = s->mirror;
    s->mirrors = mirrors_new();
    AUTO(mem_auto) char *rule = mem_format("%s=%s/hub", s->ref.host, s->mirror);
    assert_true(!has_mirror || mirrors_add(s->mirrors, rule, &e));
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 2, .mirrors = s->mirrors, .tries = 1, .first_wait_ms = 10, .stall_timeout_ms = 5000 };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void begin(struct setting *s, const char *script)
{
    begin_with_mirror(s, script, false);
}

static void end(struct setting *s)
{
    referrers_clear(&s->found);
    registry_free(s->r);
    mirrors_free(s->mirrors);
}

static void ask(struct setting *s)
{
    struct err e = { 0 };
    if (!registry_referrers(s->r, &s->ref, &s->subject, &s->found, &s->from, &e))
        fail_msg("%s: %s", err_name(e.code), e.msg);
}

static void refuses(const char *script, enum err_code code, const char *part)
{
    struct setting s;
    struct err e = { 0 };
    begin(&s, script);
    assert_false(registry_referrers(s.r, &s.ref, &s.subject, &s.found, &s.from, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
    assert_int_equal(fake_count(&fake, "\"port\": 1"), 0);
    end(&s);
}

static void the_api_gives_every_entry_over_all_pages(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, RULES("{\"path\": \"" API "\", " LINKED(API "?last=1") ", " LIST(ENTRY("1") "," ENTRY("2")) "},"
                    "{\"path\": \"" API "?last=1\", " LINKED("http://127.0.0.1:{port0}" API "?last=2") ", " LIST(ENTRY("2")) "},"
                    "{\"path\": \"" API "?last=2\", " TYPED ", " LIST(ENTRY("3")) "}"));
    ask(&s);
    assert_int_equal(s.from, REFERRERS_API);
    assert_int_equal(s.found.n, 3);
    assert_string_equal(s.found.items[2].type, "t/3");
    assert_int_equal(fake_count(&fake, "/manifests/"), 0);
    end(&s);
}

static void no_entries_in_the_api_are_no_reason_to_look_at_the_tag(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, RULES("{\"path\": \"" API "\", " TYPED ", " LIST("") "}, {\"path\": \"" TAG "\", " TYPED ", " LIST(ENTRY("1")) "}"));
    ask(&s);
    assert_int_equal(s.from, REFERRERS_API);
    assert_int_equal(s.found.n, 0);
    end(&s);
}

static void a_registry_without_the_api_is_asked_for_the_tag(void **state)
{
    static const char *const without[] = { "{\"path\": \"" API "\", \"status\": 404, \"body\": \"404 page not found\"},",
                                           "{\"path\": \"" API "\", \"status\": 405},",
                                           "{\"path\": \"" API "\", \"headers\": [[\"Content-Type\", \"text/html\"]], \"body\": \"<html>\"}," };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"ports\": 2, \"rules\": [%s {\"path\": \"" TAG "\", " TYPED ", " LIST(ENTRY("1")) "}]}", without[i]);
        begin(&s, script);
        ask(&s);
        assert_int_equal(s.from, REFERRERS_TAG);
        assert_int_equal(s.found.n, 1);
        end(&s);
    }
}

static void neither_api_nor_tag_means_none(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, RULES("{\"status\": 404}"));
    ask(&s);
    assert_int_equal(s.from, REFERRERS_NOWHERE);
    assert_int_equal(s.found.n, 0);
    end(&s);
}

static void trouble_is_not_the_same_as_none(void **state)
{
    (void)state;
    refuses(RULES("{\"path\": \"" API "\", \"status\": 503}"), ERR_NET, "503");
    refuses(RULES("{\"path\": \"" API "\", \"status\": 500}"), ERR_REGISTRY, "500");
    refuses(RULES("{\"path\": \"" API "\", \"drop\": true}"), ERR_NET, "127.0.0.1");
    refuses(RULES("{\"path\": \"" API "\", \"status\": 403}"), ERR_AUTH, "access denied");
    refuses(RULES("{\"path\": \"" API "\", \"status\": 404}, {\"status\": 503}"), ERR_NET, "503");
    refuses(RULES("{\"path\": \"" API "\", \"status\": 404}, {\"status\": 403}"), ERR_AUTH, "access denied");
}

static void lists_that_are_none_are_refused(void **state)
{
    (void)state;
    refuses(RULES("{\"path\": \"" API "\", " TYPED ", \"body\": \"{}\"}"), ERR_REGISTRY, "referrers of sha256:" HEX);
    refuses(RULES("{\"path\": \"" API "\", " TYPED ", \"body\": \"{\"}"), ERR_REGISTRY, "referrers of sha256:" HEX);
    refuses(RULES("{\"path\": \"" API "\", " TYPED ", \"body_fill\": [\"{ \", 5000000]}"), ERR_REGISTRY, "longer than the allowed");
    refuses(RULES("{\"path\": \"" API "\", " TYPED ", " LIST("{\\\"mediaType\\\":\\\"x\\\",\\\"size\\\":1,\\\"digest\\\":\\\"sha256:../x\\\"}") "}"), ERR_REGISTRY, "digest");
    refuses(RULES("{\"path\": \"" API "\", \"status\": 404}, {\"path\": \"" TAG "\", \"body\": \"{\\\"schemaVersion\\\":2,\\\"config\\\":{},\\\"layers\\\":[]}\"}"), ERR_REGISTRY, "referrers of");
}

static void pages_without_end_or_on_another_server_are_refused(void **state)
{
    (void)state;
    refuses(RULES("{" LINKED(API) ", " LIST(ENTRY("1")) "}"), ERR_REGISTRY, "more than 16 pages");
    refuses(RULES("{" LINKED("http://127.0.0.1:{port1}/steal") ", " LIST(ENTRY("1")) "}"), ERR_REGISTRY, "the next page is said to be at http://127.0.0.1:");
    refuses(RULES("{" LINKED("//other.example/x") ", " LIST(ENTRY("1")) "}"), ERR_REGISTRY, "other.example");
    refuses(RULES("{" LINKED("file:///etc/passwd") ", " LIST(ENTRY("1")) "}"), ERR_REGISTRY, "referrers of");
    refuses(RULES("{\"path\": \"" API "\", " LINKED(API "?2") ", " LIST(ENTRY("1")) "}, {\"status\": 404}"), ERR_REGISTRY, "page 2 is missing");
}

static void a_mirror_without_them_does_not_hide_what_the_registry_has(void **state)
{
    (void)state;
    struct setting s;
    begin_with_mirror(&s, RULES("{\"port\": 1, \"status\": 404}, {\"path\": \"" API "\", " TYPED ", " LIST(ENTRY("1")) "}, {\"status\": 404}"), true);
    ask(&s);
    assert_int_equal(s.from, REFERRERS_API);
    assert_int_equal(s.found.n, 1);
    assert_int_equal(fake_count(&fake, "/v2/hub/a/referrers/"), 1);
    end(&s);
}

static void pages_of_a_mirror_stay_with_the_mirror(void **state)
{
    (void)state;
    struct setting s;
    begin_with_mirror(&s, RULES("{\"port\": 1, \"path\": \"/v2/hub/a/referrers/sha256:" HEX "\", " LINKED("http://127.0.0.1:{port1}/v2/hub/a/referrers/2") ", " LIST(ENTRY("1")) "},"
                                "{\"port\": 1, \"path\": \"/v2/hub/a/referrers/2\", " TYPED ", " LIST(ENTRY("2")) "}, {\"status\": 404}"), true);
    ask(&s);
    assert_int_equal(s.found.n, 2);
    assert_int_equal(fake_count(&fake, "\"port\": 0"), 0);
    end(&s);
}

static void a_tag_that_need_not_be_there_is_found_or_not(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    bool is_there = false;
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    begin(&s, RULES("{\"path\": \"/v2/a/manifests/here.sig\", " LIST("") "}, {\"path\": \"/v2/a/manifests/hidden.sig\", \"status\": 403}, {\"status\": 404}"));
    assert_true(registry_manifest_find(s.r, &s.ref, "here.sig", &d, &is_there, &e));
    assert_true(is_there && d.bytes.len > 0);
    assert_true(registry_manifest_find(s.r, &s.ref, "there.sig", &d, &is_there, &e));
    assert_true(!is_there && d.bytes.len == 0);
    assert_false(registry_manifest_find(s.r, &s.ref, "hidden.sig", &d, &is_there, &e));
    assert_int_equal(e.code, ERR_AUTH);
    assert_false(is_there);
    end(&s);
}

static int begin_all(void **state)
{
    (void)state;
    fake_start(&fake, RULES(""));
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_api_gives_every_entry_over_all_pages),
        cmocka_unit_test(no_entries_in_the_api_are_no_reason_to_look_at_the_tag),
        cmocka_unit_test(a_registry_without_the_api_is_asked_for_the_tag),
        cmocka_unit_test(neither_api_nor_tag_means_none),
        cmocka_unit_test(trouble_is_not_the_same_as_none),
        cmocka_unit_test(lists_that_are_none_are_refused),
        cmocka_unit_test(pages_without_end_or_on_another_server_are_refused),
        cmocka_unit_test(a_mirror_without_them_does_not_hide_what_the_registry_has),
        cmocka_unit_test(pages_of_a_mirror_stay_with_the_mirror),
        cmocka_unit_test(a_tag_that_need_not_be_there_is_found_or_not),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
