/* Everything that can be wrong without a network is found here, before the work begins. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/part_name.h"
#include "bundler/create.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/place.h"
#include "sys/work.h"

#include "base/banned.h"

bool create_read(struct create *c, struct err *e)
{
    AUTO(findings_clear_auto) struct findings f = { 0 };
    if (!input_read(&c->input, &c->o->input, &f, e))
        return false;
    c->app = c->input.app;
    if (!image_rules_load(&c->rules, c->app, c->input.origin, &c->o->cosign_keys, e))
        return false;
    log_info("%s", input_summary(&(struct input_summary){ { 0 } }, c->app));
    return true;
}

/* ---- the base of a delta ---- */

bool create_open_base(struct create *c, struct err *e)
{
    const struct base_how how = { .o = &c->o->base, .own = &c->keys, .name = c->app->definition.name,
                                  .jobs = c->jobs > 0 ? c->jobs : work_cpus(), .progress = &c->ctx->progress };
    return base_open(&c->base, &how, e);
}

/* ---- where the bundle goes ---- */

/* The default name of a delta has a version in it that only the base tells. */
static bool is_named_by_base(const struct create *c)
{
    return c->o->base.bundles.n > 0 && (c->o->output == NULL || path_is_directory(c->o->output));
}

/* A delta stands beside the full bundle of its release. */
static char *default_name(const struct create *c)
{
    const struct definition *d = &c->app->definition;
    if (c->o->base.bundles.n == 0 && c->o->base.inventory == NULL)
        return mem_format("%s-%s" BUNDLE_SUFFIX, d->name, d->version.text);
    return mem_format("%s-%s-from-%s" BUNDLE_SUFFIX, d->name, d->version.text, c->base.bundle == NULL ? "inventory" : bundle_manifest(c->base.bundle)->version);
}

/* The file that -o means: itself, or one of this name in that folder. */
static char *place_named(const struct create *c, const char *name)
{
    const char *out = c->o->output;
    return out == NULL ? mem_text(name) : path_is_directory(out) ? path_join(out, name) : mem_text(out);
}

/* What needs no key and no base: a mistake in it is told before anybody is asked for a passphrase, and before a base of gigabytes is read. */
static bool check_asked(struct create *c, struct err *e)
{
    AUTO(mem_auto) char *name = mem_format("%s" BUNDLE_SUFFIX, c->app->definition.name); /* only the folder matters, where the name is ours to choose */
    AUTO(mem_auto) char *any = place_named(c, name);
    if (create_is_exact(c) && (c->o->base.bundles.n > 0 || c->o->base.inventory != NULL))
        return err_set(e, ERR_USAGE, "--layers exact: layers are there as registries have them, so nothing can be left out: --base and --inventory want dedup");
    if (c->o->part_bytes > 0 && c->o->part_bytes < LIMIT_PART_MIN_BYTES)
        return err_set(e, ERR_USAGE, "--split: expected at least %d MiB", (int)(LIMIT_PART_MIN_BYTES / MIB));
    return base_check_asked(&c->o->base, c->o->keys.n, e) && place_check(any, e);
}

/* A file that was named may be replaced; one of the default name may be another team's. */
static bool choose_output(struct create *c, struct err *e)
{
    c->may_replace = c->o->output != NULL && !path_is_directory(c->o->output);
    AUTO(mem_auto) char *name = default_name(c);
    struct stat st = { .st_mode = S_IFREG };
    c->path = place_named(c, name);
    AUTO(mem_auto) char *file = c->o->part_bytes > 0 ? part_name(c->path, 1) : mem_text(c->path);
    if (lstat(file, &st) != 0 && errno != ENOENT)
        return file_fail(e, errno, "look at", file);
    if (!S_ISREG(st.st_mode)) /* it would be refused at the end, too: after all the work */
        return file_not_regular(file, st.st_mode, e);
    return (c->may_replace || output_check_free(c->path, c->o->part_bytes, e)) && output_clean(c->path, c->o->part_bytes, e) &&
           create_prepare_parity(c, e) && output_clean(c->parity_path, 0, e);
}

/* ---- archon-load goes along ---- */

/* Where the build and packages put it: beside this program, or in libexec. */
static char *find_loader(const char *architecture)
{
    char self[LIMIT_PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n < 0 ? 0 : n] = '\0';
    AUTO(mem_auto) char *dir = path_dir(self);
    char *found[3] = { mem_format("%s/archon-load-linux-%s", dir, architecture),
                                           mem_format("%s/../libexec/archon-bundle/archon-load-linux-%s", dir, architecture), NULL };
    struct platform host;
    platform_host(&host);
    if (text_is(host.architecture, architecture))
        found[2] = mem_format("%s/archon-load", dir);
    char *chosen = NULL;
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        if (chosen == NULL && found[i] != NULL && access(found[i], R_OK) == 0)
            chosen = TAKE(found[i]);
        mem_free(found[i]);
    }
    return chosen;
}

static bool add_loader(struct create *c, const char *architecture, struct err *e)
{
    char *path = find_loader(architecture);
    if (path == NULL) {
        err_set(e, ERR_CONFIG, "archon-load for linux/%s is not beside this program", architecture);
        return err_hint(e, "create --no-loader makes a bundle without it; then take archon-load to the host by another way");
    }
    c->loaders[c->n_loaders++] = (struct create_loader){ path, mem_format("bin/archon-load-linux-%s", architecture) };
    return true;
}

/* One for each architecture that archon-load is built for. */
static bool find_loaders(struct create *c, struct err *e)
{
    static const char *const architectures[CREATE_LOADERS] = { "amd64", "arm64" };
    const struct definition *d = &c->app->definition;
    for (size_t a = 0; a < CREATE_LOADERS && !c->o->is_without_loader; a++) {
        bool is_wanted = false;
        for (size_t i = 0; i < d->n_platforms; i++)
            is_wanted = is_wanted || (text_is(d->platforms[i].os, "linux") && text_is(d->platforms[i].architecture, architectures[a]));
        if (is_wanted && !add_loader(c, architectures[a], e))
            return false;
    }
    return true;
}

bool create_prepare(struct create *c, struct err *e)
{
    c->jobs = c->o->jobs > 0 ? (unsigned)c->o->jobs : work_cpus();
    return gates_read(&c->gates, &c->o->gates, &c->input, e) && check_asked(c, e) && find_loaders(c, e) && (is_named_by_base(c) || choose_output(c, e)) &&
           seal_keys_load(&c->keys, &c->o->keys, c->o->passphrase_file, e) && create_open_base(c, e) && (!is_named_by_base(c) || choose_output(c, e));
}
