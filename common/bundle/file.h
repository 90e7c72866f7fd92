/* A file that may be a bundle. Nothing in it is trusted: it can be opened, its header frame read, and handed to verify. */
#ifndef BUNDLE_FILE_H
#define BUNDLE_FILE_H

#include "base/err.h"

struct bundle_file;

/* Opens a regular file. One that lies on a network or user-space file system (NFS, SMB, FUSE), or that another program has open for writing, is first
 * copied to an unlinked file in spool_dir, because it could change between two reads; spool_dir null: read in place (the check of every chunk at every read remains).
 * Fails with ERR_IO, ERR_SPACE. */
MUST_CHECK struct bundle_file *bundle_file_open(const char *path, const char *spool_dir, struct err *e);
/* Borrows open descriptors (a bundle that was just written and has no name yet): one file, or all parts in order. */
MUST_CHECK struct bundle_file *bundle_file_of(int fd, const char *name, struct err *e);
MUST_CHECK struct bundle_file *bundle_file_of_parts(const int *fds, size_t n, const char *name, struct err *e);
void bundle_file_close(struct bundle_file *f);
AUTO_FREE(struct bundle_file, bundle_file_close)

/* Exactly n bytes at an offset of the bundle; what is for the message. Every reader of a bundle reads through this. ERR_IO; ERR_INTEGRITY when it ends
 * earlier. Thread: any. */
MUST_CHECK bool bundle_file_read(struct bundle_file *f, void *to, size_t n, uint64_t at, const char *what, struct err *e);
/* Tells the kernel that it is going to be read from its first byte to its last. */
void bundle_file_read_ahead(const struct bundle_file *f);

/* ", part 2", ", parts 2 to 4" or nothing: in which parts these bytes lie, for messages. */
struct bundle_place {
    char text[32];
};
const char *bundle_file_place(const struct bundle_file *f, uint64_t at, size_t n, struct bundle_place *out);

const char *bundle_file_name(const struct bundle_file *f);
uint64_t bundle_file_bytes(const struct bundle_file *f);
bool bundle_file_was_copied(const struct bundle_file *f);

/* Has the file another length or change time than when it was opened? Then ERR_INTEGRITY. */
MUST_CHECK bool bundle_file_unchanged(const struct bundle_file *f, struct err *e);

#endif
