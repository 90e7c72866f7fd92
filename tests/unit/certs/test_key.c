/* Keys: what a public key file may be, and pairs that are made, written and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs/key.h"
#include "sys/proc.h"
#include "tests/support/scratch.h"
#include "tests/unit/certs/make_cert.h"

static const char GOOD[] = "-----BEGIN PUBLIC KEY-----\n"
                           "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                           "-----END PUBLIC KEY-----\n";

static void expect_refused(const char *text, size_t n, const char *words)
{
    struct err e = { 0 };
    struct key_public *k = key_public_parse(text, n, "site.pub", &e);
    if (k != NULL)
        fail_msg("accepted:\n%.*s", (int)n, text);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strncmp(e.msg, "site.pub: ", 10) != 0 || strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void expect_text_refused(const char *text, const char *words)
{
    expect_refused(text, strlen(text), words);
}

static void accepts_the_three_types_and_names_them(void **state)
{
    (void)state;
    static const char *const kinds[] = { "ED25519", "P-256", "P-384" };
    for (unsigned i = 0; i < N_KEY_TYPES; i++) {
        struct err e = { 0 };
        EVP_PKEY *pkey = made_key(kinds[i]);
        AUTO(mem_auto) char *pem = made_public_pem(pkey);
        EVP_PKEY_free(pkey);
        AUTO(key_public_free_auto) struct key_public *k = key_public_parse(pem, strlen(pem), "site.pub", &e);
        assert_non_null(k);
        assert_int_equal(key_public_type(k), i);
        assert_string_equal(key_public_pem(k), pem);
        enum key_type type;
        assert_true(key_type_parse(&type, key_type_name((enum key_type)i), &e));
        assert_int_equal(type, i);
    }
    enum key_type type;
    struct err e = { 0 };
    assert_false(key_type_parse(&type, "rsa", &e));
    assert_int_equal(e.code, ERR_USAGE);
}

static void the_key_id_is_the_digest_of_the_der(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(key_public_free_auto) struct key_public *k = key_public_parse(GOOD, sizeof GOOD - 1, "site.pub", &e);
    assert_non_null(k);
    AUTO(mem_auto) char *script = mem_format("openssl pkey -pubin -in %s -outform DER | sha256sum | cut -c1-64",
                                             scratch_text(s, "site.pub", GOOD, 0644));
    const char *const argv[] = { "sh", "-c", script, NULL };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    struct proc_result r;
    assert_true(proc_run(&(struct proc_spec){ .argv = argv, .out = &out }, &r, &e));
    AUTO(mem_auto) char *expected = mem_format("%s\n", DIGEST_HEX(key_public_id(k)));
    assert_string_equal(buf_text(&out), expected);
}

static void refuses_other_kinds_of_keys_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = { { "RSA2048", "an RSA key" }, { "X25519", "an X25519 key" }, { "X448", "an X448 key" },
                                            { "ED448", "an Ed448 key" }, { "P-521", "another curve" }, { "secp256k1", "another curve" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        EVP_PKEY *pkey = made_key(cases[i][0]);
        assert_non_null(pkey);
        AUTO(mem_auto) char *pem = made_public_pem(pkey);
        EVP_PKEY_free(pkey);
        expect_text_refused(pem, cases[i][1]);
    }
}

static void refuses_files_that_are_something_else(void **state)
{
    (void)state;
    struct made ca = made_ca("x");
    AUTO(mem_auto) char *cert = made_pem(&ca);
    AUTO(mem_auto) char *private_key = made_key_pem(ca.key);
    made_free(&ca);
    expect_text_refused(cert, "is a CERTIFICATE, expected one PUBLIC KEY block");
    expect_text_refused(private_key, "is a PRIVATE KEY, expected");
    expect_text_refused("", "no PEM text");
    expect_text_refused("\x30\x2a", "no PEM text");
    expect_text_refused("-----BEGIN PUBLIC KEY-----\n", "no other text");
    expect_text_refused("-----BEGIN \x1b[2J-----\n", "\\x1b");
}

static char *with(const char *before, const char *after)
{
    return mem_format("%s%s%s", before, GOOD, after);
}

static void refuses_any_text_around_the_block(void **state)
{
    (void)state;
    static const char *const around[] = { "\n", " ", "# comment\n", "x", "\n\n", "\t", "\r\n" };
    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        AUTO(mem_auto) char *before = with(around[i], "");
        AUTO(mem_auto) char *after = with("", around[i]);
        expect_text_refused(before, "site.pub");
        expect_text_refused(after, "site.pub");
    }
    AUTO(mem_auto) char *two = with("", GOOD);
    expect_text_refused(two, "more than one block");
    /* A NUL byte and what follows it are text too. */
    char nul[sizeof GOOD + 1];
    memcpy(nul, GOOD, sizeof GOOD);
    nul[sizeof GOOD] = 'x';
    expect_refused(nul, sizeof GOOD, "no other text");
    expect_refused(nul, sizeof GOOD + 1, "no other text");
}

