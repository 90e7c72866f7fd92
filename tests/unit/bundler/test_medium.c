/* FAT32 ends files at 4 GiB - 1: told before anything is fetched, and exactly when it is known. The linker puts the function below before that of the C library (--wrap). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "bundler/medium.h"
#include "sys/path.h"
#include "tests/support/played_file_system.h"

static int n_lost;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    int result = __real_fsync(fd);
    if (n_lost == 0)
        return result;
    n_lost--;
    errno = EIO;
    return -1;
}

enum { FAT = 0x4d44, EXFAT = 0x2011BAB0 };

static void a_bundle_too_large_for_the_file_system_is_refused_early(void **state)
{
    (void)state;
    static const struct {
        long file_system;
        uint64_t bytes, part_bytes;
        enum err_code code;
    } rows[] = { { 0, 5 * GIB, 0, ERR_NONE }, { EXFAT, 5 * GIB, 0, ERR_NONE }, { FAT, 4 * GIB - 1, 0, ERR_NONE }, { FAT, 4 * GIB, 0, ERR_SPACE },
                 { FAT, 5 * GIB, 4095 * MIB, ERR_NONE }, { FAT, 5 * GIB, 4 * GIB - 1, ERR_NONE }, { FAT, 5 * GIB, 4 * GIB, ERR_USAGE } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        file_system = rows[i].file_system;
        assert_int_equal(medium_holds("/tmp/x.bundle.tar.zst", rows[i].bytes, rows[i].part_bytes, "--split", &e), rows[i].code == ERR_NONE);
        file_system = 0;
        assert_int_equal(e.code, rows[i].code);
        assert_true(e.code == ERR_NONE || strstr(e.hint, "--split 4095MiB") != NULL);
    }
}

static void a_parity_file_too_large_for_the_file_system_is_refused_early(void **state)
{
    (void)state;
    struct err e = { 0 };
    file_system = FAT;
    assert_true(medium_holds_parity("/tmp/x.par", 4 * GIB - 1, &e));
    assert_false(medium_holds_parity("/tmp/x.par", 4 * GIB, &e));
    file_system = 0;
    assert_int_equal(e.code, ERR_SPACE);
    assert_non_null(strstr(e.hint, "--parity"));
    struct err e2 = { 0 };
    assert_true(medium_holds_parity("/tmp/x.par", 4 * GIB, &e2));
}

/* The kernel tells once only that what was written did not get to the medium. */
static void a_medium_that_failed_is_told_when_it_is_read_back(void **state)
{
    (void)state;
    char dir[] = "/tmp/archon-test-XXXXXX";
    struct err e = { 0 };
    assert_non_null(mkdtemp(dir));
    AUTO(mem_auto) char *path = path_join(dir, "x");
    {
        AUTO(output_drop_auto) struct output *o = output_open(path, 0, &e);
        assert_true(o != NULL && output_write(o, "a", 1, 0, &e));
        AUTO(bundle_file_close_auto) struct bundle_file *f = output_file(o, &e);
        assert_non_null(f);
        n_lost = 1;
        assert_false(bundle_file_read_medium(f, &e));
        assert_int_equal(e.code, ERR_IO);
        assert_non_null(strstr(e.msg, "sync x"));
    }
    assert_true(path_remove_tree(dir, &(struct err){ 0 }));
}

static void the_byte_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/archon-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO(mem_auto) char *path = path_join(dir, "x.bundle.tar.zst");
    for (int in_parts = 0; in_parts < 2; in_parts++) {
        struct err e = { 0 };
        file_system = FAT;
        AUTO(output_drop_auto) struct output *o = output_open(path, in_parts ? 4095 * MIB : 0, &e);
        file_system = 0;
        assert_non_null(o);
        assert_true(output_write(o, "a", 1, 4 * GIB - 2, &e)); /* the rest is a hole */
        assert_int_equal(output_write(o, "ab", 2, 4 * GIB - 2, &e), in_parts);
        assert_int_equal(e.code, in_parts ? ERR_NONE : ERR_SPACE);
        assert_true(in_parts || strstr(e.hint, "--split 4095MiB") != NULL);
    }
    struct err e = { 0 };
    assert_true(path_remove_tree(dir, &e));
}

static void more_parts_than_there_are_names_for_are_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/archon-test-XXXXXX";
    struct err e = { 0 };
    assert_non_null(mkdtemp(dir));
    AUTO(mem_auto) char *path = path_join(dir, "x");
    {
        AUTO(output_drop_auto) struct output *o = output_open(path, MIB, &e);
        assert_non_null(o);
        assert_true(output_write(o, "a", 1, 999 * MIB - 1, &e));
        assert_false(output_write(o, "a", 1, 999 * MIB, &e));
        assert_int_equal(e.code, ERR_SPACE);
        assert_non_null(strstr(e.msg, "more than 999 parts"));
        struct err e2 = { 0 };
        assert_true(output_truncate(o, 3 * MIB, &e2)); /* going back gives parts back */
        assert_int_equal(output_parts(o), 3);
    }
    assert_true(path_remove_tree(dir, &(struct err){ 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_too_large_for_the_file_system_is_refused_early),
        cmocka_unit_test(a_parity_file_too_large_for_the_file_system_is_refused_early),
        cmocka_unit_test(a_medium_that_failed_is_told_when_it_is_read_back),
        cmocka_unit_test(the_byte_that_does_not_fit_is_refused),
        cmocka_unit_test(more_parts_than_there_are_names_for_are_refused),
    };
    return cmocka_run_group_tests_name("medium", tests, NULL, NULL);
}
