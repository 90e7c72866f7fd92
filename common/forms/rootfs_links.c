/* A path is followed one link at a time, until there is none in it. */
#include "forms/rootfs_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { LINKS_MAX = 40 }; /* as many as the kernel follows */

/* Where a path first goes through a symbolic link that its own layer has brought. */
struct through {
    uint32_t link; /* ROOTFS_NONE: nowhere */
    size_t start;  /* of the link's name in the path */
    size_t rest;   /* what is below it */
};

static struct through find_link(const struct rootfs_tree *t, const char *path)
{
    uint32_t node = ROOTFS_TOP;
    for (size_t at = 0, n; path[at] != '\0' && node != ROOTFS_NONE; at += n + 1) {
        n = strcspn(path + at, "/");
        if (path[at + n] == '\0')
            break;
        node = *rootfs_slot(t, node, path + at, n);
        if (node != ROOTFS_NONE && t->nodes[node].link != 0 && t->nodes[node].own >= t->layer && rootfs_is_there(t, node))
            return (struct through){ node, at, at + n + 1 };
    }
    return (struct through){ ROOTFS_NONE, 0, 0 };
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

char *rootfs_follow(const struct rootfs_tree *t, const char *path, struct err *e)
{
    AUTO(mem_auto) char *now = mem_text(path);
    for (int i = 0; i < LINKS_MAX; i++) {
        AUTO(buf_clear_auto) struct buf next = BUF_LIMIT(LIMIT_PATH_BYTES);
        struct through x = find_link(t, now);
        if (x.link == ROOTFS_NONE)
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
