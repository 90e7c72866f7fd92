/* Read before every file that tests/lint/tidy.sh looks at: tells analyzers, which see one file at a time, what functions of other files promise. */
#include "base/err.h"
#include "base/mem.h"

void *mem_grow(void *items, size_t n, size_t *cap, size_t item_bytes) __attribute__((returns_nonnull));
char *mem_format(const char *fmt, ...) __attribute__((returns_nonnull));

#define err_set(...) (err_set(__VA_ARGS__), false)
#define err_in(...) (err_in(__VA_ARGS__), false)
#define err_hint(...) (err_hint(__VA_ARGS__), false)
#define err_as(...) (err_as(__VA_ARGS__), false)
