/* What is left when the layers of an image lie over each other: which entry of which layer is the file of a name. Entries are counted
 * through all layers, from the lowest; the same count, in a second pass, finds the names that an entry's content has in the end.
 *
 *     rootfs_tree_layer(t);                 for each layer, the lowest first:
 *     rootfs_tree_add(t, &entry, e)         each entry
 *     rootfs_tree_settle(t);
 *     ... again, entry by entry, from n = 1 on:
 *     size_t names = rootfs_tree_names(t, n);
 *     rootfs_tree_path(t, 0, &first) ...
 *
 * Whiteouts and opaque folders take away what lower layers have, wherever they stand in their own. A name is a folder or not as its last
 * entry says; whoever needs a folder where something else was gets one. An entry "below" a symbolic link of its own layer is where the link
 * leads, never above the top; a link of a lower layer is replaced. So do engines, which unpack each layer by itself and overlay them. */
#ifndef FORMS_ROOTFS_TREE_H
#define FORMS_ROOTFS_TREE_H

#include "base/buf.h"
#include "stream/untar.h"

struct rootfs_tree;
struct rootfs_tree *rootfs_tree_new(void);
void rootfs_tree_free(struct rootfs_tree *t);
AUTO_FREE(struct rootfs_tree, rootfs_tree_free)

void rootfs_tree_layer(struct rootfs_tree *t);
/* ERR_FORMAT: a name that leads out of the image, a hard link to what is not there, too many names. */
MUST_CHECK bool rootfs_tree_add(struct rootfs_tree *t, const struct untar_entry *entry, struct err *e);

/* Nothing is added any more. Names are to be asked for with rising numbers. */
void rootfs_tree_settle(struct rootfs_tree *t);
/* How many names entry number n has in the end: 0 for what is not seen any more, 2 and more with hard links. */
size_t rootfs_tree_names(struct rootfs_tree *t, uint64_t n);
/* The path of name i of the entry that was asked for last; empty for the top. out has a limit. */
void rootfs_tree_path(const struct rootfs_tree *t, size_t i, struct buf *out);
/* Bytes that an archive of everything has about: content and headers. */
uint64_t rootfs_tree_bytes(const struct rootfs_tree *t);

#endif
