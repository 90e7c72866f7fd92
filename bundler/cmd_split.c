/* archon-bundle split: a bundle written again in parts, for file systems and discs that do not hold it whole. What arrives is read back and compared with the chunk table. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/output.h"
#include "bundle/part_name.h"
#include "bundle/verify.h"
#include "bundler/commands.h"
#include "bundler/medium.h"
#include "bundler/open.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/place.h"
#include "sys/start.h"
#include "sys/work.h"

#include "base/banned.h"

enum { BLOCK = 4 * 1024 * 1024 };

struct split_options {
    struct cli_list bundles;
    struct show_parts parts;
    uint64_t part_bytes;
    const char *output;
    bool is_checking_medium;
};

/* The name without number of the parts, which a file of that name that was given may be called already. */
static char *choose_path(const struct split_options *o, bool *may_replace)
{
    const char *from = o->bundles.items[0];
    size_t len = 0;
    AUTO(mem_auto) char *whole = part_name_number(from, &len) == 0 ? mem_text(from) : mem_text_n(from, len);
    *may_replace = o->output != NULL && !path_is_directory(o->output);
    return o->output == NULL ? TAKE(whole) : *may_replace ? mem_text(o->output) : path_join(o->output, path_base(whole));
}

/* Everything that can be known to fail is said before the first byte is written. */
static bool check_place(const struct split_options *o, const char *path, bool may_replace, uint64_t need, struct err *e)
{
    uint64_t room = 0;
    char a[24];
    char b[24];
    AUTO(mem_auto) char *dir = path_dir(path);
    if (o->part_bytes < need && (need - 1) / o->part_bytes >= LIMIT_PARTS)
        return err_set(e, ERR_USAGE, "--size: %s would be more than %d parts", text_bytes(a, need), LIMIT_PARTS) ||
               err_hint(e, "choose larger parts");
    if (!place_check(path, e) || !medium_holds(path, need, o->part_bytes < need ? o->part_bytes : need, "--size", e) ||
        (!may_replace && !output_check_free(path, o->part_bytes, e)) || !output_clean(path, o->part_bytes, e) ||
        !file_free_bytes(dir, &room, e))
        return false;
    return room >= need ||
           err_set(e, ERR_SPACE, "%s: %s are needed for the parts, %s are free", SHOWN(dir), text_bytes(a, need), text_bytes(b, room));
}

static bool copy(struct bundle_file *from, struct output *to, struct cli_context *ctx, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(BLOCK);
    uint64_t total = bundle_file_bytes(from);
    for (uint64_t at = 0; at < total;) {
        size_t n = total - at < BLOCK ? (size_t)(total - at) : BLOCK;
        struct progress_fact fact = { .phase = "split", .done = at, .total = total };
        if (!start_check(e) || !bundle_file_read(from, block, n, at, "bundle", e) || !output_write(to, block, n, at, e))
            return false;
        if (!progress_tell(&ctx->progress, &fact))
            return err_set(e, ERR_INTERRUPTED, "splitting was stopped");
        at += n;
    }
    return true;
}

static bool report(struct cli_context *ctx, const char *path, const struct output *to, uint64_t bytes, struct err *e)
{
    char size[24];
    size_t n = output_parts(to);
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_u64(w, "size", bytes);
        jwrite_array(w, "parts");
        for (size_t i = 1; i <= n; i++) {
            AUTO(mem_auto) char *name = part_name(path, i);
            jwrite_str(w, NULL, name);
        }
        jwrite_end(w);
        return cli_json_close(ctx, w, e);
    }
    cli_print(ctx, "%s.001%s\n  parts      %zu, together %s\n", SHOWN(path), n > 1 ? " and so on" : "", n, text_bytes(size, bytes));
    return true;
}

static bool run_split(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct split_options *o = options;
    struct authority nobody = { .is_unproven = true }; /* what is copied is proven by whoever reads the copy */
    bool may_replace;
    if (o->part_bytes < LIMIT_PART_MIN_BYTES)
        return err_set(e, ERR_USAGE, "--size: expected at least %d MiB", (int)(LIMIT_PART_MIN_BYTES / MIB));
    struct bundle_file *f = show_parts_open(o->bundles.items[0], &o->parts, NULL, false, e);
    AUTO(index_close_auto) struct index *x = f == NULL ? NULL : index_open(f, &nobody, e);
    if (x == NULL)
        return false;
    AUTO(mem_auto) char *path = choose_path(o, &may_replace);
    if (!check_place(o, path, may_replace, bundle_file_bytes(f), e))
        return false;
    AUTO(output_drop_auto) struct output *to = output_open(path, o->part_bytes, e);
    struct medium_check check = { .manifest_sha256 = index_manifest_sha256(x), .jobs = work_cpus(), .progress = &ctx->progress,
                                  .is_from_medium = o->is_checking_medium };
    return to != NULL && copy(f, to, ctx, e) && medium_check(to, &check, e) && output_publish(to, may_replace, e) &&
           (!o->is_checking_medium || medium_settle(path, e)) && report(ctx, path, to, bundle_file_bytes(f), e);
}

static const struct split_options defaults = { .part_bytes = 4095 * MIB };

static const struct cli_option split_rows[] = {
    CLI_BYTES_ROW("size", 0, struct split_options, part_bytes, "SIZE", "of every part but the last (4095MiB, the most that FAT32 holds in one file)", UINT64_MAX),
    CLI_TEXT_ROW("output", 'o', struct split_options, output, "OUT", "directory, or name without number (parts beside the bundle)"),
    CLI_FLAG_ROW("check-medium", 0, struct split_options, is_checking_medium, "read the parts back from the medium itself, then say that it is safe to remove"),
    SHOW_PARTS_ROW(struct split_options, parts),
};

const struct cli_command cmd_split = { .name = "split", .arguments = "BUNDLE", .summary = "parts for FAT32 or discs",
                                       .details = "Writes NAME.001, NAME.002 and so on; cat NAME.[0-9]* gives the bundle again, but nobody needs to: archon-load reads parts in place.",
                                       CLI_OPTIONS(split_rows), CLI_INTO(struct split_options, bundles), .defaults = &defaults, .min_arguments = 1,
                                       .max_arguments = 1, .run = run_split };
