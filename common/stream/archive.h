/* A tar archive made on the fly, pulled by who writes or sends it: nothing is ever stored. Entries are produced in order; an entry whose source fails ends the archive
 * before anything that comes after it, so what stands last (the commit trailer) is only sent when all before it was right. */
#ifndef STREAM_ARCHIVE_H
#define STREAM_ARCHIVE_H

#include "stream/sink.h"

struct archive_part {
    char *path;        /* owned */
    uint64_t size;
    char *text;        /* owned content of size bytes, or null: */
    struct source *(*open)(void *ctx, struct err *e); /* opened when its turn comes; must give exactly size bytes, then the end */
    bool (*pass)(void *ctx, struct err *e); /* a gate: no entry at all */
    void *ctx;
};

struct archive_list {
    struct archive_part *parts;
    size_t n, cap;
};
void archive_list_text(struct archive_list *l, const char *path, const char *text, size_t n);
void archive_list_stream(struct archive_list *l, const char *path, uint64_t size, struct source *(*open)(void *ctx, struct err *e), void *ctx);
/* Nothing that stands after it leaves before pass has said yes (it may wait); all that stands before has left. False ends the archive there. */
void archive_list_gate(struct archive_list *l, bool (*pass)(void *ctx, struct err *e), void *ctx);
void archive_list_clear(struct archive_list *l);

/* Borrows the list. *sent (may be null) counts content bytes. */
struct source *archive_source(const struct archive_list *l, uint64_t *sent);

#endif
