/* values.env: replaced, never dropped, never shown to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "loader/kept_values.h"
#include "tests/support/scratch.h"

static void add(struct values *v, const char *name, const char *text)
{
    MEM_PUSH(v->items, v->n, v->cap) = (struct value){ name, secret_of(text, strlen(text)), VALUE_STORED, true };
}

static void keep(const char *path, const struct values *v)
{
    struct err e = { 0 };
    if (!kept_values_write(v, path, &e))
        fail_msg("%s", e.msg);
}

static void expect(const char *path, const char *name, const char *want)
{
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    struct err e = { 0 };
    assert_true(kept_values_read(&p, path, &e));
    const char *got = env_pairs_get(&p, name, path, &e);
    assert_int_equal(e.code, ERR_NONE);
    if (want == NULL)
        assert_null(got);
    else
        assert_string_equal(got, want);
}

static void a_value_that_a_release_no_longer_declares_stays(void **state)
{
    struct scratch *s = *state;
    const char *path = scratch_at(s, "values.env");
    AUTO(values_clear_auto) struct values first = { 0 };
    AUTO(values_clear_auto) struct values second = { 0 };
    add(&first, "DB_PASSWORD", "old");
    add(&first, "API_KEY", "precious");
    add(&second, "DB_PASSWORD", "new");
    add(&second, "PORT", "8443");
    keep(path, &first);
    keep(path, &second);
    expect(path, "DB_PASSWORD", "new");
    expect(path, "PORT", "8443");
    expect(path, "API_KEY", "precious");
    AUTO(mem_auto) char *text = scratch_content(s, "values.env");
    keep(path, &second);
    AUTO(mem_auto) char *again = scratch_content(s, "values.env");
    assert_string_equal(text, again); /* a second run finds nothing to change */
}

static void every_value_comes_back_as_it_was(void **state)
{
    struct scratch *s = *state;
    const char *path = scratch_at(s, "values.env");
    static const char *const texts[] = { "", " ", "plain", "it's", "\"", "'\"'", "$HOME", "${X:-y}", "a'$b", "\\", "\\'", "#no comment", " a # b ",
                                         "\xc3\xa4\xe2\x82\xac", "a=b", "\t" };
    AUTO(values_clear_auto) struct values none = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(values_clear_auto) struct values v = { 0 };
        add(&v, "X", texts[i]);
        keep(path, &v);
        keep(path, &none); /* through a release that does not know it */
        expect(path, "X", texts[i]);
    }
}

static void nobody_else_reads_the_file(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    struct err e = { 0 };
    AUTO(values_clear_auto) struct values v = { 0 };
    AUTO(env_pairs_clear_auto) struct env_pairs p = { 0 };
    add(&v, "X", "y");
    keep(scratch_at(s, "values.env"), &v);
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(chmod(s->path, 0640), 0);
    assert_false(kept_values_read(&p, s->path, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "others could read it"));
    e = (struct err){ 0 };
    assert_false(kept_values_write(&v, s->path, &e));
}

static void a_damaged_file_stops_everything_and_shows_no_value(void **state)
{
    struct scratch *s = *state;
    AUTO(values_clear_auto) struct values v = { 0 };
    static const char *const texts[] = { "X='hunter2", "hunter2\n", "X='a'\nX='hunter2'\n", "X='hunter2' more\n" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = { 0 };
        assert_false(kept_values_write(&v, scratch_text(s, "values.env", texts[i], 0600), &e));
        assert_int_equal(e.code, ERR_CONFIG);
        if (i != 1)
            assert_null(strstr(e.msg, "hunter2"));
        AUTO(mem_auto) char *text = scratch_content(s, "values.env");
        assert_string_equal(text, texts[i]);
    }
}

static void a_missing_file_is_empty(void **state)
{
    struct scratch *s = *state;
    expect(scratch_at(s, "values.env"), "X", NULL);
    assert_false(scratch_has(s, "values.env"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_value_that_a_release_no_longer_declares_stays),
        SCRATCH_TEST(every_value_comes_back_as_it_was),
        SCRATCH_TEST(nobody_else_reads_the_file),
        SCRATCH_TEST(a_damaged_file_stops_everything_and_shows_no_value),
        SCRATCH_TEST(a_missing_file_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
