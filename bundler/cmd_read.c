/* archon-bundle verify, inspect, list, cat, extract, export: what a bundle holds. */
#include "app/release.h"
#include "base/mem.h"
#include "bundler/base.h"
#include "bundler/commands.h"
#include "bundler/open.h"
#include "show/contents.h"
#include "show/export.h"
#include "show/inspect.h"
#include "show/members.h"
#include "show/verified.h"
#include "sys/path.h"
#include "sys/work.h"

#include "base/banned.h"

#define BASE_DIR "/var/tmp" /* room for layers of a base: /tmp is memory on many machines */

struct read_options {
    struct cli_list arguments; /* the bundle, then members */
    struct cli_list trust;
    struct show_parts parts;
    const char *dir;
    const char *base;
    bool is_deep;
    struct show_export_options export;
};

static const char *bundle_of(const struct read_options *o)
{
    return o->arguments.items[0];
}

static struct index *open_it(const struct read_options *o, struct err *e)
{
    struct verdict verdict = { 0 };
    bool is_judged = false;
    return open_index(bundle_of(o), &o->parts, &o->trust, &verdict, &is_judged, e);
}

/* A host reads release.json before it installs: what it would refuse is refused here. */
static bool check_release(const struct bundle *b, struct err *e)
{
    size_t n = 0;
    const char *text = bundle_release_text(b, &n);
    AUTO(release_clear_auto) struct release r = { 0 };
    return (release_read(&r, text, n, e) && show_check_contents(bundle_manifest(b), &r, e)) || err_in(e, "%s", index_name(bundle_index(b)));
}

/* Layers of a delta are put together from the bundle of its base, through files in dir. Without that bundle, what needs it says so. */
static bool lend_base(struct base *base, const struct read_options *o, bool is_whole, struct cli_context *ctx, struct bundle *b,
                      const char *dir, struct err *e)
{
    const struct seal_keys none = { 0 };
    const char *path = o->base;
    const struct base_options given = { .bundles = { .items = &path, .n = 1 }, .trust = o->trust, .parts = o->parts };
    const struct base_how how = { .o = &given, .own = &none, .name = bundle_manifest(b)->name, .jobs = work_cpus(), .progress = &ctx->progress };
    if (o->base == NULL || !bundle_manifest(b)->has_base)
        return true;
    return base_open(base, &how, e) && base_lend(base, b, is_whole, dir, e);
}

static bool run_verify(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    struct base base = { 0 };
    struct bundle *b = open_bundle(bundle_of(o), &o->parts, &o->trust, ctx, &verdict, e);
    bool ok = b != NULL && check_release(b, e) && (!o->is_deep || lend_base(&base, o, false, ctx, b, BASE_DIR, e)) &&
              show_verified(ctx, b, &verdict, o->is_deep, e);
    if (b != NULL)
        bundle_close(b);
    base_close(&base);
    return ok;
}

static bool inspect_manifest(struct cli_context *ctx, const struct read_options *o, struct err *e)
{
    if (o->trust.n > 0)
        return err_set(e, ERR_USAGE, "inspect: a bundle.json alone has no signatures to check with --trust");
    return show_inspect_manifest(ctx, bundle_of(o), e);
}

static bool run_inspect(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    bool is_judged = false;
    bool is_manifest = false;
    if (!show_is_manifest(bundle_of(o), &is_manifest, e))
        return false;
    if (is_manifest)
        return inspect_manifest(ctx, o, e);
    AUTO(index_close_auto) struct index *x = open_index(bundle_of(o), &o->parts, &o->trust, &verdict, &is_judged, e);
    return x != NULL && show_inspect(ctx, x, is_judged ? &verdict : NULL, e);
}

static bool run_list(struct cli_context *ctx, const void *options, struct err *e)
{
    AUTO(index_close_auto) struct index *x = open_it(options, e);
    return x != NULL && show_list(ctx, x, e);
}

