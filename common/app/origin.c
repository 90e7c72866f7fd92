/* Two kinds of origins behind one table of functions. A directory's names are safe paths, and each component is looked at without
 * following links, so that what is packed is what lies below the directory. */
#include "app/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

struct origin {
    char *root; /* directory; null: memory */
    const struct origin_file *files;
    size_t n;
};

struct origin *origin_directory(const char *root)
{
    struct origin *s = mem_new(sizeof *s);
    s->root = mem_text(root);
    return s;
}

struct origin *origin_memory(const struct origin_file *files, size_t n)
{
    struct origin *s = mem_new(sizeof *s);
    s->files = files;
    s->n = n;
    return s;
}

void origin_free(struct origin *s)
{
    if (s == NULL)
        return;
    mem_free(s->root);
    mem_free(s);
}

static bool check_name(const char *name, struct err *e)
{
    struct safe_path ignored;
    return safe_path_parse(&ignored, name, "definition", e) || err_as(e, ERR_CONFIG);
}

static const struct origin_file *memory_find(const struct origin *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (text_is(s->files[i].name, name))
            return &s->files[i];
    return NULL;
}

static bool is_below(const char *name, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(name, folder, n) == 0 && name[n] == '/';
}

static void memory_stat(const struct origin *s, const char *name, struct origin_stat *out)
{
    const struct origin_file *file = memory_find(s, name);
    if (file != NULL) {
        *out = (struct origin_stat){ ORIGIN_FILE, file->n, file->is_executable };
        return;
    }
    for (size_t i = 0; i < s->n; i++)
        if (is_below(s->files[i].name, name))
            out->kind = ORIGIN_FOLDER;
}

/* lstat of one path; a link or special file is an error. */
static bool stat_component(const char *path, const char *name, struct origin_stat *out, struct err *e)
{
    struct stat st;
    *out = (struct origin_stat){ 0 };
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return true;
        return err_set(e, ERR_CONFIG, "%s: %s", SHOWN(name), strerror(errno));
    }
    if (S_ISREG(st.st_mode))
        *out = (struct origin_stat){ ORIGIN_FILE, (uint64_t)st.st_size, (st.st_mode & S_IXUSR) != 0 };
    else if (S_ISDIR(st.st_mode))
        out->kind = ORIGIN_FOLDER;
    else if (S_ISLNK(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: is a symbolic link; a definition holds files and folders only", SHOWN(name));
    else
        return err_set(e, ERR_CONFIG, "%s: is neither a file nor a folder", SHOWN(name));
    return true;
}

static bool directory_stat(const struct origin *s, const char *name, struct origin_stat *out, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(s->root, name);
    size_t root = strlen(path) - strlen(name);
    for (char *slash = strchr(path + root, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = stat_component(path, path + root, out, e);
        *slash = '/';
        if (!ok || out->kind != ORIGIN_FOLDER) {
            out->kind = ORIGIN_NOTHING;
            return ok;
        }
    }
    return stat_component(path, name, out, e);
}

bool origin_stat(const struct origin *s, const char *name, struct origin_stat *out, struct err *e)
{
    *out = (struct origin_stat){ 0 };
    if (!check_name(name, e))
        return false;
    if (s->root != NULL)
        return directory_stat(s, name, out, e);
    memory_stat(s, name, out);
    return true;
}

static bool need_file(const struct origin *s, const char *name, struct origin_stat *st, struct err *e)
{
    if (!origin_stat(s, name, st, e))
        return false;
    if (st->kind == ORIGIN_NOTHING && s->root != NULL)
        return err_set(e, ERR_CONFIG, "%s: there is no such file in the folder %s", SHOWN(name), SHOWN(s->root));
    if (st->kind == ORIGIN_NOTHING)
        return err_set(e, ERR_CONFIG, "%s: no such file in the definition", SHOWN(name));
    if (st->kind == ORIGIN_FOLDER)
        return err_set(e, ERR_CONFIG, "%s: is a folder, expected a file", SHOWN(name));
    return true;
}

static bool add_to_buf(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)e;
    buf_add(ctx, bytes, n);
    return true;
}

bool origin_read(const struct origin *s, const char *name, struct buf *out, struct err *e)
{
    struct origin_stat st;
    if (!need_file(s, name, &st, e))
        return false;
    if (st.size > out->max - out->len)
        return err_set(e, ERR_CONFIG, "%s: %ju bytes, at most %zu", SHOWN(name), (uintmax_t)st.size, out->max - out->len);
    if (!origin_stream(s, name, add_to_buf, out, e))
        return false;
    return buf_done(out, name, e) || err_as(e, ERR_CONFIG);
}

static bool directory_stream(const struct origin *s, const char *name, origin_bytes_fn fn, void *ctx, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(s->root, name);
    AUTO(fd_auto) int fd = file_open_read(path, FILE_NO_LINK, e);
    if (fd < 0)
        return err_as(e, ERR_CONFIG);
    enum { PIECE = 128 * 1024 };
    AUTO(mem_auto) char *piece = mem_new(PIECE);
    for (size_t got = PIECE; got == PIECE;) {
        if (!fd_read_full(fd, piece, PIECE, &got, path, e) || (got > 0 && !fn(ctx, piece, got, e)))
            return false;
    }
    return true;
}

bool origin_stream(const struct origin *s, const char *name, origin_bytes_fn fn, void *ctx, struct err *e)
{
    struct origin_stat st;
    if (!need_file(s, name, &st, e))
        return false;
    if (s->root != NULL)
        return directory_stream(s, name, fn, ctx, e);
    const struct origin_file *file = memory_find(s, name);
    return file->n == 0 || fn(ctx, file->bytes, file->n, e);
}

struct listing {
    const char *folder; /* put before the names; null: none */
    origin_name_fn fn;
    void *ctx;
};

static bool list_one(void *ctx, const char *relative, struct err *e)
{
    const struct listing *l = ctx;
    AUTO(mem_auto) char *name = path_join(l->folder, relative);
    return check_name(name, e) && l->fn(l->ctx, name, e);
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

/* Hidden below the folder, as path_walk sees it. */
static bool is_hidden(const char *below)
{
    return below[0] == '.' || strstr(below, "/.") != NULL;
}

static bool memory_list(const struct origin *s, const char *folder, origin_name_fn fn, void *ctx, struct err *e)
{
    AUTO(mem_auto) const char **names = mem_new_array(s->n + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (is_below(s->files[i].name, folder) && !is_hidden(s->files[i].name + strlen(folder) + 1))
            names[n++] = s->files[i].name;
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++)
        if (!check_name(names[i], e) || !fn(ctx, names[i], e))
            return false;
    return true;
}

bool origin_list(const struct origin *s, const char *folder, origin_name_fn fn, void *ctx, struct err *e)
{
    struct origin_stat st;
    if (!origin_stat(s, folder, &st, e))
        return false;
    if (st.kind == ORIGIN_NOTHING)
        return err_set(e, ERR_CONFIG, "%s: no such file or folder in the definition", SHOWN(folder));
    if (st.kind == ORIGIN_FILE)
        return fn(ctx, folder, e);
    if (s->root == NULL)
        return memory_list(s, folder, fn, ctx, e);
    AUTO(mem_auto) char *path = path_join(s->root, folder);
    struct listing l = { .folder = folder, .fn = fn, .ctx = ctx };
    return path_walk(path, LIMIT_APP_FILES, list_one, &l, e) || err_as(e, ERR_CONFIG);
}
