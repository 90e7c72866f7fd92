/* Where the files of a definition come from: a directory, or memory (the built-in application, a bundle's members, tests).
 * Names are relative to the definition and safe (sys/path.h); nothing outside can be named, no link is followed.
 *
 *     AUTO(source_free_auto) struct source *src = source_directory("/home/me/shop");
 *     AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
 *     if (!source_read(src, "compose.yaml", &text, e)) ...
 */
#ifndef APP_SOURCE_H
#define APP_SOURCE_H

#include "base/buf.h"

struct source;

struct source_file { /* of a source in memory; borrowed */
    const char *name;
    const void *bytes;
    size_t n;
    bool is_executable;
};

struct source *source_directory(const char *root);
/* Borrows the table as long as the source lives. */
struct source *source_memory(const struct source_file *files, size_t n);
void source_free(struct source *s);
AUTO_FREE(struct source, source_free)

enum source_kind { SOURCE_NOTHING, SOURCE_FILE, SOURCE_FOLDER };
struct source_stat {
    enum source_kind kind;
    uint64_t size;
    bool is_executable;
};
/* What is there. A link or a special file is ERR_CONFIG. */
MUST_CHECK bool source_stat(const struct source *s, const char *name, struct source_stat *out, struct err *e);

/* The whole file, at most out->max bytes (more is ERR_CONFIG). A missing file is ERR_CONFIG too. */
MUST_CHECK bool source_read(const struct source *s, const char *name, struct buf *out, struct err *e);

/* The file piece by piece, for files of any size. */
typedef bool (*source_bytes_fn)(void *ctx, const void *bytes, size_t n, struct err *e);
MUST_CHECK bool source_stream(const struct source *s, const char *name, source_bytes_fn fn, void *ctx, struct err *e);

/* Every file below a folder (or the file itself), sorted by bytes, names relative to the source. Hidden ones are left out. */
typedef bool (*source_name_fn)(void *ctx, const char *name, struct err *e);
MUST_CHECK bool source_list(const struct source *s, const char *folder, source_name_fn fn, void *ctx, struct err *e);

#endif
