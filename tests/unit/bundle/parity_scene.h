/* A file of any bytes, its parity file, and the repair of what tests do to them: parity does not care what a bundle is. */
#ifndef TESTS_UNIT_BUNDLE_PARITY_SCENE_H
#define TESTS_UNIT_BUNDLE_PARITY_SCENE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/file.h"
#include "bundle/repair.h"
#include "sys/file.h"
#include "sys/path.h"

struct scene {
    char dir[64];
    char bundle[96];
    char par[96];
    char out[96];
    struct parity_shape s;
    uint8_t *bytes; /* of the bundle, */
    uint8_t *parity; /* and of its parity file */
};

static inline int scene_make(void **state)
{
    struct scene *x = mem_new(sizeof *x);
    snprintf(x->dir, sizeof x->dir, "/tmp/archon-test-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    snprintf(x->bundle, sizeof x->bundle, "%s/t.bundle.tar.zst", x->dir);
    snprintf(x->par, sizeof x->par, "%s/t.bundle.tar.zst.par", x->dir);
    snprintf(x->out, sizeof x->out, "%s/out", x->dir);
    *state = x;
    return 0;
}

static inline int scene_remove(void **state)
{
    struct err e = { 0 };
    struct scene *x = *state;
    assert_true(path_remove_tree(x->dir, &e));
    mem_free(x->bytes);
    mem_free(x->parity);
    mem_free(x);
    return 0;
}

/* A file that is emptied and written again is flushed to the disk by ext4, a new one is not: a second for a few hundred of them. */
static inline void put(const char *path, const void *bytes, size_t n)
{
    struct err e = { 0 };
    assert_true(file_remove(path, &e));
    AUTO(fd_auto) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fd_write_all(fd, bytes, n, path, &e));
}

static inline uint32_t next_random(uint32_t *x)
{
    return (*x = *x * 1664525 + 1013904223) >> 8;
}

/* Parity of what is at path, in a file. */
static inline void encode(const struct scene *x, const char *to, unsigned jobs)
{
    struct err e = { 0 };
    AUTO(fd_auto) int to_fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    AUTO(bundle_file_close_auto) struct bundle_file *file = bundle_file_open(x->bundle, NULL, &e);
    struct parity_source from = { parity_read_bundle, file };
    struct parity_how how = { .jobs = jobs };
    assert_true(file != NULL && to_fd >= 0);
    assert_true(parity_write(to_fd, "par", &x->s, &from, 0, x->s.rows, &how, &e));
}

static inline void scene_shaped(struct scene *x)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64 << 20);
    struct err e = { 0 };
    uint32_t seed = 7;
    x->bytes = mem_new((size_t)x->s.total);
    for (size_t i = 0; i < x->s.total; i++)
        x->bytes[i] = (uint8_t)next_random(&seed);
    put(x->bundle, x->bytes, (size_t)x->s.total);
    encode(x, x->par, 2);
    assert_true(file_read(x->par, FILE_PLAIN, 64 << 20, &text, &e));
    assert_int_equal(text.len, parity_file_bytes(&x->s));
    x->parity = mem_copy(text.data, text.len);
}

/* n bytes, and parity for so many percent. */
static inline void scene_fill(struct scene *x, size_t n, unsigned percent)
{
    struct err e = { 0 };
    struct digest id = { { 1, 2, 3 } };
    assert_true(parity_shape_for(&x->s, n, &id, percent, &e));
    scene_shaped(x);
}

/* Both files as they were. */
static inline void restore(const struct scene *x)
{
    put(x->bundle, x->bytes, (size_t)x->s.total);
    put(x->par, x->parity, (size_t)parity_file_bytes(&x->s));
}

/* Other bytes than there were. */
static inline void damage(const char *path, const uint8_t *was, uint64_t at, uint64_t n)
{
    AUTO(mem_auto) uint8_t *other = mem_new((size_t)n);
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (uint64_t i = 0; i < n; i++)
        other[i] = (uint8_t)~was[at + i];
    assert_true(fd >= 0 && fd_pwrite_all(fd, other, (size_t)n, at, path, &e));
}

static inline void damage_block(const struct scene *x, uint32_t row, uint32_t slice)
{
    damage(x->bundle, x->bytes, parity_block_at(&x->s, row, slice), parity_block_bytes(&x->s, row, slice));
}

static inline void damage_record(const struct scene *x, uint32_t row, uint32_t slice, uint64_t at, uint64_t n)
{
    damage(x->par, x->parity, parity_record_at(&x->s, row, slice) + at, n);
}

static inline bool repair_into(const struct scene *x, struct repair_facts *facts, struct err *e)
{
    struct parity_how how = { .jobs = 2 };
    assert_true(file_remove(x->out, e));
    AUTO(fd_auto) int to = open(x->out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    AUTO(repair_free_auto) struct repair *r = repair_open(&(struct bundle_where){ .path = x->bundle }, x->par, e);
    if (r == NULL || !repair_copy(r, to, "out", &how, e))
        return false;
    *facts = *repair_facts(r);
    facts->ranges = NULL;
    return repair_solve(r, to, "out", &how, e);
}

static inline void assert_out_is_right(const struct scene *x)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64 << 20);
    struct err e = { 0 };
    assert_true(file_read(x->out, FILE_PLAIN, 64 << 20, &text, &e));
    assert_int_equal(text.len, x->s.total);
    assert_memory_equal(text.data, x->bytes, text.len);
}

static inline void assert_repaired(const struct scene *x, struct repair_facts *facts)
{
    struct err e = { 0 };
    bool ok = repair_into(x, facts, &e);
    assert_string_equal(e.msg, "");
    assert_true(ok);
    assert_out_is_right(x);
}

#endif
