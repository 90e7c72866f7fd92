/* A small table: what is finished leaves it. */
#include "cli/progress_items.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static struct progress_item *find(struct progress_items *p, const char *name)
{
    for (size_t i = 0; i < PROGRESS_ITEMS; i++)
        if (strcmp(p->all[i].name, name) == 0)
            return &p->all[i];
    return NULL;
}

struct progress_item *progress_items_take(struct progress_items *p, const char *name, const struct progress_fact *f, bool *is_new)
{
    char kept[PROGRESS_NAME_BYTES];
    snprintf(kept, sizeof kept, "%s", name);
    struct progress_item *item = find(p, kept);
    *is_new = item == NULL;
    if (f->is_finished) {
        p->n_finished++;
        p->n_cached += f->is_from_cache;
        p->cached_bytes += f->is_from_cache ? f->done : 0;
        if (item != NULL)
            *item = (struct progress_item){ 0 };
        return NULL;
    }
    if (item == NULL) {
        item = find(p, "");
        if (item == NULL)
            return NULL;
        *item = (struct progress_item){ .order = p->n_seen++ };
        memcpy(item->name, kept, sizeof kept);
    }
    item->done = f->done;
    item->total = f->total;
    return item;
}

size_t progress_items_list(const struct progress_items *p, const struct progress_item *out[PROGRESS_ITEMS])
{
    size_t n = 0;
    for (size_t i = 0; i < PROGRESS_ITEMS; i++) {
        if (p->all[i].name[0] == '\0')
            continue;
        size_t at = n++;
        for (; at > 0 && out[at - 1]->order > p->all[i].order; at--)
            out[at] = out[at - 1];
        out[at] = &p->all[i];
    }
    return n;
}
