/* Archives of others: what is found in them, and what is refused before it costs memory or disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/limits.h"
#include "base/text.h"
#include "stream/tarball.h"
#include "tests/support/scratch.h"
#include "tests/support/tar_text.h"

static struct tarball *open_tar(struct scratch *s, const struct buf *tar, struct err *e)
{
    return tarball_open_path(scratch_file(s, "x.tar", buf_text(tar), tar->len, 0600), s->dir, e);
}

static struct tarball *opened(const char *path, struct scratch *s)
{
    struct err e = { 0 };
    struct tarball *t = tarball_open_path(path, s->dir, &e);
    if (t == NULL)
        fail_msg("%s", e.msg);
    return t;
}

static struct tarball *opened_tar(struct scratch *s, const struct buf *tar)
{
    return opened(scratch_file(s, "x.tar", buf_text(tar), tar->len, 0600), s);
}

static void refused(struct scratch *s, struct buf *tar, const char *part)
{
    struct err e = { 0 };
    AUTO(tarball_close_auto) struct tarball *t = open_tar(s, tar, &e);
    if (t != NULL)
        fail_msg("%s: was opened", part);
    assert_int_equal(e.code, ERR_REGISTRY);
    if (strstr(e.msg, part) == NULL || strstr(e.msg, "x.tar") == NULL)
        fail_msg("expected \"%s\" in: %s", part, e.msg);
    buf_clear(tar);
}

static void expect_content(struct tarball *t, const char *name, const char *content)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT(1000);
    const struct tarball_file *file = tarball_find(t, name);
    if (file == NULL)
        fail_msg("%s: is not there", name);
    if (!tarball_read(t, file, &bytes, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(buf_text(&bytes), content);
}

static void make_good(struct buf *tar)
{
    tar_text_add(tar, '5', "folder/", NULL, "", 0);
    tar_text_file(tar, "./folder/one", "1");
    tar_text_add(tar, '2', "folder/two", "../other", "", 0);
    tar_text_add(tar, '1', "hard", "folder/one", "", 0);
    tar_text_file(tar, "other", "2");
    tar_text_end(tar);
}

static void files_are_found_by_clean_names_and_through_links(void **state)
{
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    make_good(&tar);
    AUTO(tarball_close_auto) struct tarball *t = opened_tar(*state, &tar);
    expect_content(t, "folder/one", "1");
    expect_content(t, "folder/two", "2");
    expect_content(t, "hard", "1");
    assert_null(tarball_find(t, "folder"));
    assert_null(tarball_find(t, "folder/../other"));
}

static void gzip_and_zstd_around_it_make_no_difference(void **state)
{
    struct scratch *s = *state;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    static uint8_t packed[1 << 16];
    make_good(&tar);
    size_t n = ZSTD_compress(packed, sizeof packed, tar.data, tar.len, 3);
    AUTO(tarball_close_auto) struct tarball *z = opened(scratch_file(s, "x.tar.zst", packed, n, 0600), s);
    expect_content(z, "folder/two", "2");
    gzFile gz = gzopen(scratch_at(s, "x.tar.gz"), "wb");
    assert_int_equal(gzwrite(gz, tar.data, (unsigned)tar.len), (int)tar.len);
    assert_int_equal(gzclose(gz), Z_OK);
    AUTO(tarball_close_auto) struct tarball *g = opened(scratch_at(s, "x.tar.gz"), s);
    expect_content(g, "folder/two", "2");
    struct err cut = { 0 };
    assert_null(tarball_open_path(scratch_file(s, "cut.tar.zst", packed, n - 5, 0600), s->dir, &cut));
    assert_non_null(strstr(cut.msg, "cut.tar.zst"));
}

static void other_compression_is_refused_with_what_to_do(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_null(tarball_open_path(scratch_file(s, "x.tar.xz", "\xfd" "7zXZ and more", 14, 0600), s->dir, &e));
    assert_non_null(strstr(e.msg, "compressed with xz"));
    assert_non_null(strstr(e.hint, "xz -dk"));
}

static void two_entries_of_one_name_are_refused(void **state)
{
    struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_file(&tar, "a/b", "1");
    tar_text_file(&tar, "./a//b", "2");
    tar_text_end(&tar);
    refused(*state, &tar, "has a/b twice");
}

static void names_that_lead_out_are_refused_and_links_that_do_lead_nowhere(void **state)
{
    struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_file(&tar, "a/../../etc/passwd", "1");
    tar_text_end(&tar);
    refused(*state, &tar, "no usable name");
    tar_text_add(&tar, '2', "out", "../../etc/passwd", "", 0);
    tar_text_add(&tar, '2', "absolute", "/etc/passwd", "", 0);
    tar_text_add(&tar, '2', "round", "about", "", 0);
    tar_text_add(&tar, '2', "about", "round", "", 0);
    tar_text_add(&tar, '2', "self", "self", "", 0);
    tar_text_add(&tar, '6', "fifo", NULL, "", 0);
    tar_text_add(&tar, '3', "device", NULL, "", 0);
    tar_text_end(&tar);
    AUTO(tarball_close_auto) struct tarball *t = opened_tar(*state, &tar);
    static const char *const nowhere[] = { "out", "absolute", "round", "self", "fifo", "device" };
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
        if (tarball_find(t, nowhere[i]) != NULL)
            fail_msg("%s was found", nowhere[i]);
    buf_clear(&tar);
}

static void more_bytes_than_the_archive_has_are_not_believed(void **state)
{
    struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_add(&tar, '0', "big", NULL, "x", 1);
    memcpy(tar.data + 124, "77777777777", 11);
    tar_text_checksum(tar.data);
    tar_text_end(&tar);
    refused(*state, &tar, "big has 8589934591 bytes");
}

/* GNU's old form: an entry that claims a gigabyte and stores one byte. */
static void files_with_holes_are_refused(void **state)
{
    struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_add(&tar, 'S', "holes", NULL, "x", 1);
    memcpy(tar.data + 257, "ustar  ", 8);
    memcpy(tar.data + 386, "00000000000\00000000000001", 23);
    memcpy(tar.data + 483, "07777777777", 11);
    tar_text_checksum(tar.data);
    tar_text_end(&tar);
    refused(*state, &tar, "holes is stored with holes");
}

