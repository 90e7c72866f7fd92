/* Where the files of a definition come from: a directory, or memory (the built-in application, a bundle's members, tests).
 * Names are relative to the definition and safe (sys/path.h); nothing outside can be named, no link is followed.
 *
 *     AUTO(origin_free_auto) struct origin *src = origin_directory("/home/me/shop");
 *     AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
 *     if (!origin_read(src, "compose.yaml", &text, e)) ...
 */
#ifndef APP_ORIGIN_H
#define APP_ORIGIN_H

#include "base/buf.h"

struct origin;

struct origin_file { /* of an origin in memory; borrowed */
    const char *name;
    const void *bytes;
    size_t n;
    bool is_executable;
};

struct origin *origin_directory(const char *root);
/* Borrows the table as long as the origin lives. */
struct origin *origin_memory(const struct origin_file *files, size_t n);
void origin_free(struct origin *s);
AUTO_FREE(struct origin, origin_free)

enum origin_kind { ORIGIN_NOTHING, ORIGIN_FILE, ORIGIN_FOLDER };
struct origin_stat {
    enum origin_kind kind;
    uint64_t size;
    bool is_executable;
};
/* What is there. A link or a special file is ERR_CONFIG. */
MUST_CHECK bool origin_stat(const struct origin *s, const char *name, struct origin_stat *out, struct err *e);

/* The whole file, at most out->max bytes (more is ERR_CONFIG). A missing file is ERR_CONFIG too. */
MUST_CHECK bool origin_read(const struct origin *s, const char *name, struct buf *out, struct err *e);

/* The file piece by piece, for files of any size. */
typedef bool (*origin_bytes_fn)(void *ctx, const void *bytes, size_t n, struct err *e);
MUST_CHECK bool origin_stream(const struct origin *s, const char *name, origin_bytes_fn fn, void *ctx, struct err *e);

/* Every file below a folder (or the file itself), sorted by bytes, names relative to the origin. Hidden ones are left out. */
typedef bool (*origin_name_fn)(void *ctx, const char *name, struct err *e);
MUST_CHECK bool origin_list(const struct origin *s, const char *folder, origin_name_fn fn, void *ctx, struct err *e);

#endif
