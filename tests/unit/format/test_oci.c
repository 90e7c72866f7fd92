/* OCI and Docker documents: what real registries send, and what only an attacker would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "format/oci.h"

#define A "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define B "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define C "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define DESCRIPTOR(type, digest, size) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define CONFIG DESCRIPTOR(OCI_TYPE_CONFIG, A, "7023")
#define LAYER DESCRIPTOR(OCI_TYPE_LAYER "+gzip", B, "32654")
#define MANIFEST(rest) "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," rest "}"
#define ENTRY(digest, rest) "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" digest "\",\"size\":500" rest "}"
#define PLATFORM(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define INDEX(entries) "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[" entries "]}"

static void expect_says(const struct err *e, const char *text, const char *says)
{
    assert_int_equal(e->code, ERR_REGISTRY);
    if (strstr(e->msg, says) == NULL)
        fail_msg("%.200s: message \"%s\" lacks \"%s\"", text, e->msg, says);
}

/* ---- kinds ---- */

static void tells_the_kind_from_type_header_and_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *content_type;
        enum oci_kind kind;
    } cases[] = {
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[]"), OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[]"), NULL, OCI_KIND_MANIFEST },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[]"), " Application/VND.oci.image.manifest.v1+JSON ; charset=utf-8", OCI_KIND_MANIFEST },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[]"), "application/json; charset=utf-8", OCI_KIND_MANIFEST },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[]"), "", OCI_KIND_MANIFEST },
        { "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
        { "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", DOCKER_TYPE_MANIFEST, OCI_KIND_MANIFEST },
        { "{\"schemaVersion\":2,\"manifests\":[]}", NULL, OCI_KIND_INDEX },
        { "{\"schemaVersion\":2,\"manifests\":[]}", DOCKER_TYPE_LIST, OCI_KIND_INDEX },
        { "{\"schemaVersion\":2,\"manifests\":[],\"mediaType\":\"" DOCKER_TYPE_LIST "\"}", DOCKER_TYPE_LIST, OCI_KIND_INDEX },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        enum oci_kind kind = OCI_KIND_UNKNOWN;
        if (!oci_kind_of(cases[i].text, strlen(cases[i].text), cases[i].content_type, &kind, &e))
            fail_msg("%zu: %s", i, e.msg);
        assert_int_equal(kind, cases[i].kind);
    }
}

static void refuses_documents_that_are_two_things(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *content_type;
        const char *says;
    } bad[] = {
        { "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", NULL, "both manifests and layers" },
        { "{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", OCI_TYPE_INDEX, "both manifests and layers" },
        { "{\"schemaVersion\":2}", OCI_TYPE_INDEX, "neither manifests nor layers" },
        { "[]", OCI_TYPE_INDEX, "expected an object" },
        { "{\"manifests\":[]}", OCI_TYPE_MANIFEST, "content is an index" },
        { "{\"layers\":[]}", OCI_TYPE_INDEX, "content is a manifest" },
        { "{\"layers\":[],\"mediaType\":\"" OCI_TYPE_INDEX "\"}", NULL, "content is a manifest" },
        { "{\"layers\":[],\"mediaType\":\"" OCI_TYPE_MANIFEST "\"}", DOCKER_TYPE_MANIFEST, "Content-Type is " DOCKER_TYPE_MANIFEST },
        { "{\"layers\":[],\"mediaType\":\"text/html\"}", NULL, "text/html is not an image manifest" },
        { "{\"layers\":[],\"mediaType\":7}", NULL, "mediaType: expected text" },
        { "{\"layers\":[]}", "text/html; charset=utf-8", "text/html is not an image manifest" },
        { "{\"layers\":[]}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1" },
        { "{\"layers\":[],\"mediaType\":\"application/vnd.docker.distribution.manifest.v1+json\"}", NULL, "schema 1" },
        { "{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", NULL, "schema 1" },
        { "{\"layers\":[],\"layers\":[]}", NULL, "duplicate key" },
        { "<html>", OCI_TYPE_MANIFEST, "byte 0" },
        { "", NULL, "byte 0" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        enum oci_kind kind = OCI_KIND_INDEX;
        assert_false(oci_kind_of(bad[i].text, strlen(bad[i].text), bad[i].content_type, &kind, &e));
        expect_says(&e, bad[i].text, bad[i].says);
        assert_int_equal(kind, OCI_KIND_UNKNOWN);
    }
}

