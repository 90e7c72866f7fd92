/* archon-bundle cache list, prune, verify: the blobs that earlier runs have fetched. */
#include "bundler/commands.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/cache_room.h"
#include "format/date.h"
#include "sys/file.h"
#include "sys/work.h"

#include "base/banned.h"

enum { MAX_JOBS = 256, MAX_DAYS = 36500, SECONDS_A_DAY = 86400 };

struct cache_options {
    struct cli_list none; /* no arguments */
    const char *dir;
    uint64_t bytes; /* prune: at most */
    uint64_t days;
    uint64_t jobs; /* 0: as many as there are processors */
};

#define NOT_GIVEN UINT64_MAX

/* A folder that was named and is not there is a slip of the pen, not an empty cache. */
static struct cache *open_cache(const struct cache_options *o, struct err *e)
{
    bool exists = true;
    if (o->dir != NULL && !file_exists(o->dir, &exists, e))
        return NULL;
    if (!exists) {
        err_set(e, ERR_IO, "blob cache: %s does not exist", SHOWN(o->dir));
        return NULL;
    }
    return cache_open(o->dir, e);
}

/* ---- list ---- */

static void list_json(struct jwrite *w, const struct cache *c, const struct cache_listing *list)
{
    jwrite_str(w, "directory", cache_dir(c));
    jwrite_array(w, "blobs");
    for (size_t i = 0; i < list->n; i++) {
        const struct cache_entry *x = &list->entries[i];
        char used[DATE_TEXT_BYTES];
        date_format(used, x->used);
        jwrite_object(w, NULL);
        jwrite_digest(w, "digest", &x->digest);
        jwrite_u64(w, "size", x->bytes);
        jwrite_str(w, "last_used", used);
        jwrite_bool(w, "complete", x->is_complete);
        jwrite_bool(w, "in_use", x->is_in_use);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_u64(w, "size", list->bytes);
    jwrite_u64(w, "unknown", list->n_unknown);
}

static void list_text(struct cli_context *ctx, const struct cache *c, const struct cache_listing *list)
{
    char size[24];
    for (size_t i = 0; i < list->n; i++) {
        const struct cache_entry *x = &list->entries[i];
        char used[DATE_TEXT_BYTES];
        date_format(used, x->used);
        cli_print(ctx, "%s  %9s  %s%s%s\n", DIGEST_SHOWN(&x->digest), text_bytes(size, x->bytes), used, x->is_complete ? "" : "  part", x->is_in_use ? "  in use" : "");
    }
    cli_print(ctx, "%zu blob%s, %s, in %s\n", list->n, text_s(list->n), text_bytes(size, list->bytes), SHOWN(cache_dir(c)));
    if (list->n_unknown > 0)
        log_warn("%zu thing%s in %s no blob%s: left alone", list->n_unknown, list->n_unknown == 1 ? "" : "s", SHOWN(cache_dir(c)), list->n_unknown == 1 ? "" : "s");
}

static bool run_list(struct cli_context *ctx, const void *options, struct err *e)
{
    AUTO(cache_close_auto) struct cache *c = open_cache(options, e);
    AUTO(cache_listing_clear_auto) struct cache_listing list = { 0 };
    if (c == NULL || !cache_list(c, &list, e))
        return false;
    if (!cli_wants_json(ctx)) {
        list_text(ctx, c, &list);
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    list_json(w, c, &list);
    return cli_json_close(ctx, w, e);
}

/* ---- prune ---- */

/* Without a measure everything goes. */
static struct cache_wanted wanted(const struct cli_context *ctx, const struct cache_options *o)
{
    struct cache_wanted w = { .bytes = o->bytes, .used_since = INT64_MIN };
    if (o->days != NOT_GIVEN)
        w.used_since = ctx->now - (int64_t)o->days * SECONDS_A_DAY;
    else if (o->bytes == NOT_GIVEN)
        w.used_since = INT64_MAX;
    return w;
}

static bool run_prune(struct cli_context *ctx, const void *options, struct err *e)
{
    char freed[24];
    char left[24];
    const struct cache_wanted most = wanted(ctx, options);
    struct cache_room r;
    AUTO(cache_close_auto) struct cache *c = open_cache(options, e);
    if (c == NULL || !cache_make_room(c, &most, &r, e))
        return false;
    if (r.n_in_use > 0)
        log_info("%zu blob%s in use by other runs: kept", r.n_in_use, r.n_in_use == 1 ? " is" : "s are");
    cli_print(ctx, "%zu blob%s removed, %s freed; %zu left, %s, in %s\n", r.n_removed, text_s(r.n_removed), text_bytes(freed, r.freed_bytes), r.n_left,
              text_bytes(left, r.left_bytes), SHOWN(cache_dir(c)));
    if (!cli_wants_json(ctx))
        return true;
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "directory", cache_dir(c));
    jwrite_u64(w, "removed", r.n_removed);
    jwrite_u64(w, "freed_size", r.freed_bytes);
    jwrite_u64(w, "left", r.n_left);
    jwrite_u64(w, "size", r.left_bytes);
    jwrite_u64(w, "in_use", r.n_in_use);
    return cli_json_close(ctx, w, e);
}

/* ---- verify ---- */

static bool verify_json(struct cli_context *ctx, const struct cache *c, const struct cache_checked *k, const struct err *why, struct err *e)
{
    struct jwrite *w = cli_json_open_for(ctx, why);
    jwrite_str(w, "directory", cache_dir(c));
    jwrite_u64(w, "checked", k->n);
    jwrite_u64(w, "checked_size", k->bytes);
    jwrite_u64(w, "parts", k->n_parts);
    jwrite_array(w, "damaged");
    for (size_t i = 0; i < k->n_damaged; i++) {
        jwrite_object(w, NULL);
        jwrite_digest(w, "digest", &k->damaged[i].digest);
        jwrite_str(w, "message", k->damaged[i].why.msg);
        jwrite_bool(w, "removed", k->damaged[i].is_removed);
        jwrite_end(w);
    }
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

/* What becomes the error of the run. */
static void judge(const struct cache *c, const struct cache_checked *k, struct err *why)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < k->n_damaged; i++) {
        const struct cache_damage *d = &k->damaged[i];
        log_info("%s: %s: %s", DIGEST_SHOWN(&d->digest), d->why.msg, d->is_removed ? "removed" : "in use by another run, kept");
        n_kept += !d->is_removed;
    }
    if (k->n_damaged == 0)
        return;
    err_set(why, ERR_INTEGRITY, "blob cache %s: %zu of %zu blobs damaged, %zu removed", SHOWN(cache_dir(c)), k->n_damaged, k->n, k->n_damaged - n_kept);
    err_hint(why, n_kept > 0 ? "when the other run has ended, run it again" : "the next create fetches what it needs of them again");
}

