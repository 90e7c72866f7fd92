/* A directory of its own for each test that needs files, and short ways to put files there and look at them. Removed with
 * the tree when the test ends well; what a failed test left can be looked at. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/file.h"
#include "sys/path.h"

struct scratch {
    char dir[64];
    char path[4096]; /* of the last name asked for */
};

static inline int scratch_make(void **state)
{
    struct scratch *s = mem_new(sizeof *s);
    snprintf(s->dir, sizeof s->dir, "/tmp/archon-test-XXXXXX");
    *state = s;
    return mkdtemp(s->dir) == NULL ? -1 : 0;
}

static inline int scratch_drop(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    bool is_removed = path_remove_tree(s->dir, &e);
    if (!is_removed)
        fprintf(stderr, "%s\n", e.msg);
    mem_free(s);
    return is_removed ? 0 : -1;
}

/* The path of a name in the directory. Valid until the next call. */
static inline const char *scratch_at(struct scratch *s, const char *name)
{
    snprintf(s->path, sizeof s->path, "%s/%s", s->dir, name);
    return s->path;
}

/* Writes a file with exactly that mode, whatever the umask; its path. */
static inline const char *scratch_file(struct scratch *s, const char *name, const void *bytes, size_t n, mode_t mode)
{
    const char *path = scratch_at(s, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || fchmod(fd, mode) != 0 || close(fd) != 0) {
        perror(path);
        abort();
    }
    return path;
}

static inline const char *scratch_text(struct scratch *s, const char *name, const char *text, mode_t mode)
{
    return scratch_file(s, name, text, strlen(text), mode);
}

/* The content of a file as text (mem_free); stops the test when it cannot be read. */
static inline char *scratch_content(struct scratch *s, const char *name)
{
    struct buf text = BUF_LIMIT(64 << 20);
    struct err e = { 0 };
    if (!file_read(scratch_at(s, name), FILE_PLAIN, 64 << 20, &text, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    return buf_take(&text);
}

static inline bool scratch_has(struct scratch *s, const char *name)
{
    struct stat st;
    return lstat(scratch_at(s, name), &st) == 0;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

#endif
