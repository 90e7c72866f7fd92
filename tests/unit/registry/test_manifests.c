/* Indexes, manifests and configs from registries that behave and registries that do not. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"
#include "tests/support/fake.h"

#include "base/banned.h"

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define TYPED(type) "\"headers\": [[\"Content-Type\", \"" type "\"]]"
static const char index_text[] = "{\"schemaVersion\":2,\"mediaType\":\"" INDEX_TYPE "\",\"manifests\":[]}";
#define INDEX_BODY "\"body\": \"{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"" INDEX_TYPE "\\\",\\\"manifests\\\":[]}\""

struct setting {
    struct fake f;
    const char *plain[1];
    struct registry *r;
    struct ref ref;
};

static void begin(struct setting *s, const char *script)
{
    struct err e = { 0 };
    memset(s, 0, sizeof *s);
    fake_start(&s->f, script);
    snprintf(s->ref.host, sizeof s->ref.host, "127.0.0.1:%u", s->f.ports[0]);
    s->ref.repository[0] = 'a';
    s->ref.tag[0] = '1';
    s->plain[0] = s->ref.host;
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 1, .tries = 2, .first_wait_ms = 10, .stall_timeout_ms = 5000 };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void end(struct setting *s)
{
    registry_free(s->r);
    fake_stop(&s->f);
}

static void refuses(const char *script, const struct digest *digest, enum err_code code, const char *part)
{
    struct setting s;
    begin(&s, script);
    struct err e = { 0 };
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    assert_false(registry_manifest(s.r, &s.ref, digest, &d, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
    end(&s);
}

static void the_exact_bytes_their_digest_and_kind_are_returned(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/v2/a/manifests/1\", " TYPED(INDEX_TYPE "; charset=utf-8") ", " INDEX_BODY "}]}");
    struct err e = { 0 };
    struct digest want;
    sha256_of(&want, index_text, sizeof index_text - 1);
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    if (!registry_manifest(s.r, &s.ref, NULL, &d, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(d.kind, OCI_KIND_INDEX);
    assert_true(digest_equal(&d.digest, &want));
    assert_string_equal(buf_text(&d.bytes), index_text);
    assert_string_equal(d.content_type, INDEX_TYPE);
    /* All four types are offered: a type that is missing makes old registries convert. */
    assert_int_equal(fake_count(&s.f, "[\"Accept\", \"application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
                                      "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json\"]"), 1);
    end(&s);
}

static void a_pinned_digest_is_asked_for_and_compared(void **state)
{
    (void)state;
    struct digest want, other;
    sha256_of(&want, index_text, sizeof index_text - 1);
    sha256_of(&other, "x", 1);
    AUTO(mem_auto) char *good = mem_format("{\"rules\": [{\"path\": \"/v2/a/manifests/%s\", %s}]}", DIGEST_SHOWN(&want), INDEX_BODY);
    struct setting s;
    begin(&s, good);
    struct err e = { 0 };
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    assert_true(registry_manifest(s.r, &s.ref, &want, &d, &e));
    s.ref.has_digest = true;
    s.ref.digest = want;
    assert_true(registry_manifest(s.r, &s.ref, NULL, &d, &e));
    end(&s);
    /* The registry says that it is the right one; we look ourselves. */
    AUTO(mem_auto) char *liar = mem_format("{\"rules\": [{\"headers\": [[\"Docker-Content-Digest\", \"%s\"]], %s}]}", DIGEST_SHOWN(&other), INDEX_BODY);
    refuses(liar, &other, ERR_INTEGRITY, "expected sha256:");
    refuses(liar, NULL, ERR_INTEGRITY, "the registry announced sha256:");
}

static void documents_that_are_no_manifests_are_refused(void **state)
{
    (void)state;
    refuses("{\"rules\": [{" TYPED("application/vnd.docker.distribution.manifest.v1+prettyjws") ", \"body\": \"{\\\"schemaVersion\\\":1}\"}]}", NULL, ERR_REGISTRY, "");
    refuses("{\"rules\": [{" TYPED("application/vnd.oci.image.manifest.v1+json") ", " INDEX_BODY "}]}", NULL, ERR_REGISTRY, "");
    refuses("{\"rules\": [{\"body\": \"<html>please log in</html>\"}]}", NULL, ERR_REGISTRY, "");
    refuses("{\"rules\": [{\"body\": \"\"}]}", NULL, ERR_REGISTRY, "");
}

static void documents_over_the_limit_are_refused(void **state)
{
    (void)state;
    refuses("{\"rules\": [{\"body_fill\": [\" \", 4194305]}]}", NULL, ERR_REGISTRY, "a:1: longer than the allowed 4194304 bytes");
    refuses("{\"rules\": [{\"body_fill\": [\" \", 5000000], \"length\": null}]}", NULL, ERR_REGISTRY, "a:1: longer than the allowed 4194304 bytes");
}

