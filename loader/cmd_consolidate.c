/* archon-load consolidate: a full bundle again, for hosts that have no base, and for the shelf. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "certs/host_key.h"
#include "loader/commands.h"
#include "loader/consolidate.h"
#include "loader/open.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/place.h"
#include "sys/work.h"

#include "base/banned.h"

#define CACHE_BYTES (48 * MIB)
enum { LEVEL_MAX = 19 };

struct consolidate_options {
    struct cli_list bundles;
    struct cli_list trust;
    struct show_parts parts;
    const char *root;
    const char *engine;
    const char *base;
    const char *key;
    const char *passphrase_file;
    const char *output;
    uint64_t level;
};

/* Everything that is open at once. */
struct opened {
    struct bundle *delta;
    struct chunk_cache *cache;
    struct base_source *base;
    struct key_private *key;
    char *public_path; /* of the host's own key; null: it was given */
    uint64_t kept_bytes;
};

static void opened_clear(struct opened *o)
{
    if (o->base != NULL)
        base_source_free(o->base);
    if (o->cache != NULL)
        chunk_cache_free(o->cache);
    if (o->delta != NULL)
        bundle_close(o->delta);
    key_private_free(o->key);
    mem_free(o->public_path);
}

static bool check_output(const struct consolidate_options *o, struct err *e)
{
    bool exists = false;
    if (o->output == NULL)
        return err_set(e, ERR_USAGE, "-o FILE is needed");
    if (!place_check(o->output, e) || !file_exists(o->output, &exists, e) || !publish_clean(o->output, e))
        return false;
    if (!exists)
        return true;
    err_set(e, ERR_IO, "%s: exists already", SHOWN(o->output));
    return err_hint(e, "expected the name of a file that does not exist yet");
}

static bool open_delta(struct opened *x, const struct consolidate_options *o, struct cli_context *ctx, struct err *e)
{
    struct verdict verdict = { 0 };
    x->delta = open_bundle(o->bundles.items[0], &o->parts, o->root, &o->trust, ctx, &verdict, e);
    if (x->delta == NULL)
        return false;
    if (!bundle_manifest(x->delta)->has_base)
        return err_set(e, ERR_USAGE, "%s: is a full bundle already", SHOWN(o->bundles.items[0]));
    x->cache = chunk_cache_new(bundle_index(x->delta), CACHE_BYTES);
    return true;
}

static bool open_base(struct opened *x, const struct consolidate_options *o, struct cli_context *ctx, struct err *e)
{
    struct verdict verdict = { 0 };
    struct base_where where = { .engine = o->engine, .progress = &ctx->progress };
    if (o->base != NULL) {
        where.kept = open_bundle(o->base, &o->parts, o->root, &o->trust, ctx, &verdict, e);
        if (where.kept == NULL)
            return err_in(e, "--base");
        x->kept_bytes = bundle_manifest(where.kept)->total_len;
    }
    x->base = base_source_new(x->delta, x->cache, &where);
    return true;
}

static bool open_key(struct opened *x, const struct consolidate_options *o, struct err *e)
{
    AUTO(mem_auto) char *passphrase = mem_text(o->passphrase_file);
    bool was_made = false;
    if (o->key != NULL) {
        x->key = key_private_load(o->key, key_passphrase, passphrase, e);
        return x->key != NULL;
    }
    x->key = host_key_open(o->root, &was_made, e);
    x->public_path = host_key_public_path(o->root);
    if (x->key != NULL && was_made)
        log_info("the key of this host was made: %s", x->public_path);
    return x->key != NULL;
}

/* Both parts are compressed already; what comes from an engine is not, and becomes about a third. */
static uint64_t expected_bytes(const struct opened *x)
{
    const struct manifest *m = bundle_manifest(x->delta);
    uint64_t bytes = 0;
    for (size_t k = 0; k < m->n_base_layers; k++)
        bytes += m->base_layers[k].size / 3;
    return m->total_len + (x->kept_bytes > 0 && x->kept_bytes < bytes ? x->kept_bytes : bytes);
}

