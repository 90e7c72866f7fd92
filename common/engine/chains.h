/* Chain ids: one name for a layer together with all below it. C(1) = diffID(1), C(n) = sha256(C(n-1) + " " + diffID(n)) as text (OCI image-spec,
 * config.md). A classic store knows layers by them. For the files of this folder. */
#ifndef ENGINE_CHAINS_H
#define ENGINE_CHAINS_H

#include "format/digest_set.h"

/* The chain that this layer makes of the chain below it. */
void chain_next(struct digest *chain, const struct digest *diff_id, bool is_first);
/* The chain of every prefix of these layers (from the bottom). */
void chains_add(struct digest_set *s, const struct digest *diff_ids, size_t n);
/* How many of these layers, from the bottom, are in the set. */
size_t chains_depth(const struct digest_set *s, const struct digest *diff_ids, size_t n);

#endif
