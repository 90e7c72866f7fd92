/* Package databases in the tar of a layer, kept while it passes by: their bytes go to a spool on disk, memory holds only where. Also kept
 * is what a layer takes away from those below it: whiteouts, opaque folders, and things that stand where a folder was.
 *
 *     struct spool *s = spool_open(dir, e);
 *     struct sink *to = layer_files_sink(s, &kept[i], "layer sha256:...");     // the tar of one layer; reads in a thread of its own
 *     ... sink_write, sink_finish ...                                          // kept[i] is whole then
 *     layer_files_merge(&image, kept in the order of the layers, n);           // what an image has                                */
#ifndef GATES_LAYER_FILES_H
#define GATES_LAYER_FILES_H

#include "base/limits.h"
#include "stream/sink.h"

/* Bytes of many layers at once. Thread: any. */
struct spool;
/* An unlinked file in dir. */
MUST_CHECK struct spool *spool_open(const char *dir, struct err *e);
void spool_close(struct spool *s);
AUTO_FREE(struct spool, spool_close)
MUST_CHECK bool spool_read(const struct spool *s, uint64_t at, void *to, size_t n, struct err *e);

enum layer_file_kind { LAYER_OS_RELEASE, LAYER_DPKG, LAYER_APK, LAYER_RPM };
struct layer_file {
    char *path;
    enum layer_file_kind kind;
    bool is_unreadable; /* a link to something that is not kept */
    uint64_t at, size;  /* in the spool */
    char *link;         /* while the layer is read: what it is a link to */
};
struct layer_files {
    struct layer_file *files;
    size_t n_files, cap_files;
    char **removed; /* paths: whatever lower layers have there or below */
    size_t n_removed, cap_removed;
    uint64_t bytes; /* that a layer took of the spool */
};

/* Borrows s and out, which is empty until finish has said yes. Never holds up the writer for longer than the disk does; the content is read
 * by libarchive. At finish: ERR_REGISTRY
 * "<what>: ..." for a tar that cannot be read, or beyond the limits; ERR_IO, ERR_SPACE of the spool. */
struct sink *layer_files_sink(struct spool *s, struct layer_files *out, const char *what);

/* What is left of n layers, the lowest first. Copies. ERR_REGISTRY: there is too much of it. */
MUST_CHECK bool layer_files_merge(struct layer_files *out, const struct layer_files *const *layers, size_t n, struct err *e);
void layer_files_clear(struct layer_files *f);
void layer_files_clear_auto(struct layer_files *f);

#endif
