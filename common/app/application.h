/* The whole application as the author has it: definition, compose model, SQL, files. What `create`, `lint` and `plan` start from.
 *
 *     AUTO(origin_free_auto) struct origin *src = origin_directory(dir);
 *     AUTO(application_free_auto) struct application *app = application_read(src, "bundle.yaml", &options, &findings, e);
 *     for each app->images[i]: resolve .original, fetch
 *     release_describe(&release, app, resolved, e)            // app/release.h
 *     for each app->files[i]: pack "app/<path>" from .text (when it is not null) or origin_stream(src, .path)
 */
#ifndef APP_APPLICATION_H
#define APP_APPLICATION_H

#include "app/compose.h"
#include "app/definition.h"
#include "app/image_place.h"
#include "app/origin.h"
#include "sql/files.h"

struct application_image {
    struct ref original;    /* what to resolve: may name a digest. Of a registry or engine: what to ask it for; of a file: the image's name */
    struct ref ref;         /* what it is called on the host: host/repository:tag */
    struct ref written;     /* its name as written, for whoever writes it again */
    struct image_place place; /* said once under `images:`, it holds for services that name the image as well */
    struct texts services;  /* that use it; none for `images:` */
};
struct application_file { /* one member app/<path> */
    char *path;
    char *text; /* packed bytes when they differ from the source's (frozen compose files), else null */
    uint64_t size;
    bool is_executable;
    struct digest sha256;
};
struct application_sql {
    char *path; /* relative to the definition */
    char *text;
    size_t n;
};
struct application {
    struct definition definition;
    struct compose *compose; /* null: images only */
    struct application_image *images;
    size_t n_images, cap_images;
    struct application_file *files; /* sorted by path */
    size_t n_files, cap_files;
    struct application_sql *sql; /* owns the texts that the sets below borrow */
    size_t n_sql, cap_sql;
    struct sql_set migrations, bootstrap;
};

struct application_options {
    const char *version;              /* --version; null: the definition's */
    const char *const *platforms;     /* --platform texts; n 0: the definition's, else linux/amd64 */
    size_t n_platforms;
    const char *env_file_text;        /* text of --env-file; null: .env of the definition is read if there is one */
    size_t env_file_bytes;
    const char *env_file_name;
    const char *(*environment)(const char *name); /* getenv, or null: no environment */
    const char *folder;               /* where relative paths of images start; null: here */
    /* Asks a file for the name of the image that it holds; null: images in files need a name. */
    bool (*image_name)(const struct image_place *place, struct ref *name, struct err *e);
};

/* From a bundle.yaml. Null: the first finding (or the failure) is in e; f has all findings. */
MUST_CHECK struct application *application_read(const struct origin *src, const char *definition, const struct application_options *o,
                                                struct findings *f, struct err *e);
/* Without one: name from `name:` of the compose files or `fallback_name` (the folder; it is made a legal name), every ${VAR} that is
 * left a variable, no migrations. version: of the options, else 0.0.0-<...> is not made up: ERR_USAGE asks for --version. */
MUST_CHECK struct application *application_from_compose(const struct origin *src, const struct texts *files, const char *fallback_name,
                                                        const struct application_options *o, struct findings *f, struct err *e);
/* Images alone: name from the first repository's last component when name is null; version from the options, else the tag of the first
 * image when it is a semantic version, else ERR_USAGE. */
MUST_CHECK struct application *application_from_images(const char *const *references, size_t n, const char *name,
                                                       const struct application_options *o, struct findings *f, struct err *e);
void application_free(struct application *a);
AUTO_FREE(struct application, application_free)

#endif
