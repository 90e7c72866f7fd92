/* Two layers of arbitrary bytes laid over each other: every name that is left is a clean path, and each is there once. */
#include <stdlib.h>
#include <string.h>

#include "forms/rootfs_tree.h"
#include "stream/retar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_path(const char *path)
{
    size_t n = strlen(path);
    if (n > LIMIT_PATH_BYTES || path[0] == '/' || (n > 0 && path[n - 1] == '/') || strstr(path, "//") != NULL || strcmp(path, "..") == 0 ||
        strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL || (n > 3 && strcmp(path + n - 3, "/..") == 0))
        abort();
}

/* One pass: takes names, or writes what is left. */
static bool pass(struct rootfs_tree *t, struct retar *to, const uint8_t *bytes, size_t n, uint64_t *count)
{
    struct err e = { 0 };
    struct untar_entry entry;
    AUTO(untar_close_auto) struct untar *u = untar_open_layer(source_memory(bytes, n), "fuzz", &e);
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_PATH_BYTES);
    AUTO(buf_clear_auto) struct buf other = BUF_LIMIT(LIMIT_PATH_BYTES);
    while (u != NULL && untar_next(u, &entry, &e)) {
        if (to == NULL && !rootfs_tree_add(t, &entry, &e))
            return false;
        size_t names = to == NULL ? 0 : rootfs_tree_names(t, ++*count);
        for (size_t i = 0; i < names; i++) {
            rootfs_tree_path(t, i, i == 0 ? &path : &other);
            check_path(buf_text(i == 0 ? &path : &other));
            if (!(i == 0 ? retar_copy(to, u, buf_text(&path), &e) : retar_link(to, u, buf_text(&other), buf_text(&path), &e)))
                return false;
        }
    }
    return e.code == ERR_NONE && untar_rest(u, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    uint64_t count = 0;
    size_t first = n / 2 / 512 * 512;
    AUTO(rootfs_tree_free_auto) struct rootfs_tree *t = rootfs_tree_new();
    AUTO(sink_drop_auto) struct sink *nothing = sink_null();
    AUTO(retar_close_auto) struct retar *to = retar_open(nothing);
    rootfs_tree_layer(t);
    bool ok = pass(t, NULL, bytes, first, &count);
    rootfs_tree_layer(t);
    ok = ok && pass(t, NULL, bytes + first, n - first, &count);
    rootfs_tree_settle(t);
    if (ok && pass(t, to, bytes, first, &count) && pass(t, to, bytes + first, n - first, &count) && !retar_finish(to, &e))
        abort();
    return 0;
}