static void refuses_other_line_ends_and_line_lengths(void **state)
{
    (void)state;
    expect_text_refused("-----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\r\n"
                        "-----END PUBLIC KEY-----\r\n",
                        "CR LF");
    expect_text_refused("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrB\nZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                        "-----END PUBLIC KEY-----\n",
                        "as openssl writes it");
    expect_text_refused("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE\n"
                        "-----END PUBLIC KEY-----\n",
                        "as openssl writes it");
    expect_text_refused("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuF=\n"
                        "-----END PUBLIC KEY-----\n",
                        "as openssl writes it"); /* bits behind the last byte */
}

static void the_last_newline_may_be_missing(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(key_public_free_auto) struct key_public *k = key_public_parse(GOOD, sizeof GOOD - 2, "site.pub", &e);
    assert_non_null(k);
    assert_string_equal(key_public_pem(k), GOOD);
}

static void refuses_every_single_changed_character_or_reads_another_key(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(key_public_free_auto) struct key_public *right = key_public_parse(GOOD, sizeof GOOD - 1, "site.pub", &e);
    for (size_t i = 0; i + 1 < sizeof GOOD; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            char text[sizeof GOOD];
            memcpy(text, GOOD, sizeof GOOD);
            text[i] = (char)(text[i] ^ (1 << bit));
            struct err ignored = { 0 };
            AUTO(key_public_free_auto) struct key_public *k = key_public_parse(text, sizeof GOOD - 1, "site.pub", &ignored);
            if (k != NULL && digest_equal(key_public_id(k), key_public_id(right)))
                fail_msg("character %zu, bit %u: still the same key", i, bit);
        }
}

/* The text of an Ed25519 key of these 32 bytes. */
static char *ed25519_pem(const char *hex)
{
    uint8_t der[44] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    for (size_t i = 0; i < 32; i++)
        der[12 + i] = (uint8_t)strtoul((char[]){ hex[2 * i], hex[2 * i + 1], 0 }, NULL, 16);
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio(out, "PUBLIC KEY", "", der, sizeof der);
    return made_taken(out);
}

static void refuses_points_of_small_order(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        AUTO(mem_auto) char *pem = ed25519_pem(points[i]);
        expect_text_refused(pem, "small order");
    }
}

