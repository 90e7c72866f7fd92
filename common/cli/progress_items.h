/* The items of a phase that are under way: downloads, layers. Private to this folder; the caller has the lock. */
#ifndef CLI_PROGRESS_ITEMS_H
#define CLI_PROGRESS_ITEMS_H

#include "base/progress.h"

enum { PROGRESS_ITEMS = 8, PROGRESS_NAME_BYTES = 160 }; /* more are worked on, but not shown */

struct progress_item {
    char name[PROGRESS_NAME_BYTES]; /* empty: a free place */
    uint64_t done, total;
    uint64_t order;    /* of appearance */
    uint64_t told_ms;  /* JSON: when it was told last */
};
struct progress_items {
    struct progress_item all[PROGRESS_ITEMS];
    uint64_t n_seen;
    uint64_t n_finished, n_cached, cached_bytes;
};
/* Takes in what a fact tells of an item. name is printable. Null: it is finished, or there is no place for it. *is_new: not seen before. */
struct progress_item *progress_items_take(struct progress_items *p, const char *name, const struct progress_fact *f, bool *is_new);
/* Those under way, oldest first. */
size_t progress_items_list(const struct progress_items *p, const struct progress_item *out[PROGRESS_ITEMS]);

#endif