static bool run_verify(struct cli_context *ctx, const void *options, struct err *e)
{
    char size[24];
    const struct cache_options *o = options;
    struct err why = { 0 };
    AUTO(cache_checked_clear_auto) struct cache_checked k = { 0 };
    AUTO(cache_close_auto) struct cache *c = open_cache(o, e);
    if (c == NULL || !cache_verify(c, o->jobs > 0 ? (unsigned)o->jobs : work_cpus(), &ctx->progress, &k, e))
        return false;
    judge(c, &k, &why);
    if (cli_wants_json(ctx) && !verify_json(ctx, c, &k, &why, e))
        return false;
    if (why.code != ERR_NONE) {
        *e = why;
        return false;
    }
    cli_print(ctx, "%zu blob%s, %s, in %s: all intact\n", k.n, text_s(k.n), text_bytes(size, k.bytes), SHOWN(cache_dir(c)));
    return true;
}

/* ---- the table ---- */

static const struct cache_options defaults = { .bytes = NOT_GIVEN, .days = NOT_GIVEN };

#define DIR_ROW CLI_TEXT_ROW("cache", 0, struct cache_options, dir, "DIR", "the cache (~/.cache/archon-bundle)")

static const struct cli_option list_rows[] = { DIR_ROW };
static const struct cli_option prune_rows[] = {
    DIR_ROW,
    CLI_BYTES_ROW("limit", 0, struct cache_options, bytes, "SIZE", "keep what was used last, up to this size", UINT64_MAX - 1),
    CLI_NUMBER_ROW("older-than", 0, struct cache_options, days, "DAYS", "only what was not used for so long", 0, MAX_DAYS),
};
static const struct cli_option verify_rows[] = {
    DIR_ROW,
    CLI_NUMBER_ROW("jobs", 0, struct cache_options, jobs, "N", "threads (number of processors)", 1, MAX_JOBS),
};

const struct cli_command cmd_cache_list = { .name = "cache list", .summary = "what the blob cache holds", CLI_OPTIONS(list_rows), CLI_INTO(struct cache_options, none),
                                            .defaults = &defaults, .run = run_list };
const struct cli_command cmd_cache_prune = { .name = "cache prune", .summary = "remove blobs from the cache that no run uses",
                                             .details = "Without --limit and --older-than all of them. With both, first what is too old, then as much as is needed.",
                                             CLI_OPTIONS(prune_rows), CLI_INTO(struct cache_options, none), .defaults = &defaults, .run = run_prune };
const struct cli_command cmd_cache_verify = { .name = "cache verify", .summary = "hash every blob in the cache, remove damaged ones", CLI_OPTIONS(verify_rows),
                                              CLI_INTO(struct cache_options, none), .defaults = &defaults, .run = run_verify };
