/* Where exports go: a tar archive, or a directory. Both appear whole or not at all, replace nothing, and are refused before the first byte
 * when there is not room for them. */
#ifndef FORMS_FORM_OUTPUT_H
#define FORMS_FORM_OUTPUT_H

#include "base/progress.h"
#include "stream/archive.h"
#include "sys/file.h"

/* May something of this size appear there, whose largest file has so many bytes? ERR_USAGE for a pipe ("-"), ERR_IO "exists already",
 * ERR_SPACE with how much is missing, or that no file there can be so large (FAT32). */
MUST_CHECK bool form_output_check(const char *path, uint64_t bytes, uint64_t largest, struct err *e);

/* Phase "export" of progress counts content. *bytes: what was written. ERR_IO, ERR_SPACE, ERR_INTERRUPTED, and what the parts' sources
 * give. */
MUST_CHECK bool form_output_archive(const struct archive_list *list, const char *path, const struct progress *progress, uint64_t *bytes,
                                    struct err *e);
/* Paths of parts become files beneath path. */
MUST_CHECK bool form_output_directory(const struct archive_list *list, const char *path, const struct progress *progress, uint64_t *bytes,
                                      struct err *e);

/* A file of mode 0644 that a writer fills: counts, tells progress, publishes. The file of a form that is no list of parts. */
typedef bool (*form_output_fn)(void *ctx, struct sink *to, struct err *e);
MUST_CHECK bool form_output_file(const char *path, form_output_fn write, void *ctx, struct err *e);

#endif
