/* Files: reading with conditions, and appearing whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/scratch.h"

/* ---- reading ---- */

static void reads_a_whole_file_within_its_limit(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *big = mem_new(50001);
    memset(big, 'x', 50000);
    const char *path = scratch_text(s, "big", big, 0644);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(50000);
    struct err e = { 0 };
    assert_true(file_read(path, FILE_PLAIN, 50000, &out, &e));
    assert_int_equal(out.len, 50000);
    buf_reset(&out);
    assert_false(file_read(path, FILE_PLAIN, 49999, &out, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "50000 bytes, at most 49999"));
}

static void bounds_a_file_whose_size_says_zero(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1000);
    struct err e = { 0 };
    assert_false(file_read("/proc/self/maps", FILE_PLAIN, 100, &out, &e));
    assert_int_equal(e.code, ERR_CONFIG);
}

static void refuses_what_is_not_a_regular_file_without_hanging(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(mkfifo(scratch_at(s, "fifo"), 0600), 0);
    assert_int_equal(file_open_read(s->path, FILE_PLAIN, &e), -1);
    assert_non_null(strstr(e.msg, "is a pipe"));
    e = (struct err){ 0 };
    assert_int_equal(file_open_read("/dev/null", FILE_PLAIN, &e), -1);
    assert_non_null(strstr(e.msg, "is a device"));
    e = (struct err){ 0 };
    assert_int_equal(file_open_read(s->dir, FILE_PLAIN, &e), -1);
    assert_non_null(strstr(e.msg, "is a directory"));
    e = (struct err){ 0 };
    assert_int_equal(file_open_read("/nowhere/at/all", FILE_PLAIN, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "/nowhere/at/all: No such file"));
}

static void follows_links_only_when_asked(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *target = mem_text(scratch_text(s, "target", "x", 0644));
    assert_int_equal(symlink(target, scratch_at(s, "link")), 0);
    AUTO(fd_auto) int fd = file_open_read(s->path, FILE_PLAIN, &e);
    assert_true(fd >= 0);
    assert_int_equal(file_open_read(s->path, FILE_NO_LINK, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "symbolic link"));
}

static void a_private_file_is_for_its_owner_alone(void **state)
{
    struct scratch *s = *state;
    static const mode_t bad[] = { 0640, 0604, 0610, 0666 };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        assert_int_equal(file_open_read(scratch_text(s, "key", "x", bad[i]), FILE_PRIVATE, &e), -1);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.hint, "chmod 600"));
    }
    struct err e = { 0 };
    AUTO(fd_auto) int fd = file_open_read(scratch_text(s, "key", "x", 0600), FILE_PRIVATE, &e);
    assert_true(fd >= 0);
}

static void a_trusted_file_cannot_be_changed_by_others(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    assert_int_equal(file_open_read(scratch_text(s, "key", "x", 0664), FILE_TRUSTED, &e), -1);
    assert_non_null(strstr(e.msg, "0664"));
    e = (struct err){ 0 };
    AUTO(fd_auto) int fd = file_open_read(scratch_text(s, "key", "x", 0644), FILE_TRUSTED, &e);
    assert_true(fd >= 0);
    if (geteuid() != 0)
        return; /* only root can give files away */
    assert_int_equal(chown(scratch_at(s, "key"), 1000, 1000), 0);
    assert_int_equal(file_open_read(s->path, FILE_TRUSTED, &e), -1);
    assert_non_null(strstr(e.msg, "belongs to user 1000"));
}

