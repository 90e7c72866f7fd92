/* An archive or a directory of parts appears whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "forms/form_output.h"
#include "tests/support/played_file_system.h"
#include "tests/support/scratch.h"

/* What the second part does when it is read. */
enum behaviour { IS_WELL, ENDS_EARLY, IS_LONGER, FAILS };

static struct source *open_part(void *ctx, struct err *e)
{
    enum behaviour how = *(enum behaviour *)ctx;
    if (how == FAILS) {
        err_set(e, ERR_INTEGRITY, "the part is damaged");
        return NULL;
    }
    return source_memory("abcdef", how == ENDS_EARLY ? 2 : how == IS_LONGER ? 6 : 3);
}

typedef bool (*output_fn)(const struct archive_list *list, const char *path, const struct progress *progress, uint64_t *bytes,
                          struct err *e);
static const output_fn outputs[] = { form_output_archive, form_output_directory };

static bool write_parts(struct scratch *s, output_fn output, enum behaviour how, const struct progress *progress, struct err *e)
{
    struct archive_list list = { 0 };
    uint64_t bytes = 0;
    archive_list_text(&list, "a/first", "one", 3);
    archive_list_stream(&list, "a/second", 3, open_part, &how);
    bool ok = output(&list, scratch_at(s, "out"), progress, &bytes, e);
    assert_true(!ok || bytes >= 6);
    archive_list_clear(&list);
    return ok;
}

static void leaves_nothing(struct scratch *s)
{
    struct err e = { 0 };
    struct path_names names = { 0 };
    assert_true(path_list(s->dir, 10, &names, &e));
    assert_int_equal(names.n, 0);
    path_names_clear(&names);
}

static void parts_become_files(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_true(write_parts(s, form_output_directory, IS_WELL, NULL, &e));
    AUTO(mem_auto) char *first = scratch_content(s, "out/a/first");
    AUTO(mem_auto) char *second = scratch_content(s, "out/a/second");
    assert_string_equal(first, "one");
    assert_string_equal(second, "abc");
}

static void what_cannot_be_read_leaves_nothing(void **state)
{
    struct scratch *s = *state;
    static const enum behaviour bad[] = { ENDS_EARLY, IS_LONGER, FAILS };
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            struct err e = { 0 };
            assert_false(write_parts(s, outputs[i], bad[k], NULL, &e));
            assert_int_equal(e.code, ERR_INTEGRITY);
            leaves_nothing(s);
        }
}

static bool stop(void *ctx, const struct progress_fact *fact)
{
    (void)ctx;
    return fact->done < 5;
}

static void a_stop_leaves_nothing(void **state)
{
    struct scratch *s = *state;
    struct progress p = { stop, NULL };
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        struct err e = { 0 };
        assert_false(write_parts(s, outputs[i], IS_WELL, &p, &e));
        assert_int_equal(e.code, ERR_INTERRUPTED);
        leaves_nothing(s);
    }
}

static void a_part_cannot_leave_the_directory(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct archive_list list = { 0 };
    uint64_t bytes = 0;
    archive_list_text(&list, "../outside", "one", 3);
    assert_false(form_output_directory(&list, scratch_at(s, "out"), NULL, &bytes, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    leaves_nothing(s);
    archive_list_clear(&list);
}

static void a_place_that_is_no_directory_is_refused(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_false(form_output_check(scratch_at(s, "absent/out"), 1, 1, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "absent"));
}

static void what_fat_cannot_hold_in_one_file_is_told_at_once(void **state)
{
    struct scratch *s = *state;
    enum behaviour never_read = FAILS;
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        struct err e = { 0 };
        struct archive_list list = { 0 };
        uint64_t bytes = 0;
        archive_list_text(&list, "a/first", "one", 3);
        archive_list_stream(&list, "a/second", 4 * GIB, open_part, &never_read);
        file_system = 0x4d44;
        assert_false(outputs[i](&list, scratch_at(s, "out"), NULL, &bytes, &e));
        file_system = 0;
        assert_int_equal(e.code, ERR_SPACE);
        assert_non_null(strstr(e.msg, "and one there can have"));
        leaves_nothing(s);
        archive_list_clear(&list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(parts_become_files),
        SCRATCH_TEST(what_cannot_be_read_leaves_nothing),
        SCRATCH_TEST(a_stop_leaves_nothing),
        SCRATCH_TEST(a_part_cannot_leave_the_directory),
        SCRATCH_TEST(what_fat_cannot_hold_in_one_file_is_told_at_once),
        SCRATCH_TEST(a_place_that_is_no_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
