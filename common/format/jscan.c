/* A recursive walk over JSON text that allocates nothing but the list of odd numbers. Depth is limited before it costs
 * stack, every byte is looked at once, and the first thing that is wrong is named by its offset. */
#include "format/jscan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

struct scan {
    const char *p;
    size_t n;
    size_t at;
    size_t depth;
    size_t n_numbers;
    enum jread_mode mode;
    const char *what;
    struct jscan *found;
    struct err *e;
};

static bool bad(struct scan *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool bad(struct scan *s, const char *fmt, ...)
{
    char why[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(s->e, ERR_FORMAT, "%s: byte %zu: %s", s->what, s->at, why);
}

static bool at_end(const struct scan *s)
{
    return s->at == s->n;
}

static char look(const struct scan *s)
{
    return at_end(s) ? '\0' : s->p[s->at];
}

static bool unexpected(struct scan *s, const char *wanted)
{
    if (at_end(s))
        return bad(s, "the text ends, expected %s", wanted);
    unsigned char c = (unsigned char)s->p[s->at];
    if (c > 0x20 && c < 0x7F)
        return bad(s, "expected %s, found '%c'", wanted, c);
    return bad(s, "expected %s, found byte 0x%02x", wanted, c);
}

static bool skip_space(struct scan *s)
{
    while (!at_end(s) && strchr(" \t\r\n", s->p[s->at]) != NULL && s->p[s->at] != '\0') {
        if (s->p[s->at] == '\r' && s->mode == JREAD_STRICT)
            return bad(s, "carriage return, lines end with LF alone");
        s->at++;
    }
    return true;
}

/* Four hex digits at the cursor, or false. */
static bool hex4(struct scan *s, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        char c = look(s);
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return unexpected(s, "a hex digit");
        *out = *out << 4 | digit;
    }
    return true;
}

/* After "\u". A code point beyond the first plane is two escapes, and neither half stands alone. */
static bool scan_unicode_escape(struct scan *s)
{
    size_t from = s->at - 2;
    uint32_t code;
    uint32_t low;
    if (!hex4(s, &code))
        return false;
    if (code >= 0xD800 && code <= 0xDBFF && s->n - s->at >= 2 && memcmp(s->p + s->at, "\\u", 2) == 0) {
        s->at += 2;
        if (!hex4(s, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return true;
    }
    bool is_half = code >= 0xD800 && code <= 0xDFFF;
    if (code != 0 && !is_half)
        return true;
    s->at = from;
    return bad(s, is_half ? "half of a surrogate pair" : "\\u0000 in a string");
}

static bool scan_escape(struct scan *s)
{
    s->at++;
    char c = look(s);
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return unexpected(s, "an escape (one of \"\\/bfnrtu)");
    s->at++;
    return c != 'u' || scan_unicode_escape(s);
}

static bool scan_string(struct scan *s, bool is_key)
{
    s->at++;
    while (!at_end(s) && s->p[s->at] != '"') {
        unsigned char c = (unsigned char)s->p[s->at];
        uint32_t code;
        if (c == '\\') {
            if (is_key && s->mode == JREAD_STRICT)
                return bad(s, "escape in a key");
            if (!scan_escape(s))
                return false;
            continue;
        }
        if (c < 0x20)
            return bad(s, "control byte 0x%02x in a string", c);
        size_t step = c < 0x80 ? 1 : text_utf8_step((const uint8_t *)s->p + s->at, s->n - s->at, &code);
        if (step == 0)
            return bad(s, "invalid UTF-8 (byte 0x%02x)", c);
        s->at += step;
    }
    if (at_end(s))
        return unexpected(s, "the end of a string");
    s->at++;
    return true;
}

static size_t skip_digits(struct scan *s)
{
    size_t from = s->at;
    while (look(s) >= '0' && look(s) <= '9')
        s->at++;
    return s->at - from;
}

/* The grammar of RFC 8259 from the cursor on; *is_whole tells whether it had only digits. */
static bool scan_number_form(struct scan *s, bool *is_whole)
{
    size_t from = s->at;
    if (look(s) == '-')
        s->at++;
    bool is_zero = look(s) == '0';
    size_t n = skip_digits(s);
    if (n == 0)
        return unexpected(s, "a digit");
    if (is_zero && n > 1)
        return bad(s, "number with a leading zero");
    *is_whole = s->p[from] != '-';
    if (look(s) == '.') {
        s->at++;
        *is_whole = false;
        if (skip_digits(s) == 0)
            return unexpected(s, "a digit");
    }
    if (look(s) == 'e' || look(s) == 'E') {
        s->at++;
        *is_whole = false;
        if (look(s) == '+' || look(s) == '-')
            s->at++;
        if (skip_digits(s) == 0)
            return unexpected(s, "a digit");
    }
    return true;
}

static bool scan_number(struct scan *s)
{
    size_t from = s->at;
    bool is_whole = false;
    uint64_t v;
    if (!scan_number_form(s, &is_whole))
        return false;
    size_t len = s->at - from;
    size_t which = s->n_numbers++;
    if (len <= LIMIT_JSON_NUMBER_CHARS && is_whole && num_parse(&v, s->p + from, len, LIMIT_JSON_NUMBER))
        return true;
    if (len <= LIMIT_JSON_NUMBER_CHARS && s->mode != JREAD_STRICT) {
        MEM_PUSH(s->found->odd, s->found->n_odd, s->found->cap_odd) = which;
        return true;
    }
    s->at = from;
    if (len > LIMIT_JSON_NUMBER_CHARS)
        return bad(s, "number of %zu characters, at most %d", len, LIMIT_JSON_NUMBER_CHARS);
    return bad(s, "number \"%.*s\", expected a whole number below 2^53", (int)len, s->p + from);
}

static bool scan_word(struct scan *s)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if (s->n - s->at >= n && memcmp(s->p + s->at, words[i], n) == 0) {
            s->at += n;
            return true;
        }
    }
    return unexpected(s, "a value");
}

static bool scan_value(struct scan *s);

static bool scan_member(struct scan *s)
{
    if (look(s) != '"')
        return unexpected(s, "a key in quotes");
    if (!scan_string(s, true) || !skip_space(s))
        return false;
    if (look(s) != ':')
        return unexpected(s, "':'");
    s->at++;
    return scan_value(s);
}

/* An object or an array, from its bracket to the matching one. */
static bool scan_container(struct scan *s, char end, bool (*scan_item)(struct scan *))
{
    if (s->depth == LIMIT_JSON_DEPTH)
        return bad(s, "nesting deeper than %d", LIMIT_JSON_DEPTH);
    s->depth++;
    s->at++;
    if (!skip_space(s))
        return false;
    for (bool is_first = true; look(s) != end || !is_first; is_first = false) {
        if (!skip_space(s) || !scan_item(s) || !skip_space(s))
            return false;
        if (look(s) == end)
            break;
        if (look(s) != ',')
            return unexpected(s, end == '}' ? "',' or '}'" : "',' or ']'");
        s->at++;
    }
    s->at++;
    s->depth--;
    return true;
}

static bool scan_value(struct scan *s)
{
    if (!skip_space(s))
        return false;
    size_t max = s->mode == JREAD_REPORT ? LIMIT_REPORT_VALUES : LIMIT_JSON_VALUES;
    if (s->found->n_values++ == max)
        return bad(s, "more than %zu values", max);
    char c = look(s);
    if (c == '{')
        return scan_container(s, '}', scan_member);
    if (c == '[')
        return scan_container(s, ']', scan_value);
    if (c == '"')
        return scan_string(s, false);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_word(s);
}

bool jscan_text(struct jscan *out, const char *text, size_t n, const char *what, enum jread_mode mode, struct err *e)
{
    *out = (struct jscan){ 0 };
    struct scan s = { .p = text, .n = n, .mode = mode, .what = what, .found = out, .e = e };
    if (n > LIMIT_JSON_BYTES)
        return err_set(e, ERR_FORMAT, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)LIMIT_JSON_BYTES);
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return bad(&s, "byte order mark, expected JSON in plain UTF-8");
    if (!scan_value(&s) || !skip_space(&s))
        return false;
    return at_end(&s) || unexpected(&s, "the end of the document");
}

void jscan_clear(struct jscan *s)
{
    mem_free(s->odd);
    *s = (struct jscan){ 0 };
}
