/* The file that a bundle, or a copy of one, is written to: a single one, or parts of one size beside each other, NAME.001, NAME.002 and so on, whose concatenation
 * is the file. Nothing of it is to be seen before output_publish.
 *
 *     AUTO(output_drop_auto) struct output *o = output_open(path, part_bytes, e);
 *     output_write(o, bytes, n, at, e) ...      any order, but no gap may stay
 *     output_file(o, e) ...                     what was written, to check it
 *     output_publish(o, may_replace, e)
 */
#ifndef BUNDLE_OUTPUT_H
#define BUNDLE_OUTPUT_H

#include "bundle/file.h"

struct output;

/* Nothing may lie under that name, or of parts under any of their names: one that is left would be taken for a part of this bundle. ERR_IO.
 */
MUST_CHECK bool output_check_free(const char *path, uint64_t part_bytes, struct err *e);
/* Removes what a run that was killed has left of a file or parts of that name under construction (where they have names meanwhile, as on
 * FAT): it takes the room that is needed. */
MUST_CHECK bool output_clean(const char *path, uint64_t part_bytes, struct err *e);

/* part_bytes: of every part but the last; 0: one file of the name path. Fails with ERR_IO, ERR_SPACE, ERR_LOCKED (another run is writing it). */
MUST_CHECK struct output *output_open(const char *path, uint64_t part_bytes, struct err *e);
/* Drops what was not published. */
void output_drop(struct output *o);
AUTO_FREE(struct output, output_drop)

/* Fails with ERR_IO; with ERR_SPACE when the disk is full, when the file system cannot hold so large a file, or when it takes more than LIMIT_PARTS parts. */
MUST_CHECK bool output_write(struct output *o, const void *bytes, size_t n, uint64_t at, struct err *e);
/* What was written before. ERR_IO, ERR_INTEGRITY. */
MUST_CHECK bool output_read(struct output *o, void *to, size_t n, uint64_t at, struct err *e);
/* Forgets what lies at end and behind it. */
MUST_CHECK bool output_truncate(struct output *o, uint64_t end, struct err *e);

/* What was written so far, to be read; borrows o. */
MUST_CHECK struct bundle_file *output_file(const struct output *o, struct err *e);

/* Syncs everything and gives each part its name, the first one last. Existing files are refused (ERR_IO) unless may_replace; then parts
 * that an earlier, longer set of this name has left are removed too, and its first part goes before all else: one that is interrupted is no
 * bundle, and does not look like one. */
MUST_CHECK bool output_publish(struct output *o, bool may_replace, struct err *e);

size_t output_parts(const struct output *o); /* 0: it is one file */
int output_fd(const struct output *o, size_t i); /* of part i, from 0; for tests */

#endif
