/* Every name ever seen is a node, and stays one: being taken away is a number. A node is there when its last entry is not older than the
 * cuts of itself and of every folder above it. So a whiteout of a folder with a million files costs nothing, and what stands behind it in
 * the same layer is not touched by it. */
#include "forms/rootfs_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"

#include "base/banned.h"

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_OTHER ".wh..wh." /* of aufs, for itself */

enum { TOP = 0, NONE = UINT32_MAX, FIRST_SLOTS = 4096, TAR_BLOCK = 512, LINKS_MAX = 40, PATH_DEPTH = LIMIT_PATH_BYTES / 2 };

struct node {
    uint32_t parent;
    uint32_t name;      /* in names */
    uint32_t own;       /* the last entry of this name; 0: it is only a part of paths */
    uint32_t content;   /* the entry that has its content: itself, or for a hard link another */
    uint32_t cut_self;  /* older entries of this name, and of all below, are gone */
    uint32_t cut_below; /* older entries of all below are gone */
    uint32_t link;      /* of a symbolic link: its text, in names; else 0 */
    uint64_t size;
    bool is_folder;
};

struct rootfs_tree {
    struct node *nodes;
    size_t n, cap;
    struct buf names; /* one after the other, each with its NUL */
    uint32_t *slots;  /* by parent and name; NONE: free */
    size_t n_slots;
    uint32_t count; /* entries so far */
    uint32_t layer; /* the first entry of this layer */
    uint32_t *left; /* nodes that are there, by content, then by age */
    size_t n_left, next;
    size_t asked, n_asked;
};

/* ---- nodes ---- */

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

static const char *name_of(const struct rootfs_tree *t, uint32_t node)
{
    return t->names.data + t->nodes[node].name;
}

static uint32_t *find_slot(const struct rootfs_tree *t, uint32_t parent, const char *name, size_t n)
{
    for (size_t at = slot_of(t, parent, name, n);; at = (at + 1) & (t->n_slots - 1)) {
        uint32_t node = t->slots[at];
        if (node == NONE || (t->nodes[node].parent == parent && strncmp(name_of(t, node), name, n) == 0 && name_of(t, node)[n] == '\0'))
            return &t->slots[at];
    }
}

static void make_slots(struct rootfs_tree *t, size_t n)
{
    mem_free(t->slots);
    t->slots = mem_new_array(n, sizeof *t->slots);
    t->n_slots = n;
    memset(t->slots, 0xff, n * sizeof *t->slots);
    for (uint32_t i = 1; i < t->n; i++)
        *find_slot(t, t->nodes[i].parent, name_of(t, i), strlen(name_of(t, i))) = i;
}

/* Its place among the names. */
static bool keep_text(struct rootfs_tree *t, const char *text, size_t n, uint32_t *at, struct err *e)
{
    if (t->n >= LIMIT_ROOTFS_NAMES || n + 1 > t->names.max - t->names.len)
        return err_set(e, ERR_FORMAT, "the image has more than %d names, or longer ones", LIMIT_ROOTFS_NAMES);
    *at = (uint32_t)t->names.len;
    buf_add(&t->names, text, n);
    buf_addc(&t->names, '\0');
    return true;
}

static bool add_node(struct rootfs_tree *t, uint32_t parent, const char *name, size_t n, uint32_t *out, struct err *e)
{
    struct node node = { .parent = parent };
    if (!keep_text(t, name, n, &node.name, e))
        return false;
    if (2 * (t->n + 1) > t->n_slots)
        make_slots(t, 2 * t->n_slots);
    *out = (uint32_t)t->n;
    MEM_PUSH(t->nodes, t->n, t->cap) = node;
    *find_slot(t, parent, name, n) = *out;
    return true;
}

struct rootfs_tree *rootfs_tree_new(void)
{
    struct rootfs_tree *t = mem_new(sizeof *t);
    t->names = (struct buf)BUF_LIMIT(LIMIT_ROOTFS_NAME_BYTES);
    buf_addc(&t->names, '\0');
    MEM_PUSH(t->nodes, t->n, t->cap) = (struct node){ .is_folder = true };
    make_slots(t, FIRST_SLOTS);
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

/* ---- what is there ---- */

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool is_there(const struct rootfs_tree *t, uint32_t node)
{
    uint32_t own = t->nodes[node].own;
    if (own == 0 || own < t->nodes[node].cut_self)
        return false;
    while (node != TOP) {
        node = t->nodes[node].parent;
        if (own < t->nodes[node].cut_self || own < t->nodes[node].cut_below)
            return false;
    }
    return true;
}

/* The node of a path, or NONE. */
static uint32_t find(const struct rootfs_tree *t, const char *path, size_t n)
{
    uint32_t node = TOP;
    for (const char *end = path + n; path < end && node != NONE; path++) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t part = (size_t)((slash == NULL ? end : slash) - path);
        node = *find_slot(t, node, path, part);
        path += part;
    }
    return node;
}

/* What was not a folder is none of what stays, as something is below it now. */
static void become_folder(struct rootfs_tree *t, uint32_t node)
{
    if (node != TOP && is_there(t, node) && !t->nodes[node].is_folder)
        t->nodes[node].cut_self = t->count;
}

