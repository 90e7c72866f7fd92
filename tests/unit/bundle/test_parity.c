/* The parity file as a file: what it looks like, what is left of it when it is damaged itself, and what hostile ones may do, which is nothing. */
#include "base/num.h"
#include "bundle/parity_verify.h"
#include "parity_scene.h"

static void fill_small(struct scene *x)
{
    x->s = (struct parity_shape){ .total = 4 * 6 * 4096 - 1234, .block = 4096, .rows = 4, .k = 6, .m = 4, .bundle = { { 9 } } };
    scene_shaped(x);
}

/* ---- shapes ---- */

static void slices_and_blocks_follow_from_the_length_and_the_share(void **state)
{
    (void)state;
    static const struct {
        uint64_t total;
        unsigned percent;
        uint32_t block, rows, k, m;
    } expected[] = {
        { 1, 10, 4096, 1, 1, 1 },
        { 200 * KIB, 10, 4096, 1, 50, 6 },
        { 4 * MIB, 10, 4096, 5, 205, 23 },
        { 4 * MIB + 1, 10, 8192, 3, 171, 19 },
        { 1000 * MIB, 1, 32768, 134, 239, 3 },
        { 1000 * MIB, 10, 32768, 140, 229, 26 },
        { 1000 * MIB, 50, 32768, 252, 127, 127 },
        { 31 * GIB, 10, 32768, 4436, 229, 26 },
        { 33 * GIB, 10, 65536, 2362, 229, 26 },
        { 4032 * GIB, 10, 4194304, 4508, 229, 26 },
        { 4032 * GIB, 50, 4194304, 8128, 127, 127 },
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct err e = { 0 };
        struct parity_shape s;
        assert_true(parity_shape_for(&s, expected[i].total, &(struct digest){ { 0 } }, expected[i].percent, &e));
        assert_int_equal(s.block, expected[i].block);
        assert_int_equal(s.rows, expected[i].rows);
        assert_int_equal(s.k, expected[i].k);
        assert_int_equal(s.m, expected[i].m);
        assert_true((uint64_t)s.k * s.rows <= LIMIT_PARITY_DATA_BLOCKS);
    }
}

static void a_bundle_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct parity_shape s;
    assert_false(parity_shape_for(&s, 4032 * GIB + 1, &(struct digest){ { 0 } }, 10, &e));
    assert_int_equal(e.code, ERR_CONFIG);
}

static void whatever_the_length_a_reader_accepts_the_shape_and_the_share_is_kept(void **state)
{
    (void)state;
    uint8_t bytes[LAYOUT_PARITY_HEAD_MAX];
    uint8_t hashes[LAYOUT_PARITY_DATA * LAYOUT_PARITY_HASH] = { 0 };
    uint32_t seed = 11;
    for (unsigned i = 0; i < 3000; i++) {
        struct err e = { 0 };
        struct parity_shape s;
        struct parity_shape found;
        struct parity_head h = { .hashes = hashes };
        unsigned percent = 1 + i % LIMIT_PARITY_PERCENT;
        uint64_t total = 1 + ((uint64_t)next_random(&seed) << (next_random(&seed) % 18)) + next_random(&seed) % 4096;
        assert_true(parity_shape_for(&s, total, &(struct digest){ { 0 } }, percent, &e));
        assert_true(s.m * 100 >= (s.k + s.m) * percent);
        parity_head_write(bytes, &s, &h);
        assert_true(parity_head_read(bytes, parity_head_bytes(&s), &found, &h));
        assert_true(parity_shape_equal(&s, &found));
    }
}

/* docs/FORMAT.md section 12.5; tests/reader makes the same files without our code. */
static void it_is_the_file_of_the_test_vectors(void **state)
{
    struct scene *x = *state;
    static const struct {
        unsigned percent;
        const char *sha256;
    } vectors[] = {
        { 1, "e13553b24ef2a240544f367288d44b1be7e173b66af6573a2213f21f194d1fe3" },
        { 10, "5a3550467a2e13088e5ae60dc2146ef50208930e70605aaec7732f50565ebb0c" },
        { 50, "95abf3ff70fc120b1cdbc443971075916f403d0a33b57bbe8d044d6f46354b77" },
    };
    AUTO(mem_auto) uint8_t *bytes = mem_new(300000 + 32);
    for (size_t i = 0; i * 32 < 300000; i++) {
        struct digest d;
        char text[64];
        sha256_of(&d, text, (size_t)snprintf(text, sizeof text, "archon-vector-v1:%zu", i));
        memcpy(bytes + i * 32, d.bytes, 32);
    }
    put(x->bundle, bytes, 300000);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64 << 20);
        struct err e = { 0 };
        struct digest d;
        for (uint8_t k = 0; k < 32; k++)
            d.bytes[k] = k;
        assert_true(parity_shape_for(&x->s, 300000, &d, vectors[i].percent, &e));
        encode(x, x->par, 2);
        assert_true(file_read(x->par, FILE_PLAIN, 64 << 20, &text, &e));
        sha256_of(&d, text.data, text.len);
        assert_string_equal(DIGEST_HEX(&d), vectors[i].sha256);
    }
}

