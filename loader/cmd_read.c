/* archon-load verify, inspect, list, cat, extract, export: what a bundle holds, always after a trusted signature over its manifest was
 * found. */
#include "base/mem.h"
#include "loader/base_source.h"
#include "loader/commands.h"
#include "loader/open.h"
#include "show/export.h"
#include "show/inspect.h"
#include "show/members.h"
#include "show/verified.h"

#include "base/banned.h"

#define BASE_CACHE_BYTES (16 * MIB) /* for recipes */

struct read_options {
    struct cli_list arguments; /* the bundle, then members */
    struct cli_list trust;
    struct show_parts parts;
    const char *root;
    const char *dir;
    const char *base;
    bool is_deep;
    struct show_export_options export;
};

static const char *bundle_of(const struct read_options *o)
{
    return o->arguments.items[0];
}

/* Layers of a delta are put together from the bundle of its base. Without that bundle, what needs it says so. is_whole: those that are the
 * base's own, too. */
static bool prepare_base(const struct read_options *o, bool is_whole, struct cli_context *ctx, struct bundle *b, struct chunk_cache *cache,
                         struct base_source **out, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    struct verdict verdict = { 0 };
    struct base_where where = { .is_kept_only = true, .progress = &ctx->progress };
    AUTO(mem_auto) bool *layers = mem_new_array(m->n_layers, sizeof *layers);
    if (o->base == NULL || !m->has_base)
        return true;
    where.kept = open_bundle(o->base, &o->parts, o->root, &o->trust, ctx, &verdict, e);
    if (where.kept == NULL)
        return err_in(e, "--base");
    *out = base_source_new(b, cache, &where);
    for (size_t i = 0; i < m->n_layers; i++)
        layers[i] = is_whole || !bundle_recipes(b)->layers[i].is_of_base;
    return base_source_find(*out, layers, e) && base_source_check_room(*out, e) && base_source_fetch(*out, e);
}

static bool run_verify(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    struct release release = { 0 };
    struct digest digest;
    AUTO(bundle_close_auto) struct bundle *b = open_bundle(bundle_of(o), &o->parts, o->root, &o->trust, ctx, &verdict, e);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = b == NULL ? NULL : chunk_cache_new(bundle_index(b), BASE_CACHE_BYTES);
    AUTO(base_source_free_auto) struct base_source *base = NULL;
    bool ok = b != NULL && open_release(b, &release, &digest, e) &&
              (!o->is_deep || prepare_base(o, false, ctx, b, cache, &base, e)) &&
              show_verified(ctx, b, &verdict, o->is_deep, e);
    release_clear(&release);
    return ok;
}

static struct index *open_it(const struct read_options *o, struct verdict *verdict, struct err *e)
{
    return open_index(bundle_of(o), &o->parts, o->root, &o->trust, verdict, e);
}

static bool run_inspect(struct cli_context *ctx, const void *options, struct err *e)
{
    struct verdict verdict = { 0 };
    AUTO(index_close_auto) struct index *x = open_it(options, &verdict, e);
    return x != NULL && show_inspect(ctx, x, &verdict, e);
}

static bool run_list(struct cli_context *ctx, const void *options, struct err *e)
{
    struct verdict verdict = { 0 };
    AUTO(index_close_auto) struct index *x = open_it(options, &verdict, e);
    return x != NULL && show_list(ctx, x, e);
}

static bool run_cat(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    AUTO(index_close_auto) struct index *x = open_it(o, &verdict, e);
    return x != NULL && show_cat(ctx, x, o->arguments.items[1], e);
}

static bool run_extract(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    struct cli_list members = { .items = o->arguments.items + 1, .n = o->arguments.n - 1 };
    if (o->dir == NULL)
        return err_set(e, ERR_USAGE, "-C DIR is needed");
    AUTO(index_close_auto) struct index *x = open_it(o, &verdict, e);
    return x != NULL && show_extract(ctx, x, o->dir, &members, e);
}

static bool run_export(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    if (!show_export_check(&o->export, e))
        return false;
    AUTO(bundle_close_auto) struct bundle *b = open_bundle(bundle_of(o), &o->parts, o->root, &o->trust, ctx, &verdict, e);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = b == NULL ? NULL : chunk_cache_new(bundle_index(b), BASE_CACHE_BYTES);
    AUTO(base_source_free_auto) struct base_source *base = NULL;
    return b != NULL && prepare_base(o, true, ctx, b, cache, &base, e) && show_export(ctx, b, &o->export, e);
}

#define TRUST_ROWS                                                                                                                \
    CLI_LIST_ROW("trust", 0, struct read_options, trust, "KEY.pub", "a key that may sign, for this run (hosts without a store)"), \
        CLI_TEXT_ROW("root", 0, struct read_options, root, "DIR", "the trust store lies below this directory (/)"), \
        SHOW_PARTS_ROW(struct read_options, parts)

static const struct cli_option read_rows[] = { TRUST_ROWS };
static const struct cli_option verify_rows[] = {
    TRUST_ROWS,
    CLI_FLAG_ROW("deep", 0, struct read_options, is_deep, "put every layer together again and compare it with the image"),
    CLI_TEXT_ROW("base", 0, struct read_options, base, "BUNDLE", "of a delta: the bundle of its base, for --deep"),
    SHOW_MEDIUM_ROW(struct read_options, parts),
};
static const struct cli_option inspect_rows[] = { TRUST_ROWS, CLI_NOT_YET_ROW("html") };
static const struct cli_option extract_rows[] = {
    TRUST_ROWS,
    CLI_TEXT_ROW("directory", 'C', struct read_options, dir, "DIR", "write below this directory, which exists"),
};
static const struct cli_option export_rows[] = {
    TRUST_ROWS,
    SHOW_EXPORT_ROWS(struct read_options, export),
    CLI_TEXT_ROW("base", 0, struct read_options, base, "BUNDLE", "of a delta: the bundle of its base"),
};

#define READ_COMMAND(name_, arguments_, summary_, rows_, min_, max_, run_)                                                               \
    {                                                                                                                                    \
        .name = (name_), .arguments = (arguments_), .summary = (summary_), CLI_OPTIONS(rows_), CLI_INTO(struct read_options, arguments), \
        .min_arguments = (min_), .max_arguments = (max_), .run = (run_)                                                                  \
    }

const struct cli_command cmd_verify =
    READ_COMMAND("verify", "BUNDLE", "check signature and every byte, touching nothing", verify_rows, 1, 1, run_verify);
const struct cli_command cmd_inspect = READ_COMMAND("inspect", "BUNDLE", "show what is inside", inspect_rows, 1, 1, run_inspect);
const struct cli_command cmd_list = READ_COMMAND("list", "BUNDLE", "list the members", read_rows, 1, 1, run_list);
const struct cli_command cmd_cat = READ_COMMAND("cat", "BUNDLE MEMBER", "write a member to standard output", read_rows, 2, 2, run_cat);
const struct cli_command cmd_extract =
    READ_COMMAND("extract", "BUNDLE [MEMBER...] -C DIR", "write members below a directory", extract_rows, 1, SIZE_MAX, run_extract);
const struct cli_command cmd_export = READ_COMMAND("export", "BUNDLE --format FORM -o OUT", "write images for other tools", export_rows, 1, 1, run_export);
