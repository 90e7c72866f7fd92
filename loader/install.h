/* One installation under way: everything that was found out before the first change, for the steps that then make it.
 *
 *     in = install_prepare(ctx, &options, e)      opens, verifies, reads, checks, asks; changes nothing
 *     install_lock(in, e)                         from here on nobody else
 *     steps_run(install_steps, ...)               loader/install_steps.c
 */
#ifndef LOADER_INSTALL_H
#define LOADER_INSTALL_H

#include "bundle/layer_reader.h"
#include "cli/command.h"
#include "engine/load.h"
#include "loader/database.h"
#include "loader/deployment.h"
#include "loader/site_tls.h"
#include "loader/state.h"
#include "loader/steps.h"
#include "show/parts.h"
#include "sys/lock.h"

struct install_options {
    struct cli_list bundles;
    struct cli_list trust;
    struct show_parts parts;
    struct cli_list set;
    struct site_tls_options tls;
    struct database_options database;
    const char *env_file;
    const char *root;
    const char *env;
    const char *engine;
    const char *base; /* a bundle that was kept */
    uint64_t wait_timeout_s;
    bool is_dry;
    bool is_yes;
    bool is_without_rollback;
};

struct install_image; /* loader/install_images.c */
struct base_source;   /* loader/base_source.c */

struct install {
    struct cli_context *ctx;
    const struct install_options *o;
    struct site site;
    struct lock *lock;
    struct state state;
    struct journal_last last_run;
    struct journal *journal;
    struct bundle *bundle;
    struct verdict verdict;
    struct chunk_cache *cache;
    struct deployment *next;     /* what is being installed */
    struct deployment *previous; /* what runs now, or null */
    struct base_source *base;    /* of a delta: loader/install_base.c */
    struct engine *engine;
    struct compose_tool compose;
    struct site_tls *tls;
    struct database_options database_options; /* as given; without a CA of its own the database is believed by the site's */
    struct database *database;   /* of next; null: the application has none */
    struct install_image *images;
    size_t n_images;
    struct load_known known;
    bool has_known;
    bool has_migrated;           /* before this run: loader/goback.h */
    bool is_migration_known;
    bool is_partial;             /* only a part of the release is looked at: not every variable needs a value */
    struct err missing;          /* dry run only: what install would refuse for want of an option; the plan shows it */
    struct buf story;            /* last lines of a service that failed */
};

MUST_CHECK struct install *install_prepare(struct cli_context *ctx, const struct install_options *o, struct err *e);
/* Only what load-images needs: bundle, release, engine, images. */
MUST_CHECK struct install *install_prepare_images(struct cli_context *ctx, const struct install_options *o, struct err *e);
/* Only what migrate needs: no compose, no images. */
MUST_CHECK struct install *install_prepare_database(struct cli_context *ctx, const struct install_options *o, struct err *e);
/* Only what render needs: no engine. */
MUST_CHECK struct install *install_prepare_files(struct cli_context *ctx, const struct install_options *o, struct err *e);
void install_free(struct install *in);
AUTO_FREE(struct install, install_free)

/* Makes the state directory, takes the lock, reads the state again, opens the journal. ERR_LOCKED. */
MUST_CHECK bool install_lock(struct install *in, struct err *e);

/* What rendering the files of `next` into dir needs. The paths in it are owned by the caller: render_input_clear. */
struct render_input install_render_input(struct install *in, const char *dir);
void install_render_input_clear(struct render_input *r);

/* The table. */
enum { INSTALL_STEPS_MAX = 32 };
extern const struct step install_steps[];
extern const size_t install_n_steps;

#endif
