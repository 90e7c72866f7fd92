/* A tar archive of others, read entry by entry from a file: names, sizes and links are data, nothing is ever unpacked to where a name says.
 *
 *     AUTO(untar_close_auto) struct untar *u = untar_open(fd, "export", e);
 *     struct untar_entry entry;
 *     while (untar_next(u, &entry, e)) ... untar_content(u) ...
 *     if (e->code != ERR_NONE) return false;                                          */
#ifndef STREAM_UNTAR_H
#define STREAM_UNTAR_H

#include "base/limits.h"
#include "stream/sink.h"

enum untar_kind { UNTAR_FILE, UNTAR_LINK, UNTAR_OTHER };
struct untar_entry {
    enum untar_kind kind;
    const char *path;   /* without "./" in front; borrowed until the next call */
    const char *target; /* of a link: the path of another entry, worked out from the link's own place; null: outside of the archive */
    const char *text;   /* of a symbolic link: as it is written; else null */
    uint64_t size;
    bool is_folder; /* of UNTAR_OTHER */
    bool is_hard;   /* of UNTAR_LINK: one more name for a file; its target starts at the top */
    bool is_nameless; /* in a layer: the name leads out of it, or is too long; path is empty */
};

struct untar;
/* Reads from the beginning of the file, which is borrowed; what names it. */
MUST_CHECK struct untar *untar_open(int fd, const char *what, struct err *e);
/* The tar of an image's layer, from a source, which is taken over. Layers hold whole systems: more entries may come, files may have holes, and what has no usable name is
 * UNTAR_OTHER with an empty path. */
MUST_CHECK struct untar *untar_open_layer(struct source *from, const char *what, struct err *e);
void untar_close(struct untar *u);
AUTO_FREE(struct untar, untar_close)

/* False at the end (e untouched) or on failure (e set): ERR_REGISTRY "<what>: ...". */
MUST_CHECK bool untar_next(struct untar *u, struct untar_entry *out, struct err *e);
/* What follows the end of the archive, so that a source which proves itself at its own end does. After untar_next has ended well, of a layer. */
MUST_CHECK bool untar_rest(struct untar *u, struct err *e);
/* The content of the file that untar_next gave last. Borrows u; ends with the next call of untar_next. */
MUST_CHECK struct source *untar_content(struct untar *u);

#endif