/* ---- manifest ---- */

static void reads_an_oci_manifest(void **state)
{
    (void)state;
    static const char text[] = MANIFEST("\"config\":" CONFIG ",\"layers\":[" LAYER ",{\"mediaType\":\"" DOCKER_TYPE_LAYER ".gzip\",\"digest\":\"" A
                                        "\",\"size\":1,\"urls\":[\"https://x\"],\"annotations\":{\"f\":\"1.5\"}}],\"annotations\":{\"n\":\"v\"}");
    struct err e = { 0 };
    struct oci_manifest m;
    if (!oci_manifest_read(&m, text, sizeof text - 1, "manifest", &e))
        fail_msg("%s", e.msg);
    assert_string_equal(m.media_type, OCI_TYPE_MANIFEST);
    assert_int_equal(m.config.size, 7023);
    assert_string_equal(DIGEST_SHOWN(&m.config.digest), A);
    assert_int_equal(m.n_layers, 2);
    assert_string_equal(m.layers[0].media_type, OCI_TYPE_LAYER "+gzip");
    assert_string_equal(DIGEST_SHOWN(&m.layers[0].digest), B);
    assert_false(m.layers[0].has_urls);
    assert_true(m.layers[1].has_urls);
    oci_manifest_clear(&m);
    oci_manifest_clear(&m);
}

static void takes_the_oci_type_where_none_is_written(void **state)
{
    (void)state;
    static const char text[] = "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[]}";
    struct err e = { 0 };
    struct oci_manifest m;
    assert_true(oci_manifest_read(&m, text, sizeof text - 1, "manifest", &e));
    assert_string_equal(m.media_type, OCI_TYPE_MANIFEST);
    assert_int_equal(m.n_layers, 0);
    oci_manifest_clear(&m);
}

static void refuses_manifests_that_lie_or_that_go_reads_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "{\"schemaVersion\":1,\"config\":" CONFIG ",\"layers\":[]}", "schemaVersion: expected 2, found 1" },
        { "{\"config\":" CONFIG ",\"layers\":[]}", "schemaVersion: missing" },
        { "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"config\":" CONFIG ",\"layers\":[]}", "mediaType: expected " },
        { MANIFEST("\"layers\":[]"), "config: missing" },
        { MANIFEST("\"config\":" CONFIG), "layers: missing" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":{}"), "layers: expected an array" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":null"), "layers: expected an array, found null" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]"), "manifests: has no place" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[],\"Layers\":[" LAYER "]"), "key \"Layers\", expected \"layers\"" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[],\"layer\xC5\xBF\":[" LAYER "]"), "is not ASCII" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[],\"layer\\u017f\":[" LAYER "]"), "is not ASCII" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[{\"Digest\":\"" A "\",\"mediaType\":\"x\",\"digest\":\"" B "\",\"size\":1}]"), "layers[0]: key \"Digest\"" },
        { MANIFEST("\"config\":" DESCRIPTOR("application/vnd.cncf.helm.config.v1+json", A, "5") ",\"layers\":[]"), "helm.config.v1+json is a Helm chart" },
        { MANIFEST("\"config\":" DESCRIPTOR(OCI_TYPE_CONFIG, A, "20971521") ",\"layers\":[]"), "config.size: expected a whole number up to 20971520" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", "sha256:../../x", "5") "]"), "layers[0].digest: digest has 7 characters" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", "sha512:00", "5") "]"), "layers[0].digest: digest algorithm \"sha512\"" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" LAYER "," DESCRIPTOR("x", A, "-1") "]"), "layers[1].size: expected a whole number" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", A, "0") "]"), "layers[0].size: 0, expected at least one byte" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", A, "1.0") "]"), "layers[0].size: expected a whole number" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", A, "9223372036854775808") "]"), "layers[0].size: expected a whole number" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", A, "274877906945") "]"), "layers[0].size: expected a whole number" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("x", A, "\"5\"") "]"), "layers[0].size: expected a whole number" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("a b", A, "5") "]"), "is not a media type" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[" DESCRIPTOR("a\\u001b[2J", A, "5") "]"), "\"a\\x1b[2J\" is not a media type" },
        { MANIFEST("\"config\":" CONFIG ",\"layers\":[7]"), "layers[0]: expected an object" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct oci_manifest m;
        if (oci_manifest_read(&m, bad[i].text, strlen(bad[i].text), "app:1", &e))
            fail_msg("accepted %s", bad[i].text);
        expect_says(&e, bad[i].text, bad[i].says);
        assert_memory_equal(e.msg, "app:1: ", 7);
        assert_null(m.layers);
        assert_int_equal(m.n_layers, 0);
    }
}

