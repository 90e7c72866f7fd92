/* Base64; results may be secrets. */
#include "format/base64.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

bool base64_read(struct secret *out, const char *text, size_t n)
{
    *out = (struct secret){ 0 };
    for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; i++)
        n--;
    if (n % 4 == 1)
        return false;
    AUTO(secret_clear_auto) struct secret s = { .bytes = mem_new(n / 4 * 3 + 4) };
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        unsigned shift = (unsigned)(i % 4) * 2; /* bits left over after the whole bytes so far: 6, 4, 2, 0 */
        if (i % 4 != 0)
            s.bytes[s.n++] = (char)(bits >> (6 - shift) & 0xFF);
    }
    unsigned left = n % 4 == 2 ? 4 : n % 4 == 3 ? 2 : 0;
    if ((bits & ((1u << left) - 1)) != 0)
        return false;
    *out = s;
    s = (struct secret){ 0 };
    return true;
}

struct secret base64_of(const char *bytes, size_t n)
{
    struct secret s = { .bytes = mem_new((n + 2) / 3 * 4 + 1) };
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)(uint8_t)bytes[i] << 16;
        if (i + 1 < n)
            bits |= (uint32_t)(uint8_t)bytes[i + 1] << 8;
        if (i + 2 < n)
            bits |= (uint8_t)bytes[i + 2];
        s.bytes[s.n++] = alphabet[bits >> 18];
        s.bytes[s.n++] = alphabet[bits >> 12 & 63];
        s.bytes[s.n++] = '=';
        s.bytes[s.n++] = '=';
        if (i + 1 < n)
            s.bytes[s.n - 2] = alphabet[bits >> 6 & 63];
        if (i + 2 < n)
            s.bytes[s.n - 1] = alphabet[bits & 63];
    }
    return s;
}
