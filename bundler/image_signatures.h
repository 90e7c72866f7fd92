/* Are the images signed by whom the author trusts? Asked after resolving, before layers are fetched; only small documents are read. */
#ifndef BUNDLER_IMAGE_SIGNATURES_H
#define BUNDLER_IMAGE_SIGNATURES_H

#include "bundler/image_rules.h"
#include "bundler/registries.h"

struct image_signature {   /* one that counts */
    struct digest subject; /* the index or manifest that was signed */
    const char *key;       /* name of the key's file; borrowed from the rules */
    bool is_referrer;      /* found through the referrers API, else by its tag */
    bool is_bundle;        /* a Sigstore bundle, else the classic form */
};
struct image_proof {
    size_t n; /* 0: no rule asks for a signature. One for the index (or the only manifest), else one for each platform */
    struct image_signature *items;
};
void image_proofs_clear(struct image_proof *proofs, size_t n); /* and frees the array */

/* Every image with a rule must have a valid signature; what lies beside it is attached to it and travels along. *proofs (one for each image
 * of app) is the caller's to clear in any case. ERR_TRUST: unsigned, or no signature counts. ERR_NET, ERR_AUTH, ERR_REGISTRY,
 * ERR_INTEGRITY, ERR_IO: trouble, which says nothing about signatures. */
MUST_CHECK bool image_signatures_check(const struct registries *r, const struct image_rules *rules, const struct application *app,
                                       struct image *images, struct image_proof **proofs, struct err *e);

/* What lies beside the images that no rule asks for is attached, too, unchecked; with --attestations skip it is not looked for. Fails as
 * above but for ERR_TRUST. */
MUST_CHECK bool image_signatures_collect(const struct registries *r, const struct application *app, const struct image_proof *proofs,
                                         struct image *images, struct err *e);

#endif
