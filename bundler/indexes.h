/* The indexes of one image as one list of entries: that which a reference names, and those nested in it, whatever platform they state. An
 * entry that states none has that of the index it stands in. Documents only, each fetched once.
 *
 *     AUTO(indexes_clear_auto) struct indexes x = { 0 };
 *     indexes_read(&x, from, ref, what, &top, e)
 *     entry = oci_index_pick(&x.all, &platform, what, e);  x.nodes[x.node_of[entry - x.all.entries]] */
#ifndef BUNDLER_INDEXES_H
#define BUNDLER_INDEXES_H

#include "bundler/resolve.h"

struct index_node {
    struct registry_document document;
    size_t parent;     /* place of the node that names it; the first is its own */
    unsigned depth;    /* 0: the first */
    bool has_platform; /* that the parent states for it */
    struct platform platform;
};
struct indexes {
    struct index_node *nodes;
    size_t n, cap;
    struct oci_index all; /* entries that are no indexes */
    size_t cap_all;
    size_t *node_of; /* of each of them */
    size_t cap_node_of;
};

/* Takes the content of top, an index. ERR_REGISTRY (nested too deep, too many, not what it was said to be), ERR_INTEGRITY, and what from
 * fails with. */
MUST_CHECK bool indexes_read(struct indexes *x, struct documents *from, const struct ref *ref, const char *what,
                             struct registry_document *top, struct err *e);
void indexes_clear(struct indexes *x);
void indexes_clear_auto(struct indexes *x);

/* A manifest or index that an entry names, from where x came from: its kind and size must be what the entry says. */
MUST_CHECK bool indexes_get(struct documents *from, const struct ref *ref, const char *what, const struct oci_descriptor *entry,
                            struct registry_document *out, struct err *e);

#endif
