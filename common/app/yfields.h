/* Strict reading of YAML maps by a table of keys. Trouble becomes a finding, reading goes on. */
#ifndef APP_YFIELDS_H
#define APP_YFIELDS_H

#include "app/definition.h"

struct yctx {
    const struct yread *doc;
    struct findings *f;
};

/* What a key holds and where it goes: at bytes into the struct that is being filled. */
enum yfield_kind {
    YFIELD_LATER,   /* a key of a later version, refused as such */
    YFIELD_TEXT,    /* char *: any text but the empty one */
    YFIELD_EMPTY,   /* char *: may be empty */
    YFIELD_PATH,    /* char *: yfields_path */
    YFIELD_BOOL,    /* bool */
    YFIELD_BYTES,   /* uint64_t */
    YFIELD_SECONDS, /* uint64_t */
    YFIELD_TEXTS,   /* struct texts: a list, or one text */
    YFIELD_PATHS,   /* struct texts of paths */
    YFIELD_CALL,    /* read(c, value, into) */
};
typedef void (*yfield_fn)(const struct yctx *c, const struct ynode *value, void *into);
struct yfield {
    const char *name;
    enum yfield_kind kind;
    size_t at;
    yfield_fn read;
};

/* Every key of the map through its function; an unknown key is a finding with the nearest known one. what: "a service". False
 * when node is no map. */
bool yfields_read(const struct yctx *c, const struct ynode *node, const char *what, const struct yfield *fields, size_t n, void *into);

/* Scalars: the owned text, or null with a finding. Empty and null scalars are findings too, as is more than LIMIT_VALUE_BYTES. */
char *yfields_text(const struct yctx *c, const struct ynode *node, const char *what);
/* As above, but "" (quoted) is allowed. */
char *yfields_text_or_empty(const struct yctx *c, const struct ynode *node, const char *what);
/* Plain true or false. */
bool yfields_bool(const struct yctx *c, const struct ynode *node, const char *what);
uint64_t yfields_number(const struct yctx *c, const struct ynode *node, const char *what, uint64_t min, uint64_t max);
/* A list of texts, or one text. */
void yfields_texts(const struct yctx *c, const struct ynode *node, const char *what, struct texts *out);
/* "64", "512MiB", "2GiB" */
uint64_t yfields_bytes(const struct yctx *c, const struct ynode *node, const char *what);
/* "60", "60s", "10min", "1h" in seconds, at least 1 */
uint64_t yfields_seconds(const struct yctx *c, const struct ynode *node, const char *what);
/* Is it a relative path that a bundle can carry? "./a//b/" is made "a/b"; null with a finding otherwise. */
char *yfields_path(const struct yctx *c, const struct ynode *node, const char *what);
/* Set once: frees what is there and stores. */
void yfields_put(char **to, char *text);

/* "./a/../b//c" below folder (null: the top) as "b/c"; null when it leaves the definition or has characters that a
 * bundle's names have not. */
char *path_normalise(const char *folder, const char *text);

#endif
