/* inspect for people. What stands in release.json is from outside: it is shown through SHOWN. */
#include "base/text.h"
#include "format/date.h"
#include "show/inspect_parts.h"
#include "show/reports.h"
#include "show/verified.h"

#include "base/banned.h"

static void print_signers(struct cli_context *ctx, const struct facts *f)
{
    const struct header *h = index_header(f->index);
    if (f->verdict != NULL) {
        show_signers(ctx, f->verdict);
        return;
    }
    for (size_t i = 0; i < h->n_signatures; i++)
        cli_print(ctx, "  signature   %s, not checked\n", h->signatures[i].name);
    if (h->n_signatures == 0)
        cli_print(ctx, "  signature   none\n");
}

static void print_head(struct cli_context *ctx, const struct facts *f)
{
    const struct manifest *m = index_manifest(f->index);
    char created[DATE_TEXT_BYTES];
    char size[24];
    date_format(created, m->created);
    cli_print(ctx, "%s %s%s%s\n", m->name, m->version, f->release.title == NULL ? "" : ", ", f->release.title == NULL ? "" : SHOWN(f->release.title));
    cli_print(ctx, "  file        %s, %s\n", SHOWN(index_name(f->index)), text_bytes(size, m->total_len));
    cli_print(ctx, "  created     %s by %s %s\n", created, m->builder_program, m->builder_version);
    cli_print(ctx, "  platforms  ");
    for (size_t i = 0; i < m->n_platforms; i++)
        cli_print(ctx, " %s", m->platforms[i]);
    cli_print(ctx, "\n  release     %s\n", DIGEST_SHOWN(&m->release_sha256));
    cli_print(ctx, "  manifest    %s\n", DIGEST_SHOWN(index_manifest_sha256(f->index)));
    print_signers(ctx, f);
}

static void print_images(struct cli_context *ctx, const struct facts *f)
{
    const struct manifest *m = index_manifest(f->index);
    char a[24];
    char b[24];
    char c[24];
    char d[24];
    cli_print(ctx, "\nImages\n");
    for (size_t i = 0; i < f->n_images; i++) {
        const struct facts_image *x = &f->images[i];
        cli_print(ctx, "  %s  %s  %zu layer%s, %s", x->image->reference, platform_format(&(struct platform_text){ { 0 } }, &x->platform->platform),
                  x->platform->n_diff_ids, text_s(x->platform->n_diff_ids), text_bytes(a, x->bytes));
        if (x->shared_bytes > 0)
            cli_print(ctx, ", %s of them shared with others", text_bytes(a, x->shared_bytes));
        cli_print(ctx, "\n    config %s\n", DIGEST_SHOWN(&x->platform->config));
        if (x->n_attestations > 0 || x->n_signatures > 0)
            cli_print(ctx, "    with %zu attestation%s and %zu signature%s, as its registry had them\n", x->n_attestations, text_s(x->n_attestations), x->n_signatures,
                      text_s(x->n_signatures));
    }
    if (m->mode == MANIFEST_EXACT) {
        cli_print(ctx, "  %s in all; %zu distinct layer%s of %s, exact: as their registries had them; %s in the file\n", text_bytes(a, f->image_bytes), m->n_layers,
                  text_s(m->n_layers), text_bytes(b, f->layer_bytes), text_bytes(d, m->total_len));
        return;
    }
    cli_print(ctx, "  %s in all; %zu distinct layer%s of %s; %s of different pieces; %s compressed\n", text_bytes(a, f->image_bytes), m->n_layers,
              text_s(m->n_layers), text_bytes(b, f->layer_bytes), text_bytes(c, f->stored_bytes), text_bytes(d, m->total_len));
}

static void print_services(struct cli_context *ctx, const struct release *r)
{
    if (r->n_services > 0)
        cli_print(ctx, "\nServices\n");
    for (size_t i = 0; i < r->n_services; i++) {
        const struct release_service *s = &r->services[i];
        cli_print(ctx, "  %s  %s%s%s\n", SHOWN(s->name), SHOWN(s->image), s->health == NULL ? "" : "  ", s->health == NULL ? "" : SHOWN(s->health));
    }
}

static void print_sql(struct cli_context *ctx, const char *title, const struct release_sql *list, size_t n)
{
    if (n > 0)
        cli_print(ctx, "\n%s\n", title);
    for (size_t i = 0; i < n; i++)
        cli_print(ctx, "  %s  %llu statement%s%s\n", SHOWN(list[i].name), (unsigned long long)list[i].statements, text_s(list[i].statements),
                  list[i].has_down ? ", with a way back" : "");
}

static void print_variable(struct cli_context *ctx, const struct variable *v)
{
    cli_print(ctx, "  %s", SHOWN(v->name));
    if (v->is_required)
        cli_print(ctx, "  required");
    if (v->is_secret)
        cli_print(ctx, "  secret");
    if (v->generate > 0)
        cli_print(ctx, "  generated");
    if (v->default_value != NULL)
        cli_print(ctx, "  default \"%s\"", SHOWN(v->default_value));
    if (v->help != NULL)
        cli_print(ctx, "  %s", SHOWN(v->help));
    cli_print(ctx, "\n");
}

static void print_variables(struct cli_context *ctx, const struct release *r)
{
    if (r->variables.n > 0)
        cli_print(ctx, "\nVariables\n");
    for (size_t i = 0; i < r->variables.n; i++)
        print_variable(ctx, &r->variables.items[i]);
}

static void print_urls(struct cli_context *ctx, const struct release *r)
{
    if (r->n_urls > 0)
        cli_print(ctx, "\nAddresses\n");
    for (size_t i = 0; i < r->n_urls; i++)
        cli_print(ctx, "  %s  %s\n", SHOWN(r->urls[i].name), SHOWN(r->urls[i].url));
}

void inspect_text(struct cli_context *ctx, const struct facts *f)
{
    const struct release *r = &f->release;
    print_head(ctx, f);
    print_images(ctx, f);
    print_services(ctx, r);
    print_sql(ctx, "Bootstrap", r->bootstrap, r->n_bootstrap);
    print_sql(ctx, "Migrations", r->migrations, r->n_migrations);
    print_variables(ctx, r);
    print_urls(ctx, r);
    show_reports_text(ctx, &f->reports);
}
