/* The compose model: our own reading of one or several compose files, to know images, files and variables, and to refuse what
 * would reach the host. Compose itself merges and runs the files; this model only has to see what it would do.
 *
 * When a bundle is made:  compose_read -> compose_freeze (image references become literal, `build` is cut out) -> the texts that are
 * packed. On the host the packed files are read again with is_packed, so that nothing depends on who made the bundle. */
#ifndef APP_COMPOSE_H
#define APP_COMPOSE_H

#include "app/definition.h"
#include "app/origin.h"
#include "app/template.h"

struct compose_file {
    char *path;   /* relative to the definition */
    char *text;   /* as read; after compose_freeze as it is packed */
    size_t n;
    char *folder; /* where the relative paths in it start */
    bool is_main; /* given to compose with -f; otherwise reached through extends */
    struct yread *doc;
};
struct compose_service {
    char *name;
    char *image;    /* as written; literal after compose_freeze, or in packed files */
    struct ref ref; /* valid after compose_freeze, or in packed files: has a tag and no digest */
    struct ref original; /* before the digest was taken out: what create resolves */
    struct texts profiles;
    struct texts needs;   /* services that it depends on */
    bool has_healthcheck; /* in the compose file; the image may bring its own */
};
struct compose_variable {
    char *name;
    char *default_value; /* of the first ${A:-x} or ${A-x}; null: none */
    bool is_optional;    /* every mention has a default or is ${A:+x} */
    char *place;         /* first mention: "compose.yaml:12:3" */
};
struct compose {
    struct compose_file *files;
    size_t n_files, cap_files;
    struct compose_service *services; /* in the order of their first mention */
    size_t n_services, cap_services;
    struct compose_variable *variables; /* sorted; outside of image references */
    size_t n_variables, cap_variables;
    struct texts paths;    /* files and folders of the definition that services mount or read, sorted */
    struct texts volumes;  /* names of the top-level volumes */
    char *project;         /* top-level name:, or null */
    char *version_key;     /* of the first file: "3.8", or null */
    char *minimum;         /* compose version that the files need: "1.27" ... */
};

enum compose_mode { COMPOSE_AUTHOR, COMPOSE_PACKED };
/* Reads the files (names relative to src) and those they extend. Semantic trouble goes to f, the rest to e (null). */
MUST_CHECK struct compose *compose_read(const struct origin *src, const struct texts *files, enum compose_mode mode,
                                        struct findings *f, struct err *e);

/* Makes every image reference literal with what lookup gives (the environment, --env-file, .env); a digest is taken out (NAME:TAG@DIGEST
 * becomes NAME:TAG, NAME@DIGEST becomes NAME:sha256-<12 hex>), because a classic image store has no digests after a load. All other
 * bytes stay. Then the files are read again and compared. */
MUST_CHECK bool compose_freeze(struct compose *c, template_lookup_fn lookup, void *ctx, struct findings *f, struct err *e);

const struct compose_service *compose_service_find(const struct compose *c, const char *name);
void compose_free(struct compose *c);
AUTO_FREE(struct compose, compose_free)

/* The tag that stands for an image which is named by digest alone: "sha256-<12 hex>". */
void compose_digest_tag(struct ref *r);

#endif
