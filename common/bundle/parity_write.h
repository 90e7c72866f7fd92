/* Making the parity file of a bundle (docs/FORMAT.md section 12). The bundle is read once, a piece of each slice at a time; memory: 32 MiB
 * and a little. */
#ifndef BUNDLE_PARITY_WRITE_H
#define BUNDLE_PARITY_WRITE_H

#include "base/progress.h"
#include "bundle/parity_record.h"

/* Where the bytes of the bundle come from. Thread: any. */
struct parity_source {
    bool (*read)(void *ctx, void *to, size_t n, uint64_t at, struct err *e);
    void *ctx;
};

struct parity_how {
    unsigned jobs;                   /* threads, at least 1 */
    const struct progress *progress; /* phase "parity"; may be null */
};
/* Where each thread has 4 MiB of its own: a block of the largest kind. */
static inline unsigned parity_threads(const struct parity_how *how)
{
    return how->jobs < 8 ? how->jobs : 8;
}

/* Writes the records of rows first to end - 1 (0 and s->rows: all) into an open file. name is for messages. */
MUST_CHECK bool parity_write(int to, const char *name, const struct parity_shape *s, const struct parity_source *from, uint32_t first, uint32_t end,
                             const struct parity_how *how, struct err *e);

/* The read of a parity_source whose ctx is a struct bundle_file. */
bool parity_read_bundle(void *ctx, void *to, size_t n, uint64_t at, struct err *e);

#endif
