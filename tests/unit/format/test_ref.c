/* Image references: Docker's grammar with Docker's defaults, and nothing beyond it. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/ref.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX

static void fills_in_the_defaults_that_docker_has(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *full;
    } cases[] = {
        { "nginx", "docker.io/library/nginx:latest" },
        { "nginx:1.25", "docker.io/library/nginx:1.25" },
        { "library/nginx", "docker.io/library/nginx:latest" },
        { "docker.io/nginx", "docker.io/library/nginx:latest" },
        { "docker.io/library/nginx", "docker.io/library/nginx:latest" },
        { "index.docker.io/nginx:1", "docker.io/library/nginx:1" },
        { "grafana/grafana", "docker.io/grafana/grafana:latest" },
        { "nginx@" DIGEST, "docker.io/library/nginx@" DIGEST },
        { "nginx:1.25@" DIGEST, "docker.io/library/nginx:1.25@" DIGEST },
        { "localhost/x", "localhost/x:latest" },
        { "localhost:5000/x/y:z", "localhost:5000/x/y:z" },
        { "localhost:5000", "docker.io/library/localhost:5000" },
        { "127.0.0.1:5000/x", "127.0.0.1:5000/x:latest" },
        { "[::1]:5000/x", "[::1]:5000/x:latest" },
        { "[2001:db8::1]/x:1", "[2001:db8::1]/x:1" },
        { "registry.example:5000/team/app:1.4@" DIGEST, "registry.example:5000/team/app:1.4@" DIGEST },
        { "registry/app", "docker.io/registry/app:latest" },
        { "REGISTRY/app", "REGISTRY/app:latest" },
        { "a-b.c-d.example/x", "a-b.c-d.example/x:latest" },
        { "foo/a.b__c--d---e_f", "docker.io/foo/a.b__c--d---e_f:latest" },
        { "x:_tag.with-all_of.them", "docker.io/library/x:_tag.with-all_of.them" },
        { "x:LATEST", "docker.io/library/x:LATEST" },
        { "registry.example/" HEX, "registry.example/" HEX ":latest" },
        { HEX ":1", "docker.io/library/" HEX ":1" }, /* only alone it is an id */
        { "docker.io/" HEX, "docker.io/library/" HEX ":latest" },
        { HEX "@" DIGEST, "docker.io/library/" HEX "@" DIGEST },
        { "docker.io", "docker.io/library/docker.io:latest" },
        { "docker.io:443/x", "docker.io:443/x:latest" },
        { "index.docker.io/a/b", "docker.io/a/b:latest" },
        { "docker.io/library/a/b", "docker.io/library/a/b:latest" },
        { "sha256:" HEX, "docker.io/library/sha256:" HEX }, /* a tag like any other */
        { "a--b.example:65535/x", "a--b.example:65535/x:latest" },
        { "LOCALHOST/x", "LOCALHOST/x:latest" },
        { "[:]/x", "[:]/x:latest" },
        { "0", "docker.io/library/0:latest" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct ref r;
        if (!ref_parse(&r, cases[i].text, &e))
            fail_msg("%s", e.msg);
        assert_string_equal(REF_SHOWN(&r), cases[i].full);
        struct ref again;
        assert_true(ref_parse(&again, REF_SHOWN(&r), &e));
        assert_true(ref_equal(&r, &again));
    }
}

static void leaves_the_digest_out_where_a_tag_is_asked_for(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct ref r;
    struct ref_text text;
    assert_true(ref_parse(&r, "nginx:1@" DIGEST, &e));
    assert_string_equal(ref_format_tag(&text, &r), "docker.io/library/nginx:1");
    assert_true(r.has_digest);
    assert_string_equal(DIGEST_HEX(&r.digest), HEX);
    assert_true(ref_parse(&r, "nginx@" DIGEST, &e));
    assert_string_equal(r.tag, "");
    assert_string_equal(ref_format_tag(&text, &r), "docker.io/library/nginx:latest");
}