static bool read_with_layers(size_t n, struct err *e)
{
    struct oci_manifest m;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 * MIB);
    buf_adds(&text, "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : ",", LAYER);
    buf_adds(&text, "]}");
    bool ok = oci_manifest_read(&m, text.data, text.len, "manifest", e);
    oci_manifest_clear(&m);
    return ok;
}

static void holds_to_the_number_of_layers_and_bytes(void **state)
{
    (void)state;
    struct err e = { 0 };
    assert_true(read_with_layers(LIMIT_LAYERS_PER_IMAGE, &e));
    assert_false(read_with_layers(LIMIT_LAYERS_PER_IMAGE + 1, &e));
    expect_says(&e, "", "layers: 513 items, at most 512");

    AUTO(mem_auto) char *text = mem_new(LIMIT_OCI_MANIFEST_BYTES + 1);
    memset(text, ' ', LIMIT_OCI_MANIFEST_BYTES + 1);
    struct err f = { 0 };
    struct oci_manifest m;
    enum oci_kind kind;
    assert_false(oci_manifest_read(&m, text, LIMIT_OCI_MANIFEST_BYTES + 1, "manifest", &f));
    expect_says(&f, "", "4194305 bytes, at most 4194304");
    f = (struct err){ 0 };
    assert_false(oci_kind_of(text, LIMIT_OCI_MANIFEST_BYTES + 1, NULL, &kind, &f));
    expect_says(&f, "", "4194305 bytes, at most 4194304");
    static const char good[] = "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[]}";
    memcpy(text, good, sizeof good - 1);
    f = (struct err){ 0 };
    assert_true(oci_manifest_read(&m, text, LIMIT_OCI_MANIFEST_BYTES, "manifest", &f));
    oci_manifest_clear(&m);
}

/* ---- config ---- */

static void reads_a_config_with_what_others_put_there(void **state)
{
    (void)state;
    static const char text[] = "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\"created\":\"2024-05-01T10:00:00.123456789+02:00\","
                               "\"config\":{\"Env\":[\"PATH=/bin\"],\"Labels\":{\"A\":\"1\",\"a\":\"2\",\"\xC3\xA9\":\"3\"},\"StopTimeout\":-1,\"X\":1.5e3},\"os.version\":\"1\","
                               "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"" B "\"]},\"history\":[{\"empty_layer\":true}]}";
    struct err e = { 0 };
    struct oci_config c;
    struct platform_text name;
    if (!oci_config_read(&c, text, sizeof text - 1, "config", &e))
        fail_msg("%s", e.msg);
    assert_string_equal(platform_format(&name, &c.platform), "linux/arm64");
    assert_string_equal(c.created, "2024-05-01T10:00:00.123456789+02:00");
    assert_int_equal(c.n_diff_ids, 2);
    assert_string_equal(DIGEST_SHOWN(&c.diff_ids[1]), B);
    oci_config_clear(&c);
    oci_config_clear(&c);
}

