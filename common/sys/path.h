/* Paths. A relative name from outside becomes a struct safe_path or nothing; all writing below a directory goes through
 * dir functions that cannot leave it. CONTRACT */
#ifndef SYS_PATH_H
#define SYS_PATH_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/limits.h"

/* A relative path of plain components: [A-Za-z0-9._+@-], none "." or "..", at most LIMIT_NAME_BYTES and LIMIT_NAME_DEPTH. */
struct safe_path {
    char text[LIMIT_NAME_BYTES + 1];
};
/* what names the document in the message. Fails with ERR_FORMAT "<what>: illegal name "x" (reason)". */
MUST_CHECK bool safe_path_parse(struct safe_path *out, const char *text, const char *what, struct err *e);

/* dir + "/" + name as a new string (mem_free). Absolute name: the name itself. */
char *path_join(const char *dir, const char *name);
char *path_dir(const char *path);   /* "a/b/c" -> "a/b", "c" -> "." */
const char *path_base(const char *path);
/* An existing directory, or something that ends in a slash and so must be one. */
bool path_is_directory(const char *path);
char *path_trim(const char *path);  /* without slashes at the end; "/" stays */

/* mkdir -p; new directories get mode. An existing non-directory is ERR_IO. */
MUST_CHECK bool path_make_dirs(const char *path, mode_t mode, struct err *e);
/* Removes a tree without following links, staying on paths below it; a missing one is fine. */
MUST_CHECK bool path_remove_tree(const char *path, struct err *e);
/* Writes bytes at dir/name (parents made 0755 beneath dir; no symlink is followed below dir), published whole. */
MUST_CHECK bool path_write_beneath(const char *dir, const struct safe_path *name, const void *bytes, size_t n, mode_t mode,
                                   struct err *e);
/* The same for a large file: parents are made now, the file is written by the caller and named with publish_commit (sys/file.h). */
struct publish;
MUST_CHECK struct publish *path_publish_beneath(const char *dir, const struct safe_path *name, mode_t mode, struct err *e);

/* Opens the regular file dir/name for reading; dir_fd is that directory, shown its path for messages. No link is followed below it, nothing but a regular file is
 * opened (a FIFO does not hang). A missing file is *is_there = false; -1 with ERR_IO for everything else that is wrong. */
MUST_CHECK int path_open_beneath(int dir_fd, const struct safe_path *name, const char *shown, bool *is_there, struct err *e);

/* Every name in one directory but "." and "..", sorted by bytes; more than max are ERR_CONFIG. */
struct path_names {
    char **text;
    size_t n;
    size_t cap;
};
MUST_CHECK bool path_list(const char *dir, uint64_t max, struct path_names *out, struct err *e);
void path_names_clear(struct path_names *names);

/* Regular files below root, sorted by bytes, relative names; hidden names (leading dot) are left out. Symlinks and special
 * files are ERR_CONFIG. Calls fn for each until it returns false. */
typedef bool (*path_visit_fn)(void *ctx, const char *relative, struct err *e);
MUST_CHECK bool path_walk(const char *root, uint64_t max_files, path_visit_fn fn, void *ctx, struct err *e);

#endif
