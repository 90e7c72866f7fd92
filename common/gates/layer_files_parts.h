/* What layer_files.c (values), layer_reading.c (entries of a tar) and layer_sink.c (the thread) share. Private to them. */
#ifndef GATES_LAYER_FILES_PARTS_H
#define GATES_LAYER_FILES_PARTS_H

#include "gates/layer_files.h"

/* Room for n bytes, from *at on; ERR_REGISTRY beyond the limit. Thread: any. */
MUST_CHECK bool spool_reserve(struct spool *s, uint64_t n, uint64_t *at, struct err *e);
MUST_CHECK bool spool_write(struct spool *s, uint64_t at, const void *bytes, size_t n, struct err *e);

/* Is path the place itself or below it? The empty place is the top. */
bool layer_path_is_below(const char *path, const char *place);
/* Forgets the files at or below a place. */
void layer_files_drop(struct layer_files *f, const char *place);

/* Everything in the tar, which is taken over; ERR_REGISTRY. layer_reading.c */
MUST_CHECK bool layer_read(struct layer_files *out, struct spool *s, struct source *tar, const char *what, struct err *e);

#endif