static void refuses_curve_points_that_are_not_on_the_curve(void **state)
{
    (void)state;
    uint8_t der[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                        0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
    memset(der + 27, 0x11, 64);
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio(out, "PUBLIC KEY", "", der, sizeof der);
    AUTO(mem_auto) char *pem = made_taken(out);
    expect_text_refused(pem, "site.pub");
}

static void expect_file_refused(const char *path, const char *words)
{
    struct err e = { 0 };
    assert_null(key_public_load(path, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void refuses_key_files_that_others_could_have_placed(void **state)
{
    struct scratch *s = *state;
    expect_file_refused(scratch_text(s, "a.pub", GOOD, 0666), "others could change it");
    expect_file_refused(scratch_at(s, "none.pub"), "No such file");
    AUTO(mem_auto) char *target = mem_text(scratch_text(s, "b.pub", GOOD, 0644));
    assert_int_equal(symlink(target, scratch_at(s, "link.pub")), 0);
    expect_file_refused(s->path, "symbolic link");
    assert_int_equal(mkfifo(scratch_at(s, "fifo.pub"), 0600), 0);
    expect_file_refused(s->path, "is a pipe");
    expect_file_refused(s->dir, "is a directory");
    AUTO(mem_auto) char *big = mem_new((1 << 20) + 1);
    memset(big, 'x', 1 << 20);
    expect_file_refused(scratch_text(s, "big.pub", big, 0644), "at most 16384");
    if (geteuid() == 0) {
        scratch_text(s, "c.pub", GOOD, 0644);
        assert_int_equal(chown(s->path, 1000, 1000), 0);
        expect_file_refused(s->path, "belongs to user 1000");
    }
}

/* ---- pairs ---- */

static bool say_hunter2(void *ctx, const char *path, struct secret *out, struct err *e)
{
    (void)path;
    (void)e;
    if (ctx != NULL)
        ++*(int *)ctx;
    *out = secret_of("hunter2", 7);
    return true;
}

static bool say_wrong(void *ctx, const char *path, struct secret *out, struct err *e)
{
    (void)ctx;
    (void)path;
    (void)e;
    *out = secret_of("wrong", 5);
    return true;
}

static mode_t mode_of(struct scratch *s, const char *name)
{
    struct stat st;
    assert_int_equal(stat(scratch_at(s, name), &st), 0);
    return st.st_mode & 07777;
}

static void a_pair_is_written_and_read_back(void **state)
{
    struct scratch *s = *state;
    for (unsigned i = 0; i < N_KEY_TYPES; i++) {
        struct err e = { 0 };
        AUTO(key_private_free_auto) struct key_private *k = key_private_generate((enum key_type)i, &e);
        assert_non_null(k);
        AUTO(mem_auto) char *name = mem_text(scratch_at(s, key_type_name((enum key_type)i)));
        AUTO(mem_auto) char *key_name = mem_format("%s.key", key_type_name((enum key_type)i));
        AUTO(mem_auto) char *pub_name = mem_format("%s.pub", key_type_name((enum key_type)i));
        assert_true(key_private_write_pair(k, name, NULL, &e));
        assert_int_equal(mode_of(s, key_name), 0600);
        assert_int_equal(mode_of(s, pub_name), 0644);
        AUTO(key_private_free_auto) struct key_private *back = key_private_load(scratch_at(s, key_name), NULL, NULL, &e);
        assert_non_null(back);
        AUTO(key_public_free_auto) struct key_public *pub = key_public_load(scratch_at(s, pub_name), &e);
        assert_non_null(pub);
        assert_true(digest_equal(key_public_id(pub), key_public_id(key_private_public(back))));
    }
}

static void a_pair_never_replaces_a_file(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = { "a.key", "a.pub" };
    AUTO(mem_auto) char *name = mem_text(scratch_at(s, "a"));
    struct err made = { 0 };
    AUTO(key_private_free_auto) struct key_private *k = key_private_generate(KEY_ED25519, &made);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err e = { 0 };
        scratch_text(s, names[i], "precious", 0600);
        assert_false(key_private_write_pair(k, name, NULL, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.msg, "exists already"));
        AUTO(mem_auto) char *text = scratch_content(s, names[i]);
        assert_string_equal(text, "precious");
        assert_false(scratch_has(s, names[1 - i]));
        unlink(scratch_at(s, names[i]));
    }
}

static void an_encrypted_key_needs_its_passphrase(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(key_private_free_auto) struct key_private *k = key_private_generate(KEY_ECDSA_P256, &e);
    AUTO(mem_auto) char *name = mem_text(scratch_at(s, "a"));
    AUTO(secret_clear_auto) struct secret passphrase = secret_of("hunter2", 7);
    assert_true(key_private_write_pair(k, name, &passphrase, &e));
    AUTO(mem_auto) char *text = scratch_content(s, "a.key");
    assert_non_null(strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "a.key"));

    assert_null(key_private_load(path, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "is encrypted"));
    e = (struct err){ 0 };
    assert_null(key_private_load(path, say_wrong, NULL, &e));
    assert_non_null(strstr(e.msg, "the passphrase is wrong"));
    e = (struct err){ 0 };
    int n_asked = 0;
    AUTO(key_private_free_auto) struct key_private *back = key_private_load(path, say_hunter2, &n_asked, &e);
    assert_non_null(back);
    assert_int_equal(n_asked, 1);
    AUTO(mem_auto) char *file = mem_text(scratch_text(s, "pass", "hunter2\n", 0600));
    AUTO(key_private_free_auto) struct key_private *from_file = key_private_load(path, key_passphrase, file, &e);
    assert_non_null(from_file);
    chmod(file, 0644);
    assert_null(key_private_load(path, key_passphrase, file, &e));
    assert_non_null(strstr(e.msg, "others could read it"));
}

static void an_empty_passphrase_encrypts_nothing(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct secret empty = { 0 };
    AUTO(key_private_free_auto) struct key_private *k = key_private_generate(KEY_ED25519, &e);
    assert_false(key_private_write_pair(k, scratch_at(s, "a"), &empty, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_false(scratch_has(s, "a.key"));
}

static void refuses_private_keys_that_are_not_private_or_not_keys(void **state)
{
    struct scratch *s = *state;
    struct made ca = made_ca("x");
    struct made rsa = made_cert((struct wish){ .name = "x", .kind = "RSA2048" });
    AUTO(mem_auto) char *good = made_key_pem(ca.key);
    AUTO(mem_auto) char *cert = made_pem(&ca);
    AUTO(mem_auto) char *rsa_key = made_key_pem(rsa.key);
    AUTO(mem_auto) char *two = mem_format("%s%s", good, good);
    AUTO(mem_auto) char *cut = mem_text_n(good, strlen(good) / 2);
    made_free(&ca);
    made_free(&rsa);
    const struct {
        const char *text;
        mode_t mode;
        const char *words;
    } cases[] = {
        { good, 0644, "others could read it" }, { cert, 0600, "is a CERTIFICATE" }, { GOOD, 0600, "is a PUBLIC KEY" },
        { rsa_key, 0600, "an RSA key" },        { two, 0600, "more than one" },     { cut, 0600, "site.key" },
        { "", 0600, "no PEM text" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        assert_null(key_private_load(scratch_text(s, "site.key", cases[i].text, cases[i].mode), NULL, NULL, &e));
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, cases[i].words) == NULL)
            fail_msg("\"%s\" has no \"%s\"", e.msg, cases[i].words);
    }
    struct err e = { 0 };
    assert_null(key_private_load(scratch_text(s, "site.pub", GOOD, 0644), NULL, NULL, &e));
    assert_non_null(strstr(e.hint, "ends in .key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_three_types_and_names_them),
        SCRATCH_TEST(the_key_id_is_the_digest_of_the_der),
        cmocka_unit_test(refuses_other_kinds_of_keys_by_name),
        cmocka_unit_test(refuses_files_that_are_something_else),
        cmocka_unit_test(refuses_any_text_around_the_block),
        cmocka_unit_test(refuses_other_line_ends_and_line_lengths),
        cmocka_unit_test(the_last_newline_may_be_missing),
        cmocka_unit_test(refuses_every_single_changed_character_or_reads_another_key),
        cmocka_unit_test(refuses_points_of_small_order),
        cmocka_unit_test(refuses_curve_points_that_are_not_on_the_curve),
        SCRATCH_TEST(refuses_key_files_that_others_could_have_placed),
        SCRATCH_TEST(a_pair_is_written_and_read_back),
        SCRATCH_TEST(a_pair_never_replaces_a_file),
        SCRATCH_TEST(an_encrypted_key_needs_its_passphrase),
        SCRATCH_TEST(an_empty_passphrase_encrypts_nothing),
        SCRATCH_TEST(refuses_private_keys_that_are_not_private_or_not_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
