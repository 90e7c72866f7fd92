/* Text and bytes under construction. No buffer without a limit: appends never fail loudly, an overflow is sticky and
 * buf_done reports it once. The content is always NUL-terminated.
 *
 *     AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
 *     buf_addf(&url, "https://%s/v2/", host);
 *     if (!buf_done(&url, "blob URL", e))
 *         return false;
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"

struct buf {
    char *data; /* NUL-terminated once something was added; use buf_text() for a never-null view */
    size_t len;
    size_t cap;
    size_t max;
    bool over; /* something did not fit */
};

#define BUF_LIMIT(max_bytes) { .max = (max_bytes) }

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_addv(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* Room for n more bytes, to be filled by the caller, who then adds to len; null (and over) when it is beyond the limit. */
void *buf_reserve(struct buf *b, size_t n);

/* False with ERR_FORMAT "<what>: longer than N bytes" when something did not fit. */
MUST_CHECK bool buf_done(const struct buf *b, const char *what, struct err *e);

/* The text so far, never null. Borrows: until the next append. */
const char *buf_text(const struct buf *b);

/* Hands the NUL-terminated content over (mem_free); b is empty afterwards. Never null. */
char *buf_take(struct buf *b);

/* Empty again, memory and limit kept. */
void buf_reset(struct buf *b);
void buf_clear(struct buf *b);
void buf_clear_auto(struct buf *b);
/* The same after overwriting: for text with a secret in it. Reserve the limit first, as growing leaves copies behind. */
void buf_wipe_auto(struct buf *b);

#endif