static void tells_references_apart(void **state)
{
    (void)state;
    static const char *const texts[] = { "a.b/x:1", "a.b/x:2", "a.b/y:1", "a.c/x:1", "a.b/x:1@" DIGEST, "a.b/x@" DIGEST };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            struct err e = { 0 };
            struct ref a;
            struct ref b;
            assert_true(ref_parse(&a, texts[i], &e) && ref_parse(&b, texts[k], &e));
            assert_int_equal(ref_equal(&a, &b), i == k);
        }
}

static const struct {
    const char *text;
    const char *says;
} bad[] = {
    { "", "it is empty" },
    { "HOST", "lower case" },
    { "Nginx:1", "lower case" },
    { "docker.io/Nginx", "lower case" },
    { "host.example/../x", "not allowed" },
    { "host/../x", "not allowed" },
    { "../x", "not a host" },
    { "./x", "not a host" },
    { "-x", "not allowed" },
    { "-v/x", "not allowed" },
    { "_x", "not allowed" },
    { ".x", "not allowed" },
    { "x-", "not allowed" },
    { "x.", "not allowed" },
    { "x..y", "not allowed" },
    { "x___y", "not allowed" },
    { "x._y", "not allowed" },
    { "x//y", "not allowed" },
    { "x/", "not allowed" },
    { "/x", "not allowed" },
    { "host.example/", "no repository name" },
    { "a b", "not allowed" },
    { " a", "not allowed" },
    { "a\n", "not allowed" },
    { "a\\b", "not allowed" },
    { "a?b", "not allowed" },
    { "\xC3\xA9", "not allowed" },
    { "nginx\xE2\x80\xAE", "not allowed" },
    { "x:", "the tag" },
    { "x:.1", "the tag" },
    { "x:-1", "the tag" },
    { "x:a b", "the tag" },
    { "x:a:b", "the tag" },
    { "x:\xC3\xA9", "the tag" },
    { "host.example/x:a/b", "not allowed" },
    { "x:a/b", "not a host" },
    { "x@", "the digest" },
    { "x@sha256:short", "the digest" },
    { "x@" HEX, "the digest" },
    { "x@" DIGEST "0", "the digest" },
    { "x@sha512:" HEX HEX, "the digest" },
    { "x@sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "the digest" },
    { "x@" DIGEST "@" DIGEST, "the digest" },
    { "x@" DIGEST ":1", "the digest" },
    { "@" DIGEST, "no repository name" },
    { HEX, "image id" },
    { "host.example:/x", "not a host" },
    { "host.example:0/x", "not a host" },
    { "host.example:65536/x", "not a host" },
    { "host.example:99999999999999999999/x", "not a host" },
    { "host.example:80a/x", "not a host" },
    { "host.example:1:2/x", "not a host" },
    { ":5000/x", "not a host" },
    { "-host.example/x", "not a host" },
    { "host-.example/x", "not a host" },
    { "a.b__c/x", "not a host" },
    { "host..example/x", "not a host" },
    { "host.example./x", "not a host" },
    { "user@host.example/x", "the digest" },
    { "https://host.example/x", "not a host" },
    { "host.example:443//x", "not allowed" },
    { "[::1/x", "not a host" },
    { "[]:1/x", "not a host" },
    { "[::g]/x", "not a host" },
    { "[::1]x/x", "not a host" },
    { "[::1]:/x", "not a host" },
    { "[[::1]]/x", "not a host" },
};

static void refuses_what_docker_refuses_and_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct ref r;
        if (ref_parse(&r, bad[i].text, &e))
            fail_msg("accepted \"%s\" as %s", bad[i].text, REF_SHOWN(&r));
        assert_int_equal(e.code, ERR_USAGE);
        assert_memory_equal(e.msg, "reference \"", 11);
        if (strstr(e.msg, bad[i].says) == NULL)
            fail_msg("message \"%s\" lacks \"%s\"", e.msg, bad[i].says);
        assert_string_equal(r.repository, "");
    }
}