static void what_the_registry_says_is_shown_safely(void **state)
{
    (void)state;
    refuses("{\"rules\": [{\"status\": 404, \"body\": \"{\\\"errors\\\": [{\\\"code\\\": \\\"MANIFEST_UNKNOWN\\\", \\\"message\\\": \\\"manifest \\\\u001b[31munknown\\\"}]}\"}]}", NULL,
            ERR_REGISTRY, "answered 404: the registry has no such thing (MANIFEST_UNKNOWN: manifest \\x1b[31munknown)");
    refuses("{\"rules\": [{\"status\": 403, \"body\": \"{\\\"errors\\\": [{\\\"code\\\": \\\"DENIED\\\", \\\"message\\\": \\\"no\\\"}]}\"}]}", NULL, ERR_AUTH,
            "access denied (DENIED: no)");
    refuses("{\"rules\": [{\"status\": 418, \"body\": \"short and stout\"}]}", NULL, ERR_REGISTRY, "answered 418");
}

static void passing_trouble_is_tried_again_and_lasting_trouble_is_not(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"times\": 1, \"status\": 429, \"headers\": [[\"Retry-After\", \"0\"]]}, {\"times\": 1, \"drop\": true}, {" INDEX_BODY "}]}");
    struct err e = { 0 };
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    if (!registry_manifest(s.r, &s.ref, NULL, &d, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(fake_count(&s.f, "\"method\""), 3);
    end(&s);
    refuses("{\"rules\": [{\"status\": 503}]}", NULL, ERR_NET, "not available now, tried 3 times");
    refuses("{\"rules\": [{\"drop\": true}]}", NULL, ERR_NET, "127.0.0.1");
}

static void small_blobs_must_be_what_was_promised(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"body\": \"hello\"}]}");
    struct digest want, other;
    sha256_of(&want, "hello", 5);
    sha256_of(&other, "hellO", 5);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    struct err e = { 0 };
    assert_true(registry_small_blob(s.r, &s.ref, &want, 5, &out, &e));
    assert_string_equal(buf_text(&out), "hello");
    assert_false(registry_small_blob(s.r, &s.ref, &other, 5, &out, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    struct err e2 = { 0 };
    assert_false(registry_small_blob(s.r, &s.ref, &want, 6, &out, &e2));
    assert_int_equal(e2.code, ERR_INTEGRITY);
    assert_non_null(strstr(e2.msg, "5 bytes, expected 6"));
    struct err e3 = { 0 };
    assert_false(registry_small_blob(s.r, &s.ref, &want, 4, &out, &e3));
    assert_non_null(strstr(e3.msg, "longer than the expected 4 bytes"));
    end(&s);
}

static void a_registry_on_this_host_may_speak_tls_or_not(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"ports\": 2, \"tls\": [1], \"rules\": [{\"path\": \"/v2/\", \"status\": 401}, {" INDEX_BODY "}]}");
    for (int port = 0; port < 2; port++) {
        struct err e = { 0 };
        struct registry_options o = { .ca_file = fake_path(&f, "ca.pem"), .tries = UINT_MAX };
        AUTO(registry_free_auto) struct registry *r = registry_open(&o, &e);
        struct ref ref = { .repository = "a", .tag = "1" };
        snprintf(ref.host, sizeof ref.host, "localhost:%u", f.ports[port]);
        AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
        if (!registry_manifest(r, &ref, NULL, &d, &e))
            fail_msg("%s", e.msg);
    }
    /* An authority that is not believed is said, not worked around. */
    struct err e = { 0 };
    struct registry_options o = { .tries = UINT_MAX };
    AUTO(registry_free_auto) struct registry *r = registry_open(&o, &e);
    struct ref ref = { .repository = "a", .tag = "1" };
    snprintf(ref.host, sizeof ref.host, "127.0.0.1:%u", f.ports[1]);
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    assert_false(registry_manifest(r, &ref, NULL, &d, &e));
    assert_int_equal(e.code, ERR_NET);
    assert_non_null(strstr(e.msg, "certificate"));
    assert_non_null(strstr(e.hint, "--registry-ca"));
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_bytes_their_digest_and_kind_are_returned),
        cmocka_unit_test(a_pinned_digest_is_asked_for_and_compared),
        cmocka_unit_test(documents_that_are_no_manifests_are_refused),
        cmocka_unit_test(documents_over_the_limit_are_refused),
        cmocka_unit_test(what_the_registry_says_is_shown_safely),
        cmocka_unit_test(passing_trouble_is_tried_again_and_lasting_trouble_is_not),
        cmocka_unit_test(small_blobs_must_be_what_was_promised),
        cmocka_unit_test(a_registry_on_this_host_may_speak_tls_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
