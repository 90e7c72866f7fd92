/* Files: bounded reads, checked writes, and the one way in which a file appears. CONTRACT
 *
 * Every message carries the path. ENOSPC, EDQUOT and EFBIG become ERR_SPACE, everything else ERR_IO (use err_as to change the class). */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <sys/stat.h>

#include "base/buf.h"

/* "<verb> <what>: <text of the errno number>" as ERR_SPACE or ERR_IO. Returns false always. */
bool file_fail(struct err *e, int number, const char *verb, const char *what);

/* "<path>: is a directory, expected a regular file" (ERR_IO). Returns false always. */
bool file_not_regular(const char *path, mode_t mode, struct err *e);

/* Release of a descriptor on the failing path (ignores errors, keeps errno, sets -1). */
void fd_auto(int *fd);

/* Closes a writing end and checks it; fd is -1 afterwards. */
MUST_CHECK bool fd_close(int *fd, const char *what, struct err *e);

/* Reads until n bytes or the end; *got tells. EINTR is handled. */
MUST_CHECK bool fd_read_full(int fd, void *to, size_t n, size_t *got, const char *what, struct err *e);
/* Reads exactly n bytes at an offset; an earlier end is ERR_INTEGRITY "<what>: ends at X, expected Y". */
MUST_CHECK bool fd_pread_exact(int fd, void *to, size_t n, uint64_t at, const char *what, struct err *e);
/* The same for a descriptor with O_DIRECT. */
MUST_CHECK bool fd_pread_direct(int fd, void *to, size_t n, uint64_t at, const char *what, struct err *e);
MUST_CHECK bool fd_write_all(int fd, const void *bytes, size_t n, const char *what, struct err *e);
MUST_CHECK bool fd_pwrite_all(int fd, const void *bytes, size_t n, uint64_t at, const char *what, struct err *e);
MUST_CHECK bool fd_sync(int fd, const char *what, struct err *e);
/* Asks the kernel to begin writing these bytes to the disk, so that fd_sync has less to wait for. A wish: nothing is promised. */
void fd_begin_sync(int fd, uint64_t at, uint64_t n);

/* Takes the lock on the whole file of a writable descriptor; it ends with the descriptor, so with the process at the
 * latest. Never waits: false with errno EAGAIN when another open description holds it. (These are OFD locks; flock() is not
 * to be had, as <sys/file.h> is shadowed by this header.) */
MUST_CHECK bool fd_try_lock(int fd);

/* Opens for reading: a regular file only (no FIFO hang, no device), O_CLOEXEC. Symlinks are followed unless
 * FILE_NO_LINK. -1 on failure. FILE_PRIVATE: refuses a file that others may read (mode & 077) or that belongs neither to
 * the caller nor to root (ERR_CONFIG, hint chmod 600). FILE_TRUSTED: refuses writable by group/others or foreign owner. */
enum file_open_flags { FILE_PLAIN = 0, FILE_NO_LINK = 1, FILE_PRIVATE = 2, FILE_TRUSTED = 4 };
MUST_CHECK int file_open_read(const char *path, unsigned flags, struct err *e);

/* Reads a whole file into out, at most `limit` bytes (more is ERR_CONFIG "N bytes, at most M"). */
MUST_CHECK bool file_read(const char *path, unsigned flags, uint64_t limit, struct buf *out, struct err *e);

/* True/false for existence without following the last link; anything but ENOENT is an error. */
MUST_CHECK bool file_exists(const char *path, bool *yes, struct err *e);

/* Writes a small file whole or not at all: temp file in the same directory, write, fsync, rename, fsync of the directory. */
MUST_CHECK bool file_publish(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);
/* The same for a plain name in an open directory; path is for messages. */
MUST_CHECK bool file_publish_at(int dir_fd, const char *name, const char *path, const void *bytes, size_t n, mode_t mode,
                                struct err *e);
MUST_CHECK bool file_remove(const char *path, struct err *e); /* a missing file is fine */

/* A large file under construction, beside its final name.
 *     AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0644, e);
 *     ... write to publish_fd(p) ...
 *     if (!publish_commit(p, PUBLISH_NEW, e)) return false;     // fsync, link/rename, fsync of the directory; frees p? no: publish_drop does
 * Dropped without commit nothing stays (O_TMPFILE where the file system has it, else NAME.partial, removed). PUBLISH_NEW refuses to
 * replace an existing file (ERR_IO, "exists"), PUBLISH_REPLACE replaces. */
struct publish;
enum publish_how { PUBLISH_NEW, PUBLISH_REPLACE };
MUST_CHECK struct publish *publish_open(const char *path, mode_t mode, struct err *e);
/* The same for a plain name in an open directory, which is borrowed; path is for messages. */
MUST_CHECK struct publish *publish_open_at(int dir_fd, const char *name, const char *path, mode_t mode, struct err *e);
/* Removes the NAME.partial of a run that was killed; one that a run works on stays. */
MUST_CHECK bool publish_clean(const char *path, struct err *e);
int publish_fd(const struct publish *p);
MUST_CHECK bool publish_commit(struct publish *p, enum publish_how how, struct err *e);
void publish_drop(struct publish *p);
AUTO_FREE(struct publish, publish_drop)

/* Gives a finished and synced file its final name in the same directory, replacing what is there, and syncs the directory: for files
 * that were built under a name of their own because a later run goes on with them. */
MUST_CHECK bool file_move(const char *from, const char *to, struct err *e);

/* An unlinked temporary file in dir (for spools). */
MUST_CHECK int file_temp(const char *dir, struct err *e);

/* So many descriptors will be needed: raises the limit of this process as far as it may. */
void file_allow_open(size_t n);

/* How large a file on the file system of this descriptor may become at most; UINT64_MAX: no limit that is known. */
uint64_t file_max_bytes(int fd);
/* The same of a file in a directory. */
MUST_CHECK bool file_max_bytes_in(const char *dir, uint64_t *bytes, struct err *e);

/* Free bytes for the caller on the file system of path (or of its nearest existing parent). */
MUST_CHECK bool file_free_bytes(const char *path, uint64_t *bytes, struct err *e);

#endif
