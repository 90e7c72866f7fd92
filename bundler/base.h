/* The base of a delta on the making side: what the host has, as a bundle of an earlier release (--base) and as the list that the host made
 * (--inventory). A bundle must be verified, as its layers decide what the delta leaves out; the inventory decides only which layers the
 * delta may count on, and a host that lacks one of them says so.
 *
 *     struct base base = { 0 };
 *     base_open(&base, &how, e)                          before anything is fetched
 *     base_has_layer(&base, &diff_id)                    layers that need not travel
 *     base_add_pieces(&base, layers, n, writer, &how, e) what changed layers can be made of
 *     base_lend(&base, bundle, false, dir, e)            to read the delta back: its base layers become files without a name in dir, one
 * for each that is read from base_close(&base); */
#ifndef BUNDLER_BASE_H
#define BUNDLER_BASE_H

#include "bundle/inventory.h"
#include "bundle/layer_reader.h"
#include "bundle/writer.h"
#include "bundler/pack.h"
#include "bundler/seal.h"
#include "cli/command.h"
#include "show/parts.h"

struct base_options {
    struct cli_list bundles;
    struct cli_list trust;
    struct show_parts parts;
    const char *inventory;
};

/* Rows for a command whose options struct has `struct base_options base`. */
#define BASE_ROWS(type)                                                                                                \
    CLI_LIST_ROW("base", 0, type, base.bundles, "BUNDLE",                                                              \
                 "leave out what this bundle of an earlier release has; several: the one that --inventory lists"),     \
        CLI_TEXT_ROW("inventory", 0, type, base.inventory, "FILE",                                                     \
                     "leave out layers that the host has: what archon-load inventory wrote there"),                    \
        CLI_LIST_ROW("parts-from", 0, type, base.parts.from, "DIR", "look for parts of --base here, too; repeatable"), \
        CLI_LIST_ROW("trust", 0, type, base.trust, "KEY.pub",                                                          \
                     "a key whose signature of --base is trusted, beside those of --key; repeatable")

struct base {
    struct bundle *bundle; /* null: none */
    bool has_inventory;
    struct inventory inventory;
    struct base_files *files; /* for reading back */
};

struct base_how {
    const struct base_options *o;
    const struct seal_keys *own; /* their public halves are trusted */
    const char *name;            /* of the application */
    unsigned jobs;
    const struct progress *progress;
};
/* Whether these options go together: ERR_USAGE. n_own: keys that sign, which are trusted. Opens nothing. */
MUST_CHECK bool base_check_asked(const struct base_options *o, size_t n_own, struct err *e);
/* Reads the inventory, chooses the bundle and verifies it. ERR_USAGE, ERR_CONFIG (another application, a delta, a release that the host
 * does not have), ERR_TRUST, ERR_FORMAT, ERR_INTEGRITY. */
MUST_CHECK bool base_open(struct base *b, const struct base_how *how, struct err *e);
void base_close(struct base *b);

bool base_is_given(const struct base *b);
/* The base must not be the release itself: ERR_CONFIG. One of the same version is warned of. */
MUST_CHECK bool base_check_release(const struct base *b, const char *version, const struct digest *release_sha256, struct err *e);
/* Will the host have this layer as it is? */
bool base_has_layer(const struct base *b, const struct digest *diff_id);
/* Has the bundle of the base proven that this blob, of that size, is this layer? Then there is nothing that fetching it could tell. */
bool base_has_proven(const struct base *b, const struct digest *diff_id, const struct digest *blob, uint64_t size);
/* Bytes of the tars whose pieces are offered, and their number. */
uint64_t base_raw_bytes(const struct base *b, size_t *n_layers);
/* Names the release of the bundle, if there is one, in the head of a manifest. */
void base_fill_head(const struct base *b, struct manifest *head);

/* Cuts every layer of the base and hands the pieces to the writer, those of layers that the new release (layers, n of them) has no more
 * first: a host must put each layer that is read from on its disk, and these are what new layers resemble. Memory: 60 MiB, until it
 * returns. Phase "base". */
MUST_CHECK bool base_add_pieces(const struct base *b, const struct pack_layer *layers, size_t n, struct writer *w,
                                const struct pack_how *how, struct err *e);

/* The layers of the base for reading delta, as files in dir. Nothing for a full bundle. is_whole: those that are the base's own will be
 * read, too. b must outlive delta. ERR_POLICY when a layer is not in the base; ERR_SPACE when there is not room for all that are read from. */
MUST_CHECK bool base_lend(struct base *b, struct bundle *delta, bool is_whole, const char *dir, struct err *e);

#endif
