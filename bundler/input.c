/* Finding and reading the application. */
#include "bundler/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/image_files.h"
#include "embed/embed.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { MAX_PLATFORMS = 64 }; /* docs/FORMAT.md section 4 */
static const char definition_name[] = "bundle.yaml";

/* ---- options ---- */

struct platform_list {
    char *text; /* the commas are ends */
    const char *items[MAX_PLATFORMS];
    size_t n;
};

static bool add_platform(struct platform_list *l, const char *text, struct err *e)
{
    struct platform now, before;
    if (l->n == MAX_PLATFORMS)
        return err_set(e, ERR_USAGE, "--platform: more than %d platforms", MAX_PLATFORMS);
    if (!platform_parse(&now, text, e))
        return err_in(e, "--platform");
    for (size_t i = 0; i < l->n; i++)
        if (platform_parse(&before, l->items[i], e) && platform_equal(&before, &now))
            return err_set(e, ERR_USAGE, "--platform: %s is given twice", platform_format(&(struct platform_text){ { 0 } }, &now));
    l->items[l->n++] = text;
    return true;
}

static bool split_platforms(struct platform_list *l, const char *text, struct err *e)
{
    if (text == NULL)
        return true;
    l->text = mem_text(text);
    for (char *at = l->text; at != NULL;) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        if (!add_platform(l, at, e))
            return false;
        at = comma == NULL ? NULL : comma + 1;
    }
    return true;
}

static bool read_env_file(struct input *in, const char *path, struct err *e)
{
    in->env_text = (struct buf)BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    if (path == NULL)
        return true;
    return file_read(path, FILE_PLAIN, LIMIT_ENV_FILE_BYTES, &in->env_text, e) || err_as(e, ERR_CONFIG);
}

static const char *from_environment(const char *name)
{
    return getenv(name);
}

/* ---- the four ways ---- */

static bool read_definition(struct input *in, const char *path, const struct application_options *o, struct findings *f, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(path);
    struct application_options here = *o;
    here.folder = dir;
    in->origin = origin_directory(dir);
    in->app = application_read(in->origin, path_base(path), &here, f, e);
    return in->app != NULL;
}

/* The files' names relative to the folder of the first one. */
static bool name_below(struct texts *names, const char *dir, const char *path, struct err *e)
{
    AUTO(mem_auto) char *own = path_dir(path);
    if (text_is(own, dir)) {
        texts_add(names, path_base(path));
        return true;
    }
    size_t n = text_is(dir, ".") ? 0 : strlen(dir) + 1;
    bool is_below = n == 0 ? path[0] != '/' : text_starts(path, dir) && path[n - 1] == '/';
    if (!is_below) {
        err_set(e, ERR_USAGE, "--compose %s: lies outside of %s, the folder of the first compose file", SHOWN(path), SHOWN(dir));
        return err_hint(e, "relative paths in compose files start at the first one's folder");
    }
    texts_add(names, path + n);
    return true;
}

char *input_folder_name(const char *dir)
{
    char *real = realpath(dir, NULL);
    char *name = mem_text(path_base(real == NULL ? dir : real));
    free(real);
    return name;
}

static bool read_compose(struct input *in, const struct cli_list *files, const struct application_options *o, struct findings *f, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(files->items[0]);
    AUTO(mem_auto) char *name = input_folder_name(dir);
    struct texts names = { 0 };
    bool ok = true;
    for (size_t i = 0; i < files->n && ok; i++)
        ok = name_below(&names, dir, files->items[i], e);
    in->origin = origin_directory(dir);
    if (ok)
        in->app = application_from_compose(in->origin, &names, name, o, f, e);
    texts_clear(&names);
    return in->app != NULL;
}

static bool read_images(struct input *in, const struct cli_list *images, const struct application_options *o, struct findings *f, struct err *e)
{
    in->app = application_from_images(images->items, images->n, NULL, o, f, e);
    return in->app != NULL;
}

