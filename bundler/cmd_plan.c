/* archon-bundle plan: what create would fetch, from where and how much. Nothing is fetched but manifests and configurations. */
#include "base/text.h"
#include "bundler/commands.h"
#include "bundler/create.h"

#include "base/banned.h"

struct planned_image {
    uint64_t bytes;
    uint64_t cached_bytes;
};

static const char *place_of(const struct image_signature *x)
{
    return x->is_referrer ? "referrers" : "tag";
}

static void print_signatures(const struct create *c, const struct image_proof *p)
{
    for (size_t i = 0; i < p->n; i++)
        cli_print(c->ctx, "  signed by the key %s (%s): %s\n", SHOWN(p->items[i].key), place_of(&p->items[i]), DIGEST_SHOWN(&p->items[i].subject));
}

static void add_signatures(struct jwrite *w, const struct image_proof *p)
{
    jwrite_array(w, "signatures");
    for (size_t i = 0; i < p->n; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "key", p->items[i].key);
        jwrite_digest(w, "subject", &p->items[i].subject);
        jwrite_str(w, "found", place_of(&p->items[i]));
        jwrite_str(w, "form", p->items[i].is_bundle ? "sigstore-bundle" : "simple-signing");
        jwrite_end(w);
    }
    jwrite_end(w);
}

/* Each image alone: layers that images share count in each of them, but once in the sum. */
static bool measure_image(const struct create *c, size_t i, struct planned_image *p, struct err *e)
{
    struct fetch_totals t;
    if (!fetch_plan(c->registries.cache, &c->images[i], 1, NULL, &t, e))
        return false;
    *p = (struct planned_image){ .bytes = t.bytes, .cached_bytes = t.bytes - t.missing_bytes };
    return true;
}

static void print_image(const struct create *c, size_t i, const struct planned_image *p)
{
    const struct image *x = &c->images[i];
    char size[24];
    char cached[24];
    size_t n_layers = 0;
    for (size_t k = 0; k < x->n_platforms; k++)
        n_layers += x->platforms[k].m.n_layers;
    cli_print(c->ctx, "%s\n  %s\n ", REF_SHOWN(&c->app->images[i].written), DIGEST_SHOWN(image_digest(x)));
    for (size_t k = 0; k < x->n_platforms; k++)
        cli_print(c->ctx, " %s", platform_format(&(struct platform_text){ { 0 } }, &x->platforms[k].platform));
    cli_print(c->ctx, ", %zu layer%s, %s, %s of it here already\n", n_layers, text_s(n_layers), text_bytes(size, p->bytes), text_bytes(cached, p->cached_bytes));
}

static void add_image(struct jwrite *w, const struct create *c, size_t i, const struct planned_image *p)
{
    const struct image *x = &c->images[i];
    jwrite_object(w, NULL);
    jwrite_str(w, "reference", REF_SHOWN(&c->app->images[i].written));
    if (c->app->images[i].place.written != NULL)
        jwrite_str(w, "from", c->app->images[i].place.written);
    jwrite_digest(w, "digest", image_digest(x));
    jwrite_array(w, "platforms");
    for (size_t k = 0; k < x->n_platforms; k++)
        jwrite_str(w, NULL, platform_format(&(struct platform_text){ { 0 } }, &x->platforms[k].platform));
    jwrite_end(w);
    jwrite_u64(w, "size", p->bytes);
    jwrite_u64(w, "cached_size", p->cached_bytes);
    add_signatures(w, &c->proofs[i]);
    jwrite_end(w);
}

/* Distinct layers that the host has as they are: their blobs need not travel, and neither do pieces of others that their base has. */
static size_t count_kept(const struct create *c, uint64_t *bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_layers; i++)
        if (c->layers[i].is_on_host) {
            n++;
            *bytes += c->layers[i].blobs[0].size;
        }
    return n;
}

static void print_base(const struct create *c)
{
    char saved[24];
    uint64_t bytes = 0;
    size_t n = count_kept(c, &bytes);
    if (base_is_given(&c->base))
        cli_print(c->ctx, "%zu of %zu layer%s, %s, need not travel: the host has %s\n", n, c->n_layers, text_s(c->n_layers), text_bytes(saved, bytes), n == 1 ? "it" : "them");
}

static void add_base(struct jwrite *w, const struct create *c)
{
    uint64_t bytes = 0;
    size_t n = count_kept(c, &bytes);
    if (!base_is_given(&c->base))
        return;
    jwrite_object(w, "base");
    if (c->base.bundle != NULL)
        jwrite_str(w, "version", bundle_manifest(c->base.bundle)->version);
    jwrite_u64(w, "kept_layers", n);
    jwrite_u64(w, "kept_size", bytes);
    jwrite_end(w);
}

static bool report_text(const struct create *c, struct err *e)
{
    char all[24];
    char missing[24];
    for (size_t i = 0; i < c->app->n_images; i++) {
        struct planned_image p;
        if (!measure_image(c, i, &p, e))
            return false;
        print_image(c, i, &p);
        print_signatures(c, &c->proofs[i]);
    }
    cli_print(c->ctx, "%zu different layer%s of %s; %zu of them, %s, to fetch\n", c->fetched.n_blobs, text_s(c->fetched.n_blobs), text_bytes(all, c->fetched.bytes),
              c->fetched.n_missing, text_bytes(missing, c->fetched.missing_bytes));
    print_base(c);
    return true;
}

static bool report_json(const struct create *c, struct err *e)
{
    bool ok = true;
    struct jwrite *w = cli_json_open(c->ctx);
    jwrite_array(w, "images");
    for (size_t i = 0; i < c->app->n_images && ok; i++) {
        struct planned_image p;
        ok = measure_image(c, i, &p, e);
        if (ok)
            add_image(w, c, i, &p);
    }
    jwrite_end(w);
    jwrite_u64(w, "fetch_size", c->fetched.missing_bytes);
    add_base(w, c);
    if (ok)
        return cli_json_close(c->ctx, w, e);
    jwrite_free(w);
    return false;
}

static bool run_plan(struct cli_context *ctx, const void *options, struct err *e)
{
    struct create c = { .ctx = ctx, .o = options };
    bool ok = create_plan(&c, e) && create_list_layers(&c, e) && (cli_wants_json(ctx) ? report_json(&c, e) : report_text(&c, e));
    create_clear(&c);
    return ok;
}

static const struct create_options defaults = { .registries = REGISTRIES_DEFAULTS };

static const struct cli_option plan_rows[] = {
    INPUT_ROWS(struct create_options),
    REGISTRIES_ROWS(struct create_options),
    LOCK_ROWS(struct create_options),
    BASE_ROWS(struct create_options),
    IMAGE_RULES_ROW(struct create_options),
};

const struct cli_command cmd_plan = { .name = "plan", .arguments = "[IMAGE...]", .summary = "show what create would fetch", CLI_OPTIONS(plan_rows),
                                      CLI_INTO(struct create_options, input.images), .defaults = &defaults, .max_arguments = SIZE_MAX, .run = run_plan };
