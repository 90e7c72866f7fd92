/* What manifest_read.c and manifest_exact.c share: the rules of members and layers. Private to them. */
#ifndef BUNDLE_MANIFEST_PARTS_H
#define BUNDLE_MANIFEST_PARTS_H

#include "bundle/manifest.h"
#include "format/jread.h"

/* Below one of the folders that any bundle may have? */
bool manifest_has_folder(const char *name);
void manifest_check_size(struct jnode o, uint64_t size, uint64_t min, uint64_t max);

/* Member i of n of an exact bundle: may it stand there? */
void manifest_exact_member(struct jnode o, const struct manifest_member *x, size_t i, size_t n);
/* Members and layers of an exact bundle against each other; m is sorted. */
void manifest_exact_check(const struct manifest *m, struct jnode root);

#endif
