/* The journal under power cuts, bit flips and strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/journal.h"
#include "tests/support/scratch.h"

#define RELEASE "0123456789ab"

/* The checksum as the header of journal.h promises it, written a second time. */
static uint32_t crc32c(const char *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void add_line(struct buf *out, uint64_t sequence, const char *version, const char *event, const char *step)
{
    AUTO(mem_auto) char *line = mem_format("%llu 1800000000 " RELEASE " %s %s %s", (unsigned long long)sequence, version, event, step);
    buf_addf(out, "%s %08x\n", line, crc32c(line, strlen(line)));
}

static void write_run(const char *path)
{
    struct err e = { 0 };
    AUTO(journal_close_auto) struct journal *j = journal_open(path, &e);
    assert_non_null(j);
    assert_true(journal_begin(j, RELEASE, "1.4.0", &e));
    assert_true(journal_add(j, JOURNAL_START, "images", &e));
    assert_true(journal_add(j, JOURNAL_DONE, "images", &e));
    assert_true(journal_add(j, JOURNAL_START, "migrate", &e));
}

static struct journal_last look(const char *path)
{
    struct journal_last last = { 0 };
    struct err e = { 0 };
    if (!journal_look(path, &last, &e))
        fail_msg("%s", e.msg);
    return last;
}

static void refused(const char *path, const char *words)
{
    struct journal_last last = { 0 };
    struct err e = { 0 };
    assert_false(journal_look(path, &last, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
    struct err again = { 0 };
    assert_null(journal_open(path, &again));
}

static void the_crc_is_castagnoli(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xE3069283u); /* RFC 3720 B.4 */
}

static void what_is_written_is_found_again(void **state)
{
    struct scratch *s = *state;
    const char *path = scratch_at(s, "journal");
    write_run(path);
    struct journal_last last = look(path);
    assert_true(last.is_unfinished);
    assert_string_equal(last.release, RELEASE);
    assert_string_equal(last.version, "1.4.0");
    assert_string_equal(last.step, "migrate");
    assert_int_equal(last.event, JOURNAL_START);
    assert_int_equal(last.sequence, 4);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void an_end_finishes_the_run_and_keeps_its_last_step(void **state)
{
    struct scratch *s = *state;
    const char *path = scratch_at(s, "journal");
    struct err e = { 0 };
    write_run(path);
    AUTO(journal_close_auto) struct journal *j = journal_open(path, &e);
    assert_non_null(j);
    assert_true(journal_add(j, JOURNAL_END, "-", &e));
    struct journal_last last = look(path);
    assert_false(last.is_unfinished);
    assert_string_equal(last.step, "migrate");
    assert_int_equal(last.sequence, 5);
}

static void a_missing_journal_is_a_finished_one_and_is_not_made(void **state)
{
    struct scratch *s = *state;
    struct journal_last last = look(scratch_at(s, "journal"));
    assert_false(last.is_unfinished);
    assert_int_equal(last.sequence, 0);
    assert_false(scratch_has(s, "journal"));
}

/* Every byte at which the power may go. */
static void a_journal_that_is_cut_anywhere_in_its_last_line_is_read_up_to_it(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "journal"));
    write_run(path);
    AUTO(mem_auto) char *text = scratch_content(s, "journal");
    size_t n = strlen(text);
    size_t last_line = n - 1;
    while (text[last_line - 1] != '\n')
        last_line--;
    for (size_t cut = last_line; cut < n; cut++) {
        scratch_file(s, "journal", text, cut, 0600);
        struct journal_last last = look(path);
        assert_int_equal(last.sequence, 3);
        assert_int_equal(last.event, JOURNAL_DONE);
    }
    struct err e = { 0 };
    AUTO(journal_close_auto) struct journal *j = journal_open(path, &e);
    assert_non_null(j);
    assert_true(journal_add(j, JOURNAL_FAILED, "migrate", &e));
    struct journal_last last = look(path); /* the torn rest is gone: this line is whole and follows */
    assert_int_equal(last.sequence, 4);
    assert_int_equal(last.event, JOURNAL_FAILED);
}

static void a_flipped_bit_in_the_last_line_is_a_torn_line(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    add_line(&text, 1, "1.0.0", "begin", "-");
    add_line(&text, 2, "1.0.0", "start", "images");
    text.data[text.len - 12] ^= 1;
    struct journal_last last = look(scratch_file(s, "journal", text.data, text.len, 0600));
    assert_int_equal(last.event, JOURNAL_BEGIN);
}

static void a_flipped_bit_in_the_middle_is_damage_that_is_named(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    add_line(&text, 1, "1.0.0", "begin", "-");
    size_t second = text.len;
    add_line(&text, 2, "1.0.0", "start", "images");
    add_line(&text, 3, "1.0.0", "done", "images");
    for (size_t i = 0; i < text.len - 1; i++) {
        text.data[i] ^= 4;
        AUTO(mem_auto) char *words = mem_format("byte %zu: the line is damaged", i < second ? (size_t)0 : second);
        bool is_last = memchr(text.data + i, '\n', text.len - i - 1) == NULL || text.data[i] == ('\n' ^ 4);
        if (!is_last)
            refused(scratch_file(s, "journal", text.data, text.len, 0600), words);
        text.data[i] ^= 4;
    }
}

static void a_line_that_is_missing_is_damage(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    add_line(&text, 7, "1.0.0", "begin", "-"); /* any number may come first */
    add_line(&text, 9, "1.0.0", "start", "images");
    add_line(&text, 10, "1.0.0", "done", "images");
    refused(scratch_file(s, "journal", text.data, text.len, 0600), "the line is damaged");
}

static void a_line_of_a_newer_program_is_not_guessed_at(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    add_line(&text, 1, "1.0.0", "begin", "-");
    add_line(&text, 2, "1.0.0", "paused", "images");
    add_line(&text, 3, "1.0.0", "done", "images");
    refused(scratch_file(s, "journal", text.data, text.len, 0600), "the line is damaged");
}

static void too_many_or_too_few_fields_are_damage(void **state)
{
    struct scratch *s = *state;
    static const char *const lines[] = { "1 2 3", "", "1 1800000000 x 1.0.0 begin - y", "x 1800000000 " RELEASE " 1.0.0 begin -",
                                         "1 18000000000000000000000 " RELEASE " 1.0.0 begin -", "-1 1800000000 " RELEASE " 1.0.0 begin -" };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
        buf_addf(&text, "%s %08x\n", lines[i], crc32c(lines[i], strlen(lines[i])));
        add_line(&text, 2, "1.0.0", "start", "images");
        refused(scratch_file(s, "journal", text.data, text.len, 0600), "damaged");
    }
}

