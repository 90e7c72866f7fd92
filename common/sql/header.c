/* Header words are separated by blanks; verify= would take the rest of its line, but like everything else beside time-outs it
 * waits for mode=single. What is not built is refused by name: a header that is silently ignored would be a promise broken. */
#include "sql/header.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

struct place {
    const char *name;
    size_t line;
};

static const char *const keys[] = { "mode",     "timeout",  "lock_timeout",     "verify",
                                    "baseline", "optional", "own-transactions" };

static bool wrong(const struct place *at, struct err *e, const char *what, struct slice s)
{
    return err_set(e, ERR_CONFIG, "%s:%zu: archon header: %s \"%s\"", SHOWN(at->name), at->line, what, SHOWN_N(s.p, s.n));
}

static bool read_duration(unsigned *out_ms, struct slice s)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 } };
    size_t digits = 0;
    uint64_t count = 0;
    uint64_t ms = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    struct slice unit = { s.p + digits, s.n - digits };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (slice_is(unit, units[i].unit) && num_parse(&count, s.p, digits, LIMIT_SQL_TIMEOUT_MS / units[i].ms))
            ms = count * units[i].ms;
    *out_ms = (unsigned)ms;
    return ms > 0;
}

static bool take_duration(unsigned *out_ms, const struct place *at, struct slice key, struct slice value, struct err *e)
{
    if (*out_ms != 0)
        return wrong(at, e, "repeated key", key);
    if (read_duration(out_ms, value))
        return true;
    wrong(at, e, "expected a time like 500ms, 5s, 10min or 2h, at most 168h, found", value);
    return false;
}

static bool take_mode(struct sql_header *h, const struct place *at, struct slice key, struct slice value, struct err *e)
{
    if (h->has_mode)
        return wrong(at, e, "repeated key", key);
    h->has_mode = true;
    if (slice_is(value, "transaction"))
        return true;
    if (slice_is(value, "single"))
        return wrong(at, e, "not in this version: mode", value);
    return wrong(at, e, "expected mode=transaction, found mode", value);
}

static bool unknown(const struct place *at, struct slice key, struct err *e)
{
    char word[32] = "";
    for (size_t i = 3; i < ARRAY_LEN(keys); i++)
        if (slice_is(key, keys[i]))
            return wrong(at, e, "not in this version:", key);
    wrong(at, e, "unknown key", key);
    if (key.n < sizeof word)
        memcpy(word, key.p, key.n);
    const char *near = text_nearest(word, keys, 3);
    return near == NULL ? err_hint(e, "known are mode, timeout and lock_timeout") : err_hint(e, "did you mean %s?", near);
}

static bool take_word(struct sql_header *h, const struct place *at, struct slice word, struct err *e)
{
    const char *equals = memchr(word.p, '=', word.n);
    struct slice key = { word.p, equals == NULL ? word.n : (size_t)(equals - word.p) };
    struct slice value = { word.p + key.n + (equals != NULL), word.n - key.n - (equals != NULL) };
    if (slice_is(key, "mode"))
        return take_mode(h, at, key, value, e);
    if (slice_is(key, "timeout"))
        return take_duration(&h->timeout_ms, at, key, value, e);
    if (slice_is(key, "lock_timeout"))
        return take_duration(&h->lock_timeout_ms, at, key, value, e);
    return unknown(at, key, e);
}

bool sql_header_read(struct sql_header *h, const char *text, size_t n, const char *name, size_t line, struct err *e)
{
    struct place at = { name, line };
    size_t words = 0;
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        while (i + len < n && text[i + len] != ' ' && text[i + len] != '\t')
            len++;
        if (len > 0 && !take_word(h, &at, (struct slice){ text + i, len }, e))
            return false;
        words += len > 0;
        i += len + 1;
    }
    return words > 0 || err_set(e, ERR_CONFIG, "%s:%zu: archon header: nothing after \"archon:\"", SHOWN(name), line);
}
