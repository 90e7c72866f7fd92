/* PEM, read strictly: what the encoder would not have written is refused, so that a key has one text. */
#include "certs/pem.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { LINE_CHARS = 64, LINE_BYTES = 48 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(struct buf *out, const uint8_t *p, size_t n)
{
    uint32_t bits = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
    buf_addc(out, alphabet[bits >> 18 & 63]);
    buf_addc(out, alphabet[bits >> 12 & 63]);
    buf_addc(out, n > 1 ? alphabet[bits >> 6 & 63] : '=');
    buf_addc(out, n > 2 ? alphabet[bits & 63] : '=');
}

void pem_encode(struct buf *out, const char *label, const uint8_t *der, size_t n)
{
    buf_addf(out, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < n; i += 3) {
        encode_group(out, der + i, n - i);
        if ((i + 3) % LINE_BYTES == 0 || i + 3 >= n)
            buf_addc(out, '\n');
    }
    buf_addf(out, "-----END %s-----\n", label);
}

/* The bytes of the text of a block's inside. Lenient in form: pem_decode_one compares with the encoder afterwards. */
static bool decode_inside(const char *p, const char *end, uint8_t *der, size_t der_max, size_t *der_n)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    *der_n = 0;
    for (; p < end; p++) {
        const char *at = *p == '\0' ? NULL : strchr(alphabet, *p);
        if (*p == '\n' || *p == '=')
            continue;
        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        if (*der_n == der_max)
            return false;
        der[(*der_n)++] = (uint8_t)(bits >> n_bits);
    }
    return true;
}

static const char *find(const char *text, size_t n, const char *wanted)
{
    return memmem(text, n, wanted, strlen(wanted));
}

bool pem_first_label(const char *text, size_t n, char out[64])
{
    static const char begin[] = "-----BEGIN ";
    const char *at = find(text, n, begin);
    out[0] = '\0';
    if (at == NULL)
        return false;
    at += sizeof begin - 1;
    size_t rest = n - (size_t)(at - text);
    size_t label_n = 0;
    while (label_n < rest && label_n < 63 && at[label_n] != '-' && at[label_n] != '\n')
        label_n++;
    memcpy(out, at, label_n);
    out[label_n] = '\0';
    return find(at, rest, begin) != NULL;
}

/* Says what the text is, in the words of somebody who took the wrong file. */
static bool explain(const char *text, size_t n, const char *label, const char *what, struct err *e)
{
    char found[64];
    bool is_more = pem_first_label(text, n, found);
    if (found[0] == '\0')
        return err_set(e, ERR_CONFIG, "%s: no PEM text, expected one %s block", what, label);
    if (strcmp(found, label) != 0)
        return err_set(e, ERR_CONFIG, "%s: is a %s, expected one %s block", what, SHOWN(found), label);
    if (is_more)
        return err_set(e, ERR_CONFIG, "%s: has more than one block, expected one %s block", what, label);
    if (memchr(text, '\r', n) != NULL)
        return err_set(e, ERR_CONFIG, "%s: has line ends of another system (CR LF), expected LF", what);
    return err_set(e, ERR_CONFIG, "%s: expected one %s block and no other text, as openssl writes it", what, label);
}

bool pem_decode_one(const char *text, size_t n, const char *label, uint8_t *der, size_t der_max, size_t *der_n,
                    const char *what, struct err *e)
{
    char head[80];
    char foot[80];
    size_t head_n = (size_t)snprintf(head, sizeof head, "-----BEGIN %s-----\n", label);
    snprintf(foot, sizeof foot, "-----END %s-----", label);
    const char *inside = text + head_n;
    const char *end = n > head_n && memcmp(text, head, head_n) == 0 ? find(inside, n - head_n, foot) : NULL;
    if (end == NULL || !decode_inside(inside, end, der, der_max, der_n))
        return explain(text, n, label, what, e);
    AUTO(buf_clear_auto) struct buf again = BUF_LIMIT(2 * der_max + 400);
    pem_encode(&again, label, der, *der_n);
    bool is_same = (again.len == n || again.len == n + 1) && memcmp(buf_text(&again), text, n) == 0;
    return is_same || explain(text, n, label, what, e);
}
