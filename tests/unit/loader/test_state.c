/* state.json: whole or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/state.h"
#include "tests/support/scratch.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXT(version, extra)                                                                                                             \
    "{\"archon_state\":" version ",\"stream\":\"shop\",\"project\":\"shop\",\"highest\":\"1.4.0\",\"highest_release_sha256\":\"" HEX_A "\"," \
    "\"clock_floor\":1800000000" extra "}"

static struct digest digest_of(char c)
{
    struct digest d;
    sha256_of(&d, &c, 1);
    return d;
}

static struct state sample(void)
{
    struct state s = { .is_set = true, .stream = "shop", .project = "shop-test", .highest = "1.4.0", .clock_floor = 1800000000 };
    s.highest_release = digest_of('a');
    s.installed = (struct state_release){ .is_set = true, .version = "1.4.0", .release = digest_of('a'), .manifest = digest_of('b'),
                                          .installed_at = 1799999999, .n_signers = 2, .signers = { HEX_A, "k2" } };
    s.previous = (struct state_release){ .is_set = true, .version = "1.3.2-rc.1+build.5", .release = digest_of('c'), .manifest = digest_of('d') };
    return s;
}

static void refused(struct scratch *s, const char *text, const char *words)
{
    struct state got;
    struct err e = { 0 };
    assert_false(state_read(&got, scratch_text(s, "state.json", text, 0600), &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
    assert_non_null(strstr(e.hint, "restore it from a backup"));
}

static void what_is_written_is_read(void **state)
{
    struct scratch *s = *state;
    struct state before = sample(), got;
    struct err e = { 0 };
    const char *path = scratch_at(s, "state.json");
    assert_true(state_write(&before, path, &e));
    assert_true(state_read(&got, path, &e));
    assert_true(state_is_same(&before, &got));
    assert_string_equal(got.project, "shop-test");
    assert_string_equal(got.previous.version, "1.3.2-rc.1+build.5");
    assert_int_equal(got.installed.n_signers, 2);
    assert_string_equal(got.installed.signers[1], "k2");
    assert_int_equal(got.installed.installed_at, 1799999999);
    assert_int_equal(got.clock_floor, 1800000000);
    assert_true(digest_equal(&got.highest_release, &before.highest_release));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_host_without_the_file_has_nothing(void **state)
{
    struct scratch *s = *state;
    struct state got;
    struct err e = { 0 };
    assert_true(state_read(&got, scratch_at(s, "state.json"), &e));
    assert_false(got.is_set);
}

static void an_uninstalled_application_keeps_its_highest_version(void **state)
{
    struct scratch *s = *state;
    struct state before = sample(), got;
    struct err e = { 0 };
    before.installed = before.previous = (struct state_release){ 0 };
    assert_true(state_write(&before, scratch_at(s, "state.json"), &e));
    assert_true(state_read(&got, s->path, &e));
    assert_true(got.is_set);
    assert_false(got.installed.is_set);
    assert_string_equal(got.highest, "1.4.0");
}

/* A part of it must never look like a host that has seen less. */
static void a_file_that_is_cut_anywhere_is_refused(void **state)
{
    struct scratch *s = *state;
    struct state before = sample(), got;
    struct err e = { 0 };
    assert_true(state_write(&before, scratch_at(s, "state.json"), &e));
    AUTO(mem_auto) char *text = scratch_content(s, "state.json");
    size_t n = strlen(text);
    while (text[n - 1] == '\n')
        n--;
    for (size_t cut = 0; cut < n; cut++) {
        struct err cut_error = { 0 };
        assert_false(state_read(&got, scratch_file(s, "state.json", text, cut, 0600), &cut_error));
        assert_int_equal(cut_error.code, ERR_CONFIG);
    }
}

static void strange_documents_are_refused(void **state)
{
    struct scratch *s = *state;
    refused(s, TEXT("1", ",\"colour\":1"), "unknown key \"colour\"");
    refused(s, TEXT("1", ",\"stream\":\"other\""), "duplicate key");
    refused(s, TEXT("0", ""), "archon_state");
    refused(s, TEXT("2", ""), "archon_state");
    refused(s, "[]", "state.json");
    refused(s, "", "state.json");
    refused(s, "{\"archon_state\":1}", "missing");
}

/* Versions are parts of paths. */
static void a_version_that_is_none_is_refused(void **state)
{
    struct scratch *s = *state;
    refused(s, TEXT("1", ",\"installed\":{\"version\":\"../../../tmp\",\"release_sha256\":\"" HEX_A "\",\"manifest_sha256\":\"" HEX_A
                         "\",\"installed_at\":1,\"signers\":[]}"),
            "installed.version");
    refused(s, "{\"archon_state\":1,\"stream\":\"s\",\"project\":\"p\",\"highest\":\"latest\",\"highest_release_sha256\":\"" HEX_A
               "\",\"clock_floor\":0}",
            "highest");
}

static void more_signers_than_a_bundle_can_have_are_refused(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(5000);
    for (int i = 0; i < STATE_SIGNERS + 1; i++)
        buf_addf(&list, "%s\"k%d\"", i == 0 ? "" : ",", i);
    AUTO(mem_auto) char *text = mem_format(TEXT("1", ",\"installed\":{\"version\":\"1.0.0\",\"release_sha256\":\"" HEX_A
                                                     "\",\"manifest_sha256\":\"" HEX_A "\",\"installed_at\":1,\"signers\":[%s]}"),
                                           buf_text(&list));
    refused(s, text, "signers");
}

static void a_file_that_others_may_change_and_a_link_are_refused(void **state)
{
    struct scratch *s = *state;
    struct state got;
    struct err e = { 0 };
    AUTO(mem_auto) char *good = mem_text(scratch_text(s, "good", TEXT("1", ""), 0600));
    assert_true(state_read(&got, good, &e));
    assert_false(state_read(&got, scratch_text(s, "open", TEXT("1", ""), 0620), &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "0620"));
    e = (struct err){ 0 };
    assert_int_equal(symlink(good, scratch_at(s, "link")), 0);
    assert_false(state_read(&got, s->path, &e));
    assert_non_null(strstr(e.msg, "symbolic link"));
}

static void every_difference_of_what_is_installed_is_seen(void **state)
{
    (void)state;
    struct state a = sample(), b = sample();
    assert_true(state_is_same(&a, &b));
    b.installed.release = digest_of('x');
    assert_false(state_is_same(&a, &b));
    b = sample();
    b.installed.manifest = digest_of('x');
    assert_false(state_is_same(&a, &b));
    b = sample();
    b.previous.is_set = false;
    assert_false(state_is_same(&a, &b));
    b = sample();
    b.is_set = false;
    assert_false(state_is_same(&a, &b));
    b = sample();
    b.highest[0] = '2';
    assert_false(state_is_same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_written_is_read),
        SCRATCH_TEST(a_host_without_the_file_has_nothing),
        SCRATCH_TEST(an_uninstalled_application_keeps_its_highest_version),
        SCRATCH_TEST(a_file_that_is_cut_anywhere_is_refused),
        SCRATCH_TEST(strange_documents_are_refused),
        SCRATCH_TEST(a_version_that_is_none_is_refused),
        SCRATCH_TEST(more_signers_than_a_bundle_can_have_are_refused),
        SCRATCH_TEST(a_file_that_others_may_change_and_a_link_are_refused),
        cmocka_unit_test(every_difference_of_what_is_installed_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
