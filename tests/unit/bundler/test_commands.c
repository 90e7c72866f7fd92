/* Commands that need no network, as they are called: keygen, lint, init, validate-embedded, and reading the golden bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/bundler/run.h"

static char *at(struct scratch *s, const char *name)
{
    return mem_text(scratch_at(s, name));
}

static char *golden(const char *name)
{
    return mem_format("%s/tests/golden/%s", getenv("ARCHON_SOURCE_DIR"), name);
}

static void gives(struct said s, int status, const char *out, const char *err)
{
    if (s.status != status)
        fail_msg("status %d: %s", s.status, s.err);
    if (out != NULL && strstr(s.out, out) == NULL)
        fail_msg("the result does not say %s: %s", out, s.out);
    if (out == NULL)
        assert_string_equal(s.out, "");
    if (err != NULL && strstr(s.err, err) == NULL)
        fail_msg("the story does not say %s: %s", err, s.err);
    said_clear(&s);
}

/* ---- keygen ---- */

static void keygen_writes_a_pair_once(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    AUTO(mem_auto) char *name = at(s, "release");
    gives(run("keygen", name, "--type", "ecdsa-p384", NULL), 0, "ecdsa-p384", NULL);
    assert_int_equal(stat(scratch_at(s, "release.key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    AUTO(mem_auto) char *before = scratch_content(s, "release.key");
    gives(run("keygen", name, NULL), 3, NULL, "exists");
    AUTO(mem_auto) char *after = scratch_content(s, "release.key");
    assert_string_equal(before, after);
}

static void keygen_encrypts_with_a_passphrase_from_a_file(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *name = at(s, "release");
    AUTO(mem_auto) char *passphrase = mem_text(scratch_text(s, "passphrase", "correct horse\n", 0600));
    gives(run("keygen", name, "--passphrase-file", passphrase, "--json", NULL), 0, "\"encrypted\": true", NULL);
    AUTO(mem_auto) char *key = scratch_content(s, "release.key");
    assert_non_null(strstr(key, "ENCRYPTED"));
}

/* ---- sign ---- */

static void sign_adds_a_signature_that_verify_accepts(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *from = golden("golden.bundle.tar.zst");
    AUTO(mem_auto) char *key = at(s, "second");
    AUTO(mem_auto) char *private_file = at(s, "second.key");
    AUTO(mem_auto) char *public_file = at(s, "second.pub");
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(1 << 20);
    struct err e = { 0 };
    assert_true(file_read(from, FILE_PLAIN, 1 << 20, &bytes, &e));
    AUTO(mem_auto) char *bundle = mem_text(scratch_file(s, "b.bundle.tar.zst", bytes.data, bytes.len, 0600));
    gives(run("keygen", key, NULL), 0, "key id", NULL);
    gives(run("verify", bundle, "--trust", public_file, NULL), 11, NULL, "b.bundle.tar.zst");
    gives(run("sign", bundle, "--key", private_file, NULL), 0, "signed by", NULL);
    gives(run("verify", bundle, "--deep", "--trust", public_file, NULL), 0, "genuine", NULL);
    assert_false(scratch_has(s, "b.bundle.tar.zst.header"));
    gives(run("sign", bundle, "--key", private_file, "--key", private_file, NULL), 2, NULL, "already");
}

static void sign_needs_a_key_and_a_bundle(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *key = at(s, "k");
    AUTO(mem_auto) char *private_file = at(s, "k.key");
    AUTO(mem_auto) char *noise = mem_text(scratch_text(s, "noise", "this is not a bundle", 0600));
    gives(run("keygen", key, NULL), 0, "key id", NULL);
    gives(run("sign", noise, NULL), 2, NULL, "--key");
    gives(run("sign", noise, "--key", private_file, NULL), 10, NULL, "noise");
    gives(run("sign", noise, "--key", "pkcs11:token=x", NULL), 2, NULL, "not in this version");
    gives(run("sign", noise, "--cms", "x", NULL), 2, NULL, "not in this version");
}

/* ---- reading ---- */

static void an_unproven_bundle_is_shown_with_a_note(void **state)
{
    (void)state;
    AUTO(mem_auto) char *bundle = golden("golden.bundle.tar.zst");
    AUTO(mem_auto) char *key = golden("golden.pub");
    gives(run("list", bundle, NULL), 0, "layers.bin", "signatures were not checked");
    gives(run("inspect", bundle, NULL), 0, "not checked", "signatures were not checked");
    struct said s = run("list", bundle, "--trust", key, NULL);
    assert_null(strstr(s.err, "not checked"));
    gives(s, 0, "layers.bin", NULL);
}

static void reading_with_a_key_refuses_what_it_did_not_sign(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *bundle = golden("golden.bundle.tar.zst");
    AUTO(mem_auto) char *name = at(s, "stranger");
    AUTO(mem_auto) char *key = at(s, "stranger.pub");
    gives(run("keygen", name, NULL), 0, "key id", NULL);
    gives(run("list", bundle, "--trust", key, NULL), 11, NULL, "golden.bundle.tar.zst");
    gives(run("cat", bundle, "release.json", "--trust", key, NULL), 11, NULL, NULL);
    gives(run("extract", bundle, "-C", s->dir, "--trust", key, NULL), 11, NULL, NULL);
    gives(run("inspect", bundle, "--trust", key, NULL), 11, NULL, NULL);
}

static void verify_asks_whose_signature(void **state)
{
    (void)state;
    AUTO(mem_auto) char *bundle = golden("golden.bundle.tar.zst");
    gives(run("verify", bundle, NULL), 2, NULL, "--trust");
}

static void extract_asks_where_to(void **state)
{
    (void)state;
    AUTO(mem_auto) char *bundle = golden("golden.bundle.tar.zst");
    gives(run("extract", bundle, NULL), 2, NULL, "-C");
}

/* ---- lint, init ---- */

static const char good_compose[] = "services:\n  web:\n    image: registry.example/web:${TAG:-1}\n    ports: [\"${PORT}:80\"]\n    environment:\n"
                                   "      A: ${API_PASSWORD}\n      B: ${LEVEL:-in \"fo\\\\}\n";

static void lint_says_everything_that_it_finds(void **state)
{
    struct scratch *s = *state;
    scratch_text(s, "compose.yaml", "services:\n  web:\n    image: registry.example/web:1\n    privileged: true\n    pot: 1\n", 0600);
    AUTO(mem_auto) char *file = mem_text(scratch_text(s, "bundle.yaml", "name: x\nversion: one\ncompose: [compose.yaml]\ncolour: blue\n", 0600));
    struct said told = run("lint", "-f", file, NULL);
    assert_non_null(strstr(told.err, "colour"));
    assert_non_null(strstr(told.err, "\"one\""));
    assert_non_null(strstr(told.err, "pot"));
    gives(told, 3, NULL, "archon-bundle: bundle.yaml:2:10");
    told = run("lint", "-f", file, "--json", NULL);
    assert_non_null(strstr(told.out, "\"file\": \"compose.yaml\",\"line\": 5"));
    assert_non_null(strstr(told.out, "\"status\": 3,"));
    gives(told, 3, "\"findings\"", NULL);
}

static void lint_of_a_compose_file_needs_no_version(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *file = mem_text(scratch_text(s, "compose.yaml", good_compose, 0600));
    gives(run("lint", "--compose", file, NULL), 0, "nothing to complain", NULL);
    gives(run("create", "--compose", file, NULL), 2, NULL, "version");
}

static void several_sources_are_one_too_many(void **state)
{
    (void)state;
    gives(run("lint", "-f", "bundle.yaml", "--compose", "compose.yaml", NULL), 2, NULL, "expected one of them");
    gives(run("lint", "-f", "bundle.yaml", "busybox:1", NULL), 2, NULL, "expected one of them");
}

static void platforms_are_known_and_different(void **state)
{
    (void)state;
    gives(run("lint", "busybox:1", "--platform", "linux/amd64,linux/x86_64", NULL), 2, NULL, "given twice");
    gives(run("lint", "busybox:1", "--platform", "linux", NULL), 2, NULL, "--platform");
    gives(run("lint", "busybox:1", "--platform", "linux/amd64,linux/arm64", NULL), 0, "1 image", NULL);
}

static void compose_files_lie_below_the_first_ones_folder(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *sub = at(s, "sub");
    AUTO(mem_auto) char *sub_file = at(s, "sub/more.yaml");
    assert_int_equal(mkdir(sub, 0700), 0);
    AUTO(mem_auto) char *file = mem_text(scratch_text(s, "compose.yaml", good_compose, 0600));
    scratch_text(s, "sub/more.yaml", "services:\n  db: { image: \"registry.example/db:1\" }\n", 0600);
    gives(run("lint", "--compose", file, "--compose", sub_file, NULL), 0, "2 images", NULL);
    gives(run("lint", "--compose", sub_file, "--compose", file, NULL), 2, NULL, "lies outside");
}

static void init_writes_a_definition_that_lint_accepts(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *file = mem_text(scratch_text(s, "compose.yaml", good_compose, 0600));
    AUTO(mem_auto) char *definition = at(s, "bundle.yaml");
    gives(run("init", "--compose", file, NULL), 0, "bundle.yaml", NULL);
    AUTO(mem_auto) char *text = scratch_content(s, "bundle.yaml");
    assert_non_null(strstr(text, "{ name: API_PASSWORD, secret: true, generate: 32 }"));
    assert_non_null(strstr(text, "{ name: PORT, required: true }"));
    assert_non_null(strstr(text, "{ name: LEVEL, default: \"in "));
    assert_null(strstr(text, "TAG"));
    gives(run("lint", "-f", definition, NULL), 0, "nothing to complain", NULL);
    gives(run("init", "--compose", file, NULL), 60, NULL, "exists already");
}

static void init_takes_any_folder_name(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = { "null", "12", "My Shop", "on" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(mem_auto) char *dir = at(s, names[i]);
        AUTO(mem_auto) char *compose = mem_format("%s/compose.yaml", names[i]);
        AUTO(mem_auto) char *definition = mem_format("%s/bundle.yaml", dir);
        assert_int_equal(mkdir(dir, 0700), 0);
        AUTO(mem_auto) char *file = mem_text(scratch_text(s, compose, "services:\n  web: { image: \"registry.example/web:1\" }\n", 0600));
        gives(run("init", "--compose", file, NULL), 0, "bundle.yaml", NULL);
        gives(run("lint", "-f", definition, NULL), 0, "nothing to complain", NULL);
    }
}

static void init_writes_the_built_in_application_and_overwrites_nothing(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *dir = at(s, "archon");
    AUTO(mem_auto) char *definition = at(s, "archon/bundle.yaml");
    gives(run("init", dir, NULL), 0, "files", NULL);
    gives(run("lint", "-f", definition, NULL), 0, "nothing to complain", NULL);
    assert_int_equal(unlink(definition), 0);
    scratch_text(s, "archon/bundle.yaml", "mine", 0600);
    gives(run("init", dir, NULL), 60, NULL, "exists already");
    AUTO(mem_auto) char *mine = scratch_content(s, "archon/bundle.yaml");
    assert_string_equal(mine, "mine");
}

static void the_built_in_application_is_in_order(void **state)
{
    (void)state;
    gives(run("validate-embedded", NULL), 0, "archon", NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(keygen_writes_a_pair_once),
        SCRATCH_TEST(keygen_encrypts_with_a_passphrase_from_a_file),
        SCRATCH_TEST(sign_adds_a_signature_that_verify_accepts),
        SCRATCH_TEST(sign_needs_a_key_and_a_bundle),
        cmocka_unit_test(an_unproven_bundle_is_shown_with_a_note),
        SCRATCH_TEST(reading_with_a_key_refuses_what_it_did_not_sign),
        cmocka_unit_test(verify_asks_whose_signature),
        cmocka_unit_test(extract_asks_where_to),
        SCRATCH_TEST(lint_says_everything_that_it_finds),
        SCRATCH_TEST(lint_of_a_compose_file_needs_no_version),
        cmocka_unit_test(several_sources_are_one_too_many),
        cmocka_unit_test(platforms_are_known_and_different),
        SCRATCH_TEST(compose_files_lie_below_the_first_ones_folder),
        SCRATCH_TEST(init_writes_a_definition_that_lint_accepts),
        SCRATCH_TEST(init_takes_any_folder_name),
        SCRATCH_TEST(init_writes_the_built_in_application_and_overwrites_nothing),
        cmocka_unit_test(the_built_in_application_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
