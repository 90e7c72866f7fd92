/* Whatever is damaged, as long as it is not more than was paid for, comes back bit for bit; and what is more is counted. */
#include "parity_scene.h"

/* ---- any set of slices ---- */

/* Four rows of 6 + 4 blocks, smaller than any writer would make for so few bytes. */
static void fill_small(struct scene *x)
{
    x->s = (struct parity_shape){ .total = 4 * 6 * 4096 - 1234, .block = 4096, .rows = 4, .k = 6, .m = 4 };
    scene_shaped(x);
}

static unsigned count(unsigned set)
{
    return (unsigned)__builtin_popcount(set);
}

/* Damages the slices of a set: bits 0 to 5 of the bundle, 6 to 9 of parity. */
static void damage_slices(const struct scene *x, unsigned set)
{
    for (uint32_t i = 0; i < x->s.k + x->s.m; i++)
        for (uint32_t row = 0; (set >> i & 1) != 0 && row < x->s.rows; row++) {
            if (i < x->s.k)
                damage_block(x, row, i);
            else
                damage_record(x, row, i - x->s.k, (row % 2) * 1000, 1); /* in the head, in the block */
        }
}

static void every_set_of_slices_up_to_the_budget_comes_back(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    fill_small(x);
    for (unsigned set = 0; set < 1u << 10; set++) {
        if (count(set) > 4)
            continue;
        damage_slices(x, set);
        assert_repaired(x, &f);
        assert_int_equal(f.n_damaged, 4 * count(set & 63));
        assert_int_equal(f.n_parity_lost, 4 * count(set >> 6));
        restore(x);
    }
}