/* The same, made where it is missing. */
static bool make(struct rootfs_tree *t, const char *path, uint32_t *node, struct err *e)
{
    *node = TOP;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        become_folder(t, *node);
        uint32_t next = *find_slot(t, *node, path, n);
        if (next == NONE && !add_node(t, *node, path, n, &next, e))
            return false;
        *node = next;
        path += n + (path[n] == '/');
    }
    return true;
}

/* ---- links of one layer ---- */

/* Where a path first goes through a symbolic link that its own layer has brought. */
struct through {
    uint32_t link; /* NONE: nowhere */
    size_t start;  /* of the link's name in the path */
    size_t rest;   /* what is below it */
};

static struct through find_link(const struct rootfs_tree *t, const char *path)
{
    uint32_t node = TOP;
    for (size_t at = 0, n; path[at] != '\0' && node != NONE; at += n + 1) {
        n = strcspn(path + at, "/");
        if (path[at + n] == '\0')
            break;
        node = *find_slot(t, node, path + at, n);
        if (node != NONE && t->nodes[node].link != 0 && t->nodes[node].own >= t->layer && is_there(t, node))
            return (struct through){ node, at, at + n + 1 };
    }
    return (struct through){ NONE, 0, 0 };
}

/* Nothing is above the top. */
static void add_components(struct buf *out, const char *text, size_t n)
{
    for (const char *end = text + n; text < end; text++) {
        const char *slash = memchr(text, '/', (size_t)(end - text));
        size_t part = (size_t)((slash == NULL ? end : slash) - text);
        if (part == 2 && strncmp(text, "..", 2) == 0) {
            while (out->len > 0 && out->data[--out->len] != '/')
                ;
        } else if (part > 0 && !(part == 1 && *text == '.')) {
            if (out->len > 0)
                buf_addc(out, '/');
            buf_add(out, text, part);
        }
        text += part;
    }
}

/* The path by which an engine finds a name that goes through links of its own layer: it unpacks each layer by itself, and follows what is
 * there. Null with ERR_FORMAT. */
static char *follow(const struct rootfs_tree *t, const char *path, struct err *e)
{
    AUTO(mem_auto) char *now = mem_text(path);
    for (int i = 0; i < LINKS_MAX; i++) {
        AUTO(buf_clear_auto) struct buf next = BUF_LIMIT(LIMIT_PATH_BYTES);
        struct through x = find_link(t, now);
        if (x.link == NONE)
            return TAKE(now);
        const char *text = t->names.data + t->nodes[x.link].link;
        if (text[0] != '/')
            add_components(&next, now, x.start);
        add_components(&next, text, strlen(text));
        add_components(&next, now + x.rest, strlen(now + x.rest));
        if (next.over)
            break;
        mem_free(TAKE(now));
        now = mem_text_n(buf_text(&next), next.len);
    }
    err_set(e, ERR_FORMAT, "%s goes through too many symbolic links", SHOWN(path));
    return NULL;
}

/* ---- entries ---- */

void rootfs_tree_layer(struct rootfs_tree *t)
{
    t->layer = t->count + 1;
}

static void whiteout(struct rootfs_tree *t, const char *path, const char *base)
{
    size_t folder = base == path ? 0 : (size_t)(base - path) - 1;
    uint32_t parent = find(t, path, folder);
    if (parent == NONE)
        return;
    if (text_is(base, WHITEOUT_OPAQUE)) {
        t->nodes[parent].cut_below = later(t->nodes[parent].cut_below, t->layer);
        return;
    }
    base += sizeof WHITEOUT - 1;
    uint32_t node = base[0] == '\0' ? NONE : *find_slot(t, parent, base, strlen(base));
    if (node != NONE)
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
    AUTO(mem_auto) char *path = entry->target == NULL ? NULL : follow(t, entry->target, e);
    if (entry->target != NULL && path == NULL)
        return false;
    uint32_t target = path == NULL ? NONE : find(t, path, strlen(path));
    if (target == NONE || !is_there(t, target) || t->nodes[target].is_folder)
        return err_set(e, ERR_FORMAT, "%s is a hard link to %s, which is not there", SHOWN(entry->path),
                       entry->target == NULL ? "what is outside" : SHOWN(entry->target));
    *content = t->nodes[target].content;
    return true;
}

/* A hard link's target is looked for before the link takes the place of something. */
static bool take(struct rootfs_tree *t, const struct untar_entry *entry, const char *path, struct err *e)
{
    uint32_t at = TOP;
    uint32_t content = t->count;
    uint32_t link = 0;
    if ((entry->is_hard && !find_content(t, entry, &content, e)) || !make(t, path, &at, e) ||
        (entry->text != NULL && !keep_text(t, entry->text, strlen(entry->text), &link, e)))
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
    AUTO(mem_auto) char *path = follow(t, entry->path, e);
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
        if (is_there(t, i))
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
    for (uint32_t node = t->left[t->asked + i]; node != TOP; node = t->nodes[node].parent)
        chain[n++] = node;
    buf_reset(out);
    buf_adds(out, "");
    while (n-- > 0)
        buf_addf(out, "%s%s", name_of(t, chain[n]), n > 0 ? "/" : "");
}

uint64_t rootfs_tree_bytes(const struct rootfs_tree *t)
{
    uint64_t sum = 2 * TAR_BLOCK;
    for (size_t i = 0; i < t->n_left; i++)
        sum += TAR_BLOCK + (t->nodes[t->left[i]].size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return sum;
}
