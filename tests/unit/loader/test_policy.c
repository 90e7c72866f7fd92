/* Which releases a host accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/policy.h"

enum { NOW = 1800000000 };

static char shop[] = "shop", other[] = "other";

static struct digest digest_of(char c)
{
    struct digest d;
    sha256_of(&d, &c, 1);
    return d;
}

static struct release release_of(const char *version)
{
    struct release r = { .name = shop };
    struct err e = { 0 };
    assert_true(version_parse(&r.version, version, "test", &e));
    return r;
}

/* A host that runs 1.4.0, whose release digest is that of 'a'. */
static struct state host(void)
{
    struct state s = { .is_set = true, .stream = "shop", .project = "shop", .highest = "1.4.0", .clock_floor = NOW - 1000 };
    s.highest_release = digest_of('a');
    s.installed = (struct state_release){ .is_set = true, .version = "1.4.0", .release = digest_of('a') };
    return s;
}

static void accepts(const struct release *r, char digest, const struct state *s)
{
    struct err e = { 0 };
    struct digest d = digest_of(digest);
    if (!policy_check_release(r, &d, s, NOW, &e))
        fail_msg("%s", e.msg);
}

static void refuses(const struct release *r, char digest, const struct state *s, int64_t now, const char *words)
{
    struct err e = { 0 };
    struct digest d = digest_of(digest);
    assert_false(policy_check_release(r, &d, s, now, &e));
    assert_int_equal(e.code, ERR_POLICY);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
    assert_true(e.hint[0] != '\0');
}

static void an_empty_host_takes_any_version(void **state)
{
    (void)state;
    struct state none = { 0 };
    struct release r = release_of("0.0.1-alpha");
    accepts(&r, 'z', &none);
}

static void the_same_release_and_newer_ones_are_fine(void **state)
{
    (void)state;
    struct state s = host();
    struct release same = release_of("1.4.0"), newer = release_of("1.4.1"), ten = release_of("1.10.0");
    accepts(&same, 'a', &s);
    accepts(&newer, 'b', &s);
    accepts(&ten, 'c', &s); /* numbers, not text */
}

static void an_older_release_is_refused(void **state)
{
    (void)state;
    struct state s = host();
    struct release older = release_of("1.3.9"), pre = release_of("1.4.0-rc.1");
    refuses(&older, 'b', &s, NOW, "older than 1.4.0");
    refuses(&pre, 'b', &s, NOW, "older than 1.4.0");
}

/* What is not installed any more stays the floor. */
static void an_older_release_is_refused_after_uninstall_too(void **state)
{
    (void)state;
    struct state s = host();
    struct release older = release_of("1.3.9"), same = release_of("1.4.0");
    s.installed.is_set = false;
    refuses(&older, 'b', &s, NOW, "older");
    accepts(&same, 'a', &s);
}

static void the_same_version_with_another_content_is_an_alarm(void **state)
{
    (void)state;
    struct state s = host();
    struct release same = release_of("1.4.0"), with_build = release_of("1.4.0+again");
    refuses(&same, 'x', &s, NOW, "two releases with version 1.4.0");
    refuses(&with_build, 'x', &s, NOW, "two releases with version");
}

static void another_application_has_no_place_here(void **state)
{
    (void)state;
    struct state s = host();
    struct release r = release_of("9.0.0");
    r.name = other;
    refuses(&r, 'b', &s, NOW, "this environment holds shop");
}

static void the_path_that_the_author_tested_is_kept(void **state)
{
    (void)state;
    static char range[] = ">=1.5", wide[] = ">=1.2 <2", broken[] = "about 1.2";
    struct state s = host();
    struct release r = release_of("2.0.0");
    r.upgrade_from = range;
    refuses(&r, 'b', &s, NOW, "upgrades from >=1.5, installed is 1.4.0");
    s.installed.is_set = false; /* a first installation has no path */
    accepts(&r, 'b', &s);
    s = host();
    r.upgrade_from = wide;
    accepts(&r, 'b', &s);
    struct release same = release_of("1.4.0");
    same.upgrade_from = range;
    accepts(&same, 'a', &s);
    struct err e = { 0 };
    struct digest d = digest_of('b');
    r.upgrade_from = broken;
    assert_false(policy_check_release(&r, &d, &s, NOW, &e));
}

