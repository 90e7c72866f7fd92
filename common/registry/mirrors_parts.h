/* Private to the mirrors: the rules as they are read. */
#ifndef REGISTRY_MIRRORS_PARTS_H
#define REGISTRY_MIRRORS_PARTS_H

#include "registry/mirrors.h"

/* "host[:port][/path]", as a prefix or as what takes its place. */
struct mirror_prefix {
    char *host;        /* of a wildcard "*.example.com": ".example.com" */
    char *path;        /* without slashes at its ends; "" for the whole host */
    bool is_wildcard;
};
struct mirror_rule {
    struct mirror_prefix at;
    bool is_insecure;
    enum mirror_use use;
};
struct mirrors_registry {
    struct mirror_prefix prefix;
    bool has_location;
    struct mirror_prefix location;
    bool is_insecure, is_blocked;
    struct mirror_rule *mirrors;
    size_t n, cap;
    char *what; /* file and line, for messages; of --mirror: null */
};
struct mirrors {
    struct mirrors_registry *added; /* --mirror */
    size_t n_added, cap_added;
    struct mirrors_registry *read;
    size_t n_read, cap_read;
    char **down;
    size_t n_down, cap_down;
};

/* Checks the host and the path as those of a reference. *why is static text. may_be_wildcard: a prefix. Owned by the caller. */
bool mirror_prefix_parse(struct mirror_prefix *out, const char *text, bool may_be_wildcard, const char **why);
void mirror_prefix_clear(struct mirror_prefix *p);
void mirrors_registry_clear(struct mirrors_registry *r);

#endif
