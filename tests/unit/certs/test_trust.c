/* The trust store and the verdict over a manifest and its signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs/signature.h"
#include "certs/trust.h"
#include "tests/support/scratch.h"

static const char DOC[] = "{\"archon_bundle\":1,\"name\":\"shop\"}";
enum { DOC_N = sizeof DOC - 1 };

/* ---- a store with keys ---- */

static struct key_private *new_key(void)
{
    struct err e = { 0 };
    struct key_private *k = key_private_generate(KEY_ED25519, &e);
    assert_non_null(k);
    return k;
}

static void trust(struct scratch *s, const char *role, const char *name, const struct key_private *k)
{
    AUTO(mem_auto) char *dir = mem_format("%s/etc/archon/trust.d/%s", s->dir, role);
    AUTO(mem_auto) char *file = mem_format("etc/archon/trust.d/%s/%s.pub", role, name);
    struct err e = { 0 };
    assert_true(path_make_dirs(dir, 0755, &e));
    scratch_text(s, file, key_public_pem(key_private_public(k)), 0644);
}

static void withdraw(struct scratch *s, const struct key_private *k, const char *reason)
{
    AUTO(mem_auto) char *dir = mem_format("%s/etc/archon/revoked.d", s->dir);
    AUTO(mem_auto) char *file = mem_format("etc/archon/revoked.d/%s", DIGEST_HEX(key_public_id(key_private_public(k))));
    struct err e = { 0 };
    assert_true(path_make_dirs(dir, 0755, &e));
    scratch_text(s, file, reason, 0644);
}

struct signed_by {
    struct signature signature;
    char name[64];
    struct signature_found found;
};

static void sign(struct signed_by *out, const struct key_private *k)
{
    struct err e = { 0 };
    assert_true(signature_make(k, SIGNATURE_MANIFEST, DOC, DOC_N, &out->signature, &e));
    snprintf(out->name, sizeof out->name, "signatures/%.16s.sig", DIGEST_HEX(key_public_id(key_private_public(k))));
    out->found = (struct signature_found){ out->name, out->signature.bytes, out->signature.n };
}

static bool judge(struct scratch *s, const struct signature_found *found, size_t n, struct verdict *v, struct err *e)
{
    *e = (struct err){ 0 };
    AUTO(keyring_free_auto) struct keyring *k = keyring_from_store(s->dir, e);
    return k != NULL && keyring_judge(k, DOC, DOC_N, found, n, v, e);
}

static void expect_distrust(struct scratch *s, const struct signature_found *found, size_t n, const char *words)
{
    struct verdict v;
    struct err e;
    assert_false(judge(s, found, n, &v, &e));
    assert_int_equal(e.code, ERR_TRUST);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

/* ---- the verdict ---- */

static void a_trusted_signature_is_accepted_and_named(void **state)
{
    struct scratch *s = *state;
    struct signed_by sig;
    struct verdict v;
    struct err e;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "vendor", "acme-2026", k);
    sign(&sig, k);
    assert_true(judge(s, &sig.found, 1, &v, &e));
    assert_int_equal(v.n_keys, 1);
    assert_string_equal(v.keys[0].role, "vendor");
    assert_string_equal(v.keys[0].name, "acme-2026");
    assert_true(digest_equal(&v.keys[0].id, key_public_id(key_private_public(k))));
    assert_int_equal(v.n_unknown, 0);
}

static void an_unsigned_bundle_is_refused(void **state)
{
    struct scratch *s = *state;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    expect_distrust(s, NULL, 0, "bundle is not signed");
}

static void unknown_signers_are_refused_alone_and_noted_beside_a_known_one(void **state)
{
    struct scratch *s = *state;
    struct signed_by sigs[2];
    struct verdict v;
    struct err e;
    AUTO(key_private_free_auto) struct key_private *known = new_key();
    AUTO(key_private_free_auto) struct key_private *unknown = new_key();
    trust(s, "release", "a", known);
    sign(&sigs[0], unknown);
    sign(&sigs[1], known);
    AUTO(mem_auto) char *words = mem_format("unknown key %.16s", DIGEST_HEX(key_public_id(key_private_public(unknown))));
    expect_distrust(s, &sigs[0].found, 1, words);
    const struct signature_found both[] = { sigs[0].found, sigs[1].found };
    assert_true(judge(s, both, 2, &v, &e));
    assert_int_equal(v.n_keys, 1);
    assert_int_equal(v.n_unknown, 1);
    assert_true(strncmp(v.unknown[0], sigs[0].name + strlen("signatures/"), 16) == 0);
}

