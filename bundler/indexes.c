/* Breadth first, so that the list is in the order of the index where nothing is nested. A digest that was met before is passed over: an
 * index can be named twice, but never contain itself, since it would have to contain its own digest. */
#include "bundler/indexes.h"

#include "base/mem.h"

#include "base/banned.h"

enum { DEPTH_MAX = 4, NODES_MAX = 64, ENTRIES_MAX = 4 * LIMIT_INDEX_ENTRIES }; /* an index in an index is legal and rare */

bool indexes_get(struct documents *from, const struct ref *ref, const char *what, const struct oci_descriptor *entry,
                 struct registry_document *out, struct err *e)
{
    registry_document_clear(out);
    if (!from->get(from, ref, &entry->digest, out, e))
        return false;
    if (out->bytes.len != entry->size)
        return err_set(e, ERR_INTEGRITY, "%s: %s has %zu bytes, the index says %llu", what, DIGEST_SHOWN(&entry->digest), out->bytes.len,
                       (unsigned long long)entry->size);
    return out->kind == oci_kind_of_type(entry->media_type) ||
           err_set(e, ERR_REGISTRY, "%s: %s is %s, the index says %s", what, DIGEST_SHOWN(&entry->digest),
                   out->kind == OCI_KIND_INDEX ? "an index" : "a manifest", entry->media_type);
}

static bool is_known(const struct indexes *x, const struct digest *d)
{
    for (size_t i = 0; i < x->n; i++)
        if (digest_equal(&x->nodes[i].document.digest, d))
            return true;
    return false;
}

static bool add_nested(struct indexes *x, size_t parent, struct documents *from, const struct ref *ref, const char *what,
                       const struct oci_index_entry *entry, struct err *e)
{
    struct index_node node = {
        .parent = parent, .depth = x->nodes[parent].depth + 1, .has_platform = entry->has_platform, .platform = entry->platform
    };
    if (is_known(x, &entry->descriptor.digest))
        return true;
    if (node.depth == DEPTH_MAX)
        return err_set(e, ERR_REGISTRY, "%s: indexes are nested more than %d deep", what, DEPTH_MAX);
    if (x->n == NODES_MAX)
        return err_set(e, ERR_REGISTRY, "%s: more than %d indexes are nested in each other", what, NODES_MAX);
    if (!indexes_get(from, ref, what, &entry->descriptor, &node.document, e)) {
        registry_document_clear(&node.document);
        return false;
    }
    MEM_PUSH(x->nodes, x->n, x->cap) = node;
    return true;
}

static bool add_entry(struct indexes *x, size_t node, const char *what, const struct oci_index_entry *entry, struct err *e)
{
    const struct index_node *in = &x->nodes[node];
    size_t at = x->all.n;
    if (at == ENTRIES_MAX)
        return err_set(e, ERR_REGISTRY, "%s: its indexes have more than %d entries", what, ENTRIES_MAX);
    MEM_PUSH(x->all.entries, x->all.n, x->cap_all) = *entry;
    MEM_PUSH(x->node_of, at, x->cap_node_of) = node;
    if (!entry->has_platform && in->has_platform) {
        x->all.entries[x->all.n - 1].has_platform = true;
        x->all.entries[x->all.n - 1].platform = in->platform;
    }
    return true;
}

static bool add_entries(struct indexes *x, size_t node, struct documents *from, const struct ref *ref, const char *what, struct err *e)
{
    struct oci_index index = { 0 };
    bool ok = oci_index_read(&index, buf_text(&x->nodes[node].document.bytes), x->nodes[node].document.bytes.len, what, e);
    for (size_t i = 0; ok && i < index.n; i++) {
        const struct oci_index_entry *entry = &index.entries[i];
        bool is_nested = !entry->is_attestation && oci_kind_of_type(entry->descriptor.media_type) == OCI_KIND_INDEX;
        ok = is_nested ? add_nested(x, node, from, ref, what, entry, e) : add_entry(x, node, what, entry, e);
    }
    oci_index_clear(&index);
    return ok;
}

bool indexes_read(struct indexes *x, struct documents *from, const struct ref *ref, const char *what, struct registry_document *top,
                  struct err *e)
{
    MEM_PUSH(x->nodes, x->n, x->cap) = (struct index_node){ .document = *top };
    *top = (struct registry_document){ 0 };
    for (size_t i = 0; i < x->n; i++)
        if (!add_entries(x, i, from, ref, what, e))
            return false;
    return true;
}

void indexes_clear(struct indexes *x)
{
    for (size_t i = 0; i < x->n; i++)
        registry_document_clear(&x->nodes[i].document);
    mem_free(x->nodes);
    mem_free(x->all.entries);
    mem_free(x->node_of);
    *x = (struct indexes){ 0 };
}

void indexes_clear_auto(struct indexes *x)
{
    indexes_clear(x);
}
