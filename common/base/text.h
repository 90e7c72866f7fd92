/* Small questions about text, hex, and how bytes from outside are shown. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/auto.h"
#include "base/buf.h"

/* For looking, never owns. */
struct slice {
    const char *p;
    size_t n;
};

static inline struct slice slice_of(const char *s)
{
    return (struct slice){ s, __builtin_strlen(s) };
}

bool slice_is(struct slice s, const char *text);

bool text_is(const char *a, const char *b); /* equal; null equals only null */
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/* Copies src with NUL into dst[size]; false (dst empty) when it does not fit. */
MUST_CHECK bool text_copy(char *dst, size_t size, const char *src);

/* True when n bytes are well-formed UTF-8 (no surrogates, nothing overlong, at most U+10FFFF). */
bool text_is_utf8(const char *s, size_t n);
/* Length of the UTF-8 sequence at s (1 to 4 of at most n >= 1 bytes) and its code point, or 0 when it is malformed. */
size_t text_utf8_step(const uint8_t *s, size_t n, uint32_t *code);

enum { TEXT_SHOWN_MAX = 120, TEXT_SHOWN_BYTES = TEXT_SHOWN_MAX * 4 + 4 };

struct text_shown {
    char text[TEXT_SHOWN_BYTES];
};

/* Bytes from outside for a message or a log line: control bytes, invalid UTF-8 and direction overrides escaped (\x1b,
 * \u202e), cut after 120 characters. A bundle must not be able to paint the operator's terminal.
 *     err_set(e, ERR_FORMAT, "member %s", SHOWN(name));                                                          */
const char *text_printable(struct text_shown *out, const char *s, size_t n);
#define SHOWN(s) SHOWN_N((s), __builtin_strlen(s))
#define SHOWN_N(s, n) text_printable(&(struct text_shown){ { 0 } }, (s), (n))

/* Lower-case hex. out holds 2n + 1 bytes. */
void text_hex(char *out, const uint8_t *bytes, size_t n);
/* Exactly 2n lower-case hex digits; false otherwise. */
MUST_CHECK bool text_unhex(uint8_t *out, size_t n, const char *hex, size_t hex_len);

/* The end of a noun for n things: "%zu layer%s", n, text_s(n). */
static inline const char *text_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "1.4 GB"-like text for people (powers of 1000), and "2m 05s". */
const char *text_bytes(char out[24], uint64_t bytes);
const char *text_seconds(char out[24], double seconds);

/* The nearest of n names to a word that is unknown, or null when none is near (edit distance at most 3 and below half
 * the word's length + 1). */
const char *text_nearest(const char *word, const char *const *names, size_t n);

/* Shell-like match of one component: '*' and '?' only. */
bool text_glob(const char *pattern, const char *s);

#endif