static void a_known_key_with_a_bad_signature_is_an_error_even_beside_a_good_one(void **state)
{
    struct scratch *s = *state;
    struct signed_by sigs[2];
    AUTO(key_private_free_auto) struct key_private *a = new_key();
    AUTO(key_private_free_auto) struct key_private *b = new_key();
    trust(s, "release", "good", a);
    trust(s, "release", "damaged", b);
    sign(&sigs[0], a);
    sign(&sigs[1], b);
    sigs[1].signature.bytes[5] ^= 4;
    const struct signature_found both[] = { sigs[0].found, sigs[1].found };
    const struct signature_found swapped[] = { sigs[1].found, sigs[0].found };
    expect_distrust(s, both, 2, "signature by release/damaged");
    expect_distrust(s, swapped, 2, "is invalid");
}

static void every_flipped_bit_is_refused(void **state)
{
    struct scratch *s = *state;
    struct signed_by sig;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    sign(&sig, k);
    struct err e = { 0 };
    AUTO(keyring_free_auto) struct keyring *ring = keyring_from_store(s->dir, &e);
    for (size_t bit = 0; bit < 512; bit++) {
        struct verdict v;
        e = (struct err){ 0 };
        sig.signature.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(keyring_judge(ring, DOC, DOC_N, &sig.found, 1, &v, &e));
        assert_int_equal(e.code, ERR_TRUST);
        sig.signature.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t at = 0; at < DOC_N; at++) {
        char doc[DOC_N];
        struct verdict v;
        e = (struct err){ 0 };
        memcpy(doc, DOC, DOC_N);
        doc[at] ^= 0x10;
        assert_false(keyring_judge(ring, doc, DOC_N, &sig.found, 1, &v, &e));
        assert_int_equal(v.n_keys, 0);
    }
}

static void the_key_that_verified_decides_not_the_name(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = { "signatures/0000000000000000.sig", "x", "", "signatures/", "signatures/0123.sig" };
    struct signed_by sig;
    struct verdict v;
    struct err e;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    sign(&sig, k);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sig.found.name = names[i];
        assert_true(judge(s, &sig.found, 1, &v, &e));
        assert_string_equal(v.keys[0].name, "a");
    }
}

static void one_key_under_two_names_counts_once(void **state)
{
    struct scratch *s = *state;
    struct signed_by sig;
    struct verdict v;
    struct err e;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    trust(s, "release", "b", k);
    sign(&sig, k);
    const struct signature_found twice[] = { sig.found, sig.found };
    assert_true(judge(s, twice, 2, &v, &e));
    assert_int_equal(v.n_keys, 1);
}

static void one_key_cannot_fill_two_roles(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "vendor", "a", k);
    trust(s, "security", "a", k);
    assert_null(keyring_from_store(s->dir, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "two roles"));
}

static void revoked_beats_trusted(void **state)
{
    struct scratch *s = *state;
    struct signed_by sigs[2];
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    AUTO(key_private_free_auto) struct key_private *good = new_key();
    trust(s, "release", "old", k);
    trust(s, "release", "new", good);
    withdraw(s, k, "stolen in May\n");
    sign(&sigs[0], k);
    sign(&sigs[1], good);
    expect_distrust(s, &sigs[0].found, 1, "revoked (stolen in May)");
    const struct signature_found both[] = { sigs[1].found, sigs[0].found };
    expect_distrust(s, both, 2, "release/old");
    /* Under a name that hides it, and when its key is not in the store any more. */
    sigs[0].found.name = "signatures/0000000000000000.sig";
    expect_distrust(s, &sigs[0].found, 1, "revoked");
    unlink(scratch_at(s, "etc/archon/trust.d/release/old.pub"));
    sigs[0].found.name = sigs[0].name;
    expect_distrust(s, &sigs[0].found, 1, "revoked");
}

static void a_root_key_signs_no_bundle(void **state)
{
    struct scratch *s = *state;
    struct signed_by sig;
    struct err e = { 0 };
    AUTO(key_private_free_auto) struct key_private *root = new_key();
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "root", "a", root);
    assert_null(keyring_from_store(s->dir, &e));
    assert_non_null(strstr(e.msg, "no trusted keys"));
    trust(s, "release", "b", k);
    sign(&sig, root);
    expect_distrust(s, &sig.found, 1, "unknown key");
}

