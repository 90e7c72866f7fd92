/* inspect for programs. */
#include "format/date.h"
#include "show/inspect_parts.h"
#include "show/reports.h"
#include "show/verified.h"

#include "base/banned.h"

static void text_or_nothing(struct jwrite *w, const char *key, const char *text)
{
    if (text != NULL)
        jwrite_str(w, key, text);
}

static void add_head(struct jwrite *w, const struct facts *f)
{
    const struct manifest *m = index_manifest(f->index);
    char created[DATE_TEXT_BYTES];
    date_format(created, m->created);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    text_or_nothing(w, "title", f->release.title);
    jwrite_str(w, "created", created);
    jwrite_digest_hex(w, "release_sha256", &m->release_sha256);
    jwrite_digest_hex(w, "manifest_sha256", index_manifest_sha256(f->index));
    jwrite_array(w, "platforms");
    for (size_t i = 0; i < m->n_platforms; i++)
        jwrite_str(w, NULL, m->platforms[i]);
    jwrite_end(w);
    jwrite_u64(w, "size", m->total_len);
}

static void add_signatures(struct jwrite *w, const struct facts *f)
{
    const struct header *h = index_header(f->index);
    jwrite_array(w, "signatures");
    for (size_t i = 0; i < h->n_signatures; i++)
        jwrite_str(w, NULL, h->signatures[i].name);
    jwrite_end(w);
    jwrite_bool(w, "signatures_checked", f->verdict != NULL);
    if (f->verdict != NULL)
        show_signers_json(w, f->verdict);
}

static void add_images(struct jwrite *w, const struct facts *f)
{
    jwrite_array(w, "images");
    for (size_t i = 0; i < f->n_images; i++) {
        const struct facts_image *x = &f->images[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "reference", x->image->reference);
        if (x->image->has_index)
            jwrite_digest(w, "index", &x->image->index);
        jwrite_str(w, "platform", platform_format(&(struct platform_text){ { 0 } }, &x->platform->platform));
        jwrite_digest(w, "manifest", &x->platform->manifest);
        jwrite_digest(w, "config", &x->platform->config);
        jwrite_array(w, "diff_ids");
        for (size_t k = 0; k < x->platform->n_diff_ids; k++)
            jwrite_digest(w, NULL, &x->platform->diff_ids[k]);
        jwrite_end(w);
        jwrite_u64(w, "size", x->bytes);
        jwrite_u64(w, "shared_size", x->shared_bytes);
        jwrite_u64(w, "attestations", x->n_attestations);
        jwrite_u64(w, "signatures", x->n_signatures);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_str(w, "layers_mode", manifest_mode_text(index_manifest(f->index)->mode));
    jwrite_u64(w, "layers", index_manifest(f->index)->n_layers);
    jwrite_u64(w, "images_size", f->image_bytes);
    jwrite_u64(w, "layers_size", f->layer_bytes);
    jwrite_u64(w, "stored_size", f->stored_bytes);
}

static void add_services(struct jwrite *w, const struct release *r)
{
    jwrite_array(w, "services");
    for (size_t i = 0; i < r->n_services; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", r->services[i].name);
        jwrite_str(w, "image", r->services[i].image);
        text_or_nothing(w, "health", r->services[i].health);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void add_sql(struct jwrite *w, const char *key, const struct release_sql *list, size_t n)
{
    jwrite_array(w, key);
    for (size_t i = 0; i < n; i++) {
        jwrite_object(w, NULL);
        if (list[i].order > 0)
            jwrite_u64(w, "order", list[i].order);
        jwrite_str(w, "name", list[i].name);
        jwrite_digest_hex(w, "sha256", &list[i].sha256);
        jwrite_u64(w, "statements", list[i].statements);
        jwrite_bool(w, "has_down", list[i].has_down);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void add_variables(struct jwrite *w, const struct release *r)
{
    jwrite_array(w, "variables");
    for (size_t i = 0; i < r->variables.n; i++) {
        const struct variable *v = &r->variables.items[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "name", v->name);
        text_or_nothing(w, "default", v->default_value);
        text_or_nothing(w, "pattern", v->pattern);
        text_or_nothing(w, "help", v->help);
        jwrite_bool(w, "secret", v->is_secret);
        jwrite_bool(w, "required", v->is_required);
        jwrite_u64(w, "generate", v->generate);
        jwrite_end(w);
    }
    jwrite_end(w);
}

bool inspect_json(struct cli_context *ctx, const struct facts *f, struct err *e)
{
    const struct release *r = &f->release;
    struct jwrite *w = cli_json_open(ctx);
    add_head(w, f);
    add_signatures(w, f);
    add_images(w, f);
    add_services(w, r);
    add_sql(w, "bootstrap", r->bootstrap, r->n_bootstrap);
    add_sql(w, "migrations", r->migrations, r->n_migrations);
    add_variables(w, r);
    show_reports_json(w, &f->reports);
    return cli_json_close(ctx, w, e);
}
