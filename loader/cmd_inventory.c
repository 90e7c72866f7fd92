/* archon-load inventory: what this host has, for the place where bundles are made. Nothing is changed, and nothing of it is secret but what
 * runs here. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/inventory.h"
#include "engine/images.h"
#include "loader/commands.h"
#include "loader/installed.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/place.h"

#include "base/banned.h"

enum { ENVIRONMENTS_MAX = 10000 };

struct inventory_options {
    struct cli_list none;
    struct site_options site;
    const char *output;
};

/* --- layers ------------------------------------------------------------------------------------------------------- */

struct looking {
    struct engine *engine;
    struct inventory *out;
};

/* What lost parts of itself could not be given back as a base. */
static bool add_image(void *ctx, const struct engine_image *image, struct err *e)
{
    struct looking *l = ctx;
    bool is_whole = false;
    if (!image_has_content(l->engine, &image->id, IMAGE_AS_SEEN, &is_whole, e))
        return false;
    for (size_t i = 0; i < image->n_diff_ids && is_whole; i++)
        inventory_add_layer(l->out, &image->diff_ids[i]);
    return true;
}

/* --- releases ----------------------------------------------------------------------------------------------------- */

static bool has_platform(const struct inventory *v, const struct release_platform *p)
{
    for (size_t i = 0; i < p->n_diff_ids; i++)
        if (!inventory_has_layer(v, &p->diff_ids[i]))
            return false;
    return true;
}

/* A delta may leave out every layer of a release that is listed, so all of them must be here: those for this host's processor. */
static bool has_layers(const struct inventory *v, const struct release *r, const struct platform *engine)
{
    struct platform host = *engine;
    platform_refine(&host);
    for (size_t i = 0; i < r->n_images; i++) {
        const struct release_platform *p = release_platform_find(&r->images[i], &host);
        if (p == NULL || !has_platform(v, p))
            return false;
    }
    return true;
}

static void add_release(struct looking *l, const struct site *site, const struct state *s, const struct state_release *r)
{
    struct err why = { 0 };
    if (!s->is_set || !r->is_set)
        return;
    AUTO(deployment_free_auto) struct deployment *d = deployment_read(site, r->version, &r->release, s->project, &why);
    if (d == NULL)
        log_info("environment %s: release %s is left out: %s", site->env, r->version, why.msg);
    else if (has_layers(l->out, &d->release, &engine_facts(l->engine)->platform))
        inventory_add_release(l->out, d->release.name, d->release.version.text, &d->digest);
    else
        log_info("environment %s: release %s is left out: the engine does not have all of its layers", site->env, r->version);
}

static bool add_environment(struct looking *l, const char *root, const char *env, bool is_previous, struct err *e)
{
    AUTO(site_clear_auto) struct site site = { 0 };
    struct state s;
    if (!site_describe(&site, root, env, e) || !site_check(&site, e) || !state_read(&s, site.state_path, e))
        return false;
    add_release(l, &site, &s, is_previous ? &s.previous : &s.installed);
    return true;
}

/* Beside environments there may be anything: lost+found of a disk of its own, notes. */
static bool is_environment(const struct site *any, const char *name)
{
    AUTO(mem_auto) char *dir = path_join(any->parent, name);
    bool yes = site_is_env(name) && path_is_directory(dir);
    if (!yes)
        log_info("%s: is no environment", SHOWN(dir));
    return yes;
}

/* All of the host, or the one that was named; of each first what runs, then what it ran before. */
static bool add_releases(struct looking *l, const struct site_options *o, struct err *e)
{
    AUTO(path_names_clear) struct path_names names = { 0 };
    AUTO(site_clear_auto) struct site any = { 0 };
    bool exists = false;
    if (!site_describe(&any, o->root, o->env, e) || !file_exists(any.parent, &exists, e) ||
        (exists && o->env == NULL && !path_list(any.parent, ENVIRONMENTS_MAX, &names, e)))
        return false;
    for (int pass = 0; pass < 2; pass++) {
        if (o->env != NULL && !add_environment(l, o->root, o->env, pass == 1, e))
            return false;
        for (size_t i = 0; i < names.n; i++)
            if (is_environment(&any, names.text[i]) && !add_environment(l, o->root, names.text[i], pass == 1, e))
                return false;
    }
    return true;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool report(struct cli_context *ctx, const struct inventory_options *o, const struct inventory *v, const struct engine_facts *f,
                   struct err *e)
{
    const char *store = f->kind == ENGINE_PODMAN ? "podman" : f->store == ENGINE_STORE_CLASSIC ? "classic" : "containerd";
    if (!cli_wants_json(ctx)) {
        cli_print(ctx, "%s: %zu layer%s of the engine (%s %s)\n", SHOWN(o->output), v->n_layers, text_s(v->n_layers), store,
                  f->version.text);
        for (size_t i = 0; i < v->n_releases; i++)
            cli_print(ctx, "  %s %s\n", v->releases[i].name, v->releases[i].version);
        return true;
    }
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "path", o->output);
    jwrite_u64(w, "layers", v->n_layers);
    jwrite_u64(w, "releases", v->n_releases);
    jwrite_str(w, "store", store);
    jwrite_str(w, "engine", f->version.text);
    return cli_json_close(ctx, w, e);
}

static bool run(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct inventory_options *o = options;
    AUTO(inventory_clear_auto) struct inventory v = { .created = ctx->now };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    if (o->output == NULL)
        return err_set(e, ERR_USAGE, "-o FILE is needed") || err_hint(e, "a file to carry home: -o site.json");
    if (!place_check(o->output, e))
        return false;
    AUTO(engine_close_auto) struct engine *g = engine_open(o->site.engine, e);
    struct looking l = { g, &v };
    /* Written twice: the first time sorts the layers, which is how they are found. */
    if (g == NULL || !image_visit(g, add_image, &l, e) || !inventory_write(&v, &text, e) || !add_releases(&l, &o->site, e))
        return false;
    buf_reset(&text);
    return inventory_write(&v, &text, e) && file_publish(o->output, text.data, text.len, 0644, e) && report(ctx, o, &v, engine_facts(g), e);
}

static const struct cli_option rows[] = {
    CLI_TEXT_ROW("output", 'o', struct inventory_options, output, "FILE", "where to write it"),
    CLI_TEXT_ROW("root", 0, struct inventory_options, site.root, "DIR", "state lies below this directory (/)"),
    CLI_TEXT_ROW("env", 0, struct inventory_options, site.env, "NAME", "releases of this environment only (all)"),
    CLI_TEXT_ROW("engine", 0, struct inventory_options, site.engine, "SOCKET", ENGINE_SOCKET_HELP),
};

const struct cli_command cmd_inventory = {
    .name = "inventory",
    .arguments = "-o FILE",
    .summary = "write what this host has, for archon-bundle create --inventory",
    .details = "A bundle that is made with it leaves out the layers that this host has. The file holds names and versions of releases and "
               "digests of layers, nothing else.",
    CLI_OPTIONS(rows),
    CLI_INTO(struct inventory_options, none),
    .run = run,
};
