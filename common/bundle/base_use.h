/* Which layers of its base a delta reads from (docs/FORMAT.md section 3.6). Each costs the host that loads it a copy of that layer on its
 * disk, so one is read from only once more than 1/256 of it would be gained; until then what it has is stored again. A layer that the
 * release has too costs nothing as such: hosts have it unpacked. Sources are numbered in the order of first use. */
#ifndef BUNDLE_BASE_USE_H
#define BUNDLE_BASE_USE_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct base_use;
struct base_use *base_use_new(void);
void base_use_free(struct base_use *u);
AUTO_FREE(struct base_use, base_use_free)

/* The next candidate. Returns its number, from 0. */
size_t base_use_add(struct base_use *u);
/* Its tar has n bytes more. */
void base_use_grow(struct base_use *u, size_t candidate, uint64_t n);
uint64_t base_use_size(const struct base_use *u, size_t candidate);

/* It has n bytes that are wanted now. The number of its source; 0: not yet worth it. */
uint32_t base_use_ask(struct base_use *u, size_t candidate, uint64_t n);
/* It is used as a whole. The number of its source, which it has from now on. */
uint32_t base_use_take(struct base_use *u, size_t candidate);

/* The candidate that is source 1 + i; n of them are in use. */
size_t base_use_count(const struct base_use *u);
size_t base_use_candidate(const struct base_use *u, size_t i);

/* As for dedup_mark and dedup_rewind. */
void base_use_mark(struct base_use *u);
void base_use_rewind(struct base_use *u);

#endif
