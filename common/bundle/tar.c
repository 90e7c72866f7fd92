/* Canonical tar headers. */
#include "bundle/tar.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

static void octal(uint8_t *at, unsigned digits, uint64_t v)
{
    for (unsigned i = digits; i > 0; i--) {
        at[i - 1] = (uint8_t)('0' + (v & 7));
        v >>= 3;
    }
    at[digits] = '\0';
}

void tar_header(uint8_t out[LAYOUT_TAR_BLOCK], const char *name, uint64_t size, bool is_executable)
{
    size_t n = strlen(name);
    BUG_IF(n > LIMIT_NAME_BYTES || size > LIMIT_MEMBER_BYTES);
    memset(out, 0, LAYOUT_TAR_BLOCK);
    memcpy(out, name, n);
    octal(out + 100, 7, is_executable ? 0755 : 0644);
    octal(out + 108, 7, 0);
    octal(out + 116, 7, 0);
    octal(out + 124, 11, size);
    octal(out + 136, 11, 0);
    out[156] = '0';
    memcpy(out + 257, "ustar\0" "00", 8);
    octal(out + 329, 7, 0);
    octal(out + 337, 7, 0);
    memset(out + 148, ' ', 8);
    uint64_t sum = 0;
    for (size_t i = 0; i < LAYOUT_TAR_BLOCK; i++)
        sum += out[i];
    octal(out + 148, 6, sum);
    out[155] = ' ';
}

bool tar_header_size(const uint8_t header[LAYOUT_TAR_BLOCK], uint64_t *size)
{
    uint64_t v = 0;
    for (size_t i = 124; i < 135; i++) {
        if (header[i] < '0' || header[i] > '7')
            return false;
        v = v << 3 | (uint64_t)(header[i] - '0');
    }
    *size = v;
    return header[135] == '\0';
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._+@-", c) != NULL;
}

bool tar_name_check(const char *name, struct err *e)
{
    size_t n = strlen(name);
    unsigned depth = 0;
    if (n == 0 || n > LIMIT_NAME_BYTES)
        return err_set(e, ERR_FORMAT, "member name \"%s\": %zu bytes, expected 1 to %d", SHOWN(name), n, LIMIT_NAME_BYTES);
    for (const char *at = name;; at++, depth++) {
        size_t len = strcspn(at, "/");
        if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return err_set(e, ERR_FORMAT, "member name \"%s\": illegal component", SHOWN(name));
        for (size_t i = 0; i < len; i++)
            if (!is_name_byte(at[i]))
                return err_set(e, ERR_FORMAT, "member name \"%s\": illegal character", SHOWN(name));
        at += len;
        if (*at == '\0')
            break;
    }
    if (depth + 1 > LIMIT_NAME_DEPTH)
        return err_set(e, ERR_FORMAT, "member name \"%s\": %u folders deep, at most %d", SHOWN(name), depth + 1, LIMIT_NAME_DEPTH);
    return true;
}
