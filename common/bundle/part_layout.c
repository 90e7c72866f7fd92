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

/* How many of the parts that were found are not as they would be, and how many would be missing. */
static size_t count_wrong(const uint64_t *sizes, size_t n, uint64_t total_len, uint64_t part_bytes, size_t *n_missing)
{
    struct part_layout x = { .n = (size_t)parts_for(total_len, part_bytes), .part_bytes = part_bytes };
    size_t n_wrong = 0;
    *n_missing = x.n > n ? x.n - n : 0;
    for (size_t i = 0; i < n; i++) {
        n_wrong += sizes[i] != 0 && (i >= x.n || sizes[i] != part_layout_bytes(&x, i, total_len));
        *n_missing += i < x.n && sizes[i] == 0;
    }
    return n_wrong;
}

/* The size with which most is right. When nothing is wrong with one, it does not count what is missing; of two equals the larger one is
 * taken. */
struct choice {
    uint64_t part_bytes;
    size_t n_bad;
};

static void consider(struct choice *best, const uint64_t *sizes, size_t n, uint64_t total_len, uint64_t part_bytes)
{
    size_t n_missing = 0;
    if (part_bytes == 0 || part_bytes == best->part_bytes || parts_for(total_len, part_bytes) > LIMIT_PARTS)
        return;
    size_t n_bad = count_wrong(sizes, n, total_len, part_bytes, &n_missing);
    n_bad += n_bad > 0 ? n_missing : 0;
    if (n_bad < best->n_bad || (n_bad == best->n_bad && part_bytes > best->part_bytes))
        *best = (struct choice){ part_bytes, n_bad };
}

/* When every part but the last is short, or one is too long, the largest that was found is none to go by. The last one, if it is whole,
 * tells, too. */
static uint64_t part_bytes_of(const uint64_t *sizes, size_t n, uint64_t total_len)
{
    struct choice best = { .n_bad = SIZE_MAX };
    uint64_t last = sizes[n - 1];
    for (size_t i = 0; i < n; i++)
        consider(&best, sizes, n, total_len, sizes[i]);
    if (n > 1 && last > 0 && last < total_len && (total_len - last) % (n - 1) == 0 &&
        parts_for(total_len, (total_len - last) / (n - 1)) == n)
        consider(&best, sizes, n, total_len, (total_len - last) / (n - 1));
    return best.part_bytes > 0 ? best.part_bytes : largest(sizes, n);
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

bool part_too_many(size_t i, size_t n, struct err *e)
{
    return err_set(e, ERR_INTEGRITY, "part %zu is one too many: the bundle has %zu", i + 1, n) ||
           err_hint(e, "it is left from another bundle: move it away");
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
            return part_too_many(i, x->n, e);
        err_set(e, ERR_INTEGRITY, "part %zu of %zu %s %llu, expected %llu", i + 1, x->n, sizes[i] < want ? "ends at" : "goes on to", (unsigned long long)sizes[i],
                (unsigned long long)want);
        return err_hint(e, "copy this part again");
    }
    return n_missing == 0 || may_be_missing || list_missing(x, sizes, n, n_missing, e);
}
