/* Bundles in parts: written, found, read over every border, and what is wrong with them named by number. */
#include <fcntl.h>
#include <sys/stat.h>

#include "bundle/part_layout.h"
#include "bundle/part_name.h"
#include "bundle/seal.h"
#include "bundles.h"

#define PART MIB

/* A bundle in parts of one megabyte. repeat: how often each eight bytes come, so how small chunks become. */
static void make_parts_of(const struct place *p, size_t n_pieces, size_t repeat)
{
    struct err e = { 0 };
    struct writer_spec spec;
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .average = 4096,
                             .builder_program = "test", .builder_version = "1" };
    sha256_of(&head.release_sha256, release_text, sizeof release_text - 1);
    spec = (struct writer_spec){ .path = p->path, .part_bytes = PART, .head = &head, .n_layers = 1, .n_blobs = 1, .n_members = 9, .raw_estimate = 32 << 20,
                                 .level = 1, .jobs = 2 };
    AUTO(writer_drop_auto) struct writer *w = writer_open(&spec, &e);
    assert_non_null(w);
    assert_true(writer_add_member(w, "release.json", release_text, sizeof release_text - 1, false, &e));
    AUTO(sha256_free_auto) struct sha256 *layer = sha256_new();
    AUTO(mem_auto) uint8_t *bytes = mem_new(65536);
    uint64_t random = 1;
    assert_true(writer_begin_layer(w, &e));
    for (size_t i = 0; i < n_pieces; i++) {
        struct digest d;
        for (size_t k = 0; k < 65536; k += 8) {
            if (k / 8 % repeat == 0)
                random = random * 6364136223846793005u + 1442695040888963407u;
            num_put_le64(bytes + k, random);
        }
        sha256_of(&d, bytes, 65536);
        sha256_add(layer, bytes, 65536);
        assert_true(writer_add_piece(w, d.bytes, bytes, 65536, &e));
    }
    if (!end_layer(w, layer, &e) || !writer_finish(w, NULL, NULL, &e) || !writer_publish(w, false, &e))
        fail_msg("%s", e.msg);
}

/* Seven megabytes that do not compress: each chunk lies in five parts. */
static void make_parts(const struct place *p)
{
    make_parts_of(p, 112, 1);
}

static char *nth(const struct place *p, size_t i)
{
    return part_name(p->path, i);
}

static size_t count_parts(const struct place *p)
{
    for (size_t i = 1;; i++) {
        AUTO(mem_auto) char *path = nth(p, i);
        if (access(path, F_OK) != 0)
            return i - 1;
    }
}

static void join(const struct place *p, struct buf *whole)
{
    struct err e = { 0 };
    *whole = (struct buf)BUF_LIMIT(64 << 20);
    for (size_t i = 1; i <= count_parts(p); i++) {
        AUTO(mem_auto) char *path = nth(p, i);
        assert_true(file_read(path, FILE_PLAIN, whole->max, whole, &e));
    }
}

