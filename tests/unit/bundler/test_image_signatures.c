/* Signatures on images, good and bad, from a registry that serves exactly what it is told. Keys and signatures are made by the openssl program in the documents
 * that cosign writes. */
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
#include "bundler/image_signatures.h"
#include "format/base64.h"
#include "format/sigstore.h"
#include "format/simple_signing.h"
#include "sys/proc.h"
#include "tests/support/fake.h"
#include "tests/support/scratch.h"

#include "base/banned.h"

#define NAME "registry.example/shop/web"
#define NAMED "registry.example/shop/web:1"
#define INTOTO "application/vnd.in-toto+json"

struct world {
    struct scratch *scratch;
    struct buf rules; /* of the fake registry */
    bool is_serving;
    struct registries registries;
    struct application app;
    struct application_image from;
    struct image image;
    struct image_platform platforms[2];
    struct image_index index;
    struct cli_list keys;
    const char *key_paths[2];
    const char *plain_http[1];
    struct image_rules rules_loaded;
    struct image_proof *proofs;
    struct err refusal;
};

static void sh(struct scratch *s, const char *command)
{
    AUTO(mem_auto) char *script = mem_format("set -e; cd %s; %s", s->dir, command);
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct proc_result r;
    struct err e = { 0 };
    assert_true(proc_run(&(struct proc_spec){ .argv = argv }, &r, &e));
    if (r.status != 0)
        fail_msg("%s: status %d", command, r.status);
}

/* Two pairs of keys, made once. */
static const char *const names[2] = { "a", "b" };
static char *keys[2], *publics[2];
static struct fake fake; /* one server for all tests, with other rules for each */

static int begin_all(void **state)
{
    void *scratch;
    (void)state;
    if (scratch_make(&scratch) != 0)
        return -1;
    sh(scratch, "for k in a b; do openssl ecparam -name prime256v1 -genkey -noout -out $k; openssl pkey -in $k -pubout -out $k.pub; done");
    for (size_t i = 0; i < 2; i++) {
        AUTO(mem_auto) char *name = mem_format("%s.pub", names[i]);
        keys[i] = scratch_content(scratch, names[i]);
        publics[i] = scratch_content(scratch, name);
    }
    fake_start(&fake, "{\"rules\": []}");
    return scratch_drop(&scratch);
}

static int end_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        mem_free(keys[i]);
        mem_free(publics[i]);
    }
    fake_stop(&fake);
    return 0;
}

/* The index sha256:01.., the manifests sha256:02.. and 03.. */
static int world_make(void **state)
{
    void *scratch;
    if (scratch_make(&scratch) != 0)
        return -1;
    struct world *w = mem_new(sizeof *w);
    struct err e = { 0 };
    w->scratch = scratch;
    w->rules = (struct buf)BUF_LIMIT(16 << 20);
    for (size_t i = 0; i < 2; i++) {
        scratch_text(w->scratch, names[i], keys[i], 0600);
        AUTO(mem_auto) char *name = mem_format("%s.pub", names[i]);
        scratch_text(w->scratch, name, publics[i], 0644);
    }
    for (size_t i = 0; i < 2; i++)
        w->platforms[i].manifest_digest.bytes[0] = (uint8_t)(2 + i);
    w->index.digest.bytes[0] = 1;
    w->image = (struct image){ .n_platforms = 2, .platforms = w->platforms, .n_indexes = 1, .indexes = &w->index };
    w->app = (struct application){ .images = &w->from, .n_images = 1 };
    assert_true(ref_parse(&w->from.written, NAMED, &e));
    w->key_paths[0] = mem_text(scratch_at(w->scratch, "a.pub"));
    w->keys = (struct cli_list){ .items = w->key_paths, .n = 1 };
    *state = w;
    return 0;
}

static int world_drop(void **state)
{
    struct world *w = *state;
    void *scratch = w->scratch;
    image_proofs_clear(w->proofs, 1);
    image_rules_clear(&w->rules_loaded);
    definition_clear(&w->app.definition);
    mem_free(w->image.documents);
    if (w->registries.registry != NULL)
        registry_free(w->registries.registry);
    cache_close(w->registries.cache);
    buf_clear(&w->rules);
    for (size_t i = 0; i < 2; i++)
        mem_free((void *)(uintptr_t)w->key_paths[i]);
    mem_free(w);
    return scratch_drop(&scratch);
}

/* ---- what the registry has ---- */

