/* What is there of a blob: in order and in units, after a kill, after a crash, after somebody changed it. No network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "registry/blob_part.h"

#include "base/banned.h"

enum { UNIT = BLOB_UNIT_BYTES, LARGE = 17 * UNIT + 12345, UNITS = 18 };

struct setting {
    int fd;
    uint8_t *bytes;
    struct digest digest;
    struct err e;
    struct blob_part *part;
};

static int temp_file(void)
{
    char name[] = "/tmp/test_blob_part.XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

static void begin(struct setting *s)
{
    *s = (struct setting){ .fd = temp_file(), .bytes = mem_new(LARGE) };
    for (size_t i = 0; i < LARGE; i++)
        s->bytes[i] = (uint8_t)(i * i >> 7 ^ i >> 18); /* no two units are alike */
    sha256_of(&s->digest, s->bytes, LARGE);
    s->part = blob_part_file(s->fd, LARGE, LARGE, "blob");
}

static void end(struct setting *s)
{
    blob_part_free(s->part);
    close(s->fd);
    mem_free(s->bytes);
}

/* As a new run finds the file. */
static void load(struct setting *s)
{
    bool is_loaded = false;
    blob_part_free(s->part);
    s->part = blob_part_file(s->fd, LARGE, LARGE, "blob");
    for (int i = 0; !is_loaded; i++) {
        assert_true(i < 100);
        assert_true(blob_part_load(s->part, &is_loaded, &s->e));
    }
}

static void take(struct setting *s, struct blob_cursor *c, uint64_t n)
{
    size_t n_new = 0;
    for (uint64_t piece; n > 0; n -= piece) {
        piece = n < 100000 ? n : 100000;
        assert_true(blob_part_take(s->part, c, s->bytes + c->at, (size_t)piece, &n_new, &s->e));
    }
}

static void take_the_rest(struct setting *s)
{
    struct blob_cursor c = { .lane = 7 };
    while (blob_part_give(s->part, &c))
        take(s, &c, c.end - c.at);
}

static bool is_right(struct setting *s)
{
    bool is_hashed = false;
    struct digest got;
    assert_true(blob_part_is_whole(s->part));
    while (!is_hashed)
        assert_true(blob_part_hash(s->part, &is_hashed, &s->e));
    return blob_part_is(s->part, &s->digest, &got);
}

static void expect_end(struct setting *s)
{
    struct stat st;
    take_the_rest(s);
    assert_true(is_right(s));
    assert_true(blob_part_end(s->part, &s->e));
    assert_int_equal(fstat(s->fd, &st), 0);
    assert_int_equal(st.st_size, LARGE);
    AUTO(mem_auto) uint8_t *back = mem_new(LARGE);
    assert_int_equal(pread(s->fd, back, LARGE, 0), LARGE);
    assert_memory_equal(back, s->bytes, LARGE);
}

static void several_cursors_fill_it_in_any_order(void **state)
{
    (void)state;
    struct setting s;
    struct blob_cursor c[3] = { { .lane = 1 }, { .lane = 2 }, { .lane = 3 } };
    begin(&s);
    load(&s);
    for (int i = 0; i < 3; i++)
        assert_true(blob_part_give(s.part, &c[i]));
    assert_int_equal(c[0].at, 0);
    assert_int_equal(c[1].at, c[0].end); /* the lowest that are free, none twice */
    assert_int_equal(c[2].at, c[1].end);
    for (int i = 2; i >= 0; i--)
        take(&s, &c[i], c[i].end - c[i].at);
    expect_end(&s);
    end(&s);
}

static void a_kill_costs_less_than_a_unit_on_each_connection(void **state)
{
    (void)state;
    struct setting s;
    struct blob_cursor c[2] = { { .lane = 1 }, { .lane = 2 } };
    begin(&s);
    load(&s);
    assert_true(blob_part_give(s.part, &c[0]) && blob_part_give(s.part, &c[1]));
    take(&s, &c[0], 2 * UNIT + UNIT / 2);
    take(&s, &c[1], 3 * UNIT - 1);
    uint64_t from = c[1].end - c[1].at; /* of what is left, later */
    load(&s);
    assert_int_equal(blob_part_there(s.part), 4 * UNIT);
    assert_true(blob_part_was_resumed(s.part));
    assert_int_equal(blob_part_free_bytes(s.part), (uint64_t)(UNITS - 4) * UNIT);
    assert_true(from > 0);
    expect_end(&s);
    end(&s);
}

/* Fills the first n units and forgets the part. */
static void fill_units(struct setting *s, uint64_t n)
{
    struct blob_cursor c = { .lane = 1 };
    load(s);
    while (n > 0) {
        assert_true(blob_part_give(s->part, &c));
        uint64_t units = (c.end - c.at) / UNIT < n ? (c.end - c.at) / UNIT : n;
        take(s, &c, units * UNIT);
        n -= units;
    }
    blob_part_give_back(s->part, &c);
}

static void only_what_the_disk_really_has_counts(void **state)
{
    (void)state;
    struct setting s;
    static const uint8_t zeros[4096], ones[8] = { 1, 1, 1 };
    begin(&s);
    fill_units(&s, 10);
    assert_int_equal(pwrite(s.fd, zeros, sizeof zeros, 3 * UNIT + 4096), sizeof zeros);  /* a block that was never written out */
    assert_int_equal(pwrite(s.fd, "x", 1, 5 * UNIT), 1);                                 /* a changed byte */
    assert_int_equal(pwrite(s.fd, ones, sizeof ones, LARGE + 32 + 7 * 8), sizeof ones);  /* an entry that is wrong */
    assert_int_equal(pwrite(s.fd, zeros, 8, LARGE + 32 + 8 * 8), 8);                     /* and one that was not written */
    load(&s);
    assert_int_equal(blob_part_there(s.part), 6 * UNIT);
    expect_end(&s);
    end(&s);
}

