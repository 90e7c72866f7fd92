/* release.json: what is released, independent of how it is packed (docs/RELEASE.md). Written once by `create`, read by the loader; its
 * SHA-256 is the release digest. Everything the loader needs to know of the application is in here.
 *
 * Files of the definition are members of the bundle under "app/" followed by their path as in the definition directory, so that the
 * relative paths inside compose files stay true: config/site.conf is app/config/site.conf. All paths below are those relative paths;
 * release_member makes the member's name. */
#ifndef APP_RELEASE_H
#define APP_RELEASE_H

#include "app/application.h"
#include "format/digest.h"
#include "format/platform.h"

#define RELEASE_MEMBER "release.json"
#define RELEASE_MEMBER_PREFIX "app/"
#define RELEASE_MIN_LOADER "0.1.0" /* the oldest archon-load that understands what release_describe writes */

struct release_platform { /* one platform of one image */
    struct platform platform;
    struct digest manifest, config;
    uint64_t manifest_size, config_size;
    char *manifest_type; /* media type */
    size_t n_diff_ids;
    struct digest *diff_ids;
};
struct release_image {
    char *reference; /* fully qualified, with a tag, no digest: docker.io/library/nginx:1.25 */
    bool has_index;
    struct digest index;
    size_t n_platforms;
    struct release_platform *platforms;
};
struct release_service {
    char *name;
    char *image; /* reference of one of the images */
    struct texts profiles;
    struct texts needs;
    char *health;          /* null: none; may hold variables */
    uint64_t timeout_s;    /* 0: not given */
    char *tls_certificate; /* null: no certificate is mounted */
    char *tls_key;
    char *ca_file; /* null: the default */
    bool has_ca_variables;
    struct texts ca_variables;
};
struct release_sql {
    unsigned order; /* 0 for bootstrap */
    char *name;     /* file name without folder */
    char *path;
    struct digest sha256;
    uint64_t statements;
    bool has_down;
    char *down_path;
    struct digest down_sha256;
    uint64_t down_statements;
};
struct release_file {
    char *path;
    uint64_t size;
    bool is_executable;
    struct digest sha256;
};
struct release {
    char *name;
    struct version version;
    char *title;      /* or null */
    char *min_loader; /* or null */
    char *upgrade_from;
    bool is_schema_compatible;
    struct release_image *images;
    size_t n_images;
    struct release_service *services;
    size_t n_services;
    struct texts compose;  /* files for -f, in order */
    char *compose_version; /* `version:` of the first file; null: none */
    char *project;         /* default compose project */
    struct variables variables;
    struct definition_database database;
    struct release_sql *migrations;
    size_t n_migrations;
    struct release_sql *bootstrap;
    size_t n_bootstrap;
    struct definition_url *urls;
    size_t n_urls;
    struct definition_requires requires;
    struct release_file *files; /* everything below app/, sorted by path */
    size_t n_files;
    struct texts licenses, docs; /* paths of files */
};

/* From an application and what the registries said of its images (in the order of app->images; copied, reference is not looked at). */
MUST_CHECK bool release_describe(struct release *out, const struct application *app, const struct release_image *resolved,
                                 struct err *e);
/* Canonical JSON: the same release gives the same bytes. */
MUST_CHECK bool release_write(const struct release *r, struct buf *out, struct err *e);
/* Strict; ends with release_check. Sections that do not apply may be absent. ERR_FORMAT "release.json: ..."; ERR_POLICY when it needs a
 * newer loader. */
MUST_CHECK bool release_read(struct release *out, const char *text, size_t n, struct err *e);
/* Cross references: images of services exist, references and names are unique, variables that are used are declared, paths are files,
 * orders rise. ERR_FORMAT. */
MUST_CHECK bool release_check(const struct release *r, struct err *e);
/* The packed compose files, read again on the host (COMPOSE_PACKED), show the same services and images. ERR_POLICY "model differs". */
MUST_CHECK bool release_check_compose(const struct release *r, const struct compose *c, struct err *e);

const struct release_service *release_service_find(const struct release *r, const char *name);
const struct release_file *release_file_find(const struct release *r, const char *path);
/* The platform of an image that a host runs; null when the image has none for it. */
const struct release_platform *release_platform_find(const struct release_image *i, const struct platform *host);
/* "app/" + path; owned. */
char *release_member(const char *path);
void release_clear(struct release *r);
void release_clear_auto(struct release *r);

#endif
