/* bundle.yaml as a value: what the author asked for (docs/DEFINITION.md). Strict: unknown and repeated keys, wrong types and
 * what this version does not build are findings with line and column. No file but the given text is looked at: app/application.h
 * brings the rest. */
#ifndef APP_DEFINITION_H
#define APP_DEFINITION_H

#include "app/findings.h"
#include "app/variables.h"
#include "format/platform.h"
#include "format/ref.h"
#include "format/version.h"

struct texts { /* a list of owned strings */
    char **items;
    size_t n, cap;
};
void texts_add(struct texts *t, const char *text); /* copies */
bool texts_have(const struct texts *t, const char *text);
void texts_clear(struct texts *t);

struct definition_service {
    char *name;
    char *health;          /* URL, may hold variables; null: none */
    uint64_t timeout_s;    /* to become healthy; 0: not given */
    char *tls_certificate; /* path in the container; null: the service shows no certificate */
    char *tls_key;
    char *ca_file;         /* path in the container; null: the default */
    bool has_ca_variables; /* variables: was given, maybe empty: instead of all known ones */
    struct texts ca_variables;
};
struct definition_database {
    bool is_set;
    char *service; /* either a compose service ...                                  */
    char *url;     /* ... or a database of the site: exactly ${VARIABLE}            */
    char *name, *user, *admin_user;
    char *password, *admin_password; /* exactly ${VARIABLE}; admin_ may be null     */
};
struct definition_url {
    char *name;
    char *url; /* may hold variables and ${HOST} */
};
struct definition_requires {
    uint64_t memory_bytes, disk_bytes; /* 0: not given */
    struct texts ports;                /* may hold variables */
    char *engine, *compose;            /* smallest version; null: not given */
};
struct definition_verify { /* images below prefix must be signed by one of the keys */
    char *prefix;      /* "registry.example/shop", without a slash at the end; once in a definition */
    struct texts keys; /* files with public keys, relative to the definition; at least one */
    char *signed_as;   /* what the signer calls that prefix, for copies of images; null: the same */
};
struct definition {
    char *name;
    struct version version;
    char *title; /* or null */
    struct platform *platforms;
    size_t n_platforms;
    struct texts compose; /* relative file names */
    struct texts images;  /* references as written, may hold variables */
    char *migrations;     /* folder or null */
    char *bootstrap;      /* folder or null */
    struct definition_database database;
    struct variables variables;
    char *upgrade_from; /* range or null */
    bool is_schema_compatible;
    struct definition_service *services;
    size_t n_services, cap_services;
    struct definition_url *urls;
    size_t n_urls, cap_urls;
    struct texts files, licenses, docs, reports; /* files and folders */
    struct definition_requires requires;
    struct definition_verify *verify;
    size_t n_verify, cap_verify;
};

/* Reads n bytes of YAML. what: its name for messages. Semantic trouble goes to f (reading goes on), broken YAML to e (false). With
 * findings the value is incomplete. */
MUST_CHECK bool definition_parse(struct definition *out, const char *text, size_t n, const char *what, struct findings *f,
                                 struct err *e);
/* Is the repository the prefix itself or in a folder below it? And the entry that decides for it: the one with the longest prefix; null: none. Borrows from d. */
bool definition_verify_covers(const struct definition_verify *v, const struct ref *ref);
const struct definition_verify *definition_verify_for(const struct definition *d, const struct ref *ref);
/* [a-z0-9][a-z0-9-]{0,62} */
MUST_CHECK bool definition_name_check(const char *name, struct err *e);
/* A file's path inside a container: absolute, no variables, nothing that means something in a mount. */
bool definition_container_path_ok(const char *text);
/* Letters, digits and _, at most 64. */
bool definition_environment_name_ok(const char *text);
void definition_clear(struct definition *d);
void definition_clear_auto(struct definition *d);

#endif
