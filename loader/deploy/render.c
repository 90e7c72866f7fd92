/* Writes a release directory (render.h): packed files as they are, and the two files that are ours. */
#include "loader/deploy/render.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/deploy/override.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

/* Containers run as any user: what is mounted into them is readable, the directory around it is not. */
enum { DIR_MODE = 0700, APP_DIR_MODE = 0755, FILE_MODE = 0644, PROGRAM_MODE = 0755, PRIVATE_MODE = 0600 };

static bool write_member(const char *dir, const struct release_file *file, const struct render_input *in, struct err *e)
{
    struct safe_path safe;
    AUTO(mem_auto) char *member = release_member(file->path);
    if (!safe_path_parse(&safe, member, RELEASE_MEMBER, e))
        return false;
    AUTO(mem_auto) char *path = path_join(dir, safe.text);
    AUTO(mem_auto) char *folder = path_dir(path);
    if (!path_make_dirs(folder, APP_DIR_MODE, e))
        return false;
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, file->is_executable ? PROGRAM_MODE : FILE_MODE, e);
    return p != NULL && in->member(in->member_ctx, safe.text, publish_fd(p), e) && publish_commit(p, PUBLISH_REPLACE, e);
}

static bool write_private(const char *dir, const char *name, const struct buf *text, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(dir, name);
    return file_publish(path, buf_text(text), text->len, PRIVATE_MODE, e);
}

static void wipe_auto(struct buf *b)
{
    if (b->data != NULL)
        secret_wipe(b->data, b->cap);
    buf_clear(b);
}

static bool write_env_file(const char *dir, const struct render_input *in, struct err *e)
{
    AUTO(wipe_auto) struct buf text = BUF_LIMIT(2 * LIMIT_ENV_FILE_BYTES);
    return values_write_compose(&text, in->values, in->compose, e) && write_private(dir, RENDER_ENV_FILE, &text, e);
}

bool render_compose(const char *dir, const struct render_input *in, struct err *e)
{
    AUTO(buf_clear_auto) struct buf override = BUF_LIMIT(LIMIT_APP_TEXT_BYTES);
    if (!render_override(&override, in, e) || !path_make_dirs(dir, DIR_MODE, e))
        return false;
    for (size_t i = 0; i < in->release->n_files; i++)
        if (!write_member(dir, &in->release->files[i], in, e))
            return false;
    return write_env_file(dir, in, e) && write_private(dir, RENDER_OVERRIDE, &override, e);
}

void render_paths(struct render_paths *out, const char *dir, const struct release *r)
{
    *out = (struct render_paths){ .env_file = path_join(dir, RENDER_ENV_FILE) };
    for (size_t i = 0; i < r->compose.n; i++) {
        AUTO(mem_auto) char *member = release_member(r->compose.items[i]);
        AUTO(mem_auto) char *path = path_join(dir, member);
        texts_add(&out->files, path);
    }
    out->dir = out->files.n > 0 ? path_dir(out->files.items[0]) : mem_text(dir);
    AUTO(mem_auto) char *override = path_join(dir, RENDER_OVERRIDE);
    if (out->files.n > 0)
        texts_add(&out->files, override);
}

void render_paths_clear(struct render_paths *p)
{
    texts_clear(&p->files);
    mem_free(p->env_file);
    mem_free(p->dir);
    *p = (struct render_paths){ 0 };
}
