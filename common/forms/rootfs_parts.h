/* Names of a root file system as nodes, for the files that lay layers over each other. Private to them.
 *
 * Every name ever seen is a node, and stays one: being taken away is a number. A node is there when its last entry is not older than the
 * cuts of itself and of every folder above it. So a whiteout of a folder with a million files costs nothing, and what stands behind it in
 * the same layer is not touched by it. */
#ifndef FORMS_ROOTFS_PARTS_H
#define FORMS_ROOTFS_PARTS_H

#include "forms/rootfs_tree.h"

enum { ROOTFS_TOP = 0 };
#define ROOTFS_NONE UINT32_MAX

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
    uint32_t *slots;  /* by parent and name; ROOTFS_NONE: free */
    size_t n_slots;
    uint32_t count; /* entries so far */
    uint32_t layer; /* the first entry of this layer */
    uint32_t *left; /* nodes that are there, by content, then by age */
    size_t n_left, next;
    size_t asked, n_asked;
};

/* rootfs_nodes.c */
/* Where the node of a name in a folder is, or belongs (ROOTFS_NONE). */
uint32_t *rootfs_slot(const struct rootfs_tree *t, uint32_t parent, const char *name, size_t n);
void rootfs_make_slots(struct rootfs_tree *t, size_t n);
const char *rootfs_name(const struct rootfs_tree *t, uint32_t node);
/* Among the names, at *at. ERR_FORMAT: too many, as of nodes. */
MUST_CHECK bool rootfs_keep_text(struct rootfs_tree *t, const char *text, size_t n, uint32_t *at, struct err *e);
MUST_CHECK bool rootfs_add_node(struct rootfs_tree *t, uint32_t parent, const char *name, size_t n, uint32_t *out, struct err *e);
bool rootfs_is_there(const struct rootfs_tree *t, uint32_t node);
/* The node of a path, or ROOTFS_NONE. */
uint32_t rootfs_find(const struct rootfs_tree *t, const char *path, size_t n);

/* rootfs_links.c */
/* The path by which an engine finds a name that goes through links of its own layer: it unpacks each layer by itself, and follows what is
 * there. Owned; null with ERR_FORMAT. */
MUST_CHECK char *rootfs_follow(const struct rootfs_tree *t, const char *path, struct err *e);

#endif
