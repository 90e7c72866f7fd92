/* The lock file reader over arbitrary bytes. What is accepted can be written, and reads as the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "bundler/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct lock l, again;
    struct buf first = BUF_LIMIT(16 * MIB);
    struct buf second = BUF_LIMIT(16 * MIB);
    if (!lock_parse(&l, n > 0 ? (const char *)bytes : "", n, "fuzz", &e)) {
        must(e.code == ERR_CONFIG && l.items == NULL);
        return 0;
    }
    for (size_t i = 0; i < l.n; i++)
        must(l.items[i].n > 0 && lock_find(&l, l.items[i].image) == &l.items[i]);
    if (lock_write(&l, &first, &e) && first.len <= LIMIT_CONFIG_FILE_BYTES) {
        must(lock_parse(&again, buf_text(&first), first.len, "again", &e) && again.n == l.n);
        must(lock_write(&again, &second, &e) && strcmp(buf_text(&first), buf_text(&second)) == 0);
        lock_clear(&again);
    }
    buf_clear(&first);
    buf_clear(&second);
    lock_clear(&l);
    return 0;
}
