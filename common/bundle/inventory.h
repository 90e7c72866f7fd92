/* What a host has, as it tells the place where bundles are made: which releases, and which layers its engine holds (docs/FORMAT.md section
 * 11). archon-load inventory writes it, archon-bundle create --inventory reads it. It is not signed: it decides only what a delta leaves
 * out, and a host that lacks something of that refuses the delta.
 *
 *     struct inventory v = { 0 };
 *     inventory_add_release(&v, "shop", "1.3.2", &sha256);  inventory_add_layer(&v, &diff_id) ...;
 *     inventory_write(&v, &text, e);                                                                  */
#ifndef BUNDLE_INVENTORY_H
#define BUNDLE_INVENTORY_H

#include "base/buf.h"
#include "base/limits.h"
#include "format/digest.h"

struct inventory_release {
    char name[64];
    char version[LIMIT_VERSION_BYTES + 1];
    struct digest sha256; /* the release digest */
};

struct inventory {
    int64_t created;                    /* unix seconds */
    struct inventory_release *releases; /* what is installed first, then what is kept, newest first */
    size_t n_releases, releases_cap;
    struct digest *layers; /* diff_ids that the engine has; sorted and each once when it was read */
    size_t n_layers, layers_cap;
};
void inventory_clear(struct inventory *v);
void inventory_clear_auto(struct inventory *v);

/* Copies. name and version must be those of a release that was read. */
void inventory_add_release(struct inventory *v, const char *name, const char *version, const struct digest *sha256);
void inventory_add_layer(struct inventory *v, const struct digest *diff_id); /* again and again is fine */

/* Sorts v, so that one host gives one text. ERR_CONFIG over a limit. */
MUST_CHECK bool inventory_write(struct inventory *v, struct buf *out, struct err *e);
/* Strict: an unknown key, a layer out of order, a release twice and all else that inventory_write does not write are ERR_CONFIG. what: for
 * messages, the file. */
MUST_CHECK bool inventory_read(struct inventory *out, const char *text, size_t n, const char *what, struct err *e);

/* Of an inventory that was read or written. */
bool inventory_has_layer(const struct inventory *v, const struct digest *diff_id);
/* Place in releases, or SIZE_MAX. */
size_t inventory_find_release(const struct inventory *v, const struct digest *sha256);

#endif
