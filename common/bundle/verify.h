/* How an unknown file becomes a trusted bundle. There is no flag "verified": struct bundle is made here and nowhere else, and everything
 * that loads, migrates or renders takes a const struct bundle *. The order of checks is docs/FORMAT.md section 7. */
#ifndef BUNDLE_VERIFY_H
#define BUNDLE_VERIFY_H

#include "base/progress.h"
#include "bundle/base_layers.h"
#include "bundle/index.h"
#include "bundle/recipes.h"

struct bundle;

struct verify_how {
    unsigned jobs;                   /* threads, at least 1 */
    const struct progress *progress; /* phase "verify"; may be null */
    const uint64_t *sums;            /* bundle_verify_own only, of a writer that still is there: frames that have not changed since they were hashed are not hashed again, what is
                                        in them is (writer_sums); null: everything is hashed. Borrowed while the bundle is open */
    bool is_data_later;              /* the chunks of the data stream are left to bundle_verify_layers or bundle_verify_data, one of which must follow */
};

/* Verifies the whole file: signatures, manifest, chunk table, padding, every chunk, every tar header and member, recipes. Takes f (closed on
 * failure too). The verdict names the keys. Fails with ERR_FORMAT, ERR_TRUST, ERR_INTEGRITY, ERR_IO, ERR_INTERRUPTED. */
MUST_CHECK struct bundle *bundle_verify(struct bundle_file *f, const struct keyring *keys, const struct verify_how *how,
                                        struct verdict *verdict, struct err *e);

/* The same for a file that this process has just written: in place of a key, the manifest must be this one. */
MUST_CHECK struct bundle *bundle_verify_own(struct bundle_file *f, const struct digest *manifest_sha256, const struct verify_how *how,
                                            struct err *e);

void bundle_close(struct bundle *b);
AUTO_FREE(struct bundle, bundle_close)

/* For a delta: where its base layers are, from now on. base is copied; what its ctx is must live as long as b. Without it layers that need the base are ERR_POLICY. */
void bundle_use_base(struct bundle *b, const struct base_layers *base);
const struct base_layers *bundle_base(const struct bundle *b); /* null: none was given */

/* Rebuilds every layer and compares its SHA-256 with its diff_id (--deep). Reads chunks that no layer is made of, too, if they were left to it. cache_bytes: for decompressed chunks. Layers of a delta that the base has as they are
 * are passed over: nothing of them is in the bundle. */
MUST_CHECK bool bundle_verify_layers(const struct bundle *b, uint64_t cache_bytes, const struct progress *progress, struct err *e);

/* Facts. Borrowed, valid while b is open. */
const struct index *bundle_index(const struct bundle *b);
const struct manifest *bundle_manifest(const struct bundle *b);
const char *bundle_release_text(const struct bundle *b, size_t *n); /* release.json */
const struct recipes *bundle_recipes(const struct bundle *b);
const struct data_map *bundle_data_map(const struct bundle *b);
bool bundle_has_data_later(const struct bundle *b); /* its data was left, as verify_how said */

#endif
