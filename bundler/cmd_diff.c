/* archon-bundle diff: what changed between two bundles, and what a delta between them would need. */
#include "base/text.h"
#include "bundle/layer_reader.h"
#include "bundler/commands.h"
#include "bundler/diff.h"
#include "bundler/open.h"

#include "base/banned.h"

struct diff_options {
    struct cli_list bundles;
    struct cli_list trust;
    struct show_parts parts;
};

/* One of the two. */
struct side {
    struct bundle *bundle; /* with --trust: verified */
    struct index *index;   /* without: nobody vouches for it. Borrowed from bundle else */
    struct release release;
};

struct comparison {
    struct side old, new;
    struct diff changes;
    struct diff_layers layers;
    struct diff_delta delta;
    bool is_measured;
};

static bool read_release(struct side *s, const struct index *x, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_RELEASE_BYTES);
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(x, 2 * LIMIT_CHUNK_BYTES);
    return member_read(x, cache, RELEASE_MEMBER, &text, e) &&
           (release_read(&s->release, buf_text(&text), text.len, e) || err_in(e, "%s", index_name(x)));
}

static const struct index *index_of(const struct side *s)
{
    return s->bundle != NULL ? bundle_index(s->bundle) : s->index;
}

static bool open_side(struct side *s, const char *path, const struct diff_options *o, struct cli_context *ctx, struct err *e)
{
    struct verdict verdict = { 0 };
    bool is_judged;
    if (o->trust.n > 0)
        s->bundle = open_bundle(path, &o->parts, &o->trust, ctx, &verdict, e);
    else
        s->index = open_index(path, &o->parts, &o->trust, &verdict, &is_judged, e);
    return (s->bundle != NULL || s->index != NULL) && read_release(s, index_of(s), e);
}

static void side_clear(struct side *s)
{
    release_clear(&s->release);
    if (s->bundle != NULL)
        bundle_close(s->bundle);
    if (s->index != NULL)
        index_close(s->index);
}

static const struct manifest *manifest_of(const struct side *s)
{
    return index_manifest(index_of(s));
}

/* A delta cannot be measured against, nor from, another delta: its layers are not all there. */
static bool compare(struct comparison *c, const struct progress *progress, struct err *e)
{
    diff_releases(&c->changes, &c->old.release, &c->new.release);
    diff_layers_count(&c->layers, manifest_of(&c->old), manifest_of(&c->new));
    c->is_measured = c->old.bundle != NULL && !manifest_of(&c->old)->has_base && !manifest_of(&c->new)->has_base;
    return !c->is_measured || diff_measure(&c->delta, c->old.bundle, c->new.bundle, progress, e);
}

/* ---- what is told ---- */

