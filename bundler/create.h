/* Making a bundle: everything that one run knows, and the steps in their order. bundler/cmd_create.c has the options, create_run below the story; each step
 * is in its own file.
 *
 *     struct create c = { .ctx = ctx, .o = options };
 *     bool ok = create_run(&c, e);
 *     create_clear(&c);                                                               */
#ifndef BUNDLER_CREATE_H
#define BUNDLER_CREATE_H

#include "app/release.h"
#include "bundle/exact_layout.h"
#include "bundle/writer.h"
#include "bundler/base.h"
#include "bundler/fetch.h"
#include "bundler/gates.h"
#include "bundler/image_signatures.h"
#include "bundler/input.h"
#include "bundler/lock.h"
#include "bundler/pack.h"
#include "bundler/registries.h"
#include "bundler/sbom.h"
#include "bundler/seal.h"

struct create_options {
    struct input_options input;
    struct registries_options registries;
    struct gates_options gates;
    struct cli_list cosign_keys;
    struct lock_options lock;
    struct base_options base;
    struct cli_list keys;
    const char *passphrase_file;
    const char *output;
    const char *parity; /* "10%" */
    uint64_t level;
    uint64_t jobs; /* 0: as many as there are processors */
    unsigned layers; /* enum manifest_mode */
    bool is_without_loader;
    uint64_t part_bytes; /* 0: one file */
    bool is_checking_medium;
};

enum { CREATE_LOADERS = 2 };

struct create_loader { /* bin/archon-load-linux-<architecture> */
    char *path;
    char *member;
};

struct create {
    struct cli_context *ctx;
    const struct create_options *o;
    unsigned jobs;

    /* what is asked for */
    struct input input;
    struct application *app; /* of input */
    struct image_rules rules;
    struct seal_keys keys;
    struct base base; /* of a delta */
    char *path; /* of the bundle */
    bool may_replace;
    unsigned parity_percent; /* 0: no parity file */
    char *parity_path;       /* of the one that is made, or would lie there */
    char *lock_path;  /* null: none is kept */
    bool has_lock;
    struct lock lock; /* what it says */
    struct gates gates;
    struct create_loader loaders[CREATE_LOADERS];
    size_t n_loaders;

    /* what that is, exactly */
    struct registries registries;
    struct image *images;
    struct image_proof *proofs; /* for each image */
    struct fetch_totals fetched;
    struct buf release; /* release.json */
    struct digest release_sha256;
    int64_t created;

    struct arrivals *arrivals; /* of layers; null: the cache keeps nothing, they are brought when their turn comes */

    /* what is written */
    struct pack_layer *layers; /* distinct ones, in the order of their first appearance */
    size_t n_layers;
    size_t n_blobs;
    uint64_t layer_bytes; /* raw, estimated */
    struct exact_layout layout; /* with --layers=exact */
    struct writer *writer;
    struct sbom_run *sbom; /* null: not asked for */
    struct digest manifest_sha256;
    struct publish *parity; /* its file, while it has no name */
};

/* The whole: a bundle with its name, or an error and no file. */
MUST_CHECK bool create_run(struct create *c, struct err *e);
/* The part of it that fetches nothing but manifests: fills app, images and fetched. */
MUST_CHECK bool create_plan(struct create *c, struct err *e);
void create_clear(struct create *c);

/* ---- the steps ---- */

/* create_read.c: definition, compose files and SQL; */
MUST_CHECK bool create_read(struct create *c, struct err *e);
/* create_lock.c: the lock file, which with --locked must be there and fit (ERR_USAGE, ERR_CONFIG); */
MUST_CHECK bool create_read_lock(struct create *c, struct err *e);
/* and writing it, when the bundle has its name. */
MUST_CHECK bool create_write_lock(struct create *c, struct err *e);
/* create_read.c: the base of a delta, verified: ERR_USAGE, and what base_open gives. After keys were loaded; */
MUST_CHECK bool create_open_base(struct create *c, struct err *e);
/* create_read.c: and keys, the base of a delta, verified, the programs to carry along, where the bundle goes. No network yet. */
MUST_CHECK bool create_prepare(struct create *c, struct err *e);
/* create_fetch.c: room in the cache, and the layers that come from elsewhere than a registry; the documents that speak of the images; */
MUST_CHECK bool create_prepare_fetch(struct create *c, struct err *e);
MUST_CHECK bool create_fetch_documents(struct create *c, struct err *e);
/* and all other layers, while create_write works. */
MUST_CHECK bool create_fetch_and_write(struct create *c, struct err *e);
/* create_release.c: release.json from the application and its images. */
MUST_CHECK bool create_describe(struct create *c, struct err *e);
/* What has to be fetched: layers that the base's bundle has proven need not come. An SBOM is made from all. */
bool create_wants_layer(const struct create *c, const struct digest *diff_id, const struct digest *blob, uint64_t size);
/* Nothing is fetched: fills fetched. */
MUST_CHECK bool create_plan_fetch(struct create *c, struct err *e);
/* create_layers.c: the distinct layers of all images with every form in which they exist, and where they are. */
MUST_CHECK bool create_list_layers(struct create *c, struct err *e);
/* After packing failed: a blob in the cache whose bytes are others than its digest says is removed, so that the next run fetches it again. */
void create_drop_damaged(const struct create *c, struct err *e);
/* create_members.c: how many members there are before the data, and their bytes; and writing them. */
void create_measure_members(const struct create *c, size_t *n, uint64_t *bytes);
MUST_CHECK bool create_write_members(struct create *c, struct err *e);
/* create_exact.c, with --layers=exact: no layer is larger than a member; the documents of the layout, and those that stand below images/; documents and blobs; and, behind all else, the
 * files of the layout. */
bool create_is_exact(const struct create *c);
MUST_CHECK bool create_check_exact(const struct create *c, struct err *e);
MUST_CHECK bool create_make_layout(struct create *c, struct err *e);
MUST_CHECK bool create_write_finder(struct create *c, size_t image, struct err *e);
MUST_CHECK bool create_pack_exact(struct create *c, const struct pack_how *how, struct err *e);
MUST_CHECK bool create_write_layout(struct create *c, struct err *e);
void create_measure_exact(const struct create *c, size_t *n, uint64_t *bytes);
/* create_write.c: the file, still without a name; then proven, then named. */
MUST_CHECK bool create_write(struct create *c, struct err *e);
MUST_CHECK bool create_prove(struct create *c, struct err *e);
/* create_parity.c: what --parity says, and whether its file may be written; its size for a bundle of so many bytes; making it; reading it
 * back from the medium; naming it, after the bundle has its name. */
MUST_CHECK bool create_prepare_parity(struct create *c, struct err *e);
uint64_t create_parity_bytes(const struct create *c, uint64_t bundle_bytes);
MUST_CHECK bool create_make_parity(struct create *c, struct err *e);
MUST_CHECK bool create_check_parity(struct create *c, struct err *e);
MUST_CHECK bool create_publish_parity(struct create *c, struct err *e);

#endif