struct origin *input_embedded_origin(struct origin_file **files)
{
    size_t n;
    const struct embed_file *from = embed_files(&n);
    *files = mem_new_array(n, sizeof **files);
    for (size_t i = 0; i < n; i++)
        (*files)[i] = (struct origin_file){ .name = from[i].path, .bytes = from[i].bytes, .n = from[i].size };
    return origin_memory(*files, n);
}

static bool read_embedded(struct input *in, const struct application_options *o, struct findings *f, struct err *e)
{
    log_info("there is no ./%s: taking the built-in application", definition_name);
    in->origin = input_embedded_origin(&in->embedded);
    in->app = application_read(in->origin, definition_name, o, f, e);
    return in->app != NULL;
}

static size_t count_migrations(const struct application *app)
{
    size_t n = 0;
    for (size_t i = 0; i < app->migrations.n; i++)
        n += !app->migrations.files[i].is_down;
    return n;
}

const char *input_summary(struct input_summary *out, const struct application *app)
{
    size_t n = count_migrations(app);
    snprintf(out->text, sizeof out->text, "%s %s: %zu image%s, %zu migration%s, %zu file%s", app->definition.name, app->definition.version.text,
             app->n_images, text_s(app->n_images), n, text_s(n), app->n_files, text_s(app->n_files));
    return out->text;
}

/* ---- which one ---- */

static bool is_here(const char *name)
{
    struct err ignored = { 0 };
    bool yes = false;
    return file_exists(name, &yes, &ignored) && yes;
}

/* What lies here and is not taken is said: somebody may have meant it. */
static void warn_of_others(const struct input *in)
{
    static const char *const compose[] = { "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml" };
    if (in->kind == INPUT_COMPOSE && is_here(definition_name))
        log_warn("./%s is not used with --compose: variables, database and certificates that it describes are left out", definition_name);
    for (size_t i = 0; in->kind == INPUT_EMBEDDED && i < ARRAY_LEN(compose); i++)
        if (is_here(compose[i]))
            log_warn("./%s is not used: --compose %s takes it", compose[i], compose[i]);
}

static bool choose(struct input *in, const struct input_options *o, struct err *e)
{
    bool is_there = false;
    if ((o->file != NULL) + (o->compose.n > 0) + (o->images.n > 0) > 1)
        return err_set(e, ERR_USAGE, "-f, --compose and images: expected one of them");
    if (o->images.n > 0)
        in->kind = INPUT_IMAGES;
    else if (o->compose.n > 0)
        in->kind = INPUT_COMPOSE;
    else if (o->file == NULL && !file_exists(definition_name, &is_there, e))
        return false;
    else
        in->kind = o->file != NULL || is_there ? INPUT_DEFINITION : INPUT_EMBEDDED;
    warn_of_others(in);
    return true;
}

static bool read_chosen(struct input *in, const struct input_options *o, const struct application_options *how, struct findings *f, struct err *e)
{
    switch (in->kind) {
    case INPUT_DEFINITION:
        return read_definition(in, o->file == NULL ? definition_name : o->file, how, f, e);
    case INPUT_COMPOSE:
        return read_compose(in, &o->compose, how, f, e);
    case INPUT_IMAGES:
        return read_images(in, &o->images, how, f, e);
    case INPUT_EMBEDDED:
        return read_embedded(in, how, f, e);
    }
    return false;
}

bool input_read(struct input *in, const struct input_options *o, struct findings *f, struct err *e)
{
    struct platform_list platforms = { 0 };
    bool ok = choose(in, o, e) && split_platforms(&platforms, o->platforms, e) && read_env_file(in, o->env_file, e);
    if (ok) {
        struct application_options how = { .version = o->version, .platforms = platforms.items, .n_platforms = platforms.n,
                                           .env_file_text = o->env_file == NULL ? NULL : buf_text(&in->env_text),
                                           .env_file_bytes = in->env_text.len, .env_file_name = o->env_file, .environment = from_environment, .image_name = image_files_name };
        ok = read_chosen(in, o, &how, f, e);
    }
    mem_free(platforms.text);
    return ok;
}

void input_clear(struct input *in)
{
    application_free(in->app);
    origin_free(in->origin);
    mem_free(in->embedded);
    buf_wipe_auto(&in->env_text);
    *in = (struct input){ 0 };
}