static void an_archive_cut_anywhere_in_its_headers_is_refused(void **state)
{
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    make_good(&tar);
    struct buf part = tar;
    for (part.len = 1; part.len < 512; part.len += 100) {
        struct err e = { 0 };
        AUTO(tarball_close_auto) struct tarball *t = open_tar(*state, &part, &e);
        assert_null(t);
        assert_int_equal(e.code, ERR_REGISTRY);
    }
}

static void what_is_larger_than_its_limit_is_not_read(void **state)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    AUTO(buf_clear_auto) struct buf small = BUF_LIMIT(3);
    tar_text_file(&tar, "four", "1234");
    tar_text_end(&tar);
    AUTO(tarball_close_auto) struct tarball *t = opened_tar(*state, &tar);
    assert_false(tarball_read(t, tarball_find(t, "four"), &small, &e));
    assert_non_null(strstr(e.msg, "four has 4 bytes, at most 3"));
}

static void what_is_no_regular_file_is_not_opened(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 }, e2 = { 0 };
    assert_int_equal(mkfifo(scratch_at(s, "fifo"), 0600), 0);
    assert_null(tarball_open_path(scratch_at(s, "fifo"), s->dir, &e));
    assert_non_null(strstr(e.msg, "expected a regular file"));
    assert_null(tarball_open_path(s->dir, s->dir, &e2));
    assert_non_null(strstr(e2.msg, "is a directory"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(files_are_found_by_clean_names_and_through_links),
        SCRATCH_TEST(gzip_and_zstd_around_it_make_no_difference),
        SCRATCH_TEST(other_compression_is_refused_with_what_to_do),
        SCRATCH_TEST(two_entries_of_one_name_are_refused),
        SCRATCH_TEST(names_that_lead_out_are_refused_and_links_that_do_lead_nowhere),
        SCRATCH_TEST(more_bytes_than_the_archive_has_are_not_believed),
        SCRATCH_TEST(files_with_holes_are_refused),
        SCRATCH_TEST(an_archive_cut_anywhere_in_its_headers_is_refused),
        SCRATCH_TEST(what_is_larger_than_its_limit_is_not_read),
        SCRATCH_TEST(what_is_no_regular_file_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