static void reads_a_config_without_layers(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null},\"created\":null}" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        struct oci_config c;
        assert_true(oci_config_read(&c, texts[i], strlen(texts[i]), "config", &e));
        assert_int_equal(c.n_diff_ids, 0);
        assert_string_equal(c.created, "");
        oci_config_clear(&c);
    }
}

#define ROOTFS(ids) "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":" ids "}}"

static void refuses_configs_that_are_not_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":null}", "rootfs: expected an object, found null" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "rootfs: missing" },
        { "{\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", "os: missing" },
        { "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", "architecture: missing" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[]}}", "rootfs.type: missing" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers+base\",\"diff_ids\":[]}}", "rootfs.type: expected \"layers\"" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\"}}", "rootfs.diff_ids: missing" },
        { ROOTFS("7"), "rootfs.diff_ids: expected an array, found 7" },
        { ROOTFS("[7]"), "rootfs.diff_ids[0]: expected text, found 7" },
        { ROOTFS("[\"" A "\",\"sha256:xyz\"]"), "rootfs.diff_ids[1]: digest has 3 characters" },
        { ROOTFS("[[\"" A "\"]]"), "rootfs.diff_ids[0]: expected text, found an array" },
        { "{\"os\":\"linux\",\"os\":\"linux\"}", "duplicate key \"os\"" },
        { "{\"os\":\"linux\",\"OS\":\"windows\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", "key \"OS\"" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"RootFS\":{}}", "key \"RootFS\"" },
        { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[],\"DIFF_IDS\":[]}}", "rootfs: key \"DIFF_IDS\"" },
        { "{\"os\":\"01234567890123456789012345678901\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", "os: 32 bytes, at most 31" },
        { "[]", "expected an object" },
        { "null", "expected an object" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct oci_config c;
        if (oci_config_read(&c, bad[i].text, strlen(bad[i].text), "config", &e))
            fail_msg("accepted %s", bad[i].text);
        expect_says(&e, bad[i].text, bad[i].says);
        assert_null(c.diff_ids);
    }
}

/* ---- what a config asks for ---- */

#define ASKS(inner) "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{" inner "}}"

static void a_config_may_not_ask_for_what_engines_obey_blindly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { ASKS("\"Labels\":{\"a\":\"b\",\"containerd.io/restart.loguri\":\"binary:///x\"}"), "config.Labels: label \"containerd.io/restart.loguri\" is reserved" },
        { ASKS("\"Labels\":{\"io.cri-containerd.kind\":\"sandbox\"}"), "\"io.cri-containerd.kind\" is reserved" },
        { ASKS("\"Labels\":{\"Containerd.IO/gc.root\":\"\"}"), "is reserved" },
        { ASKS("\"Labels\":[]"), "config.Labels: expected an object" },
        { ASKS("\"labels\":{}"), "key \"labels\", expected \"Labels\"" },
        { ASKS("\"Volumes\":{\"/\":{}}"), "config.Volumes: volume \"/\" is the root" },
        { ASKS("\"Volumes\":{\"/data\":{},\"//a/.././..//\":{}}"), "is the root" },
        { ASKS("\"Volumes\":{\"\":{}}"), "is the root" },
        { ASKS("\"User\":\"4294967296\""), "config.User: \"4294967296\" is not a user number" },
        { ASKS("\"User\":\"2147483648\""), "is not a user number" },
        { ASKS("\"User\":\"1000:4294967296\""), "is not a user number" },
        { ASKS("\"User\":\"app:18446744073709551616\""), "is not a user number" },
        { ASKS("\"User\":\"-1\""), "is not a user number" },
        { ASKS("\"User\":\"+4294967296\""), "is not a user number" },
        { ASKS("\"User\":0"), "config.User: expected text" },
        { "{\"config\":7}", "config: expected an object" },
        { "", "byte 0" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = { 0 };
        char odd[128];
        if (oci_config_judge(bad[i].text, strlen(bad[i].text), "app:1", odd, &e))
            fail_msg("accepted %s", bad[i].text);
        expect_says(&e, bad[i].text, bad[i].says);
    }
}

