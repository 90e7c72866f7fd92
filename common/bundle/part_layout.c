/* The arithmetic of parts. */
#include "bundle/part_layout.h"

#include "base/buf.h"
#include "base/limits.h"

#include "base/banned.h"

static uint64_t largest(const uint64_t *sizes, size_t n)
{
    uint64_t max = 0;
    for (size_t i = 0; i < n; i++)
        max = sizes[i] > max ? sizes[i] : max;
    return max;
}

static uint64_t parts_for(uint64_t total_len, uint64_t part_bytes)
{
    return total_len / part_bytes + (total_len % part_bytes != 0);
}

uint64_t part_layout_bytes(const struct part_layout *x, size_t i, uint64_t total_len)
{
    return i + 1 < x->n ? x->part_bytes : total_len - (x->n - 1) * x->part_bytes;
}

/* Are the parts that were found as they would be? Others may be missing. */
static bool fits(const uint64_t *sizes, size_t n, uint64_t total_len, uint64_t part_bytes)
{
    struct part_layout x = { .n = (size_t)parts_for(total_len, part_bytes), .part_bytes = part_bytes };
    for (size_t i = 0; i < n; i++)
        if (sizes[i] != 0 && (i >= x.n || sizes[i] != part_layout_bytes(&x, i, total_len)))
            return false;
    return true;
}

/* When every part but the last is short, the largest that was found is none to go by: then the last one, if it is whole, tells. */
static uint64_t part_bytes_of(const uint64_t *sizes, size_t n, uint64_t total_len)
{
    uint64_t max = largest(sizes, n);
    uint64_t last = sizes[n - 1];
    if (max == 0 || n < 2 || parts_for(total_len, max) == n || fits(sizes, n, total_len, max) || last >= total_len || (total_len - last) % (n - 1) != 0)
        return max;
    uint64_t other = (total_len - last) / (n - 1);
    return other > max && parts_for(total_len, other) == n ? other : max;
}

bool part_layout_of(const uint64_t *sizes, size_t n, uint64_t total_len, struct part_layout *out, struct err *e)
{
    uint64_t part_bytes = part_bytes_of(sizes, n, total_len);
    if (part_bytes == 0 || parts_for(total_len, part_bytes) > LIMIT_PARTS)
        return err_set(e, ERR_INTEGRITY, "the largest part has %llu bytes: of such parts the bundle would have more than %d", (unsigned long long)part_bytes, LIMIT_PARTS);
    *out = (struct part_layout){ .n = (size_t)parts_for(total_len, part_bytes), .part_bytes = part_bytes };
    return true;
}

/* "2", "2 and 4", "1, 3 and 5" */
static bool list_missing(const struct part_layout *x, const uint64_t *sizes, size_t n, size_t n_missing, struct err *e)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(200); /* more are cut: nobody counts them */
    size_t told = 0;
    for (size_t i = 0; i < x->n && list.len < 180; i++)
        if (i >= n || sizes[i] == 0)
            buf_addf(&list, "%s%zu", told++ == 0 ? "" : told == n_missing ? " and " : ", ", i + 1);
    err_set(e, ERR_INTEGRITY, "part%s %s%s of %zu %s missing", n_missing == 1 ? "" : "s", buf_text(&list), told < n_missing ? " and more" : "", x->n,
            n_missing == 1 ? "is" : "are");
    return err_hint(e, "put all parts into one folder, or name the others: --parts-from DIR");
}

bool part_layout_check(const struct part_layout *x, const uint64_t *sizes, size_t n, uint64_t total_len, bool may_be_missing, struct err *e)
{
    size_t n_missing = x->n > n ? x->n - n : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t want = i < x->n ? part_layout_bytes(x, i, total_len) : 0;
        n_missing += i < x->n && sizes[i] == 0;
        if (sizes[i] == 0 || sizes[i] == want)
            continue;
        if (i >= x->n)
            return err_set(e, ERR_INTEGRITY, "part %zu is one too many: the bundle has %zu", i + 1, x->n) || err_hint(e, "it is left from another bundle: move it away");
        err_set(e, ERR_INTEGRITY, "part %zu of %zu %s %llu, expected %llu", i + 1, x->n, sizes[i] < want ? "ends at" : "goes on to", (unsigned long long)sizes[i],
                (unsigned long long)want);
        return err_hint(e, "copy this part again");
    }
    return n_missing == 0 || may_be_missing || list_missing(x, sizes, n, n_missing, e);
}
