/* Repairing a bundle from its parity file, into another file. Nothing of the bundle is parsed: blocks are compared with the hashes of the
 * parity file, which nobody signed. What comes out is a file like any other that was found somewhere: bundle_verify decides what it is
 * worth.
 *
 *     AUTO(repair_free_auto) struct repair *r = repair_open(&where, parity, e);
 *     repair_copy(r, to, &how, e)                 // reads the medium, once, and copies what is right: the facts are known then
 *     repair_solve(r, to, &how, e)                // computes what is damaged; ERR_INTEGRITY when that is too much
 *
 * Memory: 8 MiB of hashes and 32 MiB. */
#ifndef BUNDLE_REPAIR_H
#define BUNDLE_REPAIR_H

#include "bundle/remains.h"
#include "bundle/parity.h"

struct repair_range { /* damaged blocks in a row, as bytes of the bundle */
    uint64_t at;
    uint64_t bytes;
};

struct repair_facts {
    uint64_t n_blocks;        /* of the bundle */
    uint64_t n_damaged;       /* of them */
    uint64_t n_unreadable;    /* of these: what the medium did not give at all */
    uint64_t n_telling;       /* right blocks that are not all zero: only a file of this bundle has them */
    uint64_t n_unknown;       /* blocks of which no record is left that tells their hash: copied as they are */
    uint64_t n_ranges;
    struct repair_range *ranges; /* in the order of the bundle; the first LIMIT_REPAIR_RANGES of them */
    uint64_t n_parity;        /* blocks of parity */
    uint64_t n_parity_lost;
    uint64_t n_beyond;        /* damaged blocks that there is not enough parity for */
    uint32_t worst_lost;      /* in the row with the least left over: damaged blocks of the bundle, */
    uint32_t worst_parity;    /* and blocks of parity that are whole */
};

struct repair;
/* Opens what is left of the bundle, and the parity file. Fails with ERR_IO, ERR_FORMAT, ERR_CONFIG (a link), ERR_INTEGRITY (no part is as
 * large as they must have been). */
MUST_CHECK struct repair *repair_open(const struct bundle_where *bundle, const char *parity_file, struct err *e);
void repair_free(struct repair *r);
AUTO_FREE(struct repair, repair_free)

const struct parity_shape *repair_shape(const struct repair *r);
const struct remains *repair_remains(const struct repair *r);
const struct repair_facts *repair_facts(const struct repair *r); /* after repair_copy */
/* Is any byte of that place of the bundle damaged? After repair_copy. */
bool repair_is_damaged(const struct repair *r, uint64_t at, uint64_t n);

/* name: of the new file, for messages. Fails with ERR_IO, ERR_SPACE (of the new file alone), ERR_INTERRUPTED. */
MUST_CHECK bool repair_copy(struct repair *r, int to, const char *name, const struct parity_how *how, struct err *e);
MUST_CHECK bool repair_solve(struct repair *r, int to, const char *name, const struct parity_how *how, struct err *e);

#endif
