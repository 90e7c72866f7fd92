/* A file that may be a bundle: one file, or parts of one size, NAME.001, NAME.002 and so on, which are read in place as if they had been
 * joined (docs/FORMAT.md section 13). Nothing in it is trusted: it can be opened, its header frame read, and handed to verify. */
#ifndef BUNDLE_FILE_H
#define BUNDLE_FILE_H

#include "base/err.h"

struct bundle_file;

/* Somebody who can be asked for the disc with a part. Thread: one question at a time. */
struct bundle_asker {
    /* Waits until it says that the disc with a part is there; n: of how many, 0 as long as that is not known. why: what was wrong with the one before, or null.
     * False: no more discs (e says so). */
    bool (*insert)(void *ctx, size_t part, size_t n, const char *why, struct err *e);
    /* Parts are on several discs. May they be copied to the spool directory as they come? Null: each is read once only. */
    bool (*may_copy)(void *ctx, const char *spool_dir, uint64_t need, uint64_t room, bool *yes, struct err *e);
    void *ctx;
};

struct bundle_where {
    const char *path;               /* the bundle, its first part, or its name without number */
    const char *const *folders;     /* where parts are looked for besides the folder of path */
    size_t n_folders;
    const char *spool_dir;          /* for private copies, see below; null: read in place (the check of every chunk at every read remains) */
    const struct bundle_asker *ask; /* null: what is missing is an error */
};

/* Opens a regular file or parts. What lies on a network or user-space file system (NFS, SMB, FUSE), or what another program has open for writing, is first
 * copied to unlinked files in spool_dir, because it could change between two reads. Fails with ERR_IO, ERR_SPACE, ERR_INTEGRITY (the first part is missing). */
MUST_CHECK struct bundle_file *bundle_file_open_where(const struct bundle_where *where, struct err *e);
/* The same with nobody to ask, and no other folder. */
MUST_CHECK struct bundle_file *bundle_file_open(const char *path, const char *spool_dir, struct err *e);
/* For changing its bytes in place (bundle/seal.h): no link, no copy; locked until it is closed. ERR_LOCKED when another run has it. */
MUST_CHECK struct bundle_file *bundle_file_open_writable(const char *path, struct err *e);
/* Borrows open descriptors (a bundle that was just written and has no name yet): one file, or all parts in order. */
MUST_CHECK struct bundle_file *bundle_file_of(int fd, const char *name, struct err *e);
MUST_CHECK struct bundle_file *bundle_file_of_parts(const int *fds, size_t n, const char *name, struct err *e);
void bundle_file_close(struct bundle_file *f);
AUTO_FREE(struct bundle_file, bundle_file_close)

/* Exactly n bytes at an offset of the bundle; what is for the message. Every reader of a bundle reads through this. ERR_IO; ERR_INTEGRITY when it ends
 * earlier, or a part is missing or short. Thread: any. */
MUST_CHECK bool bundle_file_read(struct bundle_file *f, void *to, size_t n, uint64_t at, const char *what, struct err *e);
/* Tells the kernel that it is going to be read from its first byte to its last. */
void bundle_file_read_ahead(const struct bundle_file *f);
/* From here on its bytes come from the medium, not from memory: what is cached is dropped, and reads go past the cache where the file system can do that. */
MUST_CHECK bool bundle_file_read_medium(struct bundle_file *f, struct err *e);

/* Of one that was opened writable. */
MUST_CHECK bool bundle_file_write(struct bundle_file *f, const void *bytes, size_t n, uint64_t at, const char *what, struct err *e);
MUST_CHECK bool bundle_file_sync(struct bundle_file *f, const char *what, struct err *e);

/* Now it is known how long the bundle is, and so how many parts there are: each must have the size that belongs to it, none may be missing unless somebody can be asked for it,
 * none too many. ERR_INTEGRITY names them by number. */
MUST_CHECK bool bundle_file_settle(struct bundle_file *f, uint64_t total_len, struct err *e);

/* ", part 2", ", parts 2 to 4" or nothing: in which parts these bytes lie, for messages. */
struct bundle_place {
    char text[32];
};
const char *bundle_file_place(const struct bundle_file *f, uint64_t at, size_t n, struct bundle_place *out);

const char *bundle_file_name(const struct bundle_file *f);
uint64_t bundle_file_bytes(const struct bundle_file *f);
bool bundle_file_was_copied(const struct bundle_file *f);
size_t bundle_file_parts(const struct bundle_file *f);        /* 1: also when it is one file */
uint64_t bundle_file_part_bytes(const struct bundle_file *f); /* of every part but the last */

/* Has one of its files another length or change time than when it was opened? Then ERR_INTEGRITY. */
MUST_CHECK bool bundle_file_unchanged(const struct bundle_file *f, struct err *e);

#endif
