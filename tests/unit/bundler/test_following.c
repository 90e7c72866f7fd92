/* A blob that is packed while it comes: to its end, again when it was wrong, and not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundler/following.h"
#include "sys/file.h"

#include "base/banned.h"

#define RIGHT "the right bytes, all of them"
#define WRONG "the wrong bytes"

struct setting {
    struct arrivals *arrivals;
    struct digest digest;
    struct manifest_blob blob;
    struct pack_form form;
    struct pack_layer layer;
    char path[64];
    int fd; /* grows */
    struct buf got;
    void (*on_bytes)(struct setting *s); /* once */
    bool is_worth_trying;
    struct err e;
};

static bool take(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct setting *s = ctx;
    (void)e;
    buf_add(&s->got, bytes, n);
    if (s->on_bytes != NULL)
        s->on_bytes(s);
    s->on_bytes = NULL;
    return true;
}

static void begin(struct setting *s)
{
    *s = (struct setting){ .arrivals = arrivals_new(), .got = BUF_LIMIT(1000) };
    s->blob.size = sizeof RIGHT - 1;
    s->form.arrival = arrivals_expect(s->arrivals, &s->digest);
    s->fd = memfd_create("blob", MFD_CLOEXEC);
    assert_true(s->fd >= 0);
    snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", s->fd);
    s->form.path = s->path;
    s->layer = (struct pack_layer){ .blobs = &s->blob, .forms = &s->form, .n_blobs = 1 };
}

static void end(struct setting *s)
{
    arrivals_free(s->arrivals);
    buf_clear(&s->got);
    fd_auto(&s->fd);
}

static void put(struct setting *s, const char *bytes, size_t n)
{
    assert_int_equal(pwrite(s->fd, bytes, n, 0), (ssize_t)n);
    arrivals_grow(s->arrivals, &s->digest, s->fd, n);
}

static bool bring(struct setting *s)
{
    s->got.len = 0;
    s->e = (struct err){ 0 };
    AUTO(sink_drop_auto) struct sink *to = sink_call(take, s);
    return following_bring(NULL, &s->layer, 0, to, &s->is_worth_trying, &s->e);
}

static void expect_right(const struct setting *s)
{
    assert_int_equal(s->got.len, s->blob.size);
    assert_memory_equal(buf_text(&s->got), RIGHT, s->blob.size);
}

static void come_wholly(struct setting *s)
{
    put(s, RIGHT, sizeof RIGHT - 1);
    arrivals_tell(s->arrivals, &s->digest, true);
}

static void a_blob_is_read_while_it_grows(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    put(&s, RIGHT, 5);
    s.on_bytes = come_wholly;
    assert_true(bring(&s));
    expect_right(&s);
    end(&s);
}

static void turn_out_wrong(struct setting *s)
{
    arrivals_grow(s->arrivals, &s->digest, s->fd, 0);
    come_wholly(s);
}

static void wrong_bytes_are_taken_back_and_the_right_ones_follow(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    put(&s, WRONG, sizeof WRONG - 1);
    s.on_bytes = turn_out_wrong;
    assert_false(bring(&s));
    assert_true(s.is_worth_trying);
    snprintf(s.path, sizeof s.path, "/tmp/following.%d", (int)getpid());
    FILE *f = fopen(s.path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(RIGHT, 1, sizeof RIGHT - 1, f), sizeof RIGHT - 1);
    assert_int_equal(fclose(f), 0);
    bool ok = bring(&s);
    assert_int_equal(unlink(s.path), 0);
    assert_true(ok);
    expect_right(&s);
    end(&s);
}

static void stop_coming(struct setting *s)
{
    arrivals_end(s->arrivals);
}

static void what_does_not_come_any_more_is_not_waited_for(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    put(&s, RIGHT, 5);
    s.on_bytes = stop_coming;
    assert_false(bring(&s));
    assert_int_equal(s.e.code, ERR_INTERRUPTED);
    assert_false(s.is_worth_trying);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_read_while_it_grows),
        cmocka_unit_test(wrong_bytes_are_taken_back_and_the_right_ones_follow),
        cmocka_unit_test(what_does_not_come_any_more_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