static void the_number_of_threads_changes_nothing(void **state)
{
    struct scene *x = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64 << 20);
    struct err e = { 0 };
    scene_fill(x, 5000000, 7);
    encode(x, x->out, 5);
    assert_true(file_read(x->out, FILE_PLAIN, 64 << 20, &text, &e));
    assert_int_equal(text.len, parity_file_bytes(&x->s));
    assert_memory_equal(text.data, x->parity, text.len);
}

/* ---- damaged itself ---- */

static void one_head_that_is_left_is_enough_to_begin(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    fill_small(x);
    for (uint32_t row = 0; row < 4; row++)
        for (uint32_t j = 0; j < 4; j++)
            if (row != 2 || j != 1)
                damage_record(x, row, j, 8, 1);
    damage_block(x, 2, 3);
    assert_repaired(x, &f);
    assert_int_equal(f.n_damaged, 1);
    assert_int_equal(f.n_parity_lost, 15);
    assert_int_equal(f.n_unknown, 18); /* three rows that nothing is known of any more */
}

static void a_parity_file_that_ends_early_repairs_with_what_is_left(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    fill_small(x);
    assert_int_equal(truncate(x->par, (off_t)(parity_file_bytes(&x->s) / 2)), 0);
    damage_block(x, 0, 0);
    damage_block(x, 0, 5);
    damage_block(x, 3, 2);
    assert_repaired(x, &f);
    assert_int_equal(f.n_parity_lost, 8);
}

static void bytes_after_its_end_do_not_matter(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    struct err e = { 0 };
    fill_small(x);
    AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd_write_all(fd, x->parity, 5000, "par", &e));
    damage_block(x, 1, 1);
    assert_repaired(x, &f);
    assert_int_equal(f.n_parity_lost, 0);
}

/* A signing that was interrupted: some records speak of the bundle before it, some of the one after. */
static void where_heads_disagree_the_majority_is_believed(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    fill_small(x);
    AUTO(mem_auto) uint8_t *old = mem_copy(x->parity, (size_t)parity_file_bytes(&x->s));
    memset(x->bytes, 'n', 4096); /* block 0 of slice 0, row 0 */
    put(x->bundle, x->bytes, (size_t)x->s.total);
    encode(x, x->par, 1);
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_CLOEXEC);
    assert_true(fd_pwrite_all(fd, old, 4096 + 512, parity_record_at(&x->s, 0, 0), "par", &e)); /* one of four is old */
    damage_block(x, 0, 0);
    damage_block(x, 0, 4);
    assert_repaired(x, &f);
    assert_int_equal(f.n_parity_lost, 1);
}

static void a_record_at_the_place_of_another_does_not_count(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    struct err e = { 0 };
    fill_small(x);
    AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_CLOEXEC);
    assert_true(fd_pwrite_all(fd, x->parity + parity_record_at(&x->s, 1, 2), 4096 + 512, parity_record_at(&x->s, 0, 0), "par", &e));
    damage_block(x, 0, 0);
    assert_repaired(x, &f);
    assert_int_equal(f.n_parity_lost, 1);
}

static void what_is_no_parity_file_is_refused(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    fill_small(x);
    for (size_t n = 0; n <= 100000; n += 50000) {
        struct err e = { 0 };
        put(x->par, x->bytes, n < x->s.total ? n : (size_t)x->s.total);
        assert_false(repair_into(x, &f, &e));
        assert_int_equal(e.code, ERR_FORMAT);
        assert_non_null(strstr(e.msg, "is not a parity file"));
    }
}

/* ---- hostile ---- */

struct change {
    size_t at;
    uint64_t value;
    size_t bytes;
};