static void parts_together_are_the_bundle(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_parts(p);
    assert_true(count_parts(p) == 8);
    AUTO(buf_clear_auto) struct buf whole = { 0 };
    join(p, &whole);
    AUTO(mem_auto) char *joined = path_join(p->dir, "joined");
    assert_true(file_publish(joined, whole.data, whole.len, 0600, &e));
    AUTO(bundle_close_auto) struct bundle *one = verify_own(joined, &e);
    AUTO(bundle_close_auto) struct bundle *parts = verify_own(p->path, &e);
    if (one == NULL || parts == NULL || !bundle_verify_layers(parts, 8 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *third = nth(p, 3);
    AUTO(bundle_close_auto) struct bundle *by_part = verify_own(third, &e);
    assert_non_null(by_part);
    assert_true(digest_equal(index_manifest_sha256(bundle_index(one)), index_manifest_sha256(bundle_index(parts))));
}

static void reads_cross_every_border(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_parts(p);
    AUTO(buf_clear_auto) struct buf whole = { 0 };
    join(p, &whole);
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open(p->path, NULL, &e);
    assert_non_null(f);
    assert_int_equal(bundle_file_bytes(f), whole.len);
    AUTO(mem_auto) uint8_t *to = mem_new(3 * PART + 2);
    for (uint64_t border = PART; border < whole.len; border += PART) {
        static const struct {
            int before, n;
        } reads[] = { { 1, 1 }, { 0, 1 }, { 1, 2 }, { 4096, 8192 }, { 0, 0 } };
        for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
            uint64_t at = border - (uint64_t)reads[i].before;
            size_t n = at + (uint64_t)reads[i].n > whole.len ? (size_t)(whole.len - at) : (size_t)reads[i].n;
            assert_true(bundle_file_read(f, to, n, at, "test", &e));
            assert_memory_equal(to, whole.data + at, n);
        }
    }
    assert_true(bundle_file_read(f, to, 3 * PART + 2, PART - 1, "test", &e)); /* five parts at once */
    assert_memory_equal(to, whole.data + PART - 1, 3 * PART + 2);
    assert_false(bundle_file_read(f, to, 2, whole.len - 1, "test", &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

static void refused(const struct place *p, const char *says)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *first = nth(p, 1);
    struct bundle_file *f = bundle_file_open(first, NULL, &e);
    AUTO(bundle_close_auto) struct bundle *b = NULL;
    if (f != NULL) {
        struct authority nobody = { .is_unproven = true };
        AUTO(index_close_auto) struct index *x = index_open(f, &nobody, &e);
        if (x != NULL) {
            struct digest id = *index_manifest_sha256(x);
            struct verify_how how = { .jobs = 1 };
            b = bundle_verify_own(bundle_file_open(first, NULL, &e), &id, &how, &e);
        }
    }
    assert_null(b);
    if (strstr(e.msg, says) == NULL)
        fail_msg("expected %s, found %s", says, e.msg);
    assert_true(e.code == ERR_INTEGRITY || e.code == ERR_FORMAT);
}

static void swap(const struct place *p, size_t a, size_t b)
{
    AUTO(mem_auto) char *one = nth(p, a);
    AUTO(mem_auto) char *two = nth(p, b);
    assert_int_equal(renameat2(AT_FDCWD, one, AT_FDCWD, two, 2 /* exchange */), 0);
}

static void what_is_wrong_with_parts_is_named_by_number(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_parts(p);
    AUTO(mem_auto) char *three = nth(p, 3);
    AUTO(mem_auto) char *five = nth(p, 5);
    AUTO(mem_auto) char *nine = nth(p, 9);
    AUTO(mem_auto) char *away = path_join(p->dir, "away");
    AUTO(mem_auto) char *away2 = path_join(p->dir, "away2");
    assert_true(rename(three, away) == 0);
    refused(p, "part 3 of 8 is missing");
    assert_true(rename(five, away2) == 0);
    refused(p, "parts 3 and 5 of 8 are missing");
    assert_true(rename(away, three) == 0 && rename(away2, five) == 0);
    assert_int_equal(truncate(three, PART - 7), 0);
    refused(p, "part 3 of 8 ends at 1048569, expected 1048576");
    assert_int_equal(truncate(three, PART), 0); /* seven zeros: damaged, not foreign */
    refused(p, ", part");
    assert_true(file_publish(nine, "x", 1, 0600, &e));
    refused(p, "part 9 is one too many: the bundle has 8");
    assert_true(file_publish(nine, "", 0, 0600, &e)); /* an empty one, too */
    refused(p, "part 9 is one too many: the bundle has 8");
    assert_int_equal(unlink(nine), 0);
    assert_int_equal(truncate(three, 0), 0);
    refused(p, "part 3 of 8 is missing");
    assert_int_equal(truncate(three, PART), 0);
    swap(p, 8, 4);
    refused(p, "part 4 of 8 ends at");
    swap(p, 8, 4);
    swap(p, 1, 2);
    refused(p, "part 2 begins like one");
}

static void swapped_and_foreign_parts_are_told_apart(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_parts_of(p, 400, 8); /* several chunks in each part */
    assert_true(count_parts(p) >= 4);
    swap(p, 2, 3);
    refused(p, "part 2 of 4 holds part 3 of this bundle");
    swap(p, 2, 3);
    AUTO(mem_auto) char *three = nth(p, 3);
    AUTO(mem_auto) uint8_t *foreign = mem_new(PART);
    assert_true(file_publish(three, foreign, PART, 0600, &e));
    refused(p, "part 3 of 4 is damaged at its beginning, or of another bundle");
}

static void the_layout_follows_from_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t sizes[4], total;
        const char *says; /* null: right */
    } rows[] = {
        { { 100, 100, 100, 50 }, 350, NULL },
        { { 100, 100, 100, 100 }, 400, NULL },
        { { 60, 100, 100, 50 }, 350, "part 1 of 4 ends at 60, expected 100" },
        { { 60, 60, 60, 50 }, 350, "part 1 of 4 ends at 60, expected 100" }, /* the last one tells */
        { { 100, 100, 120, 50 }, 350, "part 3 of 4 goes on to 120, expected 100" }, /* most of them tell */
        { { 100, 100, 1ull << 62, 50 }, 350, "part 3 of 4 goes on to 4611686018427387904, expected 100" },
        { { 100, 100, 100, 450 }, 350, "part 4 of 4 goes on to 450, expected 50" },
        { { 100, 0, 100, 50 }, 350, "part 2 of 4 is missing" },
        { { 100, 100, 100, 100 }, 850, "parts 5, 6, 7, 8 and 9 of 9 are missing" },
        { { 100, 100, 100, 40 }, 350, "part 4 of 4 ends at 40, expected 50" },
        { { 100, 100, 100, 60 }, 350, "part 4 of 4 goes on to 60, expected 50" },
        { { 100, 100, 100, 50 }, 300, "part 4 is one too many: the bundle has 3" },
        { { 0, 0, 0, 1 }, (1u << 30) + 1, "more than 999" },
        { { 0, 0, 0, 0 }, 10, "more than 999" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        struct part_layout x;
        bool ok = part_layout_of(rows[i].sizes, 4, rows[i].total, &x, &e) && part_layout_check(&x, rows[i].sizes, 4, rows[i].total, false, &e);
        assert_true(ok == (rows[i].says == NULL));
        if (!ok && strstr(e.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, e.msg);
    }
}

static void names_of_parts_have_three_digits(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t number;
    } rows[] = { { "a.001", 1 }, { "d/a.b.999", 999 }, { "a.000", 0 }, { "a.01", 0 }, { "a.0011", 0 }, { "a.0x1", 0 }, { ".001", 0 }, { "d/.001", 0 }, { "", 0 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = 0;
        assert_int_equal(part_name_number(rows[i].path, &len), rows[i].number);
    }
}

static void parts_are_found_in_other_folders(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_parts(p);
    AUTO(mem_auto) char *disc = path_join(p->dir, "disc");
    assert_int_equal(mkdir(disc, 0700), 0);
    for (size_t i = 2; i <= 8; i += 2) {
        AUTO(mem_auto) char *from = nth(p, i);
        AUTO(mem_auto) char *to = path_join(disc, path_base(from));
        assert_int_equal(rename(from, to), 0);
    }
    const char *folders[] = { disc };
    struct bundle_where where = { .path = p->path, .folders = folders, .n_folders = 1 };
    struct authority nobody = { .is_unproven = true };
    AUTO(index_close_auto) struct index *x = index_open(bundle_file_open_where(&where, &e), &nobody, &e);
    if (x == NULL)
        fail_msg("%s", e.msg);
}

/* A person with one drive: each insertion takes the part that was there away. */
struct drive {
    const struct place *p;
    char *slot;
    size_t inside;
    unsigned n_asked;
    bool may_copy;
};

static bool insert(void *ctx, size_t part, size_t n, const char *why, struct err *e)
{
    struct drive *d = ctx;
    (void)n;
    (void)why;
    (void)e;
    AUTO(mem_auto) char *store = path_join(d->p->dir, "store");
    for (size_t k = 0; k < 2; k++) {
        size_t i = k == 0 ? d->inside : part;
        AUTO(mem_auto) char *name = part_name(path_base(d->p->path), i);
        AUTO(mem_auto) char *out = path_join(store, name);
        AUTO(mem_auto) char *in = path_join(d->slot, name);
        assert_int_equal(k == 0 ? rename(in, out) : rename(out, in), 0);
    }
    d->inside = part;
    d->n_asked++;
    return true;
}

static bool may_copy(void *ctx, const char *spool_dir, uint64_t need, uint64_t room, bool *yes, struct err *e)
{
    struct drive *d = ctx;
    (void)e;
    assert_non_null(spool_dir);
    assert_true(room > need && need > 6 * PART);
    *yes = d->may_copy;
    return true;
}

static unsigned read_twice_from_discs(const struct place *p, bool copies)
{
    struct err e = { 0 };
    make_parts(p);
    struct drive d = { .p = p, .slot = path_join(p->dir, "slot"), .inside = 1, .may_copy = copies };
    AUTO(mem_auto) char *store = path_join(p->dir, "store");
    assert_true(mkdir(d.slot, 0700) == 0 && mkdir(store, 0700) == 0);
    for (size_t i = 1; i <= 8; i++) {
        AUTO(mem_auto) char *from = nth(p, i);
        AUTO(mem_auto) char *to = path_join(i == 1 ? d.slot : store, path_base(from));
        assert_int_equal(rename(from, to), 0);
    }
    AUTO(mem_auto) char *path = path_join(d.slot, path_base(p->path));
    struct bundle_asker ask = { .insert = insert, .may_copy = may_copy, .ctx = &d };
    struct bundle_where where = { .path = path, .spool_dir = p->dir, .ask = &ask };
    struct bundle_file *f = bundle_file_open_where(&where, &e);
    assert_non_null(f);
    AUTO(header_clear_auto) struct header h = { 0 };
    struct digest id;
    assert_true(header_read(&h, f, &e));
    sha256_of(&id, h.manifest, h.manifest_bytes);
    struct verify_how how = { .jobs = 2 };
    AUTO(bundle_close_auto) struct bundle *b = bundle_verify_own(f, &id, &how, &e);
    if (b == NULL || !bundle_verify_layers(b, 8 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    mem_free(d.slot);
    return d.n_asked;
}

static void discs_are_asked_for_in_turn(void **state)
{
    assert_true(read_twice_from_discs(*state, false) > 7);
}

static void with_copies_each_disc_is_asked_for_once(void **state)
{
    assert_int_equal(read_twice_from_discs(*state, true), 7);
}

static bool note_need(void *ctx, const char *spool_dir, uint64_t need, uint64_t room, bool *yes, struct err *e)
{
    (void)spool_dir;
    (void)room;
    (void)e;
    *(uint64_t *)ctx = need;
    *yes = false;
    return true;
}

/* The last part was copied when it was opened, as another program had it open: room for it is not wanted again, and not given back either. */
static void room_for_discs_counts_each_part_once(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    uint64_t need = 0;
    make_parts(p);
    for (size_t i = 2; i <= 7; i++) {
        AUTO(mem_auto) char *path = nth(p, i);
        assert_int_equal(unlink(path), 0);
    }
    AUTO(mem_auto) char *last = nth(p, 8);
    struct stat st;
    AUTO(fd_auto) int writer = open(last, O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0 && fstat(writer, &st) == 0);
    struct bundle_asker ask = { .insert = insert, .may_copy = note_need, .ctx = &need };
    struct bundle_where where = { .path = p->path, .spool_dir = p->dir, .ask = &ask };
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open_where(&where, &e);
    assert_true(f != NULL && bundle_file_was_copied(f));
    assert_true(bundle_file_settle(f, 7 * PART + (uint64_t)st.st_size, &e));
    assert_int_equal(need, 7 * PART);
}

static bool add_signature(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    (void)manifest;
    return n > 0 && header_add_signature(h, ctx, "0123456789", 10, e);
}

static void parts_are_signed_in_place(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    static char name[] = "signatures/00000000000000aa.sig";
    make_parts(p);
    if (!seal_sign(p->path, add_signature, name, NULL, &e))
        fail_msg("%s", e.msg);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    assert_non_null(b);
    assert_int_equal(index_header(bundle_index(b))->n_signatures, 1);
    AUTO(mem_auto) char *three = nth(p, 3);
    assert_int_equal(unlink(three), 0);
    assert_false(seal_sign(p->path, add_signature, name, NULL, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

static struct output *two_parts(const struct place *p, char byte)
{
    struct err e = { 0 };
    struct output *o = output_open(p->path, PART, &e);
    AUTO(mem_auto) char *bytes = mem_new(PART + 1);
    memset(bytes, byte, PART + 1);
    assert_true(o != NULL && output_write(o, bytes, PART + 1, 0, &e));
    return o;
}

static void put_part(const struct place *p, size_t i)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *path = nth(p, i);
    assert_true(file_publish(path, "old", 3, 0600, &e));
}

static bool has_part(const struct place *p, size_t i)
{
    AUTO(mem_auto) char *path = nth(p, i);
    return access(path, F_OK) == 0;
}

static void a_new_set_leaves_nothing_of_a_longer_one(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    static const size_t old[] = { 1, 2, 3, 7, 999 }; /* with gaps */
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        put_part(p, old[i]);
    AUTO(output_drop_auto) struct output *o = two_parts(p, 'n');
    assert_true(output_publish(o, true, &e));
    for (size_t i = 1; i <= LIMIT_PARTS; i++)
        assert_int_equal(has_part(p, i), i <= 2);
}

/* A run that is killed while it gives parts their names must not leave the beginning of the old bundle before the end of the new one. */
static void an_old_set_is_no_bundle_any_more_before_the_new_one_is_named(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    put_part(p, 1);
    AUTO(output_drop_auto) struct output *o = two_parts(p, 'n');
    AUTO(mem_auto) char *second = nth(p, 2);
    assert_int_equal(mkdir(second, 0700), 0); /* the last part is named first, and this stops it */
    assert_false(output_publish(o, true, &e));
    assert_false(has_part(p, 1));
}

static void any_part_of_that_name_is_in_the_way(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    assert_true(output_check_free(p->path, PART, &e));
    put_part(p, 42);
    assert_true(output_check_free(p->path, 0, &e));
    assert_false(output_check_free(p->path, PART, &e));
    assert_true(e.code == ERR_IO && strstr(e.msg, ".042: exists already") != NULL && strstr(e.hint, "-o ") != NULL);
}

static void what_a_killed_run_left_makes_room(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    char partial[160];
    for (size_t i = 1; i <= 5; i += 2) {
        snprintf(partial, sizeof partial, "%s.%03zu.partial", p->path, i);
        assert_true(file_publish(partial, "half", 4, 0600, &e));
    }
    AUTO(fd_auto) int in_use = open(partial, O_RDWR | O_CLOEXEC);
    assert_true(in_use >= 0 && fd_try_lock(in_use));
    assert_true(output_clean(p->path, PART, &e));
    assert_int_equal(access(partial, F_OK), 0);
    snprintf(partial, sizeof partial, "%s.001.partial", p->path);
    assert_int_not_equal(access(partial, F_OK), 0);
    snprintf(partial, sizeof partial, "%s.003.partial", p->path);
    assert_int_not_equal(access(partial, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_together_are_the_bundle, place_make, place_remove),
        cmocka_unit_test_setup_teardown(reads_cross_every_border, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_parts_is_named_by_number, place_make, place_remove),
        cmocka_unit_test_setup_teardown(swapped_and_foreign_parts_are_told_apart, place_make, place_remove),
        cmocka_unit_test_setup_teardown(parts_are_found_in_other_folders, place_make, place_remove),
        cmocka_unit_test_setup_teardown(discs_are_asked_for_in_turn, place_make, place_remove),
        cmocka_unit_test_setup_teardown(with_copies_each_disc_is_asked_for_once, place_make, place_remove),
        cmocka_unit_test_setup_teardown(room_for_discs_counts_each_part_once, place_make, place_remove),
        cmocka_unit_test_setup_teardown(parts_are_signed_in_place, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_new_set_leaves_nothing_of_a_longer_one, place_make, place_remove),
        cmocka_unit_test_setup_teardown(an_old_set_is_no_bundle_any_more_before_the_new_one_is_named, place_make, place_remove),
        cmocka_unit_test_setup_teardown(any_part_of_that_name_is_in_the_way, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_a_killed_run_left_makes_room, place_make, place_remove),
        cmocka_unit_test(the_layout_follows_from_sizes),
        cmocka_unit_test(names_of_parts_have_three_digits),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
