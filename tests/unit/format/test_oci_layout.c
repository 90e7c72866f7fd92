/* The documents of a layout: their exact bytes. That skopeo and the engines read them is shown by the journeys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "format/oci_layout.h"

#define HEX_A "abababababababababababababababababababababababababababababababab"
#define HEX_C "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"

static struct digest digest_of(int byte)
{
    struct digest d;
    memset(d.bytes, byte, sizeof d.bytes);
    return d;
}

static void a_blob_lies_under_its_digest(void **state)
{
    (void)state;
    struct digest d = digest_of(0xab);
    assert_string_equal(OCI_BLOB_PATH(&d), "blobs/sha256/" HEX_A);
}

static void the_index_names_what_has_a_name_and_tells_platforms(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    struct platform arm = { .os = "linux", .architecture = "arm", .variant = "v7" };
    struct oci_layout_entry list[] = {
        { .media_type = OCI_TYPE_MANIFEST, .digest = digest_of(0xab), .size = 7, .name = "r.example/a:1", .ref_name = "1", .platform = &arm },
        { .media_type = DOCKER_TYPE_LIST, .digest = digest_of(0xcd), .size = 9 },
    };
    assert_true(oci_layout_write_index(list, 2, &out, &e));
    assert_string_equal(buf_text(&out), "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":["
                                        "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"sha256:" HEX_A "\",\"size\":7,"
                                        "\"annotations\":{\"io.containerd.image.name\":\"r.example/a:1\",\"org.opencontainers.image.ref.name\":\"1\"},"
                                        "\"platform\":{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\"}},"
                                        "{\"mediaType\":\"" DOCKER_TYPE_LIST "\",\"digest\":\"sha256:" HEX_C "\",\"size\":9}]}\n");
}

static void docker_gets_paths_and_a_name_where_there_is_one(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    struct digest layers[] = { digest_of(0xab), digest_of(0xcd) };
    struct docker_entry list[] = { { .config = digest_of(0xcd), .name = "r.example/a:1", .n_layers = 2, .layers = layers }, { .config = digest_of(0xab) } };
    assert_true(docker_manifest_write(list, 2, &out, &e));
    assert_string_equal(buf_text(&out), "[{\"Config\":\"blobs/sha256/" HEX_C "\",\"RepoTags\":[\"r.example/a:1\"],"
                                        "\"Layers\":[\"blobs/sha256/" HEX_A "\",\"blobs/sha256/" HEX_C "\"]},"
                                        "{\"Config\":\"blobs/sha256/" HEX_A "\",\"RepoTags\":[],\"Layers\":[]}]\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_lies_under_its_digest),
        cmocka_unit_test(the_index_names_what_has_a_name_and_tells_platforms),
        cmocka_unit_test(docker_gets_paths_and_a_name_where_there_is_one),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
