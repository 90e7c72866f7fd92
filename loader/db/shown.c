/* Server messages may hold anything: whole statements, terminal escapes, a password that somebody put into a script. */
#include "loader/db/shown.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum {
    SHOWN_PIECE = 24,          /* bytes given to text_printable at a time: it cuts after 116 characters, an escape takes at most 4 a byte */
    SHOWN_READ_MAX = 16 * 1024, /* nobody reads further */
    HIDDEN_MIN = 4,            /* a shorter secret is found in every word */
};

static bool hides_here(const char *p, size_t n, const struct secret *hide)
{
    return hide != NULL && hide->n >= HIDDEN_MIN && n >= hide->n && memcmp(p, hide->bytes, hide->n) == 0;
}

/* One line without the secret: line breaks and tabs become single spaces. */
static void flatten(struct buf *flat, const char *text, size_t n, const struct secret *hide)
{
    for (size_t i = 0; i < n;) {
        bool is_break = text[i] == '\n' || text[i] == '\r' || text[i] == '\t';
        if (hides_here(text + i, n - i, hide)) {
            buf_adds(flat, "***");
            i += hide->n;
            continue;
        }
        if (!is_break)
            buf_addc(flat, text[i]);
        else if (flat->len > 0 && flat->data[flat->len - 1] != ' ')
            buf_addc(flat, ' ');
        i++;
    }
    while (flat->len > 0 && flat->data[flat->len - 1] == ' ')
        flat->data[--flat->len] = '\0';
}

static size_t piece_length(const char *p, size_t n)
{
    size_t len = n < SHOWN_PIECE ? n : SHOWN_PIECE;
    while (len < n && len > SHOWN_PIECE - 3 && ((unsigned char)p[len] & 0xC0) == 0x80)
        len--;
    return len;
}

void shown_text(char *out, size_t size, const char *text, const struct secret *hide)
{
    AUTO(buf_clear_auto) struct buf flat = BUF_LIMIT(2 * SHOWN_READ_MAX);
    AUTO(buf_clear_auto) struct buf safe = BUF_LIMIT(8 * SHOWN_READ_MAX);
    /* What is shown came from the first size bytes, or more where white space fell together or a secret was cut out. */
    size_t n = strnlen(text, SHOWN_READ_MAX);
    flatten(&flat, text, n, hide);
    for (size_t i = 0; i < flat.len && safe.len < size;) {
        size_t len = piece_length(flat.data + i, flat.len - i);
        buf_adds(&safe, SHOWN_N(flat.data + i, len));
        i += len;
    }
    if (text_copy(out, size, buf_text(&safe)))
        return;
    size_t kept = size - 4;
    while (kept > 0 && ((unsigned char)safe.data[kept] & 0xC0) == 0x80)
        kept--;
    memcpy(out, safe.data, kept);
    memcpy(out + kept, "...", 4);
}
