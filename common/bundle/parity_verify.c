/* In the order of the file, so that a medium is read from its first byte to its last. */
#include "bundle/parity_verify.h"

#include "base/text.h"
#include "bundle/spread.h"

#include "base/banned.h"

struct verifying {
    struct bundle_file *file;
    const struct parity_shape *s;
};

static bool is_right(const struct parity_shape *s, const uint8_t *record, uint32_t row, uint32_t slice)
{
    struct parity_shape found;
    struct parity_head h;
    uint32_t head = parity_head_bytes(s);
    if (!parity_head_read(record, head, &found, &h) || !parity_shape_equal(&found, s) || h.row != row || h.slice != slice)
        return false;
    struct parity_hash block = parity_hash_of(record + head, s->block);
    return parity_hash_equal(&block, &h.own);
}

static bool verify_records(void *ctx, uint64_t first, uint64_t end, uint8_t *record, struct err *e)
{
    const struct verifying *v = ctx;
    const struct parity_shape *s = v->s;
    const char *name = bundle_file_name(v->file);
    for (uint64_t i = first; i < end; i++) {
        uint32_t slice = (uint32_t)(i / s->rows);
        uint32_t row = (uint32_t)(i % s->rows);
        uint64_t at = parity_record_at(s, row, slice);
        if (!bundle_file_read(v->file, record, (size_t)parity_head_bytes(s) + s->block, at, name, e))
            return false;
        if (!is_right(s, record, row, slice))
            return err_set(e, ERR_INTEGRITY, "%s: record %llu of %llu at offset %llu is not what was written", SHOWN(name),
                           (unsigned long long)i + 1, (unsigned long long)s->rows * s->m, (unsigned long long)at);
    }
    return true;
}

bool parity_verify(struct bundle_file *f, const struct parity_shape *s, const struct parity_how *how, struct err *e)
{
    struct verifying v = { f, s };
    struct spread all = { .n = (uint64_t)s->rows * s->m,
                          .step = MIB / s->block + 1,
                          .buffer_bytes = (size_t)parity_head_bytes(s) + s->block,
                          .jobs = parity_threads(how),
                          .progress = how->progress,
                          .phase = "check parity",
                          .unit_bytes = s->block,
                          .run = verify_records,
                          .ctx = &v };
    if (bundle_file_bytes(f) != parity_file_bytes(s))
        return err_set(e, ERR_INTEGRITY, "%s: ends at %llu, expected %llu", SHOWN(bundle_file_name(f)),
                       (unsigned long long)bundle_file_bytes(f), (unsigned long long)parity_file_bytes(s));
    return spread_run(&all, e);
}
