/* YAML through libyaml's event parser into a bounded tree of nodes with line and column. Strict: duplicate keys, multi-documents, custom
 * tags, BOM, depth and node count (after anchors are expanded) are refused; merge keys (<<) are supported for compose files only (YREAD_COMPOSE).
 * YAML 1.2 core scalars: only true/false are booleans, everything is kept as text with a flag whether it was plain. Of tags
 * only !!str, !!map and !!seq pass. The text may hold control characters (written as escapes): show it with SHOWN. */
#ifndef FORMAT_YREAD_H
#define FORMAT_YREAD_H

#include "base/err.h"

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };
struct ynode {
    enum ynode_kind kind;
    unsigned line, column; /* from 1 */
    char *text;            /* scalar: NUL-terminated UTF-8 (no NUL inside) */
    bool is_plain;         /* not quoted: may be a number, boolean or null */
    size_t n;              /* list items or map pairs */
    struct ynode **items;  /* list items, or map values */
    struct ynode **keys;   /* map keys: scalars */
};
enum yread_mode { YREAD_PLAIN, YREAD_COMPOSE };
struct yread; /* the document: owns all nodes */

/* what: file name for messages: ERR_CONFIG "bundle.yaml:12:3: ...". At most LIMIT_CONFIG_FILE_BYTES. A node that was anchored
 * stands in every place of its aliases, with the line of the anchor. Merged pairs stand behind a map's own. */
MUST_CHECK struct yread *yread_open(const char *text, size_t n, const char *what, enum yread_mode mode, struct err *e);
/* Never null: a file without content is refused. */
const struct ynode *yread_root(const struct yread *y);
const char *yread_name(const struct yread *y);
void yread_free(struct yread *y);
AUTO_FREE(struct yread, yread_free)

const struct ynode *ynode_get(const struct ynode *map, const char *key); /* null when absent (or not a map) */
bool ynode_is_null(const struct ynode *n);                               /* plain "", "~", "null" */
/* "NAME:line:col: fmt" as ERR_CONFIG; returns false */
bool yread_fail(const struct yread *y, const struct ynode *at, struct err *e, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
