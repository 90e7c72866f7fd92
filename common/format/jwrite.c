/* JSON out of calls. ASCII only, so that a document has one byte form whatever editor or terminal it meets, and so that
 * signed documents of ours cannot hide look-alike characters. Misuse of the interface (a key inside an array, an end too
 * many) is a bug of the caller and stops the program. */
#include "format/jwrite.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { PRETTY_LEVELS = 2, REPLACEMENT = 0xFFFD };

struct level {
    bool is_array;
    size_t n; /* items so far */
};

struct jwrite {
    struct buf text;
    enum jwrite_form form;
    size_t depth;
    bool is_complete; /* the outermost value has ended */
    struct level levels[LIMIT_JSON_DEPTH];
};

struct jwrite *jwrite_new(enum jwrite_form form, uint64_t max_bytes)
{
    struct jwrite *w = mem_new(sizeof *w);
    w->form = form;
    w->text.max = max_bytes;
    return w;
}

void jwrite_free(struct jwrite *w)
{
    if (w == NULL)
        return;
    buf_clear(&w->text);
    mem_free(w);
}

static void add_code(struct buf *b, uint32_t c)
{
    if (c == '"' || c == '\\') {
        buf_addc(b, '\\');
        buf_addc(b, (char)c);
    } else if (c == '\n') {
        buf_adds(b, "\\n");
    } else if (c == '\t') {
        buf_adds(b, "\\t");
    } else if (c >= 0x20 && c < 0x7F) {
        buf_addc(b, (char)c);
    } else if (c <= 0xFFFF) {
        buf_addf(b, "\\u%04x", c);
    } else {
        buf_addf(b, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
}

static bool is_bare(uint8_t c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void add_string(struct buf *b, const char *text, size_t n)
{
    const uint8_t *s = (const uint8_t *)text;
    buf_addc(b, '"');
    for (size_t i = 0; i < n && !b->over;) {
        size_t run = i;
        while (run < n && is_bare(s[run]))
            run++;
        buf_add(b, text + i, run - i);
        i = run;
        if (i < n) {
            uint32_t code = REPLACEMENT;
            size_t step = text_utf8_step(s + i, n - i, &code);
            i += step > 0 ? step : 1;
            add_code(b, code);
        }
    }
    buf_addc(b, '"');
}

static void break_line(struct jwrite *w, size_t indent)
{
    if (w->form != JWRITE_PRETTY || indent > PRETTY_LEVELS)
        return;
    buf_addc(&w->text, '\n');
    for (size_t i = 0; i < indent; i++)
        buf_adds(&w->text, "  ");
}

/* Comma, line break and key: what stands before every value. */
static void begin_value(struct jwrite *w, const char *key)
{
    BUG_IF(w->is_complete);
    if (w->depth == 0) {
        BUG_IF(key != NULL);
        return;
    }
    struct level *at = &w->levels[w->depth - 1];
    BUG_IF((key == NULL) != at->is_array);
    if (at->n++ > 0)
        buf_addc(&w->text, ',');
    break_line(w, w->depth);
    if (key != NULL) {
        add_string(&w->text, key, strlen(key));
        buf_adds(&w->text, w->form == JWRITE_PRETTY ? ": " : ":");
    }
}

static void end_value(struct jwrite *w)
{
    w->is_complete = w->depth == 0;
}

static void open_level(struct jwrite *w, const char *key, bool is_array)
{
    begin_value(w, key);
    BUG_IF(w->depth == LIMIT_JSON_DEPTH);
    w->levels[w->depth++] = (struct level){ .is_array = is_array };
    buf_addc(&w->text, is_array ? '[' : '{');
}

void jwrite_object(struct jwrite *w, const char *key)
{
    open_level(w, key, false);
}

void jwrite_array(struct jwrite *w, const char *key)
{
    open_level(w, key, true);
}

void jwrite_end(struct jwrite *w)
{
    BUG_IF(w->depth == 0);
    struct level at = w->levels[--w->depth];
    if (at.n > 0 && w->depth < PRETTY_LEVELS)
        break_line(w, w->depth);
    buf_addc(&w->text, at.is_array ? ']' : '}');
    end_value(w);
}

void jwrite_str_n(struct jwrite *w, const char *key, const char *text, size_t n)
{
    begin_value(w, key);
    add_string(&w->text, text, n);
    end_value(w);
}

void jwrite_str(struct jwrite *w, const char *key, const char *text)
{
    jwrite_str_n(w, key, text, strlen(text));
}

void jwrite_u64(struct jwrite *w, const char *key, uint64_t v)
{
    begin_value(w, key);
    buf_addf(&w->text, "%" PRIu64, v);
    end_value(w);
}

void jwrite_i64(struct jwrite *w, const char *key, int64_t v)
{
    begin_value(w, key);
    buf_addf(&w->text, "%" PRId64, v);
    end_value(w);
}

void jwrite_double(struct jwrite *w, const char *key, double v, int decimals)
{
    begin_value(w, key);
    size_t from = w->text.len;
    buf_addf(&w->text, "%.*f", decimals, isfinite(v) ? v : 0.0);
    for (size_t i = from; i < w->text.len; i++)
        if (w->text.data[i] == ',') /* the decimal point of another locale */
            w->text.data[i] = '.';
    end_value(w);
}

void jwrite_bool(struct jwrite *w, const char *key, bool v)
{
    begin_value(w, key);
    buf_adds(&w->text, v ? "true" : "false");
    end_value(w);
}

void jwrite_null(struct jwrite *w, const char *key)
{
    begin_value(w, key);
    buf_adds(&w->text, "null");
    end_value(w);
}

void jwrite_digest(struct jwrite *w, const char *key, const struct digest *d)
{
    jwrite_str(w, key, DIGEST_SHOWN(d));
}

void jwrite_digest_hex(struct jwrite *w, const char *key, const struct digest *d)
{
    jwrite_str(w, key, DIGEST_HEX(d));
}

bool jwrite_done(struct jwrite *w, struct buf *out, const char *what, struct err *e)
{
    BUG_IF(!w->is_complete);
    if (!buf_done(&w->text, what, e))
        return false;
    buf_add(out, w->text.data, w->text.len);
    buf_addc(out, '\n');
    return buf_done(out, what, e);
}