static void one_slice_more_is_refused_and_counted(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    fill_small(x);
    for (unsigned set = 0; set < 1u << 10; set++) {
        struct err e = { 0 };
        if (count(set) != 5 || count(set & 63) == 0)
            continue;
        damage_slices(x, set);
        assert_false(repair_into(x, &f, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
        assert_non_null(strstr(e.msg, "cannot be repaired"));
        assert_int_equal(f.n_beyond, f.n_damaged);
        assert_int_equal(f.worst_lost, count(set & 63));
        assert_int_equal(f.worst_parity, 4 - count(set >> 6));
        restore(x);
    }
}

/* Rows do not care for each other: 4 of 10 blocks in each of them, in all 24 ways to shift a pattern. */
static void each_row_may_be_damaged_elsewhere(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    fill_small(x);
    for (uint32_t shift = 0; shift < 6; shift++) {
        for (uint32_t row = 0; row < 4; row++)
            for (uint32_t i = 0; i < 4; i++)
                damage_block(x, row, (i * 5 + row + shift) % 6);
        assert_repaired(x, &f);
        assert_int_equal(f.n_damaged, 16);
        restore(x);
    }
}

/* ---- a bundle as create makes parity for it ---- */

enum { USUAL = 3000001 }; /* 733 blocks */

static void a_burst_of_so_many_percent_comes_back_wherever_it_is(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    scene_fill(x, USUAL, 10);
    for (uint64_t at = 0; at + USUAL / 10 <= USUAL; at += USUAL / 9) {
        damage(x->bundle, x->bytes, at, USUAL / 10);
        assert_repaired(x, &f);
        assert_true(f.n_damaged >= USUAL / 10 / 4096);
        assert_int_equal(f.n_ranges, 1);
        restore(x);
    }
}

static void any_ten_percent_of_the_slices_come_back(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    uint32_t seed = 3;
    scene_fill(x, USUAL, 10);
    uint32_t n = x->s.k + x->s.m;
    assert_true(x->s.m * 10 >= n);
    for (unsigned round = 0; round < 8; round++) {
        uint8_t taken[LAYOUT_PARITY_SLICES] = { 0 };
        for (uint32_t i = 0; i < x->s.m;) {
            uint32_t slice = next_random(&seed) % n;
            if (taken[slice]++ != 0)
                continue;
            for (uint32_t row = 0; row < x->s.rows; row++) {
                if (slice < x->s.k && parity_block_bytes(&x->s, row, slice) > 0)
                    damage_block(x, row, slice);
                else if (slice >= x->s.k)
                    damage_record(x, row, slice - x->s.k, 0, 4096);
            }
            i++;
        }
        assert_repaired(x, &f);
        restore(x);
    }
}

static void scattered_sectors_come_back(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    uint32_t seed = 5;
    scene_fill(x, USUAL, 10);
    for (unsigned i = 0; i < 25; i++) /* of 733 + 84: never more than 21 in a row of 4 */
        damage(x->bundle, x->bytes, next_random(&seed) % (USUAL / 512) * 512, 512);
    for (unsigned i = 0; i < 3; i++)
        damage(x->par, x->parity, next_random(&seed) % (parity_file_bytes(&x->s) / 512) * 512, 512);
    assert_repaired(x, &f);
    assert_true(f.n_damaged > 10 && f.n_ranges > 10);
}

static void a_file_that_ends_early_gets_its_end_back(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    scene_fill(x, USUAL, 10);
    assert_int_equal(truncate(x->bundle, USUAL - USUAL / 10), 0);
    assert_repaired(x, &f);
    assert_true(f.n_unreadable == f.n_damaged && f.n_damaged > 70);
}

static void what_was_appended_is_left_out(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    scene_fill(x, USUAL, 10);
    AUTO(mem_auto) uint8_t *longer = mem_new(USUAL + 5000);
    memcpy(longer, x->bytes, USUAL);
    put(x->bundle, longer, USUAL + 5000);
    assert_repaired(x, &f);
    assert_int_equal(f.n_damaged, 0);
}

static void large_blocks_are_computed_strip_by_strip(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    x->s = (struct parity_shape){ .total = 2 * 5 * 262144 - 70000, .block = 262144, .rows = 2, .k = 5, .m = 2 };
    scene_shaped(x);
    damage_block(x, 1, 4); /* the last, which is not full */
    damage_block(x, 1, 0);
    damage_block(x, 0, 2);
    damage_record(x, 0, 0, 100000, 1);
    assert_repaired(x, &f);
    assert_int_equal(f.n_damaged, 3);
}

/* Two of three blocks of 6000: 2000 places, of which 1000 are kept. */
static void more_places_than_are_kept_are_counted(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    x->s = (struct parity_shape){ .total = 6000 * 4096, .block = 4096, .rows = 2000, .k = 3, .m = 2 };
    scene_shaped(x);
    for (uint64_t i = 0; i < 6000; i += 3)
        damage(x->bundle, x->bytes, i * 4096 + 4090, 10); /* the end of one block, the beginning of the next */
    assert_repaired(x, &f);
    assert_int_equal(f.n_damaged, 4000);
    assert_int_equal(f.n_ranges, 2000);
}

/* ---- parts ---- */

static void to_parts(const struct scene *x, size_t part)
{
    assert_int_equal(unlink(x->bundle), 0);
    for (size_t i = 0; i * part < x->s.total; i++) {
        char path[128];
        size_t n = x->s.total - i * part < part ? (size_t)(x->s.total - i * part) : part;
        snprintf(path, sizeof path, "%s.%03zu", x->bundle, i + 1);
        put(path, x->bytes + i * part, n);
    }
}

static void a_missing_part_comes_back(void **state)
{
    struct scene *x = *state;
    scene_fill(x, USUAL, 20);
    for (unsigned part = 1; part <= 7; part++) {
        struct repair_facts f = { 0 };
        char path[128];
        put(x->bundle, x->bytes, USUAL);
        to_parts(x, 500000); /* 7 of them, the last is short */
        snprintf(path, sizeof path, "%s.%03u", x->bundle, part);
        assert_int_equal(unlink(path), 0);
        assert_repaired(x, &f);
        assert_true(f.n_damaged > 0);
    }
}

static void a_part_that_ends_early_is_damaged_there(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    char path[128];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    snprintf(path, sizeof path, "%s.002", x->bundle);
    assert_int_equal(truncate(path, 400000), 0);
    assert_repaired(x, &f);
    assert_true(f.n_damaged >= 100000 / 4096 && f.n_damaged <= 100000 / 4096 + 2);
}

static void part_path(const struct scene *x, unsigned part, char out[128])
{
    snprintf(out, 128, "%s.%03u", x->bundle, part);
}

static void a_part_that_is_too_long_does_not_move_the_others(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    char path[128];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    part_path(x, 2, path);
    assert_int_equal(truncate(path, 700000), 0);
    assert_repaired(x, &f);
    assert_int_equal(f.n_damaged, 0);
}

static void parts_lie_in_several_folders(void **state)
{
    struct scene *x = *state;
    struct err e = { 0 };
    char path[128];
    char disc[80];
    char moved[160];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    snprintf(disc, sizeof disc, "%s/disc", x->dir);
    assert_int_equal(mkdir(disc, 0700), 0);
    for (unsigned i = 1; i <= 7; i += 2) {
        part_path(x, i, path);
        snprintf(moved, sizeof moved, "%s/%s", disc, path_base(path));
        assert_int_equal(rename(path, moved), 0);
    }
    const char *folders[] = { disc };
    struct bundle_where where = { .path = x->bundle, .folders = folders, .n_folders = 1 };
    AUTO(remains_close_auto) struct remains *m = remains_open(&where, x->s.total, &e);
    assert_non_null(m);
    AUTO(mem_auto) uint8_t *bytes = mem_new(USUAL);
    assert_true(remains_read(m, bytes, USUAL, 0));
    assert_memory_equal(bytes, x->bytes, USUAL);
}

/* With blocks that nobody can judge, whatever a link leads to would be copied into the new file. */
static void a_link_is_no_part(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    char path[128];
    char secret[96];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    snprintf(secret, sizeof secret, "%s/secret", x->dir);
    put(secret, x->bytes + 500000, 500000); /* even the right bytes */
    part_path(x, 2, path);
    assert_true(unlink(path) == 0 && symlink(secret, path) == 0);
    assert_repaired(x, &f);
    assert_true(f.n_damaged >= 500000 / 4096);
    assert_true(file_remove(x->bundle, &(struct err){ 0 }));
    assert_int_equal(symlink(secret, x->bundle), 0); /* now there is a file of the bundle's own name */
    struct err e = { 0 };
    assert_false(repair_into(x, &f, &e));
    assert_non_null(strstr(e.msg, "is a symbolic link"));
}

static void what_cannot_be_opened_is_a_missing_part(void **state)
{
    struct scene *x = *state;
    struct repair_facts f = { 0 };
    char path[128];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    part_path(x, 3, path);
    assert_true(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    assert_repaired(x, &f);
    part_path(x, 3, path);
    assert_true(unlink(path) == 0 && mkdir(path, 0700) == 0);
    assert_repaired(x, &f);
}

static void a_part_too_many_is_told(void **state)
{
    struct scene *x = *state;
    struct err e = { 0 };
    char path[128];
    scene_fill(x, USUAL, 20);
    to_parts(x, 500000);
    part_path(x, 9, path);
    put(path, x->bytes, 500000);
    AUTO(remains_close_auto) struct remains *m = remains_open(&(struct bundle_where){ .path = x->bundle }, x->s.total, &e);
    assert_non_null(m);
    assert_int_equal(remains_n_parts(m), 7);
    assert_false(remains_is_too_many(m, 6) || remains_is_too_many(m, 7));
    assert_true(remains_is_too_many(m, 8) && remains_found(m) == x->s.total + 500000);
    struct stat st;
    assert_true(stat(path, &st) == 0 && remains_is_of(m, &st) && stat(x->par, &st) == 0 && !remains_is_of(m, &st));
}

/* ---- another bundle ---- */

static void the_parity_file_of_another_bundle_is_told(void **state)
{
    struct scene *x = *state;
    struct err e = { 0 };
    struct repair_facts f = { 0 };
    scene_fill(x, USUAL, 10);
    damage(x->bundle, x->bytes, 0, USUAL);
    assert_false(repair_into(x, &f, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "of another bundle"));
}

static void a_place_that_gives_an_error_is_damage_and_what_follows_is_read(void **state)
{
    (void)state;
    static const char text[] = "what follows";
    char found[sizeof text];
    AUTO(fd_auto) int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC); /* EIO where nothing is */
    assert_true(fd >= 0);
    assert_false(parity_read_tolerant(fd, found, sizeof found, 4096));
    assert_true(parity_read_tolerant(fd, found, sizeof found, (uint64_t)(uintptr_t)text));
    assert_memory_equal(found, text, sizeof text);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_make, scene_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(every_set_of_slices_up_to_the_budget_comes_back),
        IN_A_SCENE(one_slice_more_is_refused_and_counted),
        IN_A_SCENE(each_row_may_be_damaged_elsewhere),
        IN_A_SCENE(a_burst_of_so_many_percent_comes_back_wherever_it_is),
        IN_A_SCENE(any_ten_percent_of_the_slices_come_back),
        IN_A_SCENE(scattered_sectors_come_back),
        IN_A_SCENE(a_file_that_ends_early_gets_its_end_back),
        IN_A_SCENE(what_was_appended_is_left_out),
        IN_A_SCENE(large_blocks_are_computed_strip_by_strip),
        IN_A_SCENE(more_places_than_are_kept_are_counted),
        IN_A_SCENE(a_missing_part_comes_back),
        IN_A_SCENE(a_part_that_ends_early_is_damaged_there),
        IN_A_SCENE(a_part_that_is_too_long_does_not_move_the_others),
        IN_A_SCENE(parts_lie_in_several_folders),
        IN_A_SCENE(a_link_is_no_part),
        IN_A_SCENE(what_cannot_be_opened_is_a_missing_part),
        IN_A_SCENE(a_part_too_many_is_told),
        IN_A_SCENE(the_parity_file_of_another_bundle_is_told),
        cmocka_unit_test(a_place_that_gives_an_error_is_damage_and_what_follows_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
