/* Renewing rows in place. What is new is encoded from the bundle as it is now; damage that is there already must not be taken for what was meant, so every other block of these rows is
 * compared first. */
#include "bundle/parity_renew.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/file.h"
#include "bundle/header.h"
#include "bundle/manifest.h"
#include "bundle/seal.h"
#include "bundle/spread.h"
#include "sys/file.h"

#include "base/banned.h"

struct renewing {
    struct bundle_file *bundle;
    const struct parity *parity;
    struct parity_shape s;
    uint64_t n_header; /* blocks that hold the header, or the beginning of what follows it */
};

/* The header's length, and whose bundle it is. */
static bool read_header(struct bundle_file *f, uint64_t *header_len, struct digest *id, struct err *e)
{
    AUTO(header_clear_auto) struct header h = { 0 };
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    if (!header_read(&h, f, e) || !manifest_read(&m, h.manifest, h.manifest_bytes, e))
        return false;
    sha256_of(id, h.manifest, h.manifest_bytes);
    *header_len = m.header_len;
    return true;
}

/* Blocks first to end - 1, in an order in which rows are together. */
static bool compare_blocks(void *ctx, uint64_t first, uint64_t end, uint8_t *block, struct err *e)
{
    const struct renewing *x = ctx;
    const struct parity_shape *s = &x->s;
    for (uint64_t i = first; i < end; i++) {
        uint32_t row = (uint32_t)(i / s->k);
        uint32_t slice = (uint32_t)(i % s->k);
        uint64_t at = parity_block_at(s, row, slice);
        uint32_t n = parity_block_bytes(s, row, slice);
        const struct parity_hash *expected = parity_row(x->parity, row);
        if (n == 0 || at / s->block < x->n_header || expected == NULL)
            continue;
        memset(block, 0, s->block);
        if (!bundle_file_read(x->bundle, block, n, at, "parity", e))
            return false;
        struct parity_hash found = parity_hash_of(block, s->block);
        if (!parity_hash_equal(&found, &expected[slice]))
            return err_set(e, ERR_INTEGRITY, "%u bytes at offset %llu are not as %s says", n, (unsigned long long)at, SHOWN(parity_name(x->parity)));
    }
    return true;
}

static bool renew_rows(struct renewing *x, const char *path, const struct parity_how *how, struct err *e)
{
    uint32_t rows = x->n_header < x->s.rows ? (uint32_t)x->n_header : x->s.rows;
    struct spread all = {
        .n = (uint64_t)rows * x->s.k, .step = 16, .buffer_bytes = x->s.block, .jobs = parity_threads(how), .run = compare_blocks, .ctx = x
    };
    struct parity_source from = { parity_read_bundle, x->bundle };
    if (!spread_run(&all, e))
        return err_hint(e, "repair the bundle, then sign it");
    AUTO(fd_auto) int to = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (to < 0)
        return file_fail(e, errno, "open for writing", path);
    return parity_write(to, path, &x->s, &from, 0, rows, how, e) && fd_sync(to, path, e) && fd_close(&to, path, e);
}

static bool renew_from(struct bundle_file *f, const char *path, const struct parity_how *how, enum parity_renewal *what, struct err *e)
{
    uint64_t header_len = 0;
    struct digest id;
    struct err why = { 0 };
    AUTO(parity_close_auto) struct parity *p = parity_open(path, &why);
    *what = PARITY_FOREIGN;
    if (!read_header(f, &header_len, &id, e))
        return false;
    if (p == NULL) {
        log_warn("%s", why.msg);
        return true;
    }
    struct renewing x = { .bundle = f, .parity = p, .s = *parity_shape_of(p) };
    if (x.s.total != bundle_file_bytes(f) || !digest_equal(&x.s.bundle, &id))
        return true;
    *what = PARITY_RENEWED;
    x.n_header = (header_len + x.s.block - 1) / x.s.block;
    return renew_rows(&x, path, how, e);
}

bool parity_renew(const char *path, const struct parity_how *how, enum parity_renewal *what, struct err *e)
{
    bool exists = false;
    *what = PARITY_NONE;
    AUTO(mem_auto) char *real = seal_real_path(path, e); /* it lies beside the file, not beside a link to it */
    if (real == NULL)
        return false;
    AUTO(mem_auto) char *par = parity_path(real);
    if (!file_exists(par, &exists, e))
        return false;
    if (!exists)
        return true;
    /* Locked, as for signing: who signs meanwhile would change what is encoded here. */
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open_writable(real, e);
    return f != NULL && renew_from(f, par, how, what, e);
}
