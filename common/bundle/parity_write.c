/* A window of the same place in all slices is read, hashed, multiplied, written; then the next one. Blocks that are larger than a window are hashed in several steps, so the hash
 * of each slice stays open from window to window. */
#include "bundle/parity_write.h"

#include <string.h>

#include "base/mem.h"
#include "bundle/erasure.h"
#include "bundle/file.h"
#include "bundle/spread.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum {
    WINDOW_BYTES = 128 * 1024, /* of a slice: 255 of them are 32 MiB */
    TILE_BYTES = 8192,         /* of a window, for one thread */
};

struct encoder {
    const struct parity_shape *s;
    const struct parity_source *from;
    int to;
    const char *name;
    unsigned jobs;
    struct erasure *math;
    uint32_t window;           /* bytes of each slice in memory, at most */
    uint8_t *area;             /* the windows of all slices, k and then m */
    struct sha256 *open[LAYOUT_PARITY_SLICES];
    struct parity_hash *done;  /* of the rows that end in this window, k + m each */
    uint64_t at;               /* the window's place in the slices, */
    size_t n;                  /* and its bytes */
};

static void encoder_free(struct encoder *x)
{
    for (size_t i = 0; i < ARRAY_LEN(x->open); i++)
        sha256_free(x->open[i]);
    if (x->math != NULL)
        erasure_free(x->math);
    mem_free(x->area);
    mem_free(x->done);
    mem_free(x);
}
AUTO_FREE(struct encoder, encoder_free)

static uint32_t slices_of(const struct encoder *x)
{
    return x->s->k + x->s->m;
}

static struct encoder *encoder_new(const struct parity_shape *s, const struct parity_source *from, unsigned jobs)
{
    struct encoder *x = mem_new(sizeof *x);
    uint64_t slice = (uint64_t)s->rows * s->block;
    *x = (struct encoder){ .s = s, .from = from, .jobs = jobs, .math = erasure_encoder(s->k, s->m) };
    x->window = slice < WINDOW_BYTES ? (uint32_t)slice : WINDOW_BYTES;
    if (x->window > s->block)
        x->window -= x->window % s->block;
    size_t rows = x->window / s->block + 1;
    x->area = mem_new((size_t)slices_of(x) * x->window);
    x->done = mem_new_array(rows * slices_of(x), sizeof *x->done);
    for (uint32_t i = 0; i < slices_of(x); i++)
        x->open[i] = sha256_new();
    return x;
}

static uint8_t *window_of(const struct encoder *x, uint64_t slice)
{
    return x->area + slice * x->window;
}

static struct parity_hash *hash_at(const struct encoder *x, uint32_t row, uint64_t slice)
{
    return &x->done[(row - x->at / x->s->block) * slices_of(x) + slice];
}

static void hash_window(struct encoder *x, uint64_t slice)
{
    uint32_t block = x->s->block;
    for (size_t at = 0; at < x->n;) {
        size_t n = x->n - at < block ? x->n - at : block;
        sha256_add(x->open[slice], window_of(x, slice) + at, n);
        at += n;
        if ((x->at + at) % block == 0) {
            struct digest d;
            sha256_end(x->open[slice], &d);
            *hash_at(x, (uint32_t)((x->at + at) / block - 1), slice) = parity_hash_from(&d);
        }
    }
}

/* --- what is spread over threads ---------------------------------------------------------------------------------- */

static bool read_slices(void *ctx, uint64_t first, uint64_t end, uint8_t *unused, struct err *e)
{
    (void)unused;
    struct encoder *x = ctx;
    for (uint64_t i = first; i < end; i++) {
        uint64_t at = i * x->s->rows * x->s->block + x->at;
        uint64_t left = at < x->s->total ? x->s->total - at : 0;
        size_t n = left < x->n ? (size_t)left : x->n;
        memset(window_of(x, i) + n, 0, x->n - n);
        if (n > 0 && !x->from->read(x->from->ctx, window_of(x, i), n, at, e))
            return false;
        hash_window(x, i);
    }
    return true;
}

