/* What signatures on images are made of: payloads of the classic form, Sigstore bundles, in-toto statements, the manifests that hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "format/artifact.h"
#include "format/sigstore.h"
#include "format/simple_signing.h"


#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CRITICAL(type, image, identity) "{\"critical\":{\"identity\":{" identity "},\"image\":{" image "},\"type\":\"" type "\"},\"optional\":null}"
#define TYPE "cosign container image signature"
#define IMAGE "\"docker-manifest-digest\":\"sha256:" HEX "\""
#define IDENTITY "\"docker-reference\":\"registry.example/shop/web\""

static void payload_is(const char *text)
{
    struct err e = { 0 };
    struct simple_signing p;
    struct digest want;
    if (!simple_signing_read(&p, text, strlen(text), "payload", &e))
        fail_msg("%s", e.msg);
    assert_true(digest_parse_hex(&want, HEX, "test", &e));
    assert_true(digest_equal(&p.digest, &want));
    assert_string_equal(p.reference, "registry.example/shop/web");
}

static void payload_refused(const char *text, const char *part)
{
    struct err e = { 0 };
    struct simple_signing p;
    assert_false(simple_signing_read(&p, text, strlen(text), "payload", &e));
    if (e.code != ERR_TRUST || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s)", err_name(e.code), e.msg, part);
    assert_string_equal(p.reference, "");
}

static void payloads_of_cosign_and_of_older_programs_are_read(void **state)
{
    (void)state;
    payload_is(CRITICAL(TYPE, IMAGE, IDENTITY));
    payload_is(CRITICAL("atomic container signature", IMAGE, IDENTITY));
    payload_is("{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" IMAGE "},\"identity\":{" IDENTITY "}},\"optional\":{\"creator\":\"me\",\"timestamp\":1458239713.5,\"a\":[{}]}}");
    payload_is("{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" IMAGE "},\"identity\":{" IDENTITY "}}}");
}

static void payloads_that_say_something_else_or_two_things_are_refused(void **state)
{
    (void)state;
    payload_refused("", "payload");
    payload_refused("[]", "payload");
    payload_refused("{}", "critical");
    payload_refused(CRITICAL("cosign blob signature", IMAGE, IDENTITY), "critical.type: expected \"cosign container image signature\"");
    payload_refused(CRITICAL(TYPE, "\"docker-manifest-digest\":\"sha512:" HEX "\"", IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, "\"docker-manifest-digest\":\"sha256:../../etc\"", IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, "\"docker-manifest-digest\":7", IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, "\"Docker-manifest-digest\":\"sha256:" HEX "\"", IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, "", IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, IMAGE "," IMAGE, IDENTITY), "docker-manifest-digest");
    payload_refused(CRITICAL(TYPE, IMAGE ",\"platform\":\"x\"", IDENTITY), "unknown key \"platform\"");
    payload_refused(CRITICAL(TYPE, IMAGE, ""), "docker-reference");
    payload_refused(CRITICAL(TYPE, IMAGE, IDENTITY ",\"until\":1"), "unknown key \"until\"");
    payload_refused("{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" IMAGE "},\"identity\":{" IDENTITY "}},\"critical\":{}}", "critical");
    payload_refused("{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" IMAGE "},\"identity\":{" IDENTITY "},\"new\":true}}", "unknown key \"new\"");
    payload_refused("{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" IMAGE "},\"identity\":{" IDENTITY "}},\"more\":true}", "unknown key \"more\"");
    payload_refused(CRITICAL(TYPE, IMAGE, IDENTITY) "{}", "payload");
}

static void a_payload_beyond_the_limit_is_refused_before_it_is_read(void **state)
{
    (void)state;
    AUTO(mem_auto) char *text = mem_new(LIMIT_SIGNED_PAYLOAD_BYTES + 2);
    memset(text, ' ', LIMIT_SIGNED_PAYLOAD_BYTES + 1);
    payload_refused(text, "65537 bytes, at most 65536");
}

/* ---- Sigstore bundles ---- */

#define BUNDLE_OF(type, content) "{\"mediaType\":\"" type "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"x\"},\"tlogEntries\":[{\"logIndex\":\"1\"}]}," content "}"
#define ENVELOPE(payload, signatures) "\"dsseEnvelope\":{\"payload\":\"" payload "\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[" signatures "]}"

static void a_bundle_gives_payload_signatures_and_the_bytes_they_are_over(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(sigstore_bundle_clear_auto) struct sigstore_bundle b = { 0 };
    static const char text[] = BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, ENVELOPE("aGVsbG8gd29ybGQ=", "{\"sig\":\"AAEC\"},{\"sig\":\"/w==\",\"keyid\":\"k\"}"));
    if (!sigstore_bundle_read(&b, text, sizeof text - 1, "bundle", &e))
        fail_msg("%s", e.msg);
    assert_int_equal(b.n_signatures, 2);
    assert_int_equal(b.signatures[0].n, 3);
    assert_int_equal(b.signatures[1].n, 1);
    AUTO(buf_clear_auto) struct buf over = BUF_LIMIT(1000);
    sigstore_bundle_signed(&b, &over);
    assert_string_equal(buf_text(&over), "DSSEv1 28 application/vnd.in-toto+json 11 hello world");
}