static void documents_of_another_kind_are_refused_before_any_signature(void **state)
{
    struct scratch *s = *state;
    static const char update[] = "{\"archon_trust\":1,\"version\":1}";
    struct err e = { 0 };
    struct verdict v;
    struct signature sig;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    assert_true(signature_make(k, SIGNATURE_TRUST_UPDATE, update, sizeof update - 1, &sig, &e));
    const struct signature_found found = { "signatures/x", sig.bytes, sig.n };
    AUTO(keyring_free_auto) struct keyring *ring = keyring_from_store(s->dir, &e);
    assert_false(keyring_judge(ring, update, sizeof update - 1, &found, 1, &v, &e));
    assert_int_equal(e.code, ERR_TRUST);
    assert_non_null(strstr(e.msg, "wrong document type"));
}

static void too_many_signatures_are_refused(void **state)
{
    struct scratch *s = *state;
    struct signature_found many[LIMIT_SIGNATURES + 1];
    struct verdict v;
    struct err e;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct signature_found){ "x", "y", 1 };
    assert_false(judge(s, many, ARRAY_LEN(many), &v, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_false(judge(s, many, LIMIT_SIGNATURES, &v, &e));
    assert_int_equal(e.code, ERR_TRUST);
    assert_int_equal(v.n_unknown, LIMIT_SIGNATURES);
}

/* ---- the store ---- */

static void an_empty_or_missing_store_refuses_with_a_hint(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_null(keyring_from_store(s->dir, &e));
    assert_int_equal(e.code, ERR_TRUST);
    assert_non_null(strstr(e.msg, "no trusted keys"));
    assert_non_null(strstr(e.hint, "trust add"));
    assert_non_null(strstr(e.hint, "--trust"));
    e = (struct err){ 0 };
    assert_true(path_make_dirs(scratch_at(s, "etc/archon/trust.d/release"), 0755, &e));
    assert_null(keyring_from_store(s->dir, &e));
    e = (struct err){ 0 };
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(s->dir, &e);
    assert_non_null(k);
    assert_int_equal(keyring_count(k), 0);
}

static void expect_odd(struct scratch *s, const char *words)
{
    struct err e = { 0 };
    assert_null(keyring_from_store(s->dir, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void anything_odd_in_the_store_is_an_error(void **state)
{
    struct scratch *s = *state;
    static const char *const odd[] = { "a.pub~", ".hidden.pub", "b.pem", "readme.txt", "b.pub.partial", ".pub", "-x.pub" };
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    trust(s, "release", "a", k);
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        AUTO(mem_auto) char *file = mem_format("etc/archon/trust.d/release/%s", odd[i]);
        scratch_text(s, file, key_public_pem(key_private_public(k)), 0644);
        expect_odd(s, "does not belong in the trust store");
        unlink(s->path);
    }
    assert_int_equal(mkdir(scratch_at(s, "etc/archon/trust.d/release/b.pub"), 0755), 0);
    expect_odd(s, "is a directory");
    rmdir(s->path);
    assert_int_equal(symlink("a.pub", scratch_at(s, "etc/archon/trust.d/release/b.pub")), 0);
    expect_odd(s, "symbolic link");
    unlink(s->path);
    assert_int_equal(mkfifo(scratch_at(s, "etc/archon/trust.d/release/b.pub"), 0644), 0);
    expect_odd(s, "is a pipe");
    unlink(s->path);
    scratch_text(s, "etc/archon/trust.d/release/b.pub", "not a key", 0644);
    expect_odd(s, "no PEM text");
    unlink(s->path);
    scratch_text(s, "etc/archon/trust.d/stray.pub", key_public_pem(key_private_public(k)), 0644);
    expect_odd(s, "does not belong");
    unlink(s->path);
    assert_int_equal(mkdir(scratch_at(s, "etc/archon/trust.d/Vendor"), 0755), 0);
    expect_odd(s, "does not belong");
    rmdir(s->path);
    scratch_text(s, "etc/archon/policy.json", "{}", 0644);
    expect_odd(s, "not in this version");
    unlink(s->path);
    assert_int_equal(mkdir(scratch_at(s, "etc/archon/revoked.d"), 0755), 0);
    scratch_text(s, "etc/archon/revoked.d/0123", "", 0644);
    expect_odd(s, "key id of 64 digits");
}

static void what_others_can_write_is_an_error(void **state)
{
    struct scratch *s = *state;
    static const char *const dirs[] = { "etc/archon", "etc/archon/trust.d", "etc/archon/trust.d/release", "etc/archon/revoked.d" };
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    AUTO(key_private_free_auto) struct key_private *other = new_key();
    trust(s, "release", "a", k);
    withdraw(s, other, "");
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        assert_int_equal(chmod(scratch_at(s, dirs[i]), 0775), 0);
        expect_odd(s, "others could change it");
        assert_int_equal(chmod(s->path, 0755), 0);
    }
    assert_int_equal(chmod(scratch_at(s, "etc/archon/trust.d/release/a.pub"), 0666), 0);
    expect_odd(s, "others could change it");
    assert_int_equal(chmod(s->path, 0644), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(s->path, 1000, 1000), 0);
        expect_odd(s, "belongs to user 1000");
        assert_int_equal(chown(s->path, 0, 0), 0);
        assert_int_equal(chown(scratch_at(s, "etc/archon/trust.d/release"), 1000, 0), 0);
        expect_odd(s, "trust.d/release: belongs to user 1000");
        assert_int_equal(chown(s->path, 0, 0), 0);
    }
    AUTO(mem_auto) char *id = mem_format("etc/archon/revoked.d/%s", DIGEST_HEX(key_public_id(key_private_public(other))));
    assert_int_equal(chmod(scratch_at(s, id), 0666), 0);
    expect_odd(s, "others could change it");
    assert_int_equal(unlink(s->path), 0);
    assert_int_equal(symlink("/etc/hostname", s->path), 0);
    expect_odd(s, "symbolic link");
    assert_int_equal(unlink(s->path), 0);
    AUTO(mem_auto) char *real = mem_text(scratch_at(s, "etc/archon/real"));
    AUTO(mem_auto) char *role = mem_text(scratch_at(s, "etc/archon/trust.d/release"));
    assert_int_equal(rename(role, real), 0);
    assert_int_equal(symlink(real, role), 0);
    expect_odd(s, "not a link or file");
}

static void ten_thousand_files_are_refused(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_true(path_make_dirs(scratch_at(s, "etc/archon/trust.d/release"), 0755, &e));
    for (int i = 0; i <= LIMIT_TRUSTED_KEYS; i++) {
        AUTO(mem_auto) char *name = mem_format("etc/archon/trust.d/release/%d.pub", i);
        scratch_text(s, name, "", 0644);
    }
    expect_odd(s, "more than 256");
}

static void keys_are_added_and_listed(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct digest id;
    AUTO(key_private_free_auto) struct key_private *a = new_key();
    AUTO(key_private_free_auto) struct key_private *b = new_key();
    AUTO(mem_auto) char *a_path = mem_text(scratch_text(s, "acme.pub", key_public_pem(key_private_public(a)), 0644));
    AUTO(mem_auto) char *b_path = mem_text(scratch_text(s, "b.pub", key_public_pem(key_private_public(b)), 0644));
    assert_true(trust_store_add(s->dir, NULL, NULL, a_path, &id, &e));
    assert_true(digest_equal(&id, key_public_id(key_private_public(a))));
    assert_true(trust_store_add(s->dir, NULL, NULL, a_path, NULL, &e)); /* again is fine */
    assert_true(trust_store_add(s->dir, "security", "audit", b_path, NULL, &e));
    AUTO(keyring_free_auto) struct keyring *k = keyring_from_store(s->dir, &e);
    assert_non_null(k);
    assert_int_equal(keyring_count(k), 2);
    assert_string_equal(keyring_at(k, 0)->role, "release");
    assert_string_equal(keyring_at(k, 0)->name, "acme");
    assert_string_equal(keyring_at(k, 1)->name, "audit");
    assert_int_equal(keyring_at(k, 1)->type, KEY_ED25519);
    assert_false(keyring_at(k, 1)->is_revoked);
}

static void a_key_is_not_added_twice_nor_when_revoked_nor_under_a_strange_name(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(key_private_free_auto) struct key_private *a = new_key();
    AUTO(key_private_free_auto) struct key_private *b = new_key();
    AUTO(mem_auto) char *a_path = mem_text(scratch_text(s, "a.pub", key_public_pem(key_private_public(a)), 0644));
    AUTO(mem_auto) char *b_path = mem_text(scratch_text(s, "b.pub", key_public_pem(key_private_public(b)), 0644));
    assert_true(trust_store_add(s->dir, NULL, NULL, a_path, NULL, &e));
    assert_false(trust_store_add(s->dir, NULL, "other", a_path, NULL, &e));
    assert_non_null(strstr(e.msg, "trusted already"));
    e = (struct err){ 0 };
    assert_false(trust_store_add(s->dir, NULL, "a", b_path, NULL, &e));
    assert_non_null(strstr(e.msg, "another key has that name"));
    static const char *const bad[] = { "../x", "a/b", ".x", "", "x y", "-x" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e = (struct err){ 0 };
        assert_false(trust_store_add(s->dir, NULL, bad[i], b_path, NULL, &e));
        assert_int_equal(e.code, ERR_USAGE);
        e = (struct err){ 0 };
        assert_false(trust_store_add(s->dir, bad[i], "x", b_path, NULL, &e));
        assert_int_equal(e.code, ERR_USAGE);
    }
    withdraw(s, b, "lost");
    e = (struct err){ 0 };
    assert_false(trust_store_add(s->dir, NULL, NULL, b_path, NULL, &e));
    assert_int_equal(e.code, ERR_TRUST);
    assert_non_null(strstr(e.msg, "is revoked: lost"));
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(s->dir, &e);
    assert_int_equal(keyring_count(k), 1);
    assert_int_equal(keyring_revoked_count(k), 1);
    assert_string_equal(keyring_revoked_at(k, 0)->reason, "lost");
}

static void keys_of_files_need_no_store(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct verdict v;
    struct signed_by sig;
    AUTO(key_private_free_auto) struct key_private *k = new_key();
    AUTO(mem_auto) char *path = mem_text(scratch_text(s, "site.pub", key_public_pem(key_private_public(k)), 0644));
    const char *const paths[] = { path, path };
    AUTO(keyring_free_auto) struct keyring *ring = keyring_from_files(paths, 2, &e);
    assert_non_null(ring);
    sign(&sig, k);
    assert_true(keyring_judge(ring, DOC, DOC_N, &sig.found, 1, &v, &e));
    assert_string_equal(v.keys[0].name, "site");
    assert_null(keyring_from_files(NULL, 0, &e));
    assert_int_equal(e.code, ERR_TRUST);
    e = (struct err){ 0 };
    const char *many[LIMIT_TRUSTED_KEYS + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = path;
    assert_null(keyring_from_files(many, ARRAY_LEN(many), &e));
    assert_non_null(strstr(e.msg, "more than 256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_trusted_signature_is_accepted_and_named),
        SCRATCH_TEST(an_unsigned_bundle_is_refused),
        SCRATCH_TEST(unknown_signers_are_refused_alone_and_noted_beside_a_known_one),
        SCRATCH_TEST(a_known_key_with_a_bad_signature_is_an_error_even_beside_a_good_one),
        SCRATCH_TEST(every_flipped_bit_is_refused),
        SCRATCH_TEST(the_key_that_verified_decides_not_the_name),
        SCRATCH_TEST(one_key_under_two_names_counts_once),
        SCRATCH_TEST(one_key_cannot_fill_two_roles),
        SCRATCH_TEST(revoked_beats_trusted),
        SCRATCH_TEST(a_root_key_signs_no_bundle),
        SCRATCH_TEST(documents_of_another_kind_are_refused_before_any_signature),
        SCRATCH_TEST(too_many_signatures_are_refused),
        SCRATCH_TEST(an_empty_or_missing_store_refuses_with_a_hint),
        SCRATCH_TEST(anything_odd_in_the_store_is_an_error),
        SCRATCH_TEST(what_others_can_write_is_an_error),
        SCRATCH_TEST(ten_thousand_files_are_refused),
        SCRATCH_TEST(keys_are_added_and_listed),
        SCRATCH_TEST(a_key_is_not_added_twice_nor_when_revoked_nor_under_a_strange_name),
        SCRATCH_TEST(keys_of_files_need_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
