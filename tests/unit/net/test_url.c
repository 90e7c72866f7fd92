/* URLs from redirects, challenges and references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/url.h"

#include "base/banned.h"

static void expect(const char *text, bool is_https, const char *host, unsigned port)
{
    struct url u;
    struct err e = { 0 };
    if (!url_parse(&u, text, "x", &e))
        fail_msg("%s", e.msg);
    assert_int_equal(u.is_https, is_https);
    assert_string_equal(u.host, host);
    assert_int_equal(u.port, port);
}

static void reads_what_is_connected_to(void **state)
{
    (void)state;
    expect("https://Registry.Example/v2/", true, "registry.example", 443);
    expect("http://127.0.0.1:5000", false, "127.0.0.1", 5000);
    expect("https://[::1]:5000/x", true, "::1", 5000);
    expect("https://h:443/x?y=z#frag", true, "h", 443);
    expect("http://2130706433/", false, "127.0.0.1", 80); /* numbers become the address that they are */
    expect("http://0x7f.1/", false, "127.0.0.1", 80);
    expect("https://%61uth.example/", true, "auth.example", 443);
    expect("http://0177.0.0.1/", false, "127.0.0.1", 80);
}

static void refuses_what_is_no_plain_web_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "registry.example", "//registry.example/", "file:///etc/passwd", "ftp://h/", "gopher://h/", "https://",
        "https://user@h/", "https://user:s3cret@h/", "https://:s3cret@h/", "https://u:s3cret@h:0/", "https://u:s3cret@[x", "https://h:0/", "https://h:65536/", "https://h:x/",
        "https://h/\r\nX: y", "https://h/ x", "https://h\x01/", "https://h\xc3\xa9/", "https://[::1", "dict://h/", "HTTPS//h",
        "https://h%2fx/", "https://h%00.example/", "https://h%0d%0ax/", "https://h%ff/", "https://[fe80::1%25eth0]/", "https://a,b/",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct url u;
        struct err e = { 0 };
        if (url_parse(&u, texts[i], "realm", &e))
            fail_msg("accepted %s as %s", texts[i], u.text);
        assert_int_equal(e.code, ERR_NET);
        assert_memory_equal(e.msg, "realm: ", 7);
        assert_null(strstr(e.msg, "s3cret")); /* a password in a URL is not repeated */
    }
    AUTO(mem_auto) char *big = mem_new(LIMIT_URL_BYTES + 20);
    memset(big, 'a', LIMIT_URL_BYTES + 10);
    memcpy(big, "https://h/", 10);
    struct url u;
    struct err e = { 0 };
    assert_false(url_parse(&u, big, "redirect", &e));
    big[LIMIT_URL_BYTES] = '\0';
    struct err e2 = { 0 };
    assert_true(url_parse(&u, big, "redirect", &e2));
}

static void joins_locations_of_every_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "https://cdn.example/a?sig=x%2Fy&z", "https://cdn.example/a?sig=x%2Fy&z" },
        { "//cdn.example/a", "https://cdn.example/a" },
        { "/a/b", "https://h:5000/a/b" },
        { "c", "https://h:5000/v2/c" },
        { "/a#frag", "https://h:5000/a" },
    };
    struct url base, to;
    struct err e = { 0 };
    assert_true(url_parse(&base, "https://h:5000/v2/x", "base", &e));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(url_join(&to, &base, rows[i][0], "redirect", &e));
        assert_string_equal(to.text, rows[i][1]);
    }
    assert_false(url_join(&to, &base, "", "redirect", &e));
    assert_string_equal(e.msg, "redirect: \"\": empty");
    struct err e2 = { 0 };
    assert_false(url_join(&to, &base, "file:///etc/passwd", "redirect", &e2));
    struct err e3 = { 0 };
    assert_true(url_join(&base, &base, "/y", "redirect", &e3)); /* in place */
    assert_string_equal(base.text, "https://h:5000/y");
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "https://h/x", "https://H:443/y", true },   { "https://h/", "http://h/", false },
        { "https://h/", "https://h:5000/", false },   { "https://h/", "https://g/", false },
        { "http://127.0.0.1/", "http://127.1/", true }, { "https://h/", "https://h./", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url a, b;
        struct err e = { 0 };
        assert_true(url_parse(&a, rows[i].a, "a", &e) && url_parse(&b, rows[i].b, "b", &e));
        assert_int_equal(url_same_origin(&a, &b), rows[i].same);
    }
    struct url u;
    struct err e = { 0 };
    assert_true(url_parse(&u, "https://[::1]:5000/x", "a", &e));
    assert_string_equal(URL_ORIGIN(&u), "https://[::1]:5000");
    assert_true(url_parse(&u, "https://h:443/x", "a", &e));
    assert_string_equal(URL_ORIGIN(&u), "https://h");
}

static void loopback_is_what_never_leaves_the_host(void **state)
{
    (void)state;
    static const char *const yes[] = { "localhost", "127.0.0.1", "127.255.1.2", "::1" };
    static const char *const no[] = { "127.evil.example", "localhost.example", "128.0.0.1", "::2", "0.0.0.0", "", "1.127.0.0" };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(url_host_is_loopback(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(url_host_is_loopback(no[i]));
}

static void registry_hosts_are_split(void **state)
{
    (void)state;
    char host[256];
    uint16_t port = 1;
    assert_true(url_split_host("Registry.example", host, &port) && port == 0);
    assert_string_equal(host, "registry.example");
    assert_true(url_split_host("h:443", host, &port) && port == 443);
    assert_true(url_split_host("[::1]:5000", host, &port) && port == 5000);
    assert_string_equal(host, "::1");
    assert_true(url_split_host("[::1]", host, &port) && port == 0);
    assert_false(url_split_host("h/x", host, &port) || url_split_host("u@h", host, &port) || url_split_host("h:0", host, &port) ||
                 url_split_host("", host, &port) || url_split_host("h?x", host, &port));
}

static void query_values_are_encoded(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(200);
    buf_adds(&b, "https://h/token");
    url_add_query(&b, '?', "scope", "repository:a/b:pull,push");
    url_add_query(&b, '&', "service", "x&y=z \xff");
    assert_string_equal(buf_text(&b), "https://h/token?scope=repository%3Aa%2Fb%3Apull%2Cpush&service=x%26y%3Dz%20%FF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_connected_to),
        cmocka_unit_test(refuses_what_is_no_plain_web_address),
        cmocka_unit_test(joins_locations_of_every_form),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(loopback_is_what_never_leaves_the_host),
        cmocka_unit_test(registry_hosts_are_split),
        cmocka_unit_test(query_values_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