static void usual_configs_ask_for_nothing_strange(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *odd;
    } good[] = {
        { "{}", "" },
        { "{\"config\":null}", "" },
        { ASKS("\"User\":\"\",\"Volumes\":null,\"Labels\":null"), "" },
        { ASKS("\"User\":\"1000:1000\",\"Volumes\":{\"/var/lib/db\":{},\"/etc/nginx\":{},\"/..a\":{}},\"Labels\":{\"org.containerd.io/x\":\"\"}"), "" },
        { ASKS("\"User\":\"0000065534:nogroup\",\"Volumes\":{\"/x/../etc/\":{},\"/usr\":{}}"), "/etc" },
        { ASKS("\"User\":\"2147483647\""), "" },
        { ASKS("\"User\":\"4294967296a\""), "" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct err e = { 0 };
        char odd[128];
        if (!oci_config_judge(good[i].text, strlen(good[i].text), "app:1", odd, &e))
            fail_msg("%s: %s", good[i].text, e.msg);
        assert_string_equal(odd, good[i].odd);
    }
}

/* ---- artifacts ---- */

static void artifacts_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { MANIFEST("\"config\":" DESCRIPTOR("application/vnd.cncf.helm.config.v1+json", A, "10") ",\"layers\":[]"),
          "app:1: config.mediaType: application/vnd.cncf.helm.config.v1+json is a Helm chart, expected a container image" },
        { MANIFEST("\"config\":" DESCRIPTOR("application/vnd.wasm.config.v0+json", A, "10") ",\"layers\":[]"), "is a WebAssembly module" },
        { MANIFEST("\"artifactType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"config\":" DESCRIPTOR("application/vnd.oci.empty.v1+json", A, "2") ",\"layers\":[]"),
          "app:1: artifactType: application/vnd.dev.sigstore.bundle.v0.3+json is a Sigstore bundle" },
        { MANIFEST("\"artifactType\":\"application/vnd.docker.attestation.manifest.v1+json\",\"config\":" CONFIG ",\"layers\":[]"), "is an attestation, expected" },
        { MANIFEST("\"config\":" DESCRIPTOR("application/vnd.example.thing", A, "10") ",\"layers\":[]"), "application/vnd.example.thing is an artifact" },
        { MANIFEST("\"config\":" DESCRIPTOR("application/vnd.oci.empty.v1+json", A, "2") ",\"layers\":[]"), "application/vnd.oci.empty.v1+json is an artifact" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = { 0 };
        struct oci_manifest m;
        if (oci_manifest_read(&m, bad[i].text, strlen(bad[i].text), "app:1", &e))
            fail_msg("accepted %s", bad[i].text);
        expect_says(&e, bad[i].text, bad[i].says);
    }
}

/* ---- index ---- */

static const struct oci_index_entry *pick(const char *text, const char *platform, struct oci_index *x, struct err *e)
{
    struct platform p;
    if (!oci_index_read(x, text, strlen(text), "app:1", e) || !platform_parse(&p, platform, e))
        fail_msg("%s", e->msg);
    return oci_index_pick(x, &p, "app:1", e);
}

static void expect_picked(const char *text, const char *platform, size_t entry)
{
    struct err e = { 0 };
    struct oci_index x;
    const struct oci_index_entry *got = pick(text, platform, &x, &e);
    if (got == NULL)
        fail_msg("%s", e.msg);
    assert_ptr_equal(got, &x.entries[entry]);
    oci_index_clear(&x);
}

