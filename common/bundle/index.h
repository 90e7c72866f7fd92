/* A bundle whose header is authenticated: manifest and chunk table are what a trusted key signed, the payload has not been looked at. Enough to list, and
 * to read single members (each chunk is hashed when it is read); not enough to load: that takes a struct bundle (bundle/verify.h). */
#ifndef BUNDLE_INDEX_H
#define BUNDLE_INDEX_H

#include "bundle/header.h"
#include "bundle/manifest.h"
#include "bundle/table.h"
#include "certs/trust.h"

struct index;

/* Who says that the manifest is right: exactly one of these. */
struct authority {
    const struct keyring *keys; /* signatures by these keys; */
    struct verdict *verdict;    /* filled with them */
    const struct digest *own;   /* this very manifest: the program that wrote the file checks itself; */
    const uint64_t *own_sums;   /* with what each chunk was when it was written (table.h), borrowed while the index is open; null: every frame is hashed */
    bool is_unproven;           /* nobody: archon-bundle shows an unsigned bundle to its maker. Never in archon-load (tests/lint/unproven.sh) */
};

/* Steps 1 to 7 of docs/FORMAT.md section 7. Takes f (closed on failure too). Fails with ERR_FORMAT, ERR_TRUST, ERR_INTEGRITY, ERR_IO. */
MUST_CHECK struct index *index_open(struct bundle_file *f, const struct authority *a, struct err *e);
void index_close(struct index *x);
AUTO_FREE(struct index, index_close)

/* Facts, borrowed while x is open. */
const char *index_name(const struct index *x);
struct bundle_file *index_file(const struct index *x);
const struct header *index_header(const struct index *x);
const struct manifest *index_manifest(const struct index *x);
const struct digest *index_manifest_sha256(const struct index *x);
const struct table *index_table(const struct index *x);

#endif