static void add_text(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_addc(b, '\\');
        buf_addc(b, *text);
    }
}

static void serve_as(struct world *w, const char *path, const char *status, const char *body)
{
    buf_addf(&w->rules, "%s{\"path\": \"/v2/a/%s\", %s, \"body\": \"", w->rules.len > 0 ? ", " : "", path, status);
    add_text(&w->rules, body);
    buf_adds(&w->rules, "\"}");
}

static void serve(struct world *w, const char *path, const char *body)
{
    serve_as(w, path, "\"status\": 200", body);
}

static struct digest serve_blob(struct world *w, const char *body)
{
    struct digest d;
    sha256_of(&d, body, strlen(body));
    AUTO(mem_auto) char *path = mem_format("blobs/%s", DIGEST_SHOWN(&d));
    serve(w, path, body);
    return d;
}

/* Base64 of the signature by a key of the scratch folder over the bytes of a file there. */
static char *sign(struct world *w, const char *key, const char *bytes, size_t n)
{
    scratch_file(w->scratch, "doc", bytes, n, 0600);
    AUTO(mem_auto) char *command = mem_format("openssl dgst -sha256 -sign %s doc | base64 -w 0 >sig", key);
    sh(w->scratch, command);
    return scratch_content(w->scratch, "sig");
}

static char *payload_of(const struct digest *subject, const char *repository)
{
    return mem_format("{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},\"image\":{\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image signature\"},\"optional\":null}",
                      repository, DIGEST_SHOWN(subject));
}

/* A layer with a signature; the payload is served as a blob. */
static char *layer_of(struct world *w, const char *payload, const char *signature, const char *more)
{
    struct digest d = serve_blob(w, payload);
    return mem_format("{\"mediaType\":\"" COSIGN_TYPE_PAYLOAD "\",\"size\":%zu,\"digest\":\"%s\",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"%s\"%s}}", strlen(payload),
                      DIGEST_SHOWN(&d), signature, more);
}

/* The same around the payload that one would expect; the signature is what it is. */
static char *layer_with(struct world *w, const char *signature, const char *more)
{
    AUTO(mem_auto) char *payload = payload_of(&w->index.digest, NAME);
    return layer_of(w, payload, signature, more);
}

static char *manifest_of(struct world *w, const char *more, const char *layers)
{
    struct digest config = serve_blob(w, "{}");
    return mem_format("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"%s,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"size\":2,\"digest\":\"%s\"},\"layers\":[%s]}", more,
                      DIGEST_SHOWN(&config), layers);
}

static void serve_tag(struct world *w, const struct digest *subject, const char *suffix, const char *layers)
{
    AUTO(mem_auto) char *manifest = manifest_of(w, "", layers);
    AUTO(mem_auto) char *path = mem_format("manifests/sha256-%s%s", DIGEST_HEX(subject), suffix);
    serve(w, path, manifest);
}

/* The usual: a signature by a key over a payload for digest and repository, in the tag of subject. */
static void sign_in_tag(struct world *w, const char *key, const struct digest *subject, const struct digest *named, const char *repository)
{
    AUTO(mem_auto) char *payload = payload_of(named, repository);
    AUTO(mem_auto) char *signature = sign(w, key, payload, strlen(payload));
    AUTO(mem_auto) char *layer = layer_of(w, payload, signature, "");
    serve_tag(w, subject, ".sig", layer);
}

/* Referrers of the index: manifests with one layer each. */
static void serve_referrers(struct world *w, const char *const *manifests, const char *const *types, size_t n)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(1 << 20);
    buf_adds(&list, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
    for (size_t i = 0; i < n; i++) {
        struct digest d;
        sha256_of(&d, manifests[i], strlen(manifests[i]));
        AUTO(mem_auto) char *path = mem_format("manifests/%s", DIGEST_SHOWN(&d));
        serve(w, path, manifests[i]);
        buf_addf(&list, "%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"artifactType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"}", i > 0 ? "," : "", types[i], strlen(manifests[i]), DIGEST_SHOWN(&d));
    }
    buf_adds(&list, "]}");
    AUTO(mem_auto) char *path = mem_format("referrers/%s", DIGEST_SHOWN(&w->index.digest));
    serve_as(w, path, "\"headers\": [[\"Content-Type\", \"" OCI_TYPE_INDEX "\"]]", buf_text(&list));
}

static char *statement_of(const struct digest *subject, const char *predicate)
{
    return mem_format("{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"%s\"},\"annotations\":{}}],\"predicateType\":\"%s\",\"predicate\":{}}",
                      DIGEST_HEX(subject), predicate);
}