static void expect_not_picked(const char *text, const char *platform, const char *says)
{
    struct err e = { 0 };
    struct oci_index x;
    assert_null(pick(text, platform, &x, &e));
    expect_says(&e, text, says);
    oci_index_clear(&x);
}

#define VARIANT(arch, variant) ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\",\"variant\":\"" variant "\"}"
#define NESTED(digest, rest) "{\"mediaType\":\"" OCI_TYPE_INDEX "\",\"digest\":\"" digest "\",\"size\":500" rest "}"
#define ATTESTATION(digest) \
    ENTRY(digest, PLATFORM("unknown", "unknown") ",\"annotations\":{\"vnd.docker.reference.digest\":\"" A "\",\"vnd.docker.reference.type\":\"attestation-manifest\"}")

static void picks_the_entry_of_a_platform(void **state)
{
    (void)state;
    static const char usual[] = INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, VARIANT("arm64", "v8")) "," ATTESTATION(C));
    expect_picked(usual, "linux/amd64", 0);
    expect_picked(usual, "linux/x86_64", 0);
    expect_picked(usual, "linux/arm64", 1);
    expect_not_picked(usual, "linux/s390x", "app:1: has no linux/s390x, it has: linux/amd64, linux/arm64");
    expect_not_picked(usual, "windows/amd64", "app:1: has no windows/amd64");
    expect_not_picked(INDEX(""), "linux/amd64", "it has: nothing");
    expect_not_picked(INDEX(ATTESTATION(C)), "linux/amd64", "it has: nothing");
}

static void prefers_the_exact_variant(void **state)
{
    (void)state;
    expect_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, VARIANT("amd64", "v3"))), "linux/amd64/v3", 1);
    expect_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64"))), "linux/amd64/v3", 0);
    expect_not_picked(INDEX(ENTRY(B, VARIANT("amd64", "v3"))), "linux/amd64", "it has: linux/amd64/v3");
    expect_picked(INDEX(ENTRY(A, VARIANT("arm", "v6")) "," ENTRY(B, VARIANT("arm", "v7"))), "linux/arm", 1);
    expect_picked(INDEX(ENTRY(A, VARIANT("arm", "v6")) "," ENTRY(B, PLATFORM("linux", "arm"))), "linux/arm/v7", 1);
    expect_picked(INDEX(ENTRY(A, VARIANT("arm", "v5")) "," ENTRY(B, VARIANT("arm", "v6")) "," ENTRY(C, VARIANT("arm64", "v8"))), "linux/arm/v7", 1);
    expect_not_picked(INDEX(ENTRY(A, VARIANT("arm", "v7"))), "linux/arm/v6", "has no linux/arm/v6, it has: linux/arm/v7");
    expect_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, VARIANT("amd64", "v2")) "," ENTRY(C, VARIANT("amd64", "v4"))), "linux/amd64/v3", 1);
}

static void goes_into_nested_indexes(void **state)
{
    (void)state;
    expect_picked(INDEX(NESTED(A, "")), "linux/amd64", 0);
    expect_picked(INDEX(NESTED(A, "") "," ENTRY(B, PLATFORM("linux", "amd64"))), "linux/amd64", 1);
    expect_picked(INDEX(NESTED(A, PLATFORM("linux", "arm64")) "," NESTED(B, PLATFORM("linux", "amd64"))), "linux/amd64", 1);
    expect_not_picked(INDEX(NESTED(A, PLATFORM("linux", "arm64"))), "linux/amd64", "has no linux/amd64");
    expect_not_picked(INDEX(NESTED(A, "") "," NESTED(B, "")), "linux/amd64", "two entries");
    expect_picked(INDEX(ENTRY(A, "")), "linux/amd64", 0); /* its config will tell */
}

