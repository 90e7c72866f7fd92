/* Candidates and those in use. */
#include "bundle/base_use.h"

#include "base/mem.h"

#include "base/banned.h"

enum { WORTH = 256 }; /* one part in so many of a layer */

struct candidate {
    uint64_t size;
    uint64_t missed; /* bytes that could have been read from it before that was worth it */
    uint32_t source; /* 0: not in use */
    bool is_read;    /* by layers that are made of its pieces; one that is used as a whole alone need not be on a disk */
};

struct base_use {
    struct candidate *list;
    size_t n, cap;
    uint32_t *used; /* candidates in the order of their sources */
    size_t n_used, used_cap;
    struct candidate *marked; /* copies of them all */
    size_t n_marked, n_used_marked;
};

struct base_use *base_use_new(void)
{
    return mem_new(sizeof(struct base_use));
}

void base_use_free(struct base_use *u)
{
    mem_free(u->list);
    mem_free(u->used);
    mem_free(u->marked);
    mem_free(u);
}

size_t base_use_add(struct base_use *u)
{
    MEM_PUSH(u->list, u->n, u->cap) = (struct candidate){ 0 };
    return u->n - 1;
}

void base_use_grow(struct base_use *u, size_t candidate, uint64_t n)
{
    u->list[candidate].size += n;
}

uint64_t base_use_size(const struct base_use *u, size_t candidate)
{
    return u->list[candidate].size;
}

uint32_t base_use_take(struct base_use *u, size_t candidate)
{
    struct candidate *c = &u->list[candidate];
    if (c->source == 0) {
        MEM_PUSH(u->used, u->n_used, u->used_cap) = (uint32_t)candidate;
        c->source = (uint32_t)u->n_used;
    }
    return c->source;
}

uint32_t base_use_ask(struct base_use *u, size_t candidate, uint64_t n)
{
    struct candidate *c = &u->list[candidate];
    if (!c->is_read) {
        c->missed += n;
        c->is_read = c->missed > c->size / WORTH;
    }
    return c->is_read ? base_use_take(u, candidate) : 0;
}

size_t base_use_count(const struct base_use *u)
{
    return u->n_used;
}

size_t base_use_candidate(const struct base_use *u, size_t i)
{
    return u->used[i];
}

void base_use_mark(struct base_use *u)
{
    mem_free(u->marked);
    u->marked = u->n == 0 ? NULL : mem_copy(u->list, u->n * sizeof *u->list);
    u->n_marked = u->n;
    u->n_used_marked = u->n_used;
}

void base_use_rewind(struct base_use *u)
{
    u->n = u->n_marked;
    u->n_used = u->n_used_marked;
    for (size_t i = 0; i < u->n; i++)
        u->list[i] = u->marked[i];
}