static bool run_cat(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    AUTO(index_close_auto) struct index *x = open_it(o, e);
    return x != NULL && show_cat(ctx, x, o->arguments.items[1], e);
}

static bool run_extract(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct cli_list members = { .items = o->arguments.items + 1, .n = o->arguments.n - 1 };
    if (o->dir == NULL)
        return err_set(e, ERR_USAGE, "extract: where to? expected -C DIR");
    AUTO(index_close_auto) struct index *x = open_it(o, e);
    return x != NULL && show_extract(ctx, x, o->dir, &members, e);
}

static bool run_export(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct read_options *o = options;
    struct verdict verdict = { 0 };
    if (!show_export_check(&o->export, e))
        return false;
    AUTO(mem_auto) char *trimmed = path_trim(o->export.out);
    AUTO(mem_auto) char *dir = path_dir(trimmed);
    struct base base = { 0 };
    struct bundle *b = open_bundle(bundle_of(o), &o->parts, &o->trust, ctx, &verdict, e);
    bool ok = b != NULL && lend_base(&base, o, true, ctx, b, dir, e) && show_export(ctx, b, &o->export, e);
    if (b != NULL)
        bundle_close(b);
    base_close(&base);
    return ok;
}

#define TRUST_ROW CLI_LIST_ROW("trust", 0, struct read_options, trust, "KEY.pub", "a key whose signature is trusted; repeatable")
#define BASE_ROW CLI_TEXT_ROW("base", 0, struct read_options, base, "BUNDLE", "of a delta: the bundle of its base, to put layers together")
#define PARTS_ROW SHOW_PARTS_ROW(struct read_options, parts)

static const struct cli_option read_rows[] = { TRUST_ROW, PARTS_ROW };
static const struct cli_option verify_rows[] = {
    TRUST_ROW,
    PARTS_ROW,
    CLI_FLAG_ROW("deep", 0, struct read_options, is_deep, "put every layer together again and compare it with the image"),
    BASE_ROW,
    SHOW_MEDIUM_ROW(struct read_options, parts),
};
static const struct cli_option inspect_rows[] = { TRUST_ROW, PARTS_ROW, CLI_NOT_YET_ROW("html") };
static const struct cli_option extract_rows[] = {
    TRUST_ROW,
    PARTS_ROW,
    CLI_TEXT_ROW("directory", 'C', struct read_options, dir, "DIR", "write below this directory, which exists"),
};
static const struct cli_option export_rows[] = { TRUST_ROW, PARTS_ROW, SHOW_EXPORT_ROWS(struct read_options, export), BASE_ROW };

#define READ_COMMAND(name_, arguments_, summary_, rows_, min_, max_, run_)                                                              \
    { .name = (name_), .arguments = (arguments_), .summary = (summary_), CLI_OPTIONS(rows_), CLI_INTO(struct read_options, arguments), \
      .min_arguments = (min_), .max_arguments = (max_), .run = (run_) }

const struct cli_command cmd_verify = READ_COMMAND("verify", "BUNDLE", "check signature and every byte, as a host does", verify_rows, 1, 1, run_verify);
const struct cli_command cmd_inspect = READ_COMMAND("inspect", "BUNDLE|bundle.json", "show what is inside", inspect_rows, 1, 1, run_inspect);
const struct cli_command cmd_list = READ_COMMAND("list", "BUNDLE", "list the members", read_rows, 1, 1, run_list);
const struct cli_command cmd_cat = READ_COMMAND("cat", "BUNDLE MEMBER", "write a member to standard output", read_rows, 2, 2, run_cat);
const struct cli_command cmd_extract = READ_COMMAND("extract", "BUNDLE [MEMBER...] -C DIR", "write members below a directory", extract_rows, 1, SIZE_MAX,
                                                    run_extract);
const struct cli_command cmd_export = READ_COMMAND("export", "BUNDLE --format FORM -o OUT --trust KEY.pub", "write images for other tools", export_rows, 1, 1, run_export);