/* n letters between a prefix and a suffix. */
static bool parses(const char *before, int n, const char *after)
{
    char filler[2000];
    char text[2100];
    struct err e = { 0 };
    struct ref r;
    memset(filler, 'a', sizeof filler);
    snprintf(text, sizeof text, "%s%.*s%s", before, n, filler, after);
    return ref_parse(&r, text, &e);
}

static void holds_to_the_lengths_of_names_and_tags(void **state)
{
    (void)state;
    assert_true(parses("x.example/", 255, ""));
    assert_false(parses("x.example/", 256, ""));
    assert_true(parses("", 255 - 8, "")); /* library/ is a part of it */
    assert_false(parses("", 256 - 8, ""));
    assert_true(parses("x:", 128, ""));
    assert_false(parses("x:", 129, ""));
    assert_true(parses("", 253, ".e/x"));
    assert_false(parses("", 254, ".e/x"));
    assert_false(parses("", 1999, ""));
    assert_false(parses("x@", 1990, ""));
}

/* ---- the grammar as it is published, in regular expressions ---- */

#define LABEL "([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
#define ELEMENT "[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
#define REFERENCE "^(" LABEL "(\\." LABEL ")*|\\[[a-fA-F0-9:]+\\])(:[1-9][0-9]*)?/" ELEMENT "(/" ELEMENT ")*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"

static bool has_upper(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 'A' && s[i] <= 'Z')
            return true;
    return false;
}

/* What Docker makes of a name: the host in front, "library/" where it belongs. */
static void normalise(char out[64], const char *text)
{
    const char *slash = strchr(text, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - text);
    bool has_host = slash != NULL && (memchr(text, '.', n) != NULL || memchr(text, ':', n) != NULL || has_upper(text, n));
    if (has_host)
        snprintf(out, 64, "%s", text);
    else
        snprintf(out, 64, "docker.io/%s%s", slash == NULL ? "library/" : "", text);
    if (strrchr(out, ':') == NULL || strrchr(out, ':') < strrchr(out, '/'))
        strncat(out, ":latest", 64 - strlen(out) - 1);
}

/* The same without the tag that normalise may have added, for the expression. */
static bool fits(const regex_t *grammar, const char *text, char full[64])
{
    normalise(full, text);
    return regexec(grammar, full, 0, NULL, 0) == 0;
}

static void agrees_with_the_published_grammar_on_every_short_text(void **state)
{
    (void)state;
    static const char alphabet[] = "aA0.-_:/[]";
    enum { LETTERS = sizeof alphabet - 1, LENGTH = 5 };
    regex_t grammar;
    unsigned long n_texts = 1, n_good = 0;
    assert_int_equal(regcomp(&grammar, REFERENCE, REG_EXTENDED | REG_NOSUB), 0);
    for (int length = 1; length <= LENGTH; length++) {
        n_texts *= LETTERS;
        for (unsigned long which = 0; which < n_texts; which++) {
            char text[LENGTH + 1] = "", full[64];
            unsigned long rest = which;
            for (int i = 0; i < length; i++, rest /= LETTERS)
                text[i] = alphabet[rest % LETTERS];
            struct err e = { 0 };
            struct ref r;
            bool ok = ref_parse(&r, text, &e);
            if (ok != fits(&grammar, text, full) || (ok && strcmp(REF_SHOWN(&r), full) != 0))
                fail_msg("\"%s\": %s, expected \"%s\"", text, ok ? REF_SHOWN(&r) : e.msg, full);
            n_good += ok;
        }
    }
    regfree(&grammar);
    assert_true(n_good > 1000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_the_defaults_that_docker_has),
        cmocka_unit_test(leaves_the_digest_out_where_a_tag_is_asked_for),
        cmocka_unit_test(tells_references_apart),
        cmocka_unit_test(refuses_what_docker_refuses_and_says_why),
        cmocka_unit_test(agrees_with_the_published_grammar_on_every_short_text),
        cmocka_unit_test(holds_to_the_lengths_of_names_and_tags),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