/* A Sigstore bundle with a signature by a key over a statement, as a referrer of the index. */
static char *bundle_manifest(struct world *w, const char *key, const char *payload_type, const char *statement, const char *notes)
{
    AUTO(mem_auto) char *signed_bytes = mem_format("DSSEv1 %zu %s %zu %s", strlen(payload_type), payload_type, strlen(statement), statement);
    AUTO(mem_auto) char *signature = sign(w, key, signed_bytes, strlen(signed_bytes));
    AUTO(secret_clear_auto) struct secret payload = base64_of(statement, strlen(statement));
    AUTO(mem_auto) char *bundle = mem_format("{\"mediaType\":\"" SIGSTORE_TYPE_BUNDLE "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"}},"
                                             "\"dsseEnvelope\":{\"payload\":\"%s\",\"payloadType\":\"%s\",\"signatures\":[{\"sig\":\"%s\"}]}}",
                                             payload.bytes, payload_type, signature);
    struct digest d = serve_blob(w, bundle);
    AUTO(mem_auto) char *layer = mem_format("{\"mediaType\":\"" SIGSTORE_TYPE_BUNDLE "\",\"size\":%zu,\"digest\":\"%s\"}", strlen(bundle), DIGEST_SHOWN(&d));
    return manifest_of(w, notes, layer);
}

static void serve_bundle(struct world *w, const char *key, const char *payload_type, const struct digest *subject, const char *predicate, const char *notes)
{
    static const char *const type = SIGSTORE_TYPE_BUNDLE;
    AUTO(mem_auto) char *statement = statement_of(subject, predicate);
    AUTO(mem_auto) char *manifest = bundle_manifest(w, key, payload_type, statement, notes);
    const char *const manifests[] = { manifest };
    serve_referrers(w, manifests, &type, 1);
}

/* ---- asking ---- */

static void open_registry(struct world *w)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *script = mem_format("{\"rules\": [%s%s{\"status\": 404}]}", buf_text(&w->rules), w->rules.len > 0 ? ", " : "");
    fake_again(&fake, script);
    w->is_serving = true;
    AUTO(mem_auto) char *reference = mem_format("127.0.0.1:%u/a:1", fake.ports[0]);
    assert_true(ref_parse(&w->from.original, reference, &e));
    w->image.ref = w->from.original;
    w->plain_http[0] = w->from.original.host;
    struct registry_options o = { .plain_http = w->plain_http, .n_plain_http = 1, .tries = 1, .first_wait_ms = 10, .stall_timeout_ms = 5000 };
    w->registries.registry = registry_open(&o, &e);
    w->registries.cache = cache_open(scratch_at(w->scratch, "cache"), &e);
    assert_non_null(w->registries.registry);
    assert_non_null(w->registries.cache);
}

static bool ask(struct world *w, struct err *e)
{
    if (!w->is_serving)
        open_registry(w);
    AUTO(origin_free_auto) struct origin *origin = origin_directory(w->scratch->dir);
    *e = (struct err){ 0 };
    return image_rules_load(&w->rules_loaded, &w->app, origin, &w->keys, e) && image_signatures_check(&w->registries, &w->rules_loaded, &w->app, &w->image, &w->proofs, e);
}

static void is_signed(struct world *w, size_t n)
{
    struct err e;
    if (!ask(w, &e))
        fail_msg("%s: %s", err_name(e.code), e.msg);
    assert_int_equal(w->proofs[0].n, n);
}

