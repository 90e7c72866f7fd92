/* Nodes are found by folder and name in one flat table. */
#include "forms/rootfs_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"

#include "base/banned.h"

/* Nobody can choose many names that meet: bytes from outside go through SHA-256. */
static size_t slot_of(const struct rootfs_tree *t, uint32_t parent, const char *name, size_t n)
{
    uint8_t key[sizeof parent + LIMIT_PATH_BYTES];
    struct digest d;
    uint64_t h;
    memcpy(key, &parent, sizeof parent);
    memcpy(key + sizeof parent, name, n);
    sha256_of(&d, key, sizeof parent + n);
    memcpy(&h, d.bytes, sizeof h);
    return (size_t)h & (t->n_slots - 1);
}

const char *rootfs_name(const struct rootfs_tree *t, uint32_t node)
{
    return t->names.data + t->nodes[node].name;
}

uint32_t *rootfs_slot(const struct rootfs_tree *t, uint32_t parent, const char *name, size_t n)
{
    for (size_t at = slot_of(t, parent, name, n);; at = (at + 1) & (t->n_slots - 1)) {
        uint32_t node = t->slots[at];
        if (node == ROOTFS_NONE ||
            (t->nodes[node].parent == parent && strncmp(rootfs_name(t, node), name, n) == 0 && rootfs_name(t, node)[n] == '\0'))
            return &t->slots[at];
    }
}

void rootfs_make_slots(struct rootfs_tree *t, size_t n)
{
    mem_free(t->slots);
    t->slots = mem_new_array(n, sizeof *t->slots);
    t->n_slots = n;
    memset(t->slots, 0xff, n * sizeof *t->slots);
    for (uint32_t i = 1; i < t->n; i++)
        *rootfs_slot(t, t->nodes[i].parent, rootfs_name(t, i), strlen(rootfs_name(t, i))) = i;
}

/* Its place among the names. */
bool rootfs_keep_text(struct rootfs_tree *t, const char *text, size_t n, uint32_t *at, struct err *e)
{
    if (t->n >= LIMIT_ROOTFS_NAMES || n + 1 > t->names.max - t->names.len)
        return err_set(e, ERR_FORMAT, "the image has more than %d names, or longer ones", LIMIT_ROOTFS_NAMES);
    *at = (uint32_t)t->names.len;
    buf_add(&t->names, text, n);
    buf_addc(&t->names, '\0');
    return true;
}

bool rootfs_add_node(struct rootfs_tree *t, uint32_t parent, const char *name, size_t n, uint32_t *out, struct err *e)
{
    struct node node = { .parent = parent };
    if (!rootfs_keep_text(t, name, n, &node.name, e))
        return false;
    if (2 * (t->n + 1) > t->n_slots)
        rootfs_make_slots(t, 2 * t->n_slots);
    *out = (uint32_t)t->n;
    MEM_PUSH(t->nodes, t->n, t->cap) = node;
    *rootfs_slot(t, parent, name, n) = *out;
    return true;
}

/* ---- what is there ---- */

bool rootfs_is_there(const struct rootfs_tree *t, uint32_t node)
{
    uint32_t own = t->nodes[node].own;
    if (own == 0 || own < t->nodes[node].cut_self)
        return false;
    while (node != ROOTFS_TOP) {
        node = t->nodes[node].parent;
        if (own < t->nodes[node].cut_self || own < t->nodes[node].cut_below)
            return false;
    }
    return true;
}

/* The node of a path, or ROOTFS_NONE. */
uint32_t rootfs_find(const struct rootfs_tree *t, const char *path, size_t n)
{
    uint32_t node = ROOTFS_TOP;
    for (const char *end = path + n; path < end && node != ROOTFS_NONE; path++) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t part = (size_t)((slash == NULL ? end : slash) - path);
        node = *rootfs_slot(t, node, path, part);
        path += part;
    }
    return node;
}