static void a_file_with_another_map_begins_anew(void **state)
{
    (void)state;
    struct setting s;
    static const struct {
        off_t at;
        const char *bytes;
    } rows[] = { { LARGE, "A" }, { LARGE + 13, "1" }, { LARGE + 16, "\1" }, { LARGE + 24, "\1" } };
    begin(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fill_units(&s, 3);
        assert_int_equal(pwrite(s.fd, rows[i].bytes, 1, rows[i].at), 1);
        load(&s);
        assert_int_equal(blob_part_there(s.part), 0);
    }
    fill_units(&s, 3);
    struct stat st;
    assert_int_equal(fstat(s.fd, &st), 0);
    assert_int_equal(ftruncate(s.fd, st.st_size - 1), 0); /* cut */
    load(&s);
    assert_int_equal(blob_part_there(s.part), 0);
    expect_end(&s);
    end(&s);
}

static void a_beginning_without_a_map_is_gone_on_with(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    assert_int_equal(pwrite(s.fd, s.bytes, 5 * UNIT + 77, 0), 5 * UNIT + 77);
    load(&s);
    assert_int_equal(blob_part_there(s.part), 5 * UNIT);
    load(&s); /* killed at once: now there is a map */
    assert_int_equal(blob_part_there(s.part), 5 * UNIT);
    expect_end(&s);
    load(&s); /* killed between the end and its name */
    assert_int_equal(blob_part_there(s.part), LARGE);
    assert_true(is_right(&s));
    end(&s);
}

static void a_wrong_beginning_is_found_by_the_digest(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    assert_int_equal(pwrite(s.fd, "wrong", 5, 0), 5);
    assert_int_equal(ftruncate(s.fd, 2 * UNIT), 0);
    load(&s);
    take_the_rest(&s);
    assert_false(is_right(&s));
    assert_true(blob_part_start_over(s.part, &s.e));
    assert_int_equal(blob_part_there(s.part), 0);
    expect_end(&s);
    end(&s);
}

static void an_answer_with_everything_brings_only_what_is_missing(void **state)
{
    (void)state;
    struct setting s;
    struct blob_cursor c = { .lane = 1 }, other = { .lane = 2 };
    begin(&s);
    fill_units(&s, 4);
    assert_true(blob_part_give(s.part, &c) && blob_part_give(s.part, &other));
    take(&s, &c, UNIT / 3);
    uint64_t others = other.end - other.at;
    blob_part_rewind(s.part, &c);
    assert_int_equal(c.at, 0);
    assert_int_equal(c.end, LARGE);
    assert_int_equal(blob_part_there(s.part), 4 * UNIT); /* the begun unit comes again */
    take(&s, &c, LARGE);
    assert_int_equal(blob_part_there(s.part), LARGE - others); /* the other one brings the rest */
    take(&s, &other, others);
    expect_end(&s);
    end(&s);
}

static void what_is_given_back_is_given_again(void **state)
{
    (void)state;
    struct setting s;
    struct blob_cursor c = { .lane = 1 }, other = { .lane = 2 };
    begin(&s);
    load(&s);
    assert_true(blob_part_give(s.part, &c));
    take(&s, &c, UNIT + 5);
    blob_part_give_back(s.part, &c);
    assert_int_equal(blob_part_there(s.part), UNIT);
    assert_true(blob_part_give(s.part, &other));
    assert_int_equal(other.at, UNIT);
    blob_part_give_back(s.part, &other);
    expect_end(&s);
    end(&s);
}

static void a_sink_and_a_small_file_are_filled_in_order(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct digest want, got;
    bool is_loaded = false, is_hashed = false;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100);
    AUTO(sink_drop_auto) struct sink *to = sink_buf(&out, "out");
    struct blob_part *p = blob_part_sink(to, 10, "blob");
    struct blob_cursor c = { .lane = 1 };
    size_t n_new = 0;
    sha256_of(&want, "0123456789", 10);
    assert_true(blob_part_load(p, &is_loaded, &e) && is_loaded);
    assert_true(blob_part_give(p, &c));
    assert_true(blob_part_take(p, &c, "0123", 4, &n_new, &e));
    blob_part_rewind(p, &c);
    assert_true(blob_part_take(p, &c, "012", 3, &n_new, &e));
    assert_int_equal(n_new, 0);
    assert_true(blob_part_take(p, &c, "3456789", 7, &n_new, &e));
    assert_int_equal(n_new, 6);
    assert_string_equal(buf_text(&out), "0123456789");
    assert_true(blob_part_hash(p, &is_hashed, &e) && is_hashed && blob_part_is(p, &want, &got));
    blob_part_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_cursors_fill_it_in_any_order),
        cmocka_unit_test(a_kill_costs_less_than_a_unit_on_each_connection),
        cmocka_unit_test(only_what_the_disk_really_has_counts),
        cmocka_unit_test(a_file_with_another_map_begins_anew),
        cmocka_unit_test(a_beginning_without_a_map_is_gone_on_with),
        cmocka_unit_test(a_wrong_beginning_is_found_by_the_digest),
        cmocka_unit_test(an_answer_with_everything_brings_only_what_is_missing),
        cmocka_unit_test(what_is_given_back_is_given_again),
        cmocka_unit_test(a_sink_and_a_small_file_are_filled_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
