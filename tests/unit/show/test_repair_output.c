/* Where a repaired bundle cannot go is told before the damaged one, which may be hard to read, is read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "show/repair_output.h"
#include "sys/file.h"
#include "sys/path.h"
#include "tests/support/played_file_system.h"

enum { FAT = 0x4d44 };

/* A parity file of which one head is left is enough to know how long the bundle was; of that nothing but a hole is there. */
static void put_large(const char *bundle, const char *par)
{
    struct err e = { 0 };
    struct parity_shape s;
    struct digest id = { { 1 } };
    uint8_t head[LAYOUT_PARITY_HEAD_MAX];
    assert_true(parity_shape_for(&s, 4 * GIB, &id, 10, &e));
    AUTO(mem_auto) uint8_t *hashes = mem_new((size_t)s.k * LAYOUT_PARITY_HASH);
    struct parity_head h = { .hashes = hashes };
    parity_head_write(head, &s, &h);
    assert_true(file_publish(par, head, parity_head_bytes(&s), 0600, &e) && file_publish(bundle, "", 0, 0600, &e));
    assert_int_equal(truncate(bundle, 4 * (off_t)GIB), 0);
}

static void what_fat_cannot_hold_in_one_file_is_told_at_once(void **state)
{
    (void)state;
    char dir[] = "/tmp/archon-test-XXXXXX";
    struct err e = { 0 };
    struct err fat = { 0 };
    assert_non_null(mkdtemp(dir));
    AUTO(mem_auto) char *bundle = path_join(dir, "x");
    AUTO(mem_auto) char *par = path_join(dir, "x.par");
    AUTO(mem_auto) char *out = path_join(dir, "new");
    put_large(bundle, par);
    {
        AUTO(repair_free_auto) struct repair *r = repair_open(&(struct bundle_where){ .path = bundle }, par, &e);
        struct repair_place place = { .bundle = bundle, .parity = par, .output = out };
        assert_non_null(r);
        file_system = FAT;
        assert_null(repair_output_open(r, &place, &fat));
        file_system = 0;
    }
    assert_int_equal(fat.code, ERR_SPACE);
    assert_non_null(strstr(fat.msg, "a file there can have"));
    assert_non_null(strstr(fat.hint, "split"));
    assert_true(path_remove_tree(dir, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fat_cannot_hold_in_one_file_is_told_at_once),
    };
    return cmocka_run_group_tests_name("repair_output", tests, NULL, NULL);
}