/* Puts a number into a head and makes its checksum right again. */
static bool is_read_with(const struct scene *x, const struct change *c)
{
    uint8_t head[512];
    uint8_t number[8];
    struct parity_shape s;
    struct parity_head h;
    struct digest d;
    num_put_le64(number, c->value);
    memcpy(head, x->parity, sizeof head);
    memcpy(head + c->at, number, c->bytes);
    AUTO(sha256_free_auto) struct sha256 *sum = sha256_new();
    sha256_add(sum, head, 96);
    sha256_add(sum, head + 128, sizeof head - 128);
    sha256_end(sum, &d);
    memcpy(head + 96, d.bytes, sizeof d.bytes);
    return parity_head_read(head, sizeof head, &s, &h);
}

static void numbers_out_of_their_limits_are_no_head(void **state)
{
    struct scene *x = *state;
    static const struct change changes[] = {
        { 0, 0x3252415048435241, 8 },                          /* another magic */
        { 8, 0, 8 },                                           /* no bytes */
        { 8, (uint64_t)4 * 6 * 4096 + 1, 8 },                  /* more than the slices hold */
        { 8, (uint64_t)4 * 5 * 4096, 8 },                      /* a slice too many */
        { 8, UINT64_MAX, 8 },
        { 16, 2048, 4 },  { 16, 4097, 4 }, { 16, 8u << 20, 4 }, { 16, 0, 4 }, { 16, 0x80000000u, 4 }, /* blocks */
        { 20, 0, 4 },     { 20, 1u << 20, 4 }, { 20, UINT32_MAX, 4 },                                 /* rows */
        { 24, 0, 4 },     { 24, 241, 4 }, { 24, UINT32_MAX, 4 },                                      /* data slices */
        { 28, 0, 4 },     { 28, 250, 4 }, { 28, UINT32_MAX, 4 },                                      /* parity slices */
        { 32, 4, 4 },     { 36, 4, 4 },                                                               /* a row and a slice that do not exist */
        { 80, 1, 1 },     { 95, 1, 1 },   { 128 + 48, 1, 1 }, { 511, 1, 1 },                          /* where zero is */
    };
    fill_small(x);
    assert_true(is_read_with(x, &(struct change){ 32, 3, 4 }));
    assert_true(is_read_with(x, &(struct change){ 28, 249, 4 }));
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        assert_false(is_read_with(x, &changes[i]));
}

static void a_head_that_is_cut_or_has_another_checksum_is_none(void **state)
{
    struct scene *x = *state;
    uint8_t head[512];
    struct parity_shape s;
    struct parity_head h;
    fill_small(x);
    for (size_t n = 0; n < sizeof head; n++) {
        AUTO(mem_auto) uint8_t *exact = mem_copy(x->parity, n); /* so that a sanitizer sees a byte too many */
        assert_false(parity_head_read(exact, n, &s, &h));
        memcpy(head, x->parity, sizeof head);
        head[n] ^= 0x10;
        assert_false(parity_head_read(head, sizeof head, &s, &h));
    }
}