static void refuses(struct world *w, enum err_code code, const char *part)
{
    struct err e;
    assert_false(ask(w, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
    assert_non_null(strstr(e.msg, NAMED)); /* whatever it is, the image is named */
    w->refusal = e;
}

/* ---- the classic form ---- */

static void a_signature_in_the_tag_of_the_index_counts(void **state)
{
    struct world *w = *state;
    sign_in_tag(w, "a", &w->index.digest, &w->index.digest, NAME);
    is_signed(w, 1);
    const struct image_signature *x = w->proofs[0].items;
    assert_true(digest_equal(&x->subject, &w->index.digest));
    assert_true(text_ends(x->key, "/a.pub") && !x->is_referrer && !x->is_bundle);
    assert_int_equal(w->image.n_documents, 3);
    assert_string_equal(w->image.documents[0].name, "signature-0/manifest.json");
    assert_string_equal(w->image.documents[1].name, "signature-0/config.json");
    assert_string_equal(w->image.documents[2].name, "signature-0/payload-0.json");
    assert_true(digest_equal(&w->image.documents[2].subject, &w->index.digest));
}

static void every_platform_signed_alone_counts(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++)
        sign_in_tag(w, "a", &w->platforms[i].manifest_digest, &w->platforms[i].manifest_digest, NAME);
    is_signed(w, 2);
}

static void one_platform_signed_of_two_does_not(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    assert_true(platform_parse(&w->platforms[1].platform, "linux/arm/v7", &e));
    sign_in_tag(w, "a", &w->platforms[0].manifest_digest, &w->platforms[0].manifest_digest, NAME);
    refuses(w, ERR_TRUST, "is signed for some platforms only: no signature by");
    AUTO(mem_auto) char *part = mem_format("%s (linux/arm/v7)", DIGEST_SHOWN(&w->platforms[1].manifest_digest));
    assert_non_null(strstr(w->refusal.msg, part));
}

static void an_unsigned_image_is_refused_with_where_one_looked(void **state)
{
    struct world *w = *state;
    struct err e;
    assert_false(ask(w, &e));
    assert_int_equal(e.code, ERR_TRUST);
    AUTO(mem_auto) char *tag = mem_format("no tag sha256-%s.sig and no referrer", DIGEST_HEX(&w->index.digest));
    assert_non_null(strstr(e.msg, tag));
    assert_non_null(strstr(e.msg, DIGEST_SHOWN(&w->index.digest)));
    assert_non_null(strstr(e.msg, "and none for its manifests"));
    assert_non_null(strstr(e.msg, "a.pub"));
    assert_non_null(strstr(e.hint, "cosign sign"));
    assert_int_equal(fake_count(&fake, ".sig"), 2); /* the index and the first manifest: then it is decided */
}

static void a_signature_by_another_key_does_not_count(void **state)
{
    struct world *w = *state;
    sign_in_tag(w, "b", &w->index.digest, &w->index.digest, NAME);
    refuses(w, ERR_TRUST, "1 signature in its tag .sig and its referrers and those of its manifests, none counts: is by none of the keys");
}

static void any_of_several_keys_and_any_of_several_signatures_is_enough(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *payload = payload_of(&w->index.digest, NAME);
    AUTO(mem_auto) char *good = sign(w, "b", payload, strlen(payload));
    AUTO(mem_auto) char *first = layer_of(w, payload, "MAYCAQECAQE=", "");
    AUTO(mem_auto) char *second = layer_of(w, payload, good, "");
    AUTO(mem_auto) char *layers = mem_format("%s,%s", first, second);
    serve_tag(w, &w->index.digest, ".sig", layers);
    w->key_paths[1] = mem_text(scratch_at(w->scratch, "b.pub"));
    w->keys.n = 2;
    is_signed(w, 1);
    assert_true(text_ends(w->proofs[0].items[0].key, "/b.pub"));
    assert_int_equal(w->image.n_documents, 4);
}

static void a_payload_for_another_digest_is_a_replay(void **state)
{
    struct world *w = *state;
    sign_in_tag(w, "a", &w->index.digest, &w->platforms[0].manifest_digest, NAME);
    AUTO(mem_auto) char *part = mem_format("is for %s, another image", DIGEST_SHOWN(&w->platforms[0].manifest_digest));
    refuses(w, ERR_TRUST, part);
}

static void a_payload_for_another_repository_is_a_replay(void **state)
{
    struct world *w = *state;
    sign_in_tag(w, "a", &w->index.digest, &w->index.digest, "registry.example/other/web");
    refuses(w, ERR_TRUST, "was made for registry.example/other/web, expected " NAME);
}

static void a_payload_that_names_no_repository_does_not_count(void **state)
{
    struct world *w = *state;
    sign_in_tag(w, "a", &w->index.digest, &w->index.digest, "");
    refuses(w, ERR_TRUST, "names the repository \"\", which is none");
}

/* The whole layer as text; why it does not count. */
static void layer_refused(struct world *w, const char *layer, const char *part)
{
    serve_tag(w, &w->index.digest, ".sig", layer);
    refuses(w, ERR_TRUST, part);
}

static void a_payload_with_a_key_twice_does_not_count(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *payload =
        mem_format("{\"critical\":{\"identity\":{\"docker-reference\":\"" NAME "\"},\"image\":{\"docker-manifest-digest\":\"%s\",\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image signature\"}}",
                   DIGEST_SHOWN(&w->platforms[0].manifest_digest), DIGEST_SHOWN(&w->index.digest));
    AUTO(mem_auto) char *signature = sign(w, "a", payload, strlen(payload));
    AUTO(mem_auto) char *layer = layer_of(w, payload, signature, "");
    layer_refused(w, layer, "docker-manifest-digest");
}

static void rubbish_for_base64_does_not_count(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *layer = layer_with(w, "!not base64!", "");
    layer_refused(w, layer, "is not base64");
}

static void rubbish_for_der_does_not_count(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *layer = layer_with(w, "MIIB/////////////////////////w==", "");
    layer_refused(w, layer, "is by none of the keys");
}

static void a_signature_with_a_certificate_is_named_as_keyless(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *layer = layer_with(w, "MAYCAQECAQE=", ",\"dev.sigstore.cosign/certificate\":\"-----BEGIN CERTIFICATE-----\"");
    layer_refused(w, layer, "was made with a certificate (keyless)");
}

static void layers_without_a_signature_of_other_types_and_of_other_sizes_do_not_count(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *payload = payload_of(&w->index.digest, NAME);
    struct digest d = serve_blob(w, payload);
    AUTO(mem_auto) char *layers = mem_format("{\"mediaType\":\"" COSIGN_TYPE_PAYLOAD "\",\"size\":%zu,\"digest\":\"%s\"},{\"mediaType\":\"text/plain\",\"size\":1,\"digest\":\"%s\"},"
                                             "{\"mediaType\":\"" COSIGN_TYPE_PAYLOAD "\",\"size\":5000000,\"digest\":\"%s\"}",
                                             strlen(payload), DIGEST_SHOWN(&d), DIGEST_SHOWN(&d), DIGEST_SHOWN(&d));
    layer_refused(w, layers, "3 signatures in its tag .sig and its referrers and those of its manifests, none counts: has no signature in its annotations; is a text/plain, expected " COSIGN_TYPE_PAYLOAD
                             "; signs 5000000 bytes, at most 65536 are read");
}

static void ten_thousand_signatures_are_not_looked_at(void **state)
{
    struct world *w = *state;
    AUTO(buf_clear_auto) struct buf layers = BUF_LIMIT(4 << 20);
    for (int i = 0; i < 10000; i++)
        buf_addf(&layers, "%s{\"mediaType\":\"" COSIGN_TYPE_PAYLOAD "\",\"size\":9,\"digest\":\"sha256:%064x\",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"AAEC\"}}", i > 0 ? "," : "",
                 (unsigned)i);
    layer_refused(w, buf_text(&layers), "layers");
    assert_int_equal(fake_count(&fake, "/blobs/"), 0);
    assert_int_equal(w->image.n_documents, 0);
}

static void hundreds_of_signatures_in_many_manifests_have_an_end(void **state)
{
    enum { MANIFESTS = 3, EACH = 200 };
    struct world *w = *state;
    char *manifests[MANIFESTS];
    const char *types[MANIFESTS];
    AUTO(buf_clear_auto) struct buf layers = BUF_LIMIT(1 << 20);
    for (int i = 0; i < EACH; i++)
        buf_addf(&layers, "%s{\"mediaType\":\"text/plain\",\"size\":9,\"digest\":\"sha256:%064x\"}", i > 0 ? "," : "", (unsigned)i);
    for (int i = 0; i < MANIFESTS; i++) {
        AUTO(mem_auto) char *more = mem_format(",\"annotations\":{\"number\":\"%d\"}", i);
        manifests[i] = manifest_of(w, more, buf_text(&layers));
        types[i] = SIGSTORE_TYPE_BUNDLE;
    }
    serve_referrers(w, (const char *const *)manifests, types, MANIFESTS);
    refuses(w, ERR_REGISTRY, "has more than 512 signatures that do not count");
    for (int i = 0; i < MANIFESTS; i++)
        mem_free(manifests[i]);
}

/* ---- trouble is not the same as unsigned ---- */

static void a_payload_of_other_bytes_than_its_digest_says_is_a_matter_of_integrity(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *payload = payload_of(&w->index.digest, NAME);
    AUTO(mem_auto) char *signature = sign(w, "a", payload, strlen(payload));
    AUTO(mem_auto) char *path = mem_format("blobs/%s", DIGEST_SHOWN(&w->platforms[1].manifest_digest));
    serve(w, path, payload);
    AUTO(mem_auto) char *layer = mem_format("{\"mediaType\":\"" COSIGN_TYPE_PAYLOAD "\",\"size\":%zu,\"digest\":\"%s\",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"%s\"}}",
                                            strlen(payload), DIGEST_SHOWN(&w->platforms[1].manifest_digest), signature);
    serve_tag(w, &w->index.digest, ".sig", layer);
    refuses(w, ERR_INTEGRITY, "expected sha256:03");
}

static void tag_answers(struct world *w, const char *answer, enum err_code code, const char *part)
{
    AUTO(mem_auto) char *path = mem_format("manifests/sha256-%s.sig", DIGEST_HEX(&w->index.digest));
    serve_as(w, path, answer, "");
    refuses(w, code, part);
}

static void a_registry_that_is_busy_says_nothing_about_signatures(void **state)
{
    tag_answers(*state, "\"status\": 503", ERR_NET, "503");
}

static void a_registry_that_refuses_says_nothing_about_signatures(void **state)
{
    tag_answers(*state, "\"status\": 403", ERR_AUTH, "access denied");
}

static void a_line_that_breaks_says_nothing_about_signatures(void **state)
{
    tag_answers(*state, "\"drop\": true", ERR_NET, "signatures of");
}

static void a_registry_that_answers_nonsense_says_nothing_about_signatures(void **state)
{
    tag_answers(*state, "\"status\": 200", ERR_REGISTRY, "signatures of");
}

static void a_referrer_that_is_listed_and_not_there_is_the_registrys_fault(void **state)
{
    struct world *w = *state;
    AUTO(mem_auto) char *path = mem_format("referrers/%s", DIGEST_SHOWN(&w->index.digest));
    AUTO(mem_auto) char *list = mem_format("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"artifactType\":\"" SIGSTORE_TYPE_BUNDLE "\",\"size\":9,\"digest\":\"%s\"}]}",
                                           DIGEST_SHOWN(&w->platforms[1].manifest_digest));
    serve_as(w, path, "\"headers\": [[\"Content-Type\", \"" OCI_TYPE_INDEX "\"]]", list);
    refuses(w, ERR_REGISTRY, "no such thing");
}

/* ---- Sigstore bundles and other referrers ---- */

static void a_bundle_among_the_referrers_counts(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "a", INTOTO, &w->index.digest, SIGSTORE_PREDICATE_SIGNATURE, "");
    is_signed(w, 1);
    assert_true(w->proofs[0].items[0].is_referrer && w->proofs[0].items[0].is_bundle);
    assert_string_equal(w->image.documents[2].name, "signature-0/payload-0.json");
}

