/* A tar archive of others with its table of contents: files are found by name, links between them followed, nothing is unpacked to where a name says. Used for what
 * engines export, docker-archives and OCI archives. Every error is ERR_REGISTRY "<what>: ..." unless the disk is to blame.
 *
 *     AUTO(tarball_close_auto) struct tarball *t = tarball_open_path("web.tar.gz", "/var/tmp", e);
 *     const struct tarball_file *index = tarball_find(t, "index.json");
 *     tarball_read(t, index, &text, e)                                                        */
#ifndef STREAM_TARBALL_H
#define STREAM_TARBALL_H

#include "base/limits.h"
#include "stream/sink.h"

struct tarball_file {
    char *path;   /* clean: no "./", no ".." */
    char *target; /* of a link: the path of another; null: it leads out of the archive */
    uint64_t size;
    bool is_link;
};

struct tarball;
/* Takes the descriptor over, on failure too. Reads all headers. Two entries of one name and more bytes promised than the file has are refused. */
MUST_CHECK struct tarball *tarball_open(int fd, const char *what, struct err *e);
/* A file by its name, symbolic links followed. Compressed with gzip or zstd, it is unpacked into an unlinked file in tmp_dir first (ERR_SPACE when there is not room
 * for it). */
MUST_CHECK struct tarball *tarball_open_path(const char *path, const char *tmp_dir, struct err *e);
void tarball_close(struct tarball *t);
AUTO_FREE(struct tarball, tarball_close)
const char *tarball_what(const struct tarball *t);

/* The file of a name, links followed; null when there is none. Borrows. */
const struct tarball_file *tarball_find(const struct tarball *t, const char *path);
/* The whole of a small file; its limit is that of out. */
MUST_CHECK bool tarball_read(struct tarball *t, const struct tarball_file *file, struct buf *out, struct err *e);

/* Calls fn for each file (no links), in the order of the archive. What is not read of content is passed over. */
typedef bool (*tarball_fn)(void *ctx, const char *path, struct source *content, struct err *e);
MUST_CHECK bool tarball_each(struct tarball *t, tarball_fn fn, void *ctx, struct err *e);

#endif