static void bundle_refused(const char *text, const char *part)
{
    struct err e = { 0 };
    struct sigstore_bundle b;
    assert_false(sigstore_bundle_read(&b, text, strlen(text), "bundle", &e));
    if (e.code != ERR_TRUST || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s)", err_name(e.code), e.msg, part);
}

static void bundles_of_other_versions_contents_and_rubbish_are_refused_by_name(void **state)
{
    (void)state;
    bundle_refused(BUNDLE_OF("application/vnd.dev.sigstore.bundle.v1.0+json", ENVELOPE("", "")), "application/vnd.dev.sigstore.bundle.v1.0+json is not a Sigstore bundle");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, "\"messageSignature\":{\"signature\":\"AAEC\"}"), "messageSignature: signs bytes and does not say what they are");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, "\"other\":1"), "dsseEnvelope");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, ENVELOPE("!!!", "")), "payload: is not base64");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, ENVELOPE("AAEC", "{\"sig\":\"AAE\\u0041C\"}")), "sig: is not base64");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, ENVELOPE("AAEC", "{\"keyid\":\"\"}")), "sig");
    bundle_refused(BUNDLE_OF(SIGSTORE_TYPE_BUNDLE, ENVELOPE("AAEC", "") "," ENVELOPE("AAEC", "")), "dsseEnvelope");
    bundle_refused("{", "bundle");
}

static void a_bundle_with_too_many_signatures_is_refused(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
    buf_adds(&text, "{\"mediaType\":\"" SIGSTORE_TYPE_BUNDLE "\",\"dsseEnvelope\":{\"payload\":\"AAEC\",\"payloadType\":\"x\",\"signatures\":[{\"sig\":\"AAEC\"}");
    for (int i = 0; i < LIMIT_DSSE_SIGNATURES; i++)
        buf_adds(&text, ",{\"sig\":\"AAEC\"}");
    buf_adds(&text, "]}}");
    bundle_refused(buf_text(&text), "signatures");
}

/* ---- statements ---- */

#define STATEMENT(type, subject) "{\"_type\":\"" type "\",\"subject\":[" subject "],\"predicateType\":\"" SIGSTORE_PREDICATE_SIGNATURE "\",\"predicate\":{}}"

static void a_statement_names_its_subjects(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest named, other = { { 1 } };
    assert_true(digest_parse_hex(&named, HEX, "test", &e));
    static const char text[] = STATEMENT("https://in-toto.io/Statement/v1", "{\"digest\":{\"sha512\":\"ab\"}},{\"name\":\"x\",\"digest\":{\"sha256\":\"" HEX "\"},\"annotations\":{}}");
    AUTO(statement_clear_auto) struct statement s = { 0 };
    if (!statement_read(&s, text, sizeof text - 1, "statement", &e))
        fail_msg("%s", e.msg);
    assert_string_equal(s.predicate_type, SIGSTORE_PREDICATE_SIGNATURE);
    assert_int_equal(s.n_subjects, 1);
    assert_true(statement_names(&s, &named));
    assert_false(statement_names(&s, &other));
}

static void statement_refused(const char *text, const char *part)
{
    struct err e = { 0 };
    struct statement s;
    assert_false(statement_read(&s, text, strlen(text), "statement", &e));
    if (e.code != ERR_TRUST || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s)", err_name(e.code), e.msg, part);
}

static void statements_of_other_types_and_with_rubbish_for_digests_are_refused(void **state)
{
    (void)state;
    statement_refused(STATEMENT("https://in-toto.io/Statement/v2", ""), "_type: expected https://in-toto.io/Statement/v1");
    statement_refused(STATEMENT("https://in-toto.io/Statement/v1", "{\"digest\":{\"sha256\":\"sha256:" HEX "\"}}"), "sha256");
    statement_refused(STATEMENT("https://in-toto.io/Statement/v1", "{}"), "digest");
    statement_refused("{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"x\"}", "subject");
}

/* ---- manifests and lists ---- */

#define DESCRIPTOR(type, more) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":233" more "}"
#define MANIFEST(more, layers) "{\"schemaVersion\":2" more ",\"config\":" DESCRIPTOR(OCI_TYPE_CONFIG, "") ",\"layers\":[" layers "]}"

static bool read_artifact(struct artifact *out, const char *text, struct err *e)
{
    *e = (struct err){ 0 };
    return artifact_read(out, text, strlen(text), "manifest", e);
}

static void a_signature_manifest_gives_its_layers_and_annotations(void **state)
{
    (void)state;
    struct err e;
    AUTO(artifact_clear_auto) struct artifact a = { 0 };
    if (!read_artifact(&a, MANIFEST("", DESCRIPTOR(COSIGN_TYPE_PAYLOAD, ",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"AAEC\",\"x\":\"y\"}") "," DESCRIPTOR(
                                            COSIGN_TYPE_PAYLOAD, ",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"\",\"dev.sigstore.cosign/certificate\":\"PEM\"}") "," DESCRIPTOR("text/plain", "")),
                       &e))
        fail_msg("%s", e.msg);
    assert_string_equal(a.type, OCI_TYPE_CONFIG);
    assert_int_equal(a.n_layers, 3);
    assert_string_equal(a.layers[0].signature, "AAEC");
    assert_false(a.layers[0].has_certificate);
    assert_true(a.layers[1].has_certificate);
    assert_null(a.layers[2].signature);
}