static void an_early_end_is_a_matter_of_integrity(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    char bytes[10];
    AUTO(fd_auto) int fd = file_open_read(scratch_text(s, "f", "12345", 0644), FILE_PLAIN, &e);
    assert_true(fd_pread_exact(fd, bytes, 2, 3, "f", &e));
    assert_memory_equal(bytes, "45", 2);
    assert_false(fd_pread_exact(fd, bytes, 3, 3, "f", &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_string_equal(e.msg, "f: ends at 5, expected 6");
}

/* ---- publishing ---- */

static void a_published_file_has_its_content_and_mode(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stat st;
    umask(077);
    assert_true(file_publish(scratch_at(s, "f"), "one", 3, 0644, &e));
    assert_true(file_publish(scratch_at(s, "f"), "two", 3, 0640, &e));
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    AUTO(mem_auto) char *text = scratch_content(s, "f");
    assert_string_equal(text, "two");
    assert_false(scratch_has(s, "f.partial"));
}

static void what_is_dropped_leaves_nothing(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    {
        AUTO(publish_drop_auto) struct publish *p = publish_open(scratch_at(s, "f"), 0644, &e);
        assert_non_null(p);
        assert_true(fd_write_all(publish_fd(p), "x", 1, "f", &e));
    }
    assert_int_equal(rmdir(s->dir), 0);
    assert_int_equal(mkdir(s->dir, 0700), 0);
}

static void a_new_file_never_replaces_one(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(publish_drop_auto) struct publish *p = publish_open(scratch_at(s, "f"), 0644, &e);
    assert_non_null(p);
    scratch_text(s, "f", "old", 0644);
    assert_false(publish_commit(p, PUBLISH_NEW, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "exists already"));
    AUTO(mem_auto) char *text = scratch_content(s, "f");
    assert_string_equal(text, "old");
}

static void links_and_devices_are_not_replaced(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *victim = mem_text(scratch_text(s, "victim", "old", 0644));
    assert_int_equal(symlink(victim, scratch_at(s, "link")), 0);
    assert_false(file_publish(s->path, "new", 3, 0644, &e));
    assert_non_null(strstr(e.msg, "symbolic link"));
    AUTO(mem_auto) char *text = scratch_content(s, "victim");
    assert_string_equal(text, "old");
    e = (struct err){ 0 };
    assert_false(file_publish("/dev/null", "x", 1, 0644, &e));
    assert_non_null(strstr(e.msg, "/dev/null: is a device"));
    e = (struct err){ 0 };
    assert_false(file_publish("/tmp/", "x", 1, 0644, &e));
}

static void a_stale_partial_file_is_taken_over_and_its_target_untouched(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *victim = mem_text(scratch_text(s, "victim", "old", 0644));
    assert_int_equal(symlink(victim, scratch_at(s, "f.partial")), 0);
    assert_true(file_publish(scratch_at(s, "f"), "new", 3, 0644, &e));
    AUTO(mem_auto) char *text = scratch_content(s, "victim");
    assert_string_equal(text, "old");
    scratch_text(s, "f.partial", "from a run that was killed", 0644);
    assert_true(file_publish(scratch_at(s, "f"), "again", 5, 0644, &e));
    assert_false(scratch_has(s, "f.partial"));
}

static void a_partial_file_in_use_is_left_alone(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    scratch_text(s, "f.partial", "by another run", 0600);
    AUTO(fd_auto) int other = open(s->path, O_RDWR | O_CLOEXEC);
    assert_true(fd_try_lock(other));
    assert_false(file_publish(scratch_at(s, "f"), "new", 3, 0644, &e));
    assert_int_equal(e.code, ERR_LOCKED);
    assert_true(scratch_has(s, "f.partial"));
    assert_false(scratch_has(s, "f"));
}

static void a_full_disk_is_a_matter_of_space(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_false(fd_write_all(fd, "x", 1, "/media/usb", &e));
    assert_int_equal(e.code, ERR_SPACE);
    assert_string_equal(e.msg, "write /media/usb: No space left on device");
}

static void existence_is_an_answer_and_trouble_an_error(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    bool yes = true;
    assert_true(file_exists(scratch_at(s, "none"), &yes, &e));
    assert_false(yes);
    assert_int_equal(symlink("/nowhere", scratch_at(s, "dangling")), 0);
    assert_true(file_exists(s->path, &yes, &e));
    assert_true(yes);
    assert_true(file_remove(s->path, &e));
    assert_true(file_remove(s->path, &e));
}

static void temporary_files_have_no_name(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(fd_auto) int fd = file_temp(s->dir, &e);
    assert_true(fd >= 0);
    assert_true(fd_write_all(fd, "x", 1, "spool", &e));
    assert_int_equal(rmdir(s->dir), 0);
    assert_int_equal(mkdir(s->dir, 0700), 0);
}

static void free_space_is_that_of_the_nearest_parent(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    uint64_t here = 0;
    uint64_t there = 0;
    assert_true(file_free_bytes(s->dir, &here, &e));
    assert_true(file_free_bytes(scratch_at(s, "a/b/c"), &there, &e));
    assert_true(here > 0 && there > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(reads_a_whole_file_within_its_limit),
        SCRATCH_TEST(bounds_a_file_whose_size_says_zero),
        SCRATCH_TEST(refuses_what_is_not_a_regular_file_without_hanging),
        SCRATCH_TEST(follows_links_only_when_asked),
        SCRATCH_TEST(a_private_file_is_for_its_owner_alone),
        SCRATCH_TEST(a_trusted_file_cannot_be_changed_by_others),
        SCRATCH_TEST(an_early_end_is_a_matter_of_integrity),
        SCRATCH_TEST(a_published_file_has_its_content_and_mode),
        SCRATCH_TEST(what_is_dropped_leaves_nothing),
        SCRATCH_TEST(a_new_file_never_replaces_one),
        SCRATCH_TEST(links_and_devices_are_not_replaced),
        SCRATCH_TEST(a_stale_partial_file_is_taken_over_and_its_target_untouched),
        SCRATCH_TEST(a_partial_file_in_use_is_left_alone),
        SCRATCH_TEST(a_full_disk_is_a_matter_of_space),
        SCRATCH_TEST(existence_is_an_answer_and_trouble_an_error),
        SCRATCH_TEST(temporary_files_have_no_name),
        SCRATCH_TEST(free_space_is_that_of_the_nearest_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
