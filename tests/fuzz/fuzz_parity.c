/* A parity file: the heads of its first two records get right checksums, so that what lies behind them is reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "bundle/parity.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { AT_K = 24, AT_CHECK = 96, MAX_BLOCKS = 4096 };

static size_t head_of(const uint8_t *p)
{
    return (size_t)num_round_up(LAYOUT_PARITY_HEAD + (uint64_t)(num_le32(p + AT_K) % 256) * LAYOUT_PARITY_HASH, LAYOUT_PARITY_UNIT);
}

static void put_checksum(uint8_t *p, size_t n)
{
    struct digest d;
    if (n < LAYOUT_PARITY_HEAD || n < head_of(p))
        return;
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    sha256_add(h, p, AT_CHECK);
    sha256_add(h, p + LAYOUT_PARITY_HEAD, head_of(p) - LAYOUT_PARITY_HEAD);
    sha256_end(h, &d);
    memcpy(p + AT_CHECK, d.bytes, sizeof d.bytes);
}

static void look_at(struct parity *p)
{
    const struct parity_shape *s = parity_shape_of(p);
    struct parity_how how = { .jobs = 1 };
    struct err e = { 0 };
    if ((uint64_t)s->k * s->rows > LIMIT_PARITY_DATA_BLOCKS || s->k + s->m > LAYOUT_PARITY_SLICES || s->block > LIMIT_PARITY_BLOCK_BYTES)
        abort();
    if ((uint64_t)s->m * s->rows > MAX_BLOCKS) /* right, but slow */
        return;
    if (!parity_check(p, &how, &e))
        abort();
    for (uint32_t row = 0; row < s->rows; row++)
        for (uint32_t j = 0; j < s->m; j++)
            if (parity_state(p, row, j) == PARITY_HEAD || (parity_state(p, row, j) == PARITY_WHOLE && parity_row(p, row) == NULL))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[32];
    struct err e = { 0 };
    AUTO(mem_auto) uint8_t *own = mem_copy(bytes, n);
    AUTO(fd_auto) int fd = memfd_create("parity", MFD_CLOEXEC);
    put_checksum(own, n);
    if (n > LAYOUT_PARITY_HEAD && n > head_of(own) + num_le32(own + 16) && num_le32(own + 16) % LAYOUT_PARITY_UNIT == 0)
        put_checksum(own + head_of(own) + num_le32(own + 16), n - head_of(own) - num_le32(own + 16));
    if (fd < 0 || !fd_write_all(fd, own, n, "memory", &e))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    AUTO(parity_close_auto) struct parity *p = parity_open(path, &e);
    if (p != NULL)
        look_at(p);
    else if (e.code != ERR_FORMAT)
        abort();
    return 0;
}