static const char *const words[] = { [DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed" };

static void side_json(struct jwrite *w, const char *key, const struct side *s)
{
    const struct manifest *m = manifest_of(s);
    jwrite_object(w, key);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_digest_hex(w, "release_sha256", &m->release_sha256);
    jwrite_u64(w, "size", m->total_len);
    jwrite_end(w);
}

static void list_json(struct jwrite *w, enum diff_kind kind, const struct diff_list *list)
{
    jwrite_object(w, diff_kind_name(kind));
    for (size_t change = 0; change < ARRAY_LEN(words); change++) {
        jwrite_array(w, words[change]);
        for (size_t i = 0; i < list->n; i++)
            if (list->items[i].change == (enum diff_change)change)
                jwrite_str(w, NULL, list->items[i].name);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void layers_json(struct jwrite *w, const struct diff_layers *l)
{
    jwrite_object(w, "layers");
    jwrite_u64(w, "kept", l->n_kept);
    jwrite_u64(w, "kept_raw_size", l->kept_bytes);
    jwrite_u64(w, "added", l->n_added);
    jwrite_u64(w, "added_raw_size", l->added_bytes);
    jwrite_u64(w, "added_size", l->added_blob_bytes);
    jwrite_u64(w, "removed", l->n_removed);
    jwrite_u64(w, "removed_raw_size", l->removed_bytes);
    jwrite_end(w);
}

static bool report_json(struct cli_context *ctx, const struct comparison *c, struct err *e)
{
    struct jwrite *w = cli_json_open(ctx);
    side_json(w, "old", &c->old);
    side_json(w, "new", &c->new);
    for (enum diff_kind kind = 0; kind < DIFF_KINDS; kind++)
        list_json(w, kind, &c->changes.lists[kind]);
    layers_json(w, &c->layers);
    if (c->is_measured) {
        jwrite_object(w, "delta");
        jwrite_u64(w, "raw_size", c->delta.raw_bytes);
        jwrite_u64(w, "size", c->delta.bytes);
        jwrite_u64(w, "base_disk", c->delta.base_bytes);
        jwrite_end(w);
    }
    return cli_json_close(ctx, w, e);
}

static void delta_text(struct cli_context *ctx, const struct comparison *c)
{
    char a[24];
    char b[24];
    char d[24];
    if (c->layers.n_added == 0)
        cli_print(ctx, "delta       no layer needs to travel\n");
    else if (c->is_measured)
        cli_print(ctx, "delta       about %s of layers, where the full bundle has %s; a host reads %s of old layers for it\n",
                  text_bytes(a, c->delta.bytes), text_bytes(b, manifest_of(&c->new)->total_len), text_bytes(d, c->delta.base_bytes));
    else
        cli_print(ctx, "delta       less than %s%s\n", text_bytes(a, c->layers.added_blob_bytes),
                  c->old.bundle == NULL ? "; with --trust KEY.pub it is measured" : "");
}

static void report_text(struct cli_context *ctx, const struct comparison *c)
{
    char a[24];
    char b[24];
    char d[24];
    const struct diff_layers *l = &c->layers;
    cli_print(ctx, "%s %s -> %s %s\n", manifest_of(&c->old)->name, manifest_of(&c->old)->version, manifest_of(&c->new)->name,
              manifest_of(&c->new)->version);
    for (enum diff_kind kind = 0; kind < DIFF_KINDS; kind++)
        for (size_t i = 0; i < c->changes.lists[kind].n; i++)
            cli_print(ctx, "%-11s %-8s %s\n", i == 0 ? diff_kind_name(kind) : "", words[c->changes.lists[kind].items[i].change],
                      SHOWN(c->changes.lists[kind].items[i].name));
    cli_print(ctx, "layers      %zu kept (%s), %zu added (%s), %zu removed (%s)\n", l->n_kept, text_bytes(a, l->kept_bytes), l->n_added,
              text_bytes(b, l->added_bytes), l->n_removed, text_bytes(d, l->removed_bytes));
    delta_text(ctx, c);
}

static bool run_diff(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct diff_options *o = options;
    struct comparison c = { 0 };
    bool ok = open_side(&c.old, o->bundles.items[0], o, ctx, e) && open_side(&c.new, o->bundles.items[1], o, ctx, e) &&
              compare(&c, &ctx->progress, e);
    if (ok && cli_wants_json(ctx))
        ok = report_json(ctx, &c, e);
    else if (ok)
        report_text(ctx, &c);
    diff_clear(&c.changes);
    side_clear(&c.old);
    side_clear(&c.new);
    return ok;
}

static const struct cli_option diff_rows[] = {
    CLI_LIST_ROW("trust", 0, struct diff_options, trust, "KEY.pub",
                 "a key whose signature is trusted; then layers are compared byte for byte. Repeatable"),
    SHOW_PARTS_ROW(struct diff_options, parts),
};

const struct cli_command cmd_diff = { .name = "diff",
                                      .arguments = "OLD NEW",
                                      .summary = "what changed, and what a delta would need",
                                      CLI_OPTIONS(diff_rows),
                                      CLI_INTO(struct diff_options, bundles),
                                      .min_arguments = 2,
                                      .max_arguments = 2,
                                      .run = run_diff };