static void a_bundle_by_another_key_does_not_count(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "b", INTOTO, &w->index.digest, SIGSTORE_PREDICATE_SIGNATURE, "");
    refuses(w, ERR_TRUST, "is by none of the keys");
}

static void a_bundle_for_another_image_does_not_count(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "a", INTOTO, &w->platforms[0].manifest_digest, SIGSTORE_PREDICATE_SIGNATURE, "");
    refuses(w, ERR_TRUST, "is for another image");
}

static void an_attestation_by_the_right_key_does_not_vouch_for_the_image(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "a", INTOTO, &w->index.digest, "https://cosign.sigstore.dev/attestation/vuln/v1", "");
    refuses(w, ERR_TRUST, "is an attestation (https://cosign.sigstore.dev/attestation/vuln/v1)");
}

static void an_attestation_that_says_so_is_no_signature_and_travels_along(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "a", INTOTO, &w->index.digest, "https://slsa.dev/provenance/v1", ",\"annotations\":{\"dev.sigstore.bundle.predicateType\":\"https://slsa.dev/provenance/v1\"}");
    refuses(w, ERR_TRUST, "is not signed");
    assert_string_equal(w->image.documents[0].name, "attestation-0/manifest.json");
    assert_string_equal(w->image.documents[2].name, "attestation-0/statement-0.json");
}

