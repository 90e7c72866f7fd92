/* SHA-256 against published vectors, and the one text form of a digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/digest.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void hashes_published_vectors_in_one_call(void **state)
{
    (void)state;
    struct digest d;
    sha256_of(&d, "abc", 3);
    assert_string_equal(DIGEST_HEX(&d), ABC);
    sha256_of(&d, "", 0);
    assert_string_equal(DIGEST_SHOWN(&d), "sha256:" EMPTY);
    sha256_of(&d, NULL, 0);
    assert_string_equal(DIGEST_HEX(&d), EMPTY);
}

static void hashes_the_same_whatever_the_pieces(void **state)
{
    (void)state;
    char bytes[1000];
    struct digest d;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    memset(bytes, 'a', sizeof bytes);
    for (size_t done = 0, piece = 1; done < 1000000; done += piece, piece = piece % 997 + 1) {
        if (piece > 1000000 - done)
            piece = 1000000 - done;
        sha256_add(h, bytes, piece);
    }
    sha256_end(h, &d);
    assert_string_equal(DIGEST_HEX(&d), MILLION_A);
}

static void starts_a_new_message_after_each_end(void **state)
{
    (void)state;
    struct digest d;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    sha256_add(h, "something else", 14);
    sha256_end(h, &d);
    sha256_add(h, "ab", 2);
    sha256_add(h, "", 0);
    sha256_add(h, "c", 1);
    sha256_end(h, &d);
    assert_string_equal(DIGEST_HEX(&d), ABC);
    sha256_end(h, &d);
    assert_string_equal(DIGEST_HEX(&d), EMPTY);
}

static void reads_what_it_writes(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest a;
    struct digest b;
    struct digest c;
    sha256_of(&a, "abc", 3);
    assert_true(digest_parse(&b, DIGEST_SHOWN(&a), "x", &e));
    assert_true(digest_parse_hex(&c, DIGEST_HEX(&a), "x", &e));
    assert_true(digest_equal(&a, &b));
    assert_true(digest_equal(&a, &c));
    c.bytes[31]++;
    assert_false(digest_equal(&a, &c));
    assert_true(digest_compare(&a, &c) < 0);
    assert_true(digest_compare(&c, &a) > 0);
    assert_int_equal(digest_compare(&a, &b), 0);
}

static void refuses_everything_but_sha256_and_64_lower_case_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "", "expected sha256:" },
        { "sha256", "expected sha256:" },
        { ABC, "expected sha256:" },
        { ":" ABC, "expected sha256:" },
        { "sha256:", "0 characters" },
        { "sha256:../../etc/passwd", "expected 64 hex digits" },
        { "sha256:" ABC "0", "65 characters" },
        { "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", "63 characters" },
        { "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "lower-case" },
        { "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "lower-case" },
        { "sha256: a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "lower-case" },
        { "SHA256:" ABC, "\"SHA256\" is not supported" },
        { " sha256:" ABC, "is not supported" },
        { "sha512:" ABC ABC, "\"sha512\" is not supported" },
        { "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "\"sha1\" is not supported" },
        { "md5:d41d8cd98f00b204e9800998ecf8427e", "\"md5\" is not supported" },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct digest d;
        struct digest zero = { { 0 } };
        memset(&d, 7, sizeof d);
        assert_false(digest_parse(&d, bad[i].text, "layers[3].digest", &e));
        assert_int_equal(e.code, ERR_FORMAT);
        assert_memory_equal(e.msg, "layers[3].digest: ", 18);
        if (strstr(e.msg, bad[i].says) == NULL)
            fail_msg("\"%s\": message \"%s\" lacks \"%s\"", bad[i].text, e.msg, bad[i].says);
        assert_true(digest_equal(&d, &zero));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_published_vectors_in_one_call),
        cmocka_unit_test(hashes_the_same_whatever_the_pieces),
        cmocka_unit_test(starts_a_new_message_after_each_end),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(refuses_everything_but_sha256_and_64_lower_case_digits),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