static bool multiply(void *ctx, uint64_t first, uint64_t end, uint8_t *unused, struct err *e)
{
    (void)unused;
    (void)e;
    struct encoder *x = ctx;
    uint8_t *all[LAYOUT_PARITY_SLICES];
    size_t at = (size_t)first * TILE_BYTES;
    size_t n = (size_t)end * TILE_BYTES < x->n ? (size_t)(end - first) * TILE_BYTES : x->n - at;
    for (uint32_t i = 0; i < slices_of(x); i++)
        all[i] = window_of(x, i) + at;
    erasure_run(x->math, all, all + x->s->k, n);
    return true;
}

static bool write_slices(void *ctx, uint64_t first, uint64_t end, uint8_t *unused, struct err *e)
{
    (void)unused;
    struct encoder *x = ctx;
    const struct parity_shape *s = x->s;
    for (uint64_t j = first; j < end; j++) {
        hash_window(x, s->k + j);
        for (size_t at = 0; at < x->n;) {
            uint64_t place = x->at + at;
            size_t n = x->n - at < s->block ? x->n - at : s->block;
            uint64_t to = parity_record_at(s, (uint32_t)(place / s->block), (uint32_t)j) + parity_head_bytes(s) + place % s->block;
            if (!fd_pwrite_all(x->to, window_of(x, s->k + j) + at, n, to, x->name, e))
                return false;
            at += n;
        }
    }
    return true;
}

static bool write_head(const struct encoder *x, uint32_t row, uint32_t j, struct err *e)
{
    const struct parity_shape *s = x->s;
    uint8_t bytes[LAYOUT_PARITY_HEAD_MAX];
    struct parity_head h = { .row = row, .slice = j, .own = *hash_at(x, row, s->k + j), .hashes = hash_at(x, row, 0)->bytes };
    parity_head_write(bytes, s, &h);
    return fd_pwrite_all(x->to, bytes, parity_head_bytes(s), parity_record_at(s, row, j), x->name, e);
}

/* Heads of the rows that this window completes. */
static bool write_heads(void *ctx, uint64_t first, uint64_t end, uint8_t *unused, struct err *e)
{
    (void)unused;
    struct encoder *x = ctx;
    for (uint32_t row = (uint32_t)(x->at / x->s->block); row < (x->at + x->n) / x->s->block; row++)
        for (uint32_t j = (uint32_t)first; j < end; j++)
            if (!write_head(x, row, j, e))
                return false;
    return true;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool encode_window(struct encoder *x, struct err *e)
{
    const struct spread steps[] = {
        { .n = x->s->k, .step = 4, .jobs = x->jobs, .run = read_slices, .ctx = x },
        { .n = (x->n + TILE_BYTES - 1) / TILE_BYTES, .step = 1, .jobs = x->jobs, .run = multiply, .ctx = x },
        { .n = x->s->m, .step = 1, .jobs = x->jobs, .run = write_slices, .ctx = x },
        { .n = x->s->m, .step = 1, .jobs = x->jobs, .run = write_heads, .ctx = x },
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (!spread_run(&steps[i], e))
            return false;
    return true;
}

bool parity_write(int to, const char *name, const struct parity_shape *s, const struct parity_source *from, uint32_t first, uint32_t end,
                  const struct parity_how *how, struct err *e)
{
    AUTO(encoder_free_auto) struct encoder *x = encoder_new(s, from, how->jobs);
    uint64_t begin = (uint64_t)first * s->block;
    uint64_t stop = (uint64_t)end * s->block;
    x->to = to;
    x->name = name;
    for (x->at = begin; x->at < stop; x->at += x->n) {
        x->n = stop - x->at < x->window ? (size_t)(stop - x->at) : x->window;
        struct progress_fact fact = { .phase = "parity", .done = (x->at - begin) * s->k, .total = (stop - begin) * s->k };
        if (!progress_tell(how->progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "making parity was stopped");
        if (!start_check(e) || !encode_window(x, e))
            return false;
    }
    struct progress_fact fact = { .phase = "parity", .done = s->total, .total = s->total, .is_finished = true };
    return progress_tell(how->progress, &fact) || err_set(e, ERR_INTERRUPTED, "making parity was stopped");
}

bool parity_read_bundle(void *ctx, void *to, size_t n, uint64_t at, struct err *e)
{
    return bundle_file_read(ctx, to, n, at, "parity", e);
}
