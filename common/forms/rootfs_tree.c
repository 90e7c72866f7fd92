/* Entries become numbers of nodes; what is left is sorted in the end. */
#include "forms/rootfs_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_OTHER ".wh..wh." /* of aufs, for itself */

enum { FIRST_SLOTS = 4096, TAR_BLOCK = 512, PATH_DEPTH = LIMIT_PATH_BYTES / 2 };

struct rootfs_tree *rootfs_tree_new(void)
{
    struct rootfs_tree *t = mem_new(sizeof *t);
    t->names = (struct buf)BUF_LIMIT(LIMIT_ROOTFS_NAME_BYTES);
    buf_addc(&t->names, '\0');
    MEM_PUSH(t->nodes, t->n, t->cap) = (struct node){ .is_folder = true };
    rootfs_make_slots(t, FIRST_SLOTS);
    return t;
}

void rootfs_tree_free(struct rootfs_tree *t)
{
    mem_free(t->nodes);
    mem_free(t->slots);
    mem_free(t->left);
    buf_clear(&t->names);
    mem_free(t);
}

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* What was not a folder is none of what stays, as something is below it now. */
static void become_folder(struct rootfs_tree *t, uint32_t node)
{
    if (node != ROOTFS_TOP && rootfs_is_there(t, node) && !t->nodes[node].is_folder)
        t->nodes[node].cut_self = t->count;
}

/* The node of a path, made where it is missing. */
static bool make(struct rootfs_tree *t, const char *path, uint32_t *node, struct err *e)
{
    *node = ROOTFS_TOP;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        become_folder(t, *node);
        uint32_t next = *rootfs_slot(t, *node, path, n);
        if (next == ROOTFS_NONE && !rootfs_add_node(t, *node, path, n, &next, e))
            return false;
        *node = next;
        path += n + (path[n] == '/');
    }
    return true;
}

/* ---- entries ---- */

void rootfs_tree_layer(struct rootfs_tree *t)
{
    t->layer = t->count + 1;
}

static void whiteout(struct rootfs_tree *t, const char *path, const char *base)
{
    size_t folder = base == path ? 0 : (size_t)(base - path) - 1;
    uint32_t parent = rootfs_find(t, path, folder);
    if (parent == ROOTFS_NONE)
        return;
    if (text_is(base, WHITEOUT_OPAQUE)) {
        t->nodes[parent].cut_below = later(t->nodes[parent].cut_below, t->layer);
        return;
    }
    base += sizeof WHITEOUT - 1;
    uint32_t node = base[0] == '\0' ? ROOTFS_NONE : *rootfs_slot(t, parent, base, strlen(base));
    if (node != ROOTFS_NONE)
        t->nodes[node].cut_self = later(t->nodes[node].cut_self, t->layer);
}

/* aufs keeps things of its own in folders of that name. */
static bool is_of_aufs(const char *path)
{
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (text_starts(at, WHITEOUT_OTHER) && !text_is(at, WHITEOUT_OPAQUE))
            return true;
    }
    return false;
}

/* The entry that has the content of a hard link. */
static bool find_content(const struct rootfs_tree *t, const struct untar_entry *entry, uint32_t *content, struct err *e)
{
    AUTO(mem_auto) char *path = entry->target == NULL ? NULL : rootfs_follow(t, entry->target, e);
    if (entry->target != NULL && path == NULL)
        return false;
    uint32_t target = path == NULL ? ROOTFS_NONE : rootfs_find(t, path, strlen(path));
    if (target == ROOTFS_NONE || !rootfs_is_there(t, target) || t->nodes[target].is_folder)
        return err_set(e, ERR_FORMAT, "%s is a hard link to %s, which is not there", SHOWN(entry->path),
                       entry->target == NULL ? "what is outside" : SHOWN(entry->target));
    *content = t->nodes[target].content;
    return true;
}

