/* The lock file: which exact images the last create packed, so that another one packs the same. Its text is always the same for the same
 * images, one line for each:
 *
 *     lock: 1
 *     images:
 *       "docker.io/library/busybox:1.36": sha256:...
 *       "docker-daemon:shop/web:1.4.0":            an image without an index, for several platforms
 *         linux/amd64: sha256:...
 *         linux/arm64: sha256:...                                                                                                      */
#ifndef BUNDLER_LOCK_H
#define BUNDLER_LOCK_H

#include "app/application.h"
#include "base/buf.h"
#include "bundler/images.h"
#include "cli/command.h"

struct lock_options {
    bool is_locked;   /* take what the file says */
    const char *file; /* null: beside the definition */
};

/* Rows for a command whose options struct has `struct lock_options lock`. */
#define LOCK_ROWS(type)                                                                                          \
    CLI_FLAG_ROW("locked", 0, type, lock.is_locked, "exactly the images of the lock file; no tag is looked up"), \
        CLI_TEXT_ROW("lock", 0, type, lock.file, "FILE", "the lock file (bundle.lock beside bundle.yaml)")

struct lock_digest {
    struct platform platform; /* empty: of the image as a whole, its index or only manifest */
    struct digest digest;
};
struct lock_entry {
    char *image;                 /* as lock_image_name has it */
    struct lock_digest *digests; /* one without a platform, or one for each platform */
    size_t n, cap;
};
struct lock {
    struct lock_entry *items; /* sorted by image */
    size_t n, cap;
};
void lock_clear(struct lock *l);
void lock_clear_auto(struct lock *l);

/* A file's text; name is for messages. Strict: what lock_write does not write is refused. ERR_CONFIG. */
MUST_CHECK bool lock_parse(struct lock *out, const char *text, size_t n, const char *name, struct err *e);
MUST_CHECK bool lock_write(const struct lock *l, struct buf *out, struct err *e);

/* What is written in the file for an image: its reference in full, with the prefix of its place where that is no registry. Owned. */
char *lock_image_name(const struct application_image *i);
const struct lock_entry *lock_find(const struct lock *l, const char *image);

/* What was resolved, as entries. images has one for each of the application's. */
void lock_of(struct lock *out, const struct application *app, const struct image *images);
/* Every image of the application is in the file, with the digest where the definition has one, and nothing else. ERR_CONFIG. */
MUST_CHECK bool lock_covers(const struct lock *l, const struct application *app, const char *name, struct err *e);
/* The digest to ask for in place of the tag; null when the entry is one by platforms. */
const struct digest *lock_pinned(const struct lock_entry *x);
/* Is what was found what the file says? ERR_INTEGRITY; ERR_CONFIG when the file does not say it for these platforms. */
MUST_CHECK bool lock_agrees(const struct lock_entry *x, const struct image *found, struct err *e);

/* One line to the log for each image that is new, gone, or another one than before. */
void lock_tell_changes(const struct lock *before, const struct lock *now);

#endif