static void a_bundle_around_something_else_does_not_count(void **state)
{
    struct world *w = *state;
    serve_bundle(w, "a", "text/plain", &w->index.digest, SIGSTORE_PREDICATE_SIGNATURE, "");
    refuses(w, ERR_TRUST, "signs text/plain, expected " INTOTO);
}

static void other_kinds_of_signatures_are_named_and_other_artifacts_left(void **state)
{
    struct world *w = *state;
    static const char *const types[] = { "application/vnd.cncf.notary.signature", "application/vnd.amazon.soci.index.v1+json" };
    struct digest d = serve_blob(w, "x");
    AUTO(mem_auto) char *layer = mem_format("{\"mediaType\":\"application/jose+json\",\"size\":1,\"digest\":\"%s\"}", DIGEST_SHOWN(&d));
    AUTO(mem_auto) char *notary = manifest_of(w, ",\"artifactType\":\"application/vnd.cncf.notary.signature\"", layer);
    AUTO(mem_auto) char *other = manifest_of(w, ",\"artifactType\":\"application/vnd.amazon.soci.index.v1+json\"", layer);
    const char *const manifests[] = { notary, other };
    serve_referrers(w, manifests, types, 2);
    refuses(w, ERR_TRUST, "is a signature of the kind application/vnd.cncf.notary.signature, which this program cannot check");
    assert_int_equal(w->image.n_documents, 3);
}

