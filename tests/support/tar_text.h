/* Tar archives put together entry by entry, also such as no tar program makes. */
#ifndef TESTS_TAR_TEXT_H
#define TESTS_TAR_TEXT_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* The sum of a header of 512 bytes, put where it belongs: of one that was changed by hand too. */
static inline void tar_text_checksum(char *h)
{
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
}

/* type: '0' file, '1' hard link, '2' symbolic link, '5' folder. */
static inline void tar_text_add(struct buf *out, char type, const char *name, const char *link, const void *bytes, size_t n)
{
    char h[512] = { 0 };
    static const char zeros[512];
    snprintf(h, 100, "%.99s", name);
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 108, "0000000", 7);
    memcpy(h + 116, "0000000", 7);
    snprintf(h + 124, 12, "%011o", (unsigned)n);
    memcpy(h + 136, "00000000000", 11);
    h[156] = type;
    snprintf(h + 157, 100, "%s", link == NULL ? "" : link);
    memcpy(h + 257, "ustar", 5);
    memcpy(h + 263, "00", 2);
    tar_text_checksum(h);
    buf_add(out, h, sizeof h);
    buf_add(out, bytes, n);
    buf_add(out, zeros, (512 - n % 512) % 512);
}

static inline void tar_text_file(struct buf *out, const char *name, const char *text)
{
    tar_text_add(out, '0', name, NULL, text, strlen(text));
}

static inline void tar_text_end(struct buf *out)
{
    static const char zeros[1024];
    buf_add(out, zeros, sizeof zeros);
}

#endif
