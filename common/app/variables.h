/* Variables of an application: what a site may or must set, and the values it gets.
 *
 *     --set  >  --env-file  >  what an earlier run stored  >  default  >  generate
 *
 * The loader resolves them once, keeps them 0600 (values_write of this header, read back with env_file_read) and hands them to
 * compose in an env file (app/env_file.h), to health URLs, and to the database steps. Values are treated as secrets throughout. */
#ifndef APP_VARIABLES_H
#define APP_VARIABLES_H

#include "app/env_file.h"
#include "app/findings.h"
#include "base/secret.h"
#include "format/version.h"

#define VARIABLE_HOST "HOST" /* given by the loader: the host's name; cannot be declared */

struct variable { /* a declaration */
    char *name;
    char *default_value; /* null: none */
    char *pattern;       /* POSIX extended, matches the whole value; null: none */
    char *help;          /* or null */
    unsigned generate;   /* number of random letters and digits; 0: not generated */
    bool is_secret;
    bool is_required;
};
struct variables {
    struct variable *items;
    size_t n, cap;
};
const struct variable *variables_find(const struct variables *v, const char *name);
/* [A-Za-z_][A-Za-z0-9_]{0,63}; not HOST, PATH, HOME, COMPOSE_*, DOCKER_*. Otherwise ERR_CONFIG with the reason. */
MUST_CHECK bool variable_name_check(const char *name, struct err *e);
/* Is the pattern one that can be used (regcomp, limits, no back-references)? ERR_CONFIG. */
MUST_CHECK bool variable_pattern_check(const char *pattern, struct err *e);
/* Length, characters that no env file can carry (NUL, newline), the pattern. ERR_CONFIG naming the variable, never the
 * value of a secret. */
MUST_CHECK bool variable_value_check(const struct variable *v, const char *value, struct err *e);
/* Declarations among themselves: names, twice, default and pattern, generated value and pattern. */
void variables_check(const struct variables *v, struct findings *f);
void variables_clear(struct variables *v);

enum value_from { VALUE_SET, VALUE_ENV_FILE, VALUE_STORED, VALUE_DEFAULT, VALUE_GENERATED, VALUE_LOADER };
struct value {
    const char *name; /* borrowed from the declarations, or VARIABLE_HOST */
    struct secret text;
    enum value_from from;
    bool is_secret;
};
struct values {
    struct value *items; /* in the order of the declarations; those without a value are left out; HOST last */
    size_t n, cap;
};
struct values_input {
    const char *const *set;           /* "NAME=VALUE", from --set */
    size_t n_set;
    const struct env_pairs *env_file; /* null: none */
    const char *env_file_name;        /* for messages */
    const struct env_pairs *stored;   /* null: none; names that are no longer declared are ignored */
    const char *host;                 /* value of HOST; null: none */
    bool is_partial;                  /* required variables may stay without a value: the caller asks for few of them */
    bool is_dry;                      /* nothing is generated: such values are left out */
};
/* Fails with ERR_USAGE (--set without =, a secret on the command line) or ERR_CONFIG (unknown name, a value that does
 * not match; every missing required one in one message). Borrows decl as long as out lives. */
MUST_CHECK bool values_resolve(struct values *out, const struct variables *decl, const struct values_input *in, struct err *e);
/* Null when it has none. Borrowed. */
const char *values_get(const struct values *v, const char *name);
/* For template_expand: ctx is a const struct values *. */
const char *values_lookup(void *ctx, const char *name, struct err *e);
/* Appends text with every secret value of at least 4 bytes replaced by ***. v may be null. */
void values_redact(const struct values *v, const char *text, struct buf *out);
const char *value_from_text(enum value_from from); /* "default", "generated", ... for plan and status */
void values_clear(struct values *v); /* wipes */
void values_clear_auto(struct values *v);

/* The store of an installation: NAME='value' lines that env_file_read gives back exactly, HOST left out. The buffer should be wiped. */
MUST_CHECK bool values_write(struct buf *out, const struct values *v, struct err *e);
/* The file that compose reads. What the compose that was found cannot carry is refused by name (ERR_CONFIG): NUL and newlines, single
 * quotes, a backslash at the end; with compose 1 also ${. Everything else arrives exactly. */
MUST_CHECK bool values_write_compose(struct buf *out, const struct values *v, const struct version *compose, struct err *e);

#endif