static void a_release_for_a_newer_loader_says_so(void **state)
{
    (void)state;
    static char far[] = "99.0", near[] = "0.0.1";
    struct state none = { 0 };
    struct release r = release_of("1.0.0");
    r.min_loader = far;
    refuses(&r, 'b', &none, NOW, "needs archon-load 99.0");
    r.min_loader = near;
    accepts(&r, 'b', &none);
}

static void a_clock_before_the_last_installation_is_not_believed(void **state)
{
    (void)state;
    struct state s = host();
    struct release r = release_of("1.4.1");
    refuses(&r, 'b', &s, NOW - 1001, "clock");
    struct err e = { 0 };
    struct digest d = digest_of('b');
    assert_true(policy_check_release(&r, &d, &s, NOW - 1000, &e));
}

/* --- runs that did not end ----------------------------------------------------------------------------------------- */

static struct journal_last unfinished(char digest, const char *version)
{
    struct digest d = digest_of(digest);
    struct journal_last last = { .is_unfinished = true, .step = "migrate" };
    snprintf(last.release, sizeof last.release, "%.12s", DIGEST_HEX(&d));
    snprintf(last.version, sizeof last.version, "%s", version);
    return last;
}

static bool may_go_on(const char *version, char digest, const struct state *s, const struct journal_last *last, struct err *e)
{
    struct release r = release_of(version);
    struct digest d = digest_of(digest);
    return policy_check_unfinished(&r, &d, s, last, e);
}

static void an_unfinished_run_goes_on_with_the_same_or_a_newer_release(void **state)
{
    (void)state;
    struct state s = host();
    struct journal_last last = unfinished('n', "1.5.0");
    struct err e = { 0 };
    assert_true(may_go_on("1.5.0", 'n', &s, &last, &e));
    assert_true(may_go_on("1.5.1", 'x', &s, &last, &e));
    last.is_unfinished = false;
    assert_true(may_go_on("1.4.5", 'x', &s, &last, &e));
}

static void an_unfinished_run_is_not_forgotten_for_an_older_one(void **state)
{
    (void)state;
    struct state s = host();
    struct journal_last last = unfinished('n', "1.5.0");
    struct err e = { 0 };
    assert_false(may_go_on("1.4.5", 'x', &s, &last, &e));
    assert_int_equal(e.code, ERR_POLICY);
    assert_non_null(strstr(e.msg, "an installation of 1.5.0 was interrupted at step migrate"));
    assert_non_null(strstr(e.hint, "1.5.0"));
    e = (struct err){ 0 };
    assert_false(may_go_on("1.5.0", 'x', &s, &last, &e)); /* another release that calls itself the same */
}

static void the_installed_release_is_the_way_back(void **state)
{
    (void)state;
    struct state s = host();
    struct journal_last last = unfinished('n', "1.5.0");
    struct err e = { 0 };
    assert_true(may_go_on("1.4.0", 'a', &s, &last, &e));
    s.installed.is_set = false;
    assert_false(may_go_on("1.4.0", 'a', &s, &last, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_host_takes_any_version),
        cmocka_unit_test(the_same_release_and_newer_ones_are_fine),
        cmocka_unit_test(an_older_release_is_refused),
        cmocka_unit_test(an_older_release_is_refused_after_uninstall_too),
        cmocka_unit_test(the_same_version_with_another_content_is_an_alarm),
        cmocka_unit_test(another_application_has_no_place_here),
        cmocka_unit_test(the_path_that_the_author_tested_is_kept),
        cmocka_unit_test(a_release_for_a_newer_loader_says_so),
        cmocka_unit_test(a_clock_before_the_last_installation_is_not_believed),
        cmocka_unit_test(an_unfinished_run_goes_on_with_the_same_or_a_newer_release),
        cmocka_unit_test(an_unfinished_run_is_not_forgotten_for_an_older_one),
        cmocka_unit_test(the_installed_release_is_the_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
