/* What repair.c (reading) and repair_solve.c (computing) share. Private to them. */
#ifndef BUNDLE_REPAIR_PARTS_H
#define BUNDLE_REPAIR_PARTS_H

#include <errno.h>
#include <string.h>

#include "bundle/repair.h"

enum repair_block { REPAIR_RIGHT, REPAIR_UNKNOWN, REPAIR_DIFFERS, REPAIR_UNREADABLE };

struct repair {
    struct parity *parity;
    struct remains *remains;
    struct parity_shape s;
    uint8_t *blocks; /* enum repair_block of each, in the order of the bundle */
    struct repair_facts facts;
};

/* The numbers of the data slices that are damaged in a row, and of the parity slices that are whole. */
uint32_t repair_lost_in(const struct repair *r, uint32_t row, uint8_t *lost);
uint32_t repair_parity_in(const struct repair *r, uint32_t row, uint8_t *parity);

#endif
