/* Which form, then: what it is made of, written, told. */
#include "show/export.h"

#include "base/text.h"
#include "forms/form_lists.h"
#include "forms/form_output.h"
#include "forms/rootfs.h"

#include "base/banned.h"

struct exporting {
    struct cli_context *ctx;
    const struct show_export_options *o;
    struct form_images images;
    uint64_t bytes;
};

struct form {
    const char *name;
    bool (*write)(struct exporting *x, struct err *e);
};

/* ---- the forms ---- */

static bool write_list(struct exporting *x, bool (*list)(struct form_parts *p, const struct form_images *images, struct err *e),
                       bool is_archive, struct err *e)
{
    AUTO(form_parts_free_auto) struct form_parts *p = form_parts_new(&x->images);
    if (!list(p, &x->images, e))
        return false;
    return is_archive ? form_output_archive(form_parts_list(p), x->o->out, &x->ctx->progress, &x->bytes, e)
                      : form_output_directory(form_parts_list(p), x->o->out, &x->ctx->progress, &x->bytes, e);
}

static bool write_oci(struct exporting *x, struct err *e)
{
    return write_list(x, form_list_oci, text_ends(x->o->out, ".tar"), e);
}

static bool write_docker(struct exporting *x, struct err *e)
{
    return write_list(x, form_list_docker, true, e);
}

static bool write_dir(struct exporting *x, struct err *e)
{
    return write_list(x, form_list_dir, false, e);
}

static bool write_rootfs(struct exporting *x, struct err *e)
{
    return rootfs_write_image(&x->images, x->o->out, &x->ctx->progress, &x->bytes, e);
}

static const struct form forms[] = {
    { "oci", write_oci },
    { "docker-archive", write_docker },
    { "dir", write_dir },
    { "rootfs", write_rootfs },
};

static const struct form *find_form(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (text_is(forms[i].name, name))
            return &forms[i];
    return NULL;
}

bool show_export_check(const struct show_export_options *o, struct err *e)
{
    if (o->format == NULL || find_form(o->format) == NULL) {
        err_set(e, ERR_USAGE, o->format == NULL ? "export: in which form? expected --format FORM" : "--format: \"%s\" is not a form",
                o->format == NULL ? "" : SHOWN(o->format));
        return err_hint(e, "oci, docker-archive, dir or rootfs");
    }
    if (o->out == NULL)
        return err_set(e, ERR_USAGE, "export: where to? expected -o PATH");
    return form_output_check(o->out, 0, 0, e);
}

/* ---- what was written ---- */

static void print_platform(struct exporting *x, const struct form_image *i, const struct form_platform *p)
{
    cli_print(x->ctx, "  %s  %s\n", i->release->reference, platform_format(&(struct platform_text){ { 0 } }, &p->release->platform));
    cli_print(x->ctx, "    image id  %s\n", DIGEST_SHOWN(&p->config.digest));
    cli_print(x->ctx, "    manifest  %s\n", DIGEST_SHOWN(&p->manifest.digest));
}

static void result_text(struct exporting *x)
{
    char size[24];
    bool is_remade = false;
    cli_print(x->ctx, "%s: %s, %zu image%s, %s\n", SHOWN(x->o->out), x->o->format, x->images.n, text_s(x->images.n),
              text_bytes(size, x->bytes));
    for (size_t i = 0; i < x->images.n; i++)
        for (size_t k = 0; k < x->images.items[i].n_platforms; k++) {
            print_platform(x, &x->images.items[i], &x->images.items[i].platforms[k]);
            is_remade = is_remade || !x->images.items[i].platforms[k].is_original;
        }
    if (is_remade && !text_is(x->o->format, "rootfs"))
        cli_print(x->ctx,
                  "Layers are uncompressed, so manifests were made anew: their digests are not those of the registry, image ids are.\n");
}

static void add_image(struct exporting *x, struct jwrite *w, const struct form_image *i, const struct form_platform *p)
{
    struct form_dir_text name;
    jwrite_object(w, NULL);
    jwrite_str(w, "reference", i->release->reference);
    jwrite_str(w, "platform", platform_format(&(struct platform_text){ { 0 } }, &p->release->platform));
    jwrite_digest(w, "image_id", &p->config.digest);
    jwrite_digest(w, "manifest", &p->manifest.digest);
    jwrite_bool(w, "manifest_is_original", p->is_original);
    if (text_is(x->o->format, "dir"))
        jwrite_str(w, "directory", x->images.n == 1 ? "." : form_dir_name(&name, i));
    jwrite_end(w);
}

static bool result_json(struct exporting *x, struct err *e)
{
    struct jwrite *w = cli_json_open(x->ctx);
    jwrite_str(w, "format", x->o->format);
    jwrite_str(w, "output", x->o->out);
    jwrite_u64(w, "size", x->bytes);
    jwrite_array(w, "images");
    for (size_t i = 0; i < x->images.n; i++)
        for (size_t k = 0; k < x->images.items[i].n_platforms; k++)
            add_image(x, w, &x->images.items[i], &x->images.items[i].platforms[k]);
    jwrite_end(w);
    return cli_json_close(x->ctx, w, e);
}

static bool report(struct exporting *x, struct err *e)
{
    if (cli_wants_json(x->ctx))
        return result_json(x, e);
    result_text(x);
    return true;
}

bool show_export(struct cli_context *ctx, const struct bundle *b, const struct show_export_options *o, struct err *e)
{
    struct exporting x = { .ctx = ctx, .o = o };
    struct form_choice choice = { .names = o->images.items, .n_names = o->images.n, .platforms = o->platforms };
    bool ok = form_images_choose(&x.images, b, &choice, e) && find_form(o->format)->write(&x, e) && report(&x, e);
    form_images_clear(&x.images);
    return ok;
}
