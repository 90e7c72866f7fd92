/* Text helpers without locale and without allocation. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

bool slice_is(struct slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

bool text_is(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s);
    size_t m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool text_copy(char *dst, size_t size, const char *src)
{
    size_t n = strlen(src);
    if (n + 1 > size) {
        dst[0] = '\0';
        return false;
    }
    memcpy(dst, src, n + 1);
    return true;
}

size_t text_utf8_step(const uint8_t *s, size_t n, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = s[0] < 0x80 ? 1 : (s[0] & 0xE0) == 0xC0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : (s[0] & 0xF8) == 0xF0 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *code = c;
    return len;
}

bool text_is_utf8(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    uint32_t code;
    for (size_t i = 0; i < n;) {
        size_t step = text_utf8_step(p + i, n - i, &code);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200B || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

const char *text_printable(struct text_shown *out, const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t at = 0;
    size_t shown = 0;
    for (size_t i = 0; i < n; shown++) {
        if (shown == TEXT_SHOWN_MAX - 3) {
            memcpy(out->text + at, "...", 3);
            at += 3;
            break;
        }
        uint32_t code = 0;
        size_t step = text_utf8_step(p + i, n - i, &code);
        size_t room = sizeof out->text - at;
        if (step == 0 || (step == 1 && is_unsafe(code))) {
            at += (size_t)snprintf(out->text + at, room, "\\x%02x", p[i]);
            step = 1;
            shown += 3;
        } else if (is_unsafe(code)) {
            at += (size_t)snprintf(out->text + at, room, "\\u%04x", code);
            shown += 5;
        } else {
            memcpy(out->text + at, p + i, step);
            at += step;
        }
        i += step;
        if (shown >= TEXT_SHOWN_MAX - 4)
            shown = TEXT_SHOWN_MAX - 4;
    }
    out->text[at] = '\0';
    return out->text;
}

void text_hex(char *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_unhex(uint8_t *out, size_t n, const char *hex, size_t hex_len)
{
    if (hex_len != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(hex[2 * i]);
        int lo = hex_digit(hex[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

const char *text_bytes(char out[24], uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double v = (double)bytes;
    size_t u = 0;
    while (v >= 999.95 && u + 1 < ARRAY_LEN(units)) {
        v /= 1000;
        u++;
    }
    snprintf(out, 24, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

const char *text_seconds(char out[24], double seconds)
{
    if (seconds < 60)
        snprintf(out, 24, "%.1fs", seconds);
    else if (seconds < 3600)
        snprintf(out, 24, "%um %02us", (unsigned)seconds / 60, (unsigned)seconds % 60);
    else
        snprintf(out, 24, "%lluh %02llum", (unsigned long long)seconds / 3600, (unsigned long long)seconds / 60 % 60);
    return out;
}

enum { NEAREST_MAX = 64 };

static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    size_t row[NEAREST_MAX + 1];
    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return NEAREST_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = diagonal + (a[i - 1] != b[j - 1]);
            size_t up = row[j] + 1;
            size_t left = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = cost < up ? (cost < left ? cost : left) : (up < left ? up : left);
        }
    }
    return row[m];
}

const char *text_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 2 + 1;
    if (best_distance > 3)
        best_distance = 3;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, names[i]);
        if (d <= best_distance && (best == NULL || d < best_distance)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}

bool text_glob(const char *pattern, const char *s)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*s != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star != NULL) {
            pattern = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
