/* inspect and the result of verify on the golden bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "show/facts.h"
#include "show/inspect.h"
#include "show/verified.h"
#include "tests/unit/show/golden.h"

static const char release_hex[] = "ab6fd64ee965c5b74159d35a84acd0739197e00ec9d6217ef732c2ed2e1e7b97";
static const char manifest_hex[] = "7f6f5197c33d7e98e4b641bdad928b9eea2f9ab1306ad4d2cb3ebda5685a9687";

static void says_what_is_inside_and_that_nobody_was_asked(void **state)
{
    (void)state;
    static const char *const words[] = { "golden 1.0.0", release_hex, manifest_hex, "not checked", "golden.example/web:1.0.0", "linux/amd64",
                                         "golden.example/api:1.0.0", "Services" };
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, NULL);
    assert_true(show_inspect(&h.ctx, x, NULL, &e));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_non_null(strstr(heard_out(&h), words[i]));
    assert_null(strstr(heard_out(&h), "signed by"));
    heard_close(&h);
}

static void names_the_signer_when_a_key_was_asked(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    struct verdict v = { 0 };
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    AUTO(keyring_free_auto) struct keyring *keys = golden_keys();
    AUTO(index_close_auto) struct index *x = index_open(bundle_file_open(path, NULL, &e), &(struct authority){ .keys = keys, .verdict = &v }, &e);
    assert_non_null(x);
    heard_open(&h, NULL);
    assert_true(show_inspect(&h.ctx, x, &v, &e));
    assert_non_null(strstr(heard_out(&h), "signed by"));
    assert_non_null(strstr(heard_out(&h), "release/golden"));
    assert_null(strstr(heard_out(&h), "not checked"));
    heard_close(&h);
}

static void the_form_for_programs_tells_whether_signatures_were_checked(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    heard_open(&h, "");
    assert_true(show_inspect(&h.ctx, x, NULL, &e));
    assert_non_null(strstr(heard_out(&h), "\"signatures_checked\": false"));
    assert_non_null(strstr(heard_out(&h), "\"layers\": 3"));
    heard_close(&h);
}

static void sizes_add_up(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    AUTO(facts_clear_auto) struct facts f = { 0 };
    assert_true(facts_collect(&f, x, NULL, &e));
    assert_int_equal(f.n_images, 2);
    assert_int_equal(f.images[0].bytes, 40960);
    assert_int_equal(f.images[1].bytes, 40960 + 1024);
    assert_int_equal(f.images[0].shared_bytes, 0);
    assert_int_equal(f.image_bytes, 82944);
    assert_int_equal(f.layer_bytes, 82944);
    assert_int_equal(f.stored_bytes, 70754);
}

static void a_bare_manifest_is_recognised_and_shown(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct heard h = { 0 };
    bool yes = false;
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    const char *path = scratch_file(s, "bundle.json", index_header(x)->manifest, index_header(x)->manifest_bytes, 0600);
    assert_true(show_is_manifest(path, &yes, &e));
    assert_true(yes);
    heard_open(&h, NULL);
    assert_true(show_inspect_manifest(&h.ctx, path, &e));
    assert_non_null(strstr(heard_out(&h), manifest_hex));
    assert_non_null(strstr(heard_out(&h), release_hex));
    heard_close(&h);
}

static void a_bundle_is_no_bare_manifest(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    bool yes = true;
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    assert_true(show_is_manifest(path, &yes, &e));
    assert_false(yes);
    assert_true(show_is_manifest(scratch_text(s, "short", "{\"arch", 0600), &yes, &e));
    assert_false(yes);
}

static void a_manifest_that_was_cut_is_refused(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct heard h = { 0 };
    AUTO(index_close_auto) struct index *x = golden_open(NULL);
    const char *path = scratch_file(s, "bundle.json", index_header(x)->manifest, index_header(x)->manifest_bytes - 2, 0600);
    heard_open(&h, NULL);
    assert_false(show_inspect_manifest(&h.ctx, path, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_string_equal(heard_out(&h), "");
    heard_close(&h);
}

static void verify_names_release_manifest_and_key(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct heard h = { 0 };
    struct verdict v = { 0 };
    struct verify_how how = { .jobs = 2 };
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    AUTO(keyring_free_auto) struct keyring *keys = golden_keys();
    AUTO(bundle_close_auto) struct bundle *b = bundle_verify(bundle_file_open(path, NULL, &e), keys, &how, &v, &e);
    assert_non_null(b);
    heard_open(&h, NULL);
    assert_true(show_verified(&h.ctx, b, &v, true, &e));
    assert_non_null(strstr(heard_out(&h), release_hex));
    assert_non_null(strstr(heard_out(&h), manifest_hex));
    assert_non_null(strstr(heard_out(&h), "3d930f2ff422a15ed698f2ad4ceaedbda07361cbc44839eddd028f828f99f9f4"));
    assert_non_null(strstr(heard_out(&h), "3 layers put together again"));
    heard_close(&h);
    heard_open(&h, "");
    assert_true(show_verified(&h.ctx, b, &v, false, &e));
    assert_non_null(strstr(heard_out(&h), "\"layers_rebuilt\": 0"));
    assert_non_null(strstr(heard_out(&h), "\"trusted\": true"));
    heard_close(&h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_inside_and_that_nobody_was_asked),
        cmocka_unit_test(names_the_signer_when_a_key_was_asked),
        cmocka_unit_test(the_form_for_programs_tells_whether_signatures_were_checked),
        cmocka_unit_test(sizes_add_up),
        SCRATCH_TEST(a_bare_manifest_is_recognised_and_shown),
        SCRATCH_TEST(a_bundle_is_no_bare_manifest),
        SCRATCH_TEST(a_manifest_that_was_cut_is_refused),
        cmocka_unit_test(verify_names_release_manifest_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