static void a_link_and_a_file_of_others_are_refused(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *victim = mem_text(scratch_text(s, "victim", "precious", 0600));
    assert_int_equal(symlink(victim, scratch_at(s, "journal")), 0);
    refused(s->path, "symbolic link");
    AUTO(mem_auto) char *text = scratch_content(s, "victim");
    assert_string_equal(text, "precious");
    refused(scratch_text(s, "open", "", 0666), "others could change it");
    assert_int_equal(mkdir(scratch_at(s, "dir"), 0700), 0);
    struct journal_last last;
    struct err e = { 0 };
    assert_false(journal_look(s->path, &last, &e));
}

static void a_gigabyte_is_refused_unread(void **state)
{
    struct scratch *s = *state;
    const char *path = scratch_text(s, "journal", "", 0600);
    assert_int_equal(truncate(path, 1 << 30), 0);
    refused(path, "bytes, at most");
}

static void a_long_journal_begins_anew_and_keeps_counting(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(8 << 20);
    uint64_t n = 0;
    while (text.len <= 4 << 20) {
        n++;
        add_line(&text, n, "1.0.0", n % 2 == 1 ? "begin" : "end", "-");
    }
    const char *path = scratch_file(s, "journal", text.data, text.len, 0600);
    write_run(path);
    struct journal_last last = look(path);
    assert_int_equal(last.sequence, n + 4);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 1000);
}

static void a_step_name_that_is_too_long_is_a_bug(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(journal_close_auto) struct journal *j = journal_open(scratch_at(s, "journal"), &e);
    assert_non_null(j);
    assert_true(journal_begin(j, RELEASE, "1.0.0", &e));
    assert_false(journal_add(j, JOURNAL_START, "a-step-whose-name-nobody-would-ever-want-to-read", &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_int_equal(look(s->path).sequence, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_is_castagnoli),
        SCRATCH_TEST(what_is_written_is_found_again),
        SCRATCH_TEST(an_end_finishes_the_run_and_keeps_its_last_step),
        SCRATCH_TEST(a_missing_journal_is_a_finished_one_and_is_not_made),
        SCRATCH_TEST(a_journal_that_is_cut_anywhere_in_its_last_line_is_read_up_to_it),
        SCRATCH_TEST(a_flipped_bit_in_the_last_line_is_a_torn_line),
        SCRATCH_TEST(a_flipped_bit_in_the_middle_is_damage_that_is_named),
        SCRATCH_TEST(a_line_that_is_missing_is_damage),
        SCRATCH_TEST(a_line_of_a_newer_program_is_not_guessed_at),
        SCRATCH_TEST(too_many_or_too_few_fields_are_damage),
        SCRATCH_TEST(a_link_and_a_file_of_others_are_refused),
        SCRATCH_TEST(a_gigabyte_is_refused_unread),
        SCRATCH_TEST(a_long_journal_begins_anew_and_keeps_counting),
        SCRATCH_TEST(a_step_name_that_is_too_long_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