/* ---- rules ---- */

static void define(struct world *w, const char *verify)
{
    struct err e = { 0 };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    AUTO(mem_auto) char *text = mem_format("name: shop\nversion: 1.0.0\nimages: [a]\nverify:\n%s", verify);
    w->keys.n = 0;
    if (!definition_parse(&w->app.definition, text, strlen(text), "b", &f, &e) || !findings_done(&f, &e))
        fail_msg("%s", e.msg);
}

static void the_entry_with_the_longest_prefix_decides(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.example/, cosign: b.pub }\n  - { prefix: registry.example/shop, cosign: a.pub }\n");
    sign_in_tag(w, "b", &w->index.digest, &w->index.digest, NAME);
    refuses(w, ERR_TRUST, "not signed by a.pub");
}

static void an_entry_is_stronger_than_the_option(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.example/, cosign: b.pub }\n");
    w->keys.n = 1;
    sign_in_tag(w, "b", &w->index.digest, &w->index.digest, NAME);
    is_signed(w, 1);
    assert_string_equal(w->proofs[0].items[0].key, "b.pub");
}

static void a_copy_is_accepted_as_what_its_signer_called_it_and_as_nothing_else(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.example/shop, cosign: a.pub, signed_as: docker.io/vendor/ }\n");
    sign_in_tag(w, "a", &w->index.digest, &w->index.digest, "index.docker.io/vendor/web");
    is_signed(w, 1);
}

static void a_copy_with_its_own_name_is_not_what_was_signed(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.example/shop, cosign: a.pub, signed_as: docker.io/vendor/ }\n");
    sign_in_tag(w, "a", &w->index.digest, &w->index.digest, NAME);
    refuses(w, ERR_TRUST, "was made for " NAME ", expected docker.io/vendor/web");
}

static void without_a_rule_nothing_is_asked(void **state)
{
    struct world *w = *state;
    w->keys.n = 0;
    is_signed(w, 0);
    assert_string_equal(fake_log(&fake), "");
}

static void an_image_that_comes_from_no_registry_is_refused(void **state)
{
    struct world *w = *state;
    w->from.place = (struct image_place){ .kind = PLACE_OCI, .written = (char *)(uintptr_t)"oci:images/web" };
    refuses(w, ERR_TRUST, "comes from oci:images/web, where no signatures are looked for");
}

static void rules_refused(struct world *w, enum err_code code, const char *part)
{
    struct err e = { 0 };
    AUTO(origin_free_auto) struct origin *origin = origin_directory(w->scratch->dir);
    assert_false(image_rules_load(&w->rules_loaded, &w->app, origin, &w->keys, &e));
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
}

static void an_entry_that_covers_no_image_is_refused(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.exampel/, cosign: a.pub }\n");
    rules_refused(w, ERR_CONFIG, "verify: prefix registry.exampel covers no image of the bundle, whose first is " NAMED);
}

static void a_key_file_that_is_missing_is_named(void **state)
{
    struct world *w = *state;
    define(w, "  - { prefix: registry.example/, cosign: keys/none.pub }\n");
    rules_refused(w, ERR_CONFIG, "verify: prefix registry.example: keys/none.pub");
}

static void one_key_in_two_files_is_refused(void **state)
{
    struct world *w = *state;
    sh(w->scratch, "cp a.pub c.pub");
    define(w, "  - { prefix: registry.example/, cosign: [a.pub, c.pub] }\n");
    rules_refused(w, ERR_CONFIG, "c.pub: holds the same key as a.pub");
}