static void an_artifact_type_and_a_predicate_type_are_read(void **state)
{
    (void)state;
    struct err e;
    AUTO(artifact_clear_auto) struct artifact a = { 0 };
    assert_true(read_artifact(&a, MANIFEST(",\"artifactType\":\"" SIGSTORE_TYPE_BUNDLE "\",\"annotations\":{\"dev.sigstore.bundle.predicateType\":\"p\"}", ""), &e));
    assert_string_equal(a.type, SIGSTORE_TYPE_BUNDLE);
    assert_string_equal(a.predicate_type, "p");
}

static void artifact_refused(const char *text, const char *part)
{
    struct err e;
    struct artifact a;
    assert_false(read_artifact(&a, text, &e));
    if ((e.code != ERR_REGISTRY && e.code != ERR_FORMAT) || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s)", err_name(e.code), e.msg, part);
    assert_null(a.layers);
}

static void signature_manifests_with_rubbish_are_refused(void **state)
{
    (void)state;
    artifact_refused("{}", "manifest");
    artifact_refused("", "manifest");
    artifact_refused(MANIFEST(",\"Layers\":[]", ""), "Layers");
    artifact_refused(MANIFEST("", DESCRIPTOR("x/y", ",\"annotations\":{\"dev.cosignproject.cosign/signature\":7}")), "signature");
    artifact_refused(MANIFEST("", DESCRIPTOR("x/y", ",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"A\",\"dev.cosignproject.cosign/signature\":\"B\"}")), "signature");
    artifact_refused(MANIFEST("", DESCRIPTOR("x/y", ",\"size\":1")), "size");
    artifact_refused(MANIFEST("", "{\"mediaType\":\"x/y\",\"digest\":\"sha256:../../x\",\"size\":1}"), "digest");
}

/* Lists of n entries with different digests. */
static char *many(const char *head, int n, const char *tail)
{
    struct buf text = BUF_LIMIT(8 << 20);
    buf_adds(&text, head);
    for (int i = 0; i < n; i++)
        buf_addf(&text, "%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"artifactType\":\"t\",\"digest\":\"sha256:%064x\",\"size\":9}", i == 0 ? "" : ",", (unsigned)i);
    buf_adds(&text, tail);
    return buf_take(&text);
}

static void ten_thousand_signatures_are_refused(void **state)
{
    (void)state;
    AUTO(mem_auto) char *manifest = many("{\"schemaVersion\":2,\"config\":" DESCRIPTOR(OCI_TYPE_CONFIG, "") ",\"layers\":[", 10000, "]}");
    artifact_refused(manifest, "layers");
    AUTO(mem_auto) char *list = many("{\"schemaVersion\":2,\"manifests\":[", LIMIT_REFERRERS + 1, "]}");
    struct err e = { 0 };
    AUTO(referrers_clear_auto) struct referrers r = { 0 };
    assert_false(referrers_read(&r, list, strlen(list), "referrers", &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    assert_non_null(strstr(e.msg, "more than 256 referrers"));
}

static void pages_of_referrers_add_up_and_repetitions_count_once(void **state)
{
    (void)state;
    AUTO(mem_auto) char *first = many("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[", 3, "]}");
    AUTO(mem_auto) char *second = many("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[", 5, "]}");
    struct err e = { 0 };
    AUTO(referrers_clear_auto) struct referrers r = { 0 };
    assert_true(referrers_read(&r, first, strlen(first), "referrers", &e));
    assert_true(referrers_read(&r, second, strlen(second), "referrers", &e));
    assert_int_equal(r.n, 5);
    assert_string_equal(r.items[4].type, "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_of_cosign_and_of_older_programs_are_read),
        cmocka_unit_test(payloads_that_say_something_else_or_two_things_are_refused),
        cmocka_unit_test(a_payload_beyond_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_bundle_gives_payload_signatures_and_the_bytes_they_are_over),
        cmocka_unit_test(bundles_of_other_versions_contents_and_rubbish_are_refused_by_name),
        cmocka_unit_test(a_bundle_with_too_many_signatures_is_refused),
        cmocka_unit_test(a_statement_names_its_subjects),
        cmocka_unit_test(statements_of_other_types_and_with_rubbish_for_digests_are_refused),
        cmocka_unit_test(a_signature_manifest_gives_its_layers_and_annotations),
        cmocka_unit_test(an_artifact_type_and_a_predicate_type_are_read),
        cmocka_unit_test(signature_manifests_with_rubbish_are_refused),
        cmocka_unit_test(ten_thousand_signatures_are_refused),
        cmocka_unit_test(pages_of_referrers_add_up_and_repetitions_count_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