/* It says that the bundle has 4 TiB in as many blocks as there may be: no memory for that, and no bytes. */
static void one_that_claims_four_tebibytes_costs_nothing(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    struct err e = { 0 };
    uint8_t head[LAYOUT_PARITY_HEAD_MAX + 4096];
    uint8_t hashes[LAYOUT_PARITY_DATA * LAYOUT_PARITY_HASH] = { 0 };
    fill_small(x);
    struct parity_shape s = { .total = (uint64_t)240 * 4369 * LIMIT_PARITY_BLOCK_BYTES, .block = LIMIT_PARITY_BLOCK_BYTES, .rows = 4369, .k = 240, .m = 15 };
    struct parity_head h = { .hashes = hashes };
    parity_head_write(head, &s, &h);
    put(x->par, head, parity_head_bytes(&s));
    assert_false(repair_into(x, &f, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

/* Hashes that no block has: what comes out is compared with them, and nothing is given out. */
static void parity_that_does_not_give_what_its_hashes_say_is_refused(void **state)
{
    struct scene *x = *state;
    struct repair_facts f;
    struct err e = { 0 };
    uint8_t head[512];
    fill_small(x);
    AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_CLOEXEC);
    for (uint32_t j = 0; j < 4; j++) {
        uint8_t hashes[6 * LAYOUT_PARITY_HASH];
        struct parity_shape s;
        struct parity_head h;
        const uint8_t *at = x->parity + parity_record_at(&x->s, 1, j);
        assert_true(parity_head_read(at, sizeof head, &s, &h));
        memcpy(hashes, h.hashes, sizeof hashes);
        hashes[3 * LAYOUT_PARITY_HASH] ^= 1;
        h.hashes = hashes;
        parity_head_write(head, &s, &h);
        assert_true(fd_pwrite_all(fd, head, sizeof head, parity_record_at(&x->s, 1, j), "par", &e));
    }
    assert_false(repair_into(x, &f, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "not what it says"));
}

static void the_parity_file_of_a_part_is_that_of_its_bundle(void **state)
{
    (void)state;
    static const char *const paths[][2] = {
        { "d/x.bundle.tar.zst", "d/x.bundle.tar.zst.par" }, { "d/x.bundle.tar.zst.001", "d/x.bundle.tar.zst.par" },
        { "x.1234", "x.1234.par" }, { "a.001/x", "a.001/x.par" }, { "x.01a", "x.01a.par" },
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        AUTO(mem_auto) char *found = parity_path(paths[i][0]);
        assert_string_equal(found, paths[i][1]);
    }
}

static bool is_as_written(const struct scene *x, struct err *e)
{
    struct parity_how how = { .jobs = 2 };
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open(x->par, NULL, e);
    return f != NULL && bundle_file_read_medium(f, e) && parity_verify(f, &x->s, &how, e);
}

static void one_byte_that_the_medium_lost_is_found_wherever_it_is(void **state)
{
    struct scene *x = *state;
    struct err e = { 0 };
    fill_small(x);
    uint64_t n = parity_file_bytes(&x->s);
    assert_true(is_as_written(x, &e));
    for (uint64_t at = 0; at < n; at += 509) { /* heads and blocks, in all records */
        struct err why = { 0 };
        damage(x->par, x->parity, at, 1);
        assert_false(is_as_written(x, &why));
        assert_int_equal(why.code, ERR_INTEGRITY);
        assert_non_null(strstr(why.msg, "is not what was written"));
        AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0 && fd_pwrite_all(fd, x->parity + at, 1, at, x->par, &e));
    }
    assert_true(is_as_written(x, &e));
    assert_int_equal(truncate(x->par, (off_t)n - 1), 0);
    assert_false(is_as_written(x, &e));
    assert_non_null(strstr(e.msg, "ends at"));
}

static void a_record_in_the_place_of_another_was_not_written_so(void **state)
{
    struct scene *x = *state;
    struct err e = { 0 };
    fill_small(x);
    AUTO(fd_auto) int fd = open(x->par, O_WRONLY | O_CLOEXEC);
    size_t record = (size_t)(parity_record_at(&x->s, 1, 0) - parity_record_at(&x->s, 0, 0));
    assert_true(fd >= 0 && fd_pwrite_all(fd, x->parity, record, parity_record_at(&x->s, 1, 0), x->par, &e));
    assert_false(is_as_written(x, &e));
    assert_non_null(strstr(e.msg, "record 2 of"));
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_make, scene_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_and_blocks_follow_from_the_length_and_the_share),
        cmocka_unit_test(a_bundle_that_is_too_long_is_refused),
        cmocka_unit_test(whatever_the_length_a_reader_accepts_the_shape_and_the_share_is_kept),
        IN_A_SCENE(it_is_the_file_of_the_test_vectors),
        IN_A_SCENE(the_number_of_threads_changes_nothing),
        IN_A_SCENE(one_head_that_is_left_is_enough_to_begin),
        IN_A_SCENE(a_parity_file_that_ends_early_repairs_with_what_is_left),
        IN_A_SCENE(bytes_after_its_end_do_not_matter),
        IN_A_SCENE(where_heads_disagree_the_majority_is_believed),
        IN_A_SCENE(a_record_at_the_place_of_another_does_not_count),
        IN_A_SCENE(what_is_no_parity_file_is_refused),
        IN_A_SCENE(numbers_out_of_their_limits_are_no_head),
        IN_A_SCENE(a_head_that_is_cut_or_has_another_checksum_is_none),
        IN_A_SCENE(one_that_claims_four_tebibytes_costs_nothing),
        IN_A_SCENE(one_byte_that_the_medium_lost_is_found_wherever_it_is),
        IN_A_SCENE(a_record_in_the_place_of_another_was_not_written_so),
        IN_A_SCENE(parity_that_does_not_give_what_its_hashes_say_is_refused),
        cmocka_unit_test(the_parity_file_of_a_part_is_that_of_its_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