static bool report(struct cli_context *ctx, const struct consolidate_options *o, const struct opened *x, const struct consolidate_result *r,
                   struct err *e)
{
    const struct manifest *m = bundle_manifest(x->delta);
    const struct digest *id = key_public_id(key_private_public(x->key));
    char size[24];
    if (!cli_wants_json(ctx)) {
        cli_print(ctx, "%s: %s %s, full bundle, %s\n", SHOWN(o->output), m->name, m->version, text_bytes(size, r->size));
        cli_print(ctx, "  release    %s\n", DIGEST_SHOWN(&m->release_sha256));
        cli_print(ctx, "  signed by  key %s\n", DIGEST_HEX(id));
        if (x->public_path != NULL)
            cli_print(ctx, "  the key is that of this host, %s: carry it along; where the bundle is to be loaded, archon-load trust add %s\n",
                      SHOWN(x->public_path), SHOWN(path_base(x->public_path)));
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "path", o->output);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_digest_hex(w, "release_sha256", &m->release_sha256);
    jwrite_digest_hex(w, "manifest_sha256", &r->manifest_sha256);
    jwrite_digest_hex(w, "key", id);
    jwrite_u64(w, "size", r->size);
    return cli_json_close(ctx, w, e);
}

static bool run(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct consolidate_options *o = options;
    struct opened x = { 0 };
    struct consolidate_result result;
    bool ok = check_output(o, e) && open_delta(&x, o, ctx, e) && open_base(&x, o, ctx, e) && open_key(&x, o, e);
    if (ok) {
        struct consolidate_spec spec = { .delta = x.delta,
                                         .cache = x.cache,
                                         .base = x.base,
                                         .key = x.key,
                                         .path = o->output,
                                         .progress = &ctx->progress,
                                         .expected_bytes = expected_bytes(&x),
                                         .level = (int)o->level,
                                         .jobs = work_cpus() };
        ok = consolidate(&spec, &result, e) && report(ctx, o, &x, &result, e);
    }
    opened_clear(&x);
    return ok;
}

static const struct consolidate_options defaults = { .level = 3 };
static const struct cli_option rows[] = {
    CLI_TEXT_ROW("output", 'o', struct consolidate_options, output, "FILE", "the full bundle, which does not exist yet"),
    CLI_TEXT_ROW("base", 0, struct consolidate_options, base, "BUNDLE",
                 "the bundle of the base (layers that it lacks come from the engine)"),
    CLI_TEXT_ROW("key", 0, struct consolidate_options, key, "FILE", "private key that signs (that of this host, made when there is none)"),
    CLI_TEXT_ROW("key-passphrase-file", 0, struct consolidate_options, passphrase_file, "FILE", "its passphrase (asked for on a terminal)"),
    CLI_NUMBER_ROW("level", 0, struct consolidate_options, level, "N", "of compression, 1 to 19 (3)", 1, LEVEL_MAX),
    CLI_LIST_ROW("trust", 0, struct consolidate_options, trust, "KEY.pub", "a key that may sign, for this run (hosts without a store)"),
    CLI_TEXT_ROW("root", 0, struct consolidate_options, root, "DIR", "trust store and the host's key lie below this directory (/)"),
    CLI_TEXT_ROW("engine", 0, struct consolidate_options, engine, "SOCKET", ENGINE_SOCKET_HELP),
    SHOW_PARTS_ROW(struct consolidate_options, parts),
};

const struct cli_command cmd_consolidate = {
    .name = "consolidate",
    .arguments = "DELTA -o FILE",
    .summary = "make a full bundle from a delta and its base",
    .details = "The base comes from --base BUNDLE or from the engine. The release in it is the same; it is signed by the key of this host, "
               "not by the vendor's.",
    CLI_OPTIONS(rows),
    CLI_INTO(struct consolidate_options, bundles),
    .defaults = &defaults,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
