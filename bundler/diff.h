/* What changed from one bundle to another: of the application (images, compose files, migrations, variables, ...) by name, of the layers by
 * their content. */
#ifndef BUNDLER_DIFF_H
#define BUNDLER_DIFF_H

#include "app/release.h"
#include "base/progress.h"
#include "bundle/verify.h"

enum diff_change { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };
struct diff_item {
    enum diff_change change;
    char *name;
};
enum diff_kind { DIFF_IMAGES, DIFF_SERVICES, DIFF_COMPOSE, DIFF_MIGRATIONS, DIFF_BOOTSTRAP, DIFF_VARIABLES, DIFF_FILES, DIFF_KINDS };
struct diff_list { /* sorted by name */
    struct diff_item *items;
    size_t n, cap;
};
struct diff {
    struct diff_list lists[DIFF_KINDS];
};
const char *diff_kind_name(enum diff_kind kind); /* "images", ... */

void diff_releases(struct diff *out, const struct release *old, const struct release *new);
void diff_clear(struct diff *d);
void diff_clear_auto(struct diff *d);

struct diff_layers {
    size_t n_kept, n_added, n_removed;
    uint64_t kept_bytes, added_bytes, removed_bytes; /* of the tars */
    uint64_t added_blob_bytes;                       /* as registries have them: at most this travels */
};
void diff_layers_count(struct diff_layers *out, const struct manifest *old, const struct manifest *new);

struct diff_delta {
    uint64_t raw_bytes;  /* of pieces that the old layers do not have */
    uint64_t bytes;      /* that they will take, about */
    uint64_t base_bytes; /* of old layers that a host must put on its disk to make the new ones */
};
/* Reads all layers of old and the new ones of new. ERR_INTEGRITY, ERR_IO, ERR_INTERRUPTED; ERR_POLICY for a delta. Memory: 128 MiB for
 * pieces. */
MUST_CHECK bool diff_measure(struct diff_delta *out, const struct bundle *old, const struct bundle *new, const struct progress *progress,
                             struct err *e);

#endif