static void refuses_two_images_for_one_platform(void **state)
{
    (void)state;
    expect_not_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, PLATFORM("linux", "amd64"))), "linux/amd64",
                      "has two entries for linux/amd64: " A " and " B);
    expect_not_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, PLATFORM("linux", "x86_64"))), "linux/amd64", "two entries");
    expect_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(A, PLATFORM("linux", "amd64"))), "linux/amd64", 0);
    expect_picked(INDEX(ENTRY(A, "") "," ENTRY(B, "") "," ENTRY(C, PLATFORM("linux", "amd64"))), "linux/amd64", 2);
}

static void passes_over_attestations_and_artifacts(void **state)
{
    (void)state;
    expect_picked(INDEX(ENTRY(A, PLATFORM("linux", "amd64") ",\"artifactType\":\"application/x\"") "," ENTRY(B, PLATFORM("linux", "amd64"))), "linux/amd64", 1);
    expect_picked(INDEX(ENTRY(A, ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}") "," ENTRY(B, "")), "linux/amd64", 1);
    expect_picked(INDEX("{\"mediaType\":\"application/x\",\"digest\":\"" A "\",\"size\":5}," ENTRY(B, "")), "linux/amd64", 1);
}

static void an_attestation_tells_what_it_speaks_of(void **state)
{
    (void)state;
    static const char text[] = INDEX(ATTESTATION(C) "," ENTRY(B, PLATFORM("unknown", "unknown")) "," ENTRY(A, ",\"annotations\":{\"vnd.docker.reference.digest\":\"" B "\"}"));
    struct err e = { 0 };
    struct oci_index x;
    assert_true(oci_index_read(&x, text, sizeof text - 1, "app:1", &e));
    assert_true(x.entries[0].is_attestation && x.entries[0].has_subject);
    assert_string_equal(DIGEST_SHOWN(&x.entries[0].subject), A);
    assert_true(x.entries[1].is_attestation && !x.entries[1].has_subject);
    assert_false(x.entries[2].is_attestation || x.entries[2].has_subject);
    oci_index_clear(&x);
    static const char bad[] = INDEX(ENTRY(A, ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\",\"vnd.docker.reference.digest\":\"sha256:../../x\"}"));
    assert_false(oci_index_read(&x, bad, sizeof bad - 1, "app:1", &e));
    expect_says(&e, bad, "vnd.docker.reference.digest");
}

static void refuses_indexes_that_lie(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "layers: has no place in an index" },
        { "{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", "config: has no place in an index" },
        { "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"manifests\":[]}", "mediaType: expected " },
        { "{\"schemaVersion\":2}", "manifests: missing" },
        { "{\"schemaVersion\":2,\"manifests\":[],\"Manifests\":[]}", "key \"Manifests\"" },
        { INDEX(ENTRY("sha256:short", "")), "manifests[0].digest" },
        { INDEX(ENTRY("sha256:../../x", "")), "manifests[0].digest" },
        { INDEX(ENTRY("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "")), "manifests[0].digest" },
        { INDEX(ENTRY("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "")), "manifests[0].digest" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\",\"size\":-1}"), "manifests[0].size" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\",\"size\":0}"), "manifests[0].size" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\",\"size\":9223372036854775808}"), "manifests[0].size" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\",\"size\":1.5}"), "manifests[0].size" },
        { INDEX(ENTRY(A, ",\"platform\":7")), "manifests[0].platform: expected an object" },
        { INDEX(ENTRY(A, ",\"platform\":{\"os\":\"linux\",\"Architecture\":\"x\"}")), "manifests[0].platform: key \"Architecture\"" },
        { INDEX(ENTRY(A, ",\"annotations\":[]")), "manifests[0].annotations: expected an object" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\",\"size\":4194305}"), "manifests[0].size" },
        { INDEX("{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" A "\"}"), "manifests[0].size: missing" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct oci_index x;
        if (oci_index_read(&x, bad[i].text, strlen(bad[i].text), "app:1", &e))
            fail_msg("accepted %s", bad[i].text);
        expect_says(&e, bad[i].text, bad[i].says);
        assert_null(x.entries);
    }
}

static void holds_to_the_number_of_entries(void **state)
{
    (void)state;
    for (size_t n = LIMIT_INDEX_ENTRIES; n <= 10 * LIMIT_INDEX_ENTRIES; n += 9 * LIMIT_INDEX_ENTRIES) {
        struct err e = { 0 };
        struct oci_index x;
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(4 * MIB);
        buf_adds(&text, "{\"schemaVersion\":2,\"manifests\":[");
        for (size_t i = 0; i < n; i++)
            buf_addf(&text, "%s%s", i == 0 ? "" : ",", ENTRY(A, ""));
        buf_adds(&text, "]}");
        bool ok = oci_index_read(&x, text.data, text.len, "app:1", &e);
        assert_int_equal(ok, n == LIMIT_INDEX_ENTRIES);
        if (!ok)
            expect_says(&e, "", "manifests: 10000 items, at most 1000");
        oci_index_clear(&x);
    }
}

/* ---- layers ---- */

static void knows_the_compression_of_layer_types(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum oci_compression compression;
    } good[] = {
        { "application/vnd.oci.image.layer.v1.tar", OCI_RAW },
        { "application/vnd.oci.image.layer.v1.tar+gzip", OCI_GZIP },
        { "application/vnd.oci.image.layer.v1.tar+zstd", OCI_ZSTD },
        { "application/vnd.docker.image.rootfs.diff.tar", OCI_RAW },
        { "application/vnd.docker.image.rootfs.diff.tar.gzip", OCI_GZIP },
        { "application/vnd.docker.image.rootfs.diff.tar.zstd", OCI_ZSTD },
        { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", OCI_GZIP },
        { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", OCI_GZIP },
    };
    static const struct {
        const char *type;
        const char *says;
    } bad[] = {
        { "application/vnd.wasm.content.layer.v1+wasm", "application/vnd.wasm.content.layer.v1+wasm is not known" },
        { "application/vnd.oci.image.layer.v1.tar+encrypted", "is not known" },
        { "application/vnd.in-toto+json", "is not known" },
        { "", "is not known" },
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = { 0 };
        enum oci_compression c;
        assert_true(oci_layer_compression(good[i].type, &c, &e));
        assert_int_equal(c, good[i].compression);
        assert_int_equal(oci_layer_is_foreign(good[i].type), i >= 6);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        enum oci_compression c;
        assert_false(oci_layer_compression(bad[i].type, &c, &e));
        expect_says(&e, bad[i].type, bad[i].says);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_kind_from_type_header_and_shape),
        cmocka_unit_test(refuses_documents_that_are_two_things),
        cmocka_unit_test(reads_an_oci_manifest),
        cmocka_unit_test(takes_the_oci_type_where_none_is_written),
        cmocka_unit_test(refuses_manifests_that_lie_or_that_go_reads_otherwise),
        cmocka_unit_test(holds_to_the_number_of_layers_and_bytes),
        cmocka_unit_test(reads_a_config_with_what_others_put_there),
        cmocka_unit_test(reads_a_config_without_layers),
        cmocka_unit_test(refuses_configs_that_are_not_whole),
        cmocka_unit_test(picks_the_entry_of_a_platform),
        cmocka_unit_test(prefers_the_exact_variant),
        cmocka_unit_test(goes_into_nested_indexes),
        cmocka_unit_test(refuses_two_images_for_one_platform),
        cmocka_unit_test(passes_over_attestations_and_artifacts),
        cmocka_unit_test(an_attestation_tells_what_it_speaks_of),
        cmocka_unit_test(a_config_may_not_ask_for_what_engines_obey_blindly),
        cmocka_unit_test(usual_configs_ask_for_nothing_strange),
        cmocka_unit_test(artifacts_are_refused_by_name),
        cmocka_unit_test(refuses_indexes_that_lie),
        cmocka_unit_test(holds_to_the_number_of_entries),
        cmocka_unit_test(knows_the_compression_of_layer_types),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
