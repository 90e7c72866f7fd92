/* Telling parts apart by the first chunk that lies in each. */
#include "bundle/part_judge.h"

#include <string.h>

#include "base/mem.h"

#include "base/banned.h"

/* The first chunk that begins in [at, end) and ends there, too. False when there is none: then nothing can be told. */
static bool first_chunk(const struct table *t, uint64_t at, uint64_t end, struct table_chunk *out)
{
    size_t low = 0;
    size_t high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table_get(t, middle).file_offset < at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->n)
        return false;
    *out = table_get(t, low);
    return out->file_offset + out->packed_len <= end;
}

/* Does part `here` hold what belongs into part `want`? *known: whether that could be told. */
static bool holds(const struct chunk_id *id, uint64_t here, uint64_t want, uint8_t *packed, bool *known)
{
    uint64_t size = bundle_file_part_bytes(id->file);
    struct err unread = { 0 };
    struct table_chunk chunk;
    struct digest found;
    *known = first_chunk(id->table, want * size, (want + 1) * size, &chunk) &&
             bundle_file_read(id->file, packed, chunk.packed_len, chunk.file_offset - want * size + here * size, "bundle", &unread);
    if (!*known)
        return false;
    sha256_of(&found, packed, chunk.packed_len);
    return digest_equal(&found, &chunk.sha256);
}

static bool say_which(const struct chunk_id *id, uint64_t here, uint8_t *packed, struct err *e)
{
    bool known;
    size_t n = bundle_file_parts(id->file);
    for (uint64_t other = 0; other < n; other++) {
        if (other == here || !holds(id, here, other, packed, &known))
            continue;
        err_set(e, ERR_INTEGRITY, "part %llu of %zu holds part %llu of this bundle", (unsigned long long)here + 1, n, (unsigned long long)other + 1);
        return err_hint(e, "the names of parts are mixed up: rename them");
    }
    err_set(e, ERR_INTEGRITY, "part %llu of %zu is damaged at its beginning, or of another bundle: its first chunk is not the one that belongs there",
            (unsigned long long)here + 1, n);
    return err_hint(e, "copy this part again");
}

bool part_judge(const struct chunk_id *damaged, struct err *e)
{
    struct table_chunk chunk = table_get(damaged->table, damaged->i);
    uint64_t size = bundle_file_part_bytes(damaged->file);
    if (bundle_file_parts(damaged->file) < 2)
        return true;
    AUTO(mem_auto) uint8_t *packed = mem_new(LAYOUT_FRAME_MAX);
    for (uint64_t i = chunk.file_offset / size; i <= (chunk.file_offset + chunk.packed_len - 1) / size; i++) {
        bool known;
        if (!holds(damaged, i, i, packed, &known) && known)
            return say_which(damaged, i, packed, e);
    }
    return true;
}

bool part_judge_first(struct bundle_file *f, struct err *e)
{
    static const uint8_t begins[] = { 0x28, 0xB5, 0x2F, 0xFD, 0xE0 };
    uint8_t found[sizeof begins];
    for (size_t i = 0; e->code == ERR_FORMAT && i < bundle_file_parts(f); i++) {
        struct err unread = { 0 };
        if (!bundle_file_read(f, found, sizeof found, i * bundle_file_part_bytes(f), "bundle", &unread) || memcmp(found, begins, sizeof begins) != 0)
            continue;
        if (i > 0)
            err_add(e, "; part %zu begins like one: its name is not the right one", i + 1);
        return false;
    }
    return false;
}