/* A hard link's target is looked for before the link takes the place of something. */
static bool take(struct rootfs_tree *t, const struct untar_entry *entry, const char *path, struct err *e)
{
    uint32_t at = ROOTFS_TOP;
    uint32_t content = t->count;
    uint32_t link = 0;
    if ((entry->is_hard && !find_content(t, entry, &content, e)) || !make(t, path, &at, e) ||
        (entry->text != NULL && !rootfs_keep_text(t, entry->text, strlen(entry->text), &link, e)))
        return false;
    struct node *node = &t->nodes[at];
    node->own = t->count;
    node->content = content;
    node->size = entry->kind == UNTAR_FILE ? entry->size : 0;
    node->is_folder = entry->is_folder;
    node->link = link;
    if (!entry->is_folder)
        node->cut_below = t->count;
    return true;
}

bool rootfs_tree_add(struct rootfs_tree *t, const struct untar_entry *entry, struct err *e)
{
    if (t->count >= LIMIT_ROOTFS_ENTRIES)
        return err_set(e, ERR_FORMAT, "the layers of the image have more than %d entries", LIMIT_ROOTFS_ENTRIES);
    t->count++;
    if (entry->is_nameless)
        return err_set(e, ERR_FORMAT, "entry %u has a name that leads out of the image, or is longer than %d bytes",
                       t->count - t->layer + 1, LIMIT_PATH_BYTES);
    if ((entry->path[0] == '\0' && !entry->is_folder) || is_of_aufs(entry->path))
        return true;
    AUTO(mem_auto) char *path = rootfs_follow(t, entry->path, e);
    if (path == NULL)
        return false;
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    if (!text_starts(base, WHITEOUT))
        return take(t, entry, path, e);
    whiteout(t, path, base);
    return true;
}

/* ---- what is left ---- */

struct left {
    uint32_t content, own, node;
};

static int compare_left(const void *a, const void *b)
{
    const struct left *x = a;
    const struct left *y = b;
    return x->content != y->content ? (x->content > y->content) - (x->content < y->content) : (x->own > y->own) - (x->own < y->own);
}

void rootfs_tree_settle(struct rootfs_tree *t)
{
    size_t n = 0;
    AUTO(mem_auto) struct left *all = mem_new_array(t->n, sizeof *all);
    for (uint32_t i = 0; i < t->n; i++)
        if (rootfs_is_there(t, i))
            all[n++] = (struct left){ t->nodes[i].content, t->nodes[i].own, i };
    qsort(all, n, sizeof *all, compare_left);
    t->left = mem_new_array(t->n, sizeof *t->left);
    for (size_t i = 0; i < n; i++)
        t->left[i] = all[i].node;
    t->n_left = n;
}

size_t rootfs_tree_names(struct rootfs_tree *t, uint64_t n)
{
    while (t->next < t->n_left && t->nodes[t->left[t->next]].content < n)
        t->next++;
    t->asked = t->next;
    t->n_asked = 0;
    while (t->next < t->n_left && t->nodes[t->left[t->next]].content == n) {
        t->next++;
        t->n_asked++;
    }
    return t->n_asked;
}

void rootfs_tree_path(const struct rootfs_tree *t, size_t i, struct buf *out)
{
    uint32_t chain[PATH_DEPTH];
    size_t n = 0;
    BUG_IF(i >= t->n_asked);
    for (uint32_t node = t->left[t->asked + i]; node != ROOTFS_TOP; node = t->nodes[node].parent)
        chain[n++] = node;
    buf_reset(out);
    buf_adds(out, "");
    while (n-- > 0)
        buf_addf(out, "%s%s", rootfs_name(t, chain[n]), n > 0 ? "/" : "");
}

/* Files with holes may claim any length. */
uint64_t rootfs_tree_bytes(const struct rootfs_tree *t)
{
    uint64_t sum = 2 * TAR_BLOCK;
    for (size_t i = 0; i < t->n_left; i++)
        if (!num_add(&sum, sum, TAR_BLOCK + (t->nodes[t->left[i]].size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK))
            return UINT64_MAX;
    return sum;
}
