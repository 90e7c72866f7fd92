/* Looking at a cache as a whole. Names come sorted, so that everything that belongs to one blob stands together. Whoever removes takes the blob first, through holds of its own:
 * then no run uses it, and one that asks for it meanwhile waits and finds it gone. */
#include "bundler/cache_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundler/cache_parts.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

enum { HEX = 2 * DIGEST_BYTES };

void cache_listing_clear(struct cache_listing *l)
{
    if (l->names != NULL)
        path_names_clear(l->names);
    mem_free(l->names);
    mem_free(l->entries);
    *l = (struct cache_listing){ 0 };
}

void cache_listing_clear_auto(struct cache_listing *l)
{
    cache_listing_clear(l);
}

/* ---- looking ---- */

/* A regular file whose name begins with a digest. */
static bool is_ours(const struct cache *c, const char *name, struct digest *digest, struct stat *st)
{
    AUTO(mem_auto) char *path = path_join(c->blobs, name);
    return strlen(name) >= HEX && text_unhex(digest->bytes, sizeof digest->bytes, name, HEX) && (name[HEX] == '\0' || name[HEX] == '.') &&
           lstat(path, st) == 0 && S_ISREG(st->st_mode);
}

/* A part that arrives in several places at once has holes. */
static uint64_t bytes_on_disk(const struct stat *st)
{
    uint64_t taken = (uint64_t)st->st_blocks * 512;
    uint64_t size = (uint64_t)st->st_size;
    return taken < size ? taken : size;
}

static void add_name(struct cache_listing *l, size_t i, const struct digest *digest, const struct stat *st)
{
    struct cache_entry *x = l->n > 0 ? &l->entries[l->n - 1] : NULL;
    if (x == NULL || !digest_equal(&x->digest, digest)) {
        MEM_PUSH(l->entries, l->n, l->cap) = (struct cache_entry){ .digest = *digest, .first_name = i, .used = INT64_MIN };
        x = &l->entries[l->n - 1];
    }
    bool is_blob = l->names->text[i][HEX] == '\0';
    uint64_t bytes = is_blob ? (uint64_t)st->st_size : bytes_on_disk(st);
    x->n_names = i + 1 - x->first_name;
    x->is_complete = x->is_complete || is_blob;
    x->bytes += bytes;
    l->bytes += bytes;
    if (st->st_mtim.tv_sec > x->used)
        x->used = st->st_mtim.tv_sec;
}

bool cache_list(const struct cache *c, struct cache_listing *out, struct err *e)
{
    *out = (struct cache_listing){ .names = mem_new(sizeof *out->names) };
    if (c->dir == NULL)
        return true;
    int64_t now = clock_unix();
    if (!path_list(c->blobs, LIMIT_TREE_FILES, out->names, e))
        return err_in(e, "blob cache");
    for (size_t i = 0; i < out->names->n; i++) {
        struct digest digest;
        struct stat st;
        if (is_ours(c, out->names->text[i], &digest, &st))
            add_name(out, i, &digest, &st);
        else
            out->n_unknown++;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct cache_entry *x = &out->entries[i];
        x->used = x->used > now ? now : x->used; /* of a clock that was wrong: not for ever the last to go */
        x->is_in_use = holds_is_used(c->holds, cache_number(&x->digest));
    }
    return true;
}

/* ---- making room ---- */

struct removal {
    const struct cache *cache;
    const struct cache_listing *list;
    struct holds *holds; /* our own: what c holds is in use, too */
    struct cache_room *room;
};

struct holds *cache_open_holds(const struct cache *c, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(c->dir, CACHE_HOLDS);
    struct holds *h = holds_open(path, e);
    if (h == NULL)
        err_in(e, "blob cache");
    return h;
}

/* Used since it was looked at? */
static bool is_as_listed(const struct removal *r, const struct cache_entry *x)
{
    for (size_t i = 0; i < x->n_names; i++) {
        struct digest digest;
        struct stat st;
        if (is_ours(r->cache, r->list->names->text[x->first_name + i], &digest, &st) && st.st_mtim.tv_sec > x->used && st.st_mtim.tv_sec <= clock_unix())
            return false;
    }
    return true;
}

static bool remove_files(const struct removal *r, const struct cache_entry *x, struct err *e)
{
    for (size_t i = 0; i < x->n_names; i++) {
        struct digest digest;
        struct stat st;
        const char *name = r->list->names->text[x->first_name + i];
        AUTO(mem_auto) char *path = path_join(r->cache->blobs, name);
        if (is_ours(r->cache, name, &digest, &st) && !file_remove(path, e))
            return err_in(e, "blob cache");
    }
    return true;
}

/* Removes a blob with all that belongs to it, unless somebody uses it. */
static bool remove_entry(const struct removal *r, const struct cache_entry *x, struct err *e)
{
    uint64_t number = cache_number(&x->digest);
    if (!start_check(e))
        return false;
    if (!holds_take(r->holds, number)) {
        r->room->n_in_use++;
        return true;
    }
    bool is_wanted = is_as_listed(r, x);
    bool is_good = !is_wanted || remove_files(r, x, e);
    holds_release(r->holds, number);
    if (!is_wanted)
        r->room->n_in_use++;
    else if (is_good) {
        r->room->n_removed++;
        r->room->n_left--;
        r->room->freed_bytes += x->bytes;
        r->room->left_bytes -= x->bytes;
    }
    return is_good;
}

/* Parts first; then what was used longest ago. */
static int by_use(const void *a, const void *b)
{
    const struct cache_entry *x = a, *y = b;
    if (x->is_complete != y->is_complete)
        return x->is_complete - y->is_complete;
    return x->used != y->used ? (x->used > y->used) - (x->used < y->used) : digest_compare(&x->digest, &y->digest);
}

bool cache_make_room(const struct cache *c, const struct cache_wanted *wanted, struct cache_room *out, struct err *e)
{
    AUTO(cache_listing_clear_auto) struct cache_listing list = { 0 };
    *out = (struct cache_room){ 0 };
    if (!cache_list(c, &list, e))
        return false;
    *out = (struct cache_room){ .n_left = list.n, .left_bytes = list.bytes };
    if (list.n == 0)
        return true;
    AUTO(holds_close_auto) struct holds *holds = cache_open_holds(c, e);
    if (holds == NULL)
        return false;
    struct removal r = { c, &list, holds, out };
    qsort(list.entries, list.n, sizeof *list.entries, by_use);
    for (size_t i = 0; i < list.n; i++)
        if ((list.entries[i].used < wanted->used_since || out->left_bytes > wanted->bytes) && !remove_entry(&r, &list.entries[i], e))
            return false;
    return true;
}
