/* Chain ids. */
#include "engine/chains.h"

#include <string.h>

#include "base/banned.h"

void chain_next(struct digest *chain, const struct digest *diff_id, bool is_first)
{
    if (is_first) {
        *chain = *diff_id;
        return;
    }
    char text[2 * DIGEST_TEXT_BYTES];
    struct digest_text a, b;
    size_t n = strlen(digest_format(&a, chain));
    memcpy(text, a.text, n);
    text[n] = ' ';
    memcpy(text + n + 1, digest_format(&b, diff_id), n);
    sha256_of(chain, text, 2 * n + 1);
}

void chains_add(struct digest_set *s, const struct digest *diff_ids, size_t n)
{
    struct digest chain = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        chain_next(&chain, &diff_ids[i], i == 0);
        digest_set_add(s, &chain);
    }
}

size_t chains_depth(const struct digest_set *s, const struct digest *diff_ids, size_t n)
{
    struct digest chain = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        chain_next(&chain, &diff_ids[i], i == 0);
        if (!digest_set_has(s, &chain))
            return i;
    }
    return n;
}
