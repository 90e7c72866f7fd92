/* Memory. Small allocations cannot fail: the program stops with one line (what it did is on disk, so stopping is safe).
 * A size that came from a file or the network is compared with a named limit before it comes here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/auto.h"

/* Zeroed memory for n bytes / n items. Owns: the caller, mem_free. Never null. */
void *mem_new(size_t n) __attribute__((malloc, returns_nonnull));
void *mem_new_array(size_t n, size_t item_bytes) __attribute__((malloc, returns_nonnull));

/* Like realloc; new bytes are not zeroed. Never null. */
void *mem_resize(void *p, size_t n) __attribute__((returns_nonnull));

/* Copies. mem_text copies a C string, mem_text_n at most n bytes of one and adds NUL; mem_text(NULL) is NULL. */
void *mem_copy(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *mem_text(const char *s);
char *mem_text_n(const char *s, size_t n);
char *mem_format(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Makes room for one more item in an array that grows by doubling: items, count, capacity.
 *     MEM_PUSH(list->items, list->n, list->cap) = item;                                                       */
void *mem_grow(void *items, size_t n, size_t *cap, size_t item_bytes);
#define MEM_PUSH(items, n, cap) \
    ((items) = mem_grow((items), (n), &(cap), sizeof *(items)), (items) + (n)++)[0]

void mem_free(void *p);

/* For AUTO() on any plain pointer: AUTO(mem_auto) char *s = mem_text(x); */
void mem_auto(void *pp);

#endif
