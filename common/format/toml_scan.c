/* Characters, texts and keys of TOML. */
#include "format/toml_parts.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

bool toml_refuse(struct toml_scan *r, const char *why)
{
    return err_set(r->e, ERR_CONFIG, "%s:%u: %s", SHOWN(r->what), r->line, why);
}

/* ---- characters ---- */

bool toml_is_at(const struct toml_scan *r, char c)
{
    return r->at < r->end && *r->at == c;
}

bool toml_take(struct toml_scan *r, char c)
{
    bool yes = toml_is_at(r, c);
    r->at += yes;
    return yes;
}

void toml_skip_blanks(struct toml_scan *r)
{
    while (toml_is_at(r, ' ') || toml_is_at(r, '\t'))
        r->at++;
}

static void skip_comment(struct toml_scan *r)
{
    toml_skip_blanks(r);
    if (toml_is_at(r, '#'))
        while (r->at < r->end && *r->at != '\n')
            r->at++;
}

/* The end of a line, with a comment before it. */
bool toml_end_line(struct toml_scan *r)
{
    skip_comment(r);
    toml_take(r, '\r');
    if (r->at == r->end)
        return true;
    if (!toml_take(r, '\n'))
        return toml_refuse(r, "expected the end of the line");
    r->line++;
    return true;
}

/* Blanks, comments and line breaks, as in arrays. */
void toml_skip_lines(struct toml_scan *r)
{
    for (;;) {
        skip_comment(r);
        toml_take(r, '\r');
        if (!toml_take(r, '\n'))
            return;
        r->line++;
    }
}

/* ---- strings ---- */

static bool add_code(struct toml_scan *r, struct buf *out, unsigned digits)
{
    uint32_t code = 0;
    for (unsigned i = 0; i < digits; i++, r->at++) {
        char c = r->at < r->end ? *r->at : '\0';
        uint32_t v = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;
        if (v == 16)
            return toml_refuse(r, "an escape has too few hex digits");
        code = code << 4 | v;
    }
    if (code < 0x20 || code == 0x7F || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return toml_refuse(r, "an escape is no character that a text may have");
    if (code < 0x80) {
        buf_addc(out, (char)code);
        return true;
    }
    unsigned n = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    buf_addc(out, (char)((code >> (6 * n)) | (n == 1 ? 0xC0u : n == 2 ? 0xE0u : 0xF0u)));
    for (; n > 0; n--)
        buf_addc(out, (char)(((code >> (6 * (n - 1))) & 0x3F) | 0x80));
    return true;
}

static bool add_escape(struct toml_scan *r, struct buf *out)
{
    static const char names[] = "tnr\"\\bf";
    static const char codes[] = "\t\n\r\"\\\b\f";
    char c = r->at < r->end ? *r->at++ : '\0';
    const char *found = c == '\0' ? NULL : strchr(names, c);
    if (c == 'u' || c == 'U')
        return add_code(r, out, c == 'u' ? 4 : 8);
    if (found == NULL)
        return toml_refuse(r, "an escape that TOML does not have");
    buf_addc(out, codes[found - names]);
    return true;
}

/* Behind the opening quote. */
bool toml_read_string(struct toml_scan *r, char quote, struct buf *out)
{
    if (toml_is_at(r, quote) && r->end - r->at >= 2 && r->at[1] == quote)
        return toml_refuse(r, "texts over several lines are not understood here");
    while (r->at < r->end && *r->at != quote) {
        unsigned char c = (unsigned char)*r->at++;
        if (c == '\n' || c == '\r')
            return toml_refuse(r, "a text does not end on its line");
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return toml_refuse(r, "a text has a control character");
        if (c == '\\' && quote == '"') {
            if (!add_escape(r, out))
                return false;
        } else {
            buf_addc(out, (char)c);
        }
    }
    return toml_take(r, quote) || toml_refuse(r, "a text does not end on its line");
}

/* ---- keys ---- */

bool toml_is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool toml_read_key(struct toml_scan *r, struct buf *out)
{
    toml_skip_blanks(r);
    buf_reset(out);
    bool is_quoted = toml_is_at(r, '"') || toml_is_at(r, '\'');
    if (is_quoted) {
        char quote = *r->at++;
        if (!toml_read_string(r, quote, out))
            return false;
    }
    for (; !is_quoted && r->at < r->end && toml_is_bare(*r->at); r->at++)
        buf_addc(out, *r->at);
    if (out->over)
        return toml_refuse(r, "a key is too long");
    if (!is_quoted && out->len == 0)
        return toml_refuse(r, "expected a key");
    toml_skip_blanks(r);
    return true;
}
