/* WWW-Authenticate headers as registries write them, and as attackers might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "registry/challenge.h"

#include "base/banned.h"

static void expect(const char *header, enum challenge_kind kind, const char *realm, const char *service, const char *scope)
{
    struct challenge_list list = { 0 };
    struct err e = { 0 };
    if (!challenge_parse(&list, header, &e))
        fail_msg("%s: %s", header, e.msg);
    const struct challenge *c = challenge_best(&list);
    assert_non_null(c);
    assert_int_equal(c->kind, kind);
    assert_string_equal(c->realm, realm);
    assert_string_equal(c->service, service);
    assert_string_equal(c->scope, scope);
}

static void reads_what_registries_send(void **state)
{
    (void)state;
    expect("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:library/nginx:pull\"",
           CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io", "repository:library/nginx:pull");
    expect("Basic realm=\"Registry Realm\"", CHALLENGE_BASIC, "Registry Realm", "", "");
    expect("bearer Realm=https, SCOPE=\"a b\" , service = \"x\"", CHALLENGE_BEARER, "https", "x", "a b");
    expect("Basic", CHALLENGE_BASIC, "", "", "");
    expect("BASIC realm=\"a, b\\\"c\\\\\", charset=\"UTF-8\"", CHALLENGE_BASIC, "a, b\"c\\", "", "");
}

static void chooses_bearer_among_several(void **state)
{
    (void)state;
    expect("Basic realm=\"x\", Bearer realm=\"https://h/t\",service=\"s\"", CHALLENGE_BEARER, "https://h/t", "s", "");
    expect("Negotiate, NTLM abc==, Digest realm=\"d\", nonce=\"n,Basic realm=z\", Basic realm=\"b\"", CHALLENGE_BASIC, "b", "", "");
    expect(",, ,Bearer realm=\"r\",,", CHALLENGE_BEARER, "r", "", "");
    struct challenge_list list = { 0 };
    struct err e = { 0 };
    assert_true(challenge_parse(&list, "Basic realm=\"one\"", &e) && challenge_parse(&list, "Bearer realm=\"two\"", &e));
    assert_int_equal(list.n, 2);
    assert_string_equal(challenge_best(&list)->realm, "two");
    struct challenge_list none = { 0 };
    assert_true(challenge_parse(&none, "Negotiate YII=", &e) && challenge_parse(&none, "", &e));
    assert_null(challenge_best(&none));
}

static void refuses_what_is_ambiguous_or_broken(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Bearer realm=\"a\",realm=\"b\"", "Bearer service=\"a\", SERVICE=\"b\"", "realm=\"x\"", "Bearer realm=\"open", "Bearer realm=\"x\\",
        "Bearer realm=\"a\x01\"", "\"x\"", "Bearer @", "Bearer realm=\"a\nb\"", "=x", "Bearer realm=\"a\" \"b\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct challenge_list list = { 0 };
        struct err e = { 0 };
        if (challenge_parse(&list, headers[i], &e))
            fail_msg("accepted %s", headers[i]);
        assert_int_equal(e.code, ERR_AUTH);
        assert_memory_equal(e.msg, "WWW-Authenticate: ", 18);
    }
}

static void a_hundred_challenges_and_long_values_are_refused(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf many = BUF_LIMIT(8192), wide = BUF_LIMIT(8192);
    for (int i = 0; i < 100; i++)
        buf_addf(&many, "%sBasic realm=\"%d\"", i > 0 ? ", " : "", i);
    struct challenge_list list = { 0 };
    struct err e = { 0 };
    assert_false(challenge_parse(&list, buf_text(&many), &e));
    assert_non_null(strstr(e.msg, "too many challenges"));
    buf_adds(&wide, "Bearer service=\"");
    for (int i = 0; i < 256; i++)
        buf_addc(&wide, 'a');
    buf_adds(&wide, "\"");
    struct challenge_list list2 = { 0 };
    struct err e2 = { 0 };
    assert_false(challenge_parse(&list2, buf_text(&wide), &e2));
    assert_non_null(strstr(e2.msg, "too long"));
    buf_clear(&wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_registries_send),
        cmocka_unit_test(chooses_bearer_among_several),
        cmocka_unit_test(refuses_what_is_ambiguous_or_broken),
        cmocka_unit_test(a_hundred_challenges_and_long_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
