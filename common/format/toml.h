/* The part of TOML (toml.io, 1.0) that configuration files of containers are written in: tables, arrays of tables, keys, strings on one line, true and false, arrays, inline
 * tables. Numbers and dates are passed over as words. What is not understood is refused with its line and never skipped: a line that is skipped may be the one that forbids
 * something.
 *
 *     AUTO(toml_free_auto) struct toml *t = toml_open(text, n, "/etc/containers/registries.conf", e);
 *     const struct toml_value *list = toml_get(toml_root(t), "registry");
 *     for (size_t i = 0; list != NULL && i < list->n; i++) ... toml_get(list->items[i], "location") ...        */
#ifndef FORMAT_TOML_H
#define FORMAT_TOML_H

#include "base/err.h"

enum toml_kind { TOML_TABLE, TOML_ARRAY, TOML_TEXT, TOML_BOOL, TOML_WORD };

struct toml_value { /* borrowed from the document */
    enum toml_kind kind;
    unsigned line;             /* where it begins */
    bool yes;                  /* TOML_BOOL */
    char *text;                /* TOML_TEXT, TOML_WORD */
    char **keys;               /* TOML_TABLE: of items */
    struct toml_value **items; /* TOML_TABLE, TOML_ARRAY */
    size_t n;
};

struct toml;
/* Null with ERR_CONFIG "<what>:LINE: ..." At most LIMIT_CONFIG_FILE_BYTES. */
MUST_CHECK struct toml *toml_open(const char *text, size_t n, const char *what, struct err *e);
void toml_free(struct toml *t);
AUTO_FREE(struct toml, toml_free)
const struct toml_value *toml_root(const struct toml *t);

/* The value of a key of a table; null when there is none. */
const struct toml_value *toml_get(const struct toml_value *table, const char *key);

#endif