static void the_option_given_twice_is_refused(void **state)
{
    struct world *w = *state;
    w->key_paths[1] = mem_text(w->key_paths[0]);
    w->keys.n = 2;
    rules_refused(w, ERR_USAGE, "--cosign-key: ");
}

/* ---- unchecked ---- */

static void what_lies_beside_an_unchecked_image_is_collected_unless_told_otherwise(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    w->keys.n = 0;
    AUTO(mem_auto) char *layer = layer_with(w, "AAEC", "");
    serve_tag(w, &w->index.digest, ".sig", layer);
    serve_tag(w, &w->index.digest, ".att", layer);
    is_signed(w, 0);
    w->registries.is_without_attestations = true;
    assert_true(image_signatures_collect(&w->registries, &w->app, w->proofs, &w->image, &e));
    assert_string_equal(fake_log(&fake), "");
    w->registries.is_without_attestations = false;
    assert_true(image_signatures_collect(&w->registries, &w->app, w->proofs, &w->image, &e));
    assert_int_equal(w->image.n_documents, 6);
    assert_string_equal(w->image.documents[0].name, "signature-0/manifest.json");
    assert_string_equal(w->image.documents[3].name, "attestation-0/manifest.json");
}

static void a_registry_that_forbids_to_look_beside_an_unchecked_image_is_no_obstacle(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    w->keys.n = 0;
    AUTO(mem_auto) char *path = mem_format("manifests/sha256-%s.sig", DIGEST_HEX(&w->index.digest));
    serve_as(w, path, "\"status\": 403", "");
    is_signed(w, 0);
    assert_true(image_signatures_collect(&w->registries, &w->app, w->proofs, &w->image, &e));
    assert_int_equal(e.code, ERR_NONE);
    assert_int_equal(w->image.n_documents, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_make, world_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_signature_in_the_tag_of_the_index_counts),
        T(every_platform_signed_alone_counts),
        T(one_platform_signed_of_two_does_not),
        T(an_unsigned_image_is_refused_with_where_one_looked),
        T(a_signature_by_another_key_does_not_count),
        T(any_of_several_keys_and_any_of_several_signatures_is_enough),
        T(a_payload_for_another_digest_is_a_replay),
        T(a_payload_for_another_repository_is_a_replay),
        T(a_payload_that_names_no_repository_does_not_count),
        T(a_payload_with_a_key_twice_does_not_count),
        T(rubbish_for_base64_does_not_count),
        T(rubbish_for_der_does_not_count),
        T(a_signature_with_a_certificate_is_named_as_keyless),
        T(layers_without_a_signature_of_other_types_and_of_other_sizes_do_not_count),
        T(ten_thousand_signatures_are_not_looked_at),
        T(hundreds_of_signatures_in_many_manifests_have_an_end),
        T(a_payload_of_other_bytes_than_its_digest_says_is_a_matter_of_integrity),
        T(a_registry_that_is_busy_says_nothing_about_signatures),
        T(a_registry_that_refuses_says_nothing_about_signatures),
        T(a_line_that_breaks_says_nothing_about_signatures),
        T(a_registry_that_answers_nonsense_says_nothing_about_signatures),
        T(a_referrer_that_is_listed_and_not_there_is_the_registrys_fault),
        T(a_bundle_among_the_referrers_counts),
        T(a_bundle_by_another_key_does_not_count),
        T(a_bundle_for_another_image_does_not_count),
        T(an_attestation_by_the_right_key_does_not_vouch_for_the_image),
        T(an_attestation_that_says_so_is_no_signature_and_travels_along),
        T(a_bundle_around_something_else_does_not_count),
        T(other_kinds_of_signatures_are_named_and_other_artifacts_left),
        T(the_entry_with_the_longest_prefix_decides),
        T(an_entry_is_stronger_than_the_option),
        T(a_copy_is_accepted_as_what_its_signer_called_it_and_as_nothing_else),
        T(a_copy_with_its_own_name_is_not_what_was_signed),
        T(without_a_rule_nothing_is_asked),
        T(an_image_that_comes_from_no_registry_is_refused),
        T(an_entry_that_covers_no_image_is_refused),
        T(a_key_file_that_is_missing_is_named),
        T(one_key_in_two_files_is_refused),
        T(the_option_given_twice_is_refused),
        T(what_lies_beside_an_unchecked_image_is_collected_unless_told_otherwise),
        T(a_registry_that_forbids_to_look_beside_an_unchecked_image_is_no_obstacle),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
