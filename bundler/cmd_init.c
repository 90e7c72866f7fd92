/* archon-bundle init: a definition to begin with. Nothing that exists is overwritten. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/commands.h"
#include "bundler/input.h"
#include "bundler/outline.h"
#include "embed/embed.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

static const char default_dir[] = "archon";
static const char definition_name[] = "bundle.yaml";

struct init_options {
    struct cli_list dirs;
    const char *compose;
};

/* ---- the built-in application ---- */

static bool check_free(const char *dir, const struct embed_file *files, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *path = path_join(dir, files[i].path);
        bool exists = false;
        if (!file_exists(path, &exists, e))
            return false;
        if (exists)
            return err_set(e, ERR_IO, "%s: exists already", SHOWN(path)) || err_hint(e, "name a new directory: archon-bundle init DIR");
    }
    return true;
}

static bool write_new(const char *dir, const char *name, const void *bytes, size_t n, struct err *e)
{
    struct safe_path safe;
    if (!safe_path_parse(&safe, name, "init", e))
        return false;
    AUTO(publish_drop_auto) struct publish *p = path_publish_beneath(dir, &safe, 0644, e);
    return p != NULL && fd_write_all(publish_fd(p), bytes, n, name, e) && publish_commit(p, PUBLISH_NEW, e);
}

static bool init_embedded(struct cli_context *ctx, const char *dir, struct err *e)
{
    size_t n;
    const struct embed_file *files = embed_files(&n);
    if (!check_free(dir, files, n, e) || !path_make_dirs(dir, 0755, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!write_new(dir, files[i].path, files[i].bytes, files[i].size, e))
            return false;
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_str(w, "directory", dir);
        jwrite_u64(w, "files", n);
        return cli_json_close(ctx, w, e);
    }
    cli_print(ctx, "%s: %zu files\n", SHOWN(dir), n);
    log_info("build/README.md there says how to make the images; then: archon-bundle create -f %s/%s", SHOWN(dir), definition_name);
    return true;
}

/* ---- a compose file ---- */

static bool init_compose(struct cli_context *ctx, const char *compose, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(compose);
    AUTO(mem_auto) char *path = path_join(dir, definition_name);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    bool exists = false;
    if (!file_exists(path, &exists, e))
        return false;
    if (exists)
        return err_set(e, ERR_IO, "%s: exists already", SHOWN(path));
    if (!outline_write(compose, &text, e) || !write_new(dir, definition_name, buf_text(&text), text.len, e))
        return false;
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_str(w, "file", path);
        return cli_json_close(ctx, w, e);
    }
    cli_print(ctx, "%s\n", SHOWN(path));
    log_info("look through it, then: archon-bundle lint -f %s", SHOWN(path));
    return true;
}

static bool run_init(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct init_options *o = options;
    if (o->compose != NULL && o->dirs.n > 0)
        return err_set(e, ERR_USAGE, "init: --compose writes bundle.yaml beside the compose file, expected no DIR");
    if (o->compose != NULL)
        return init_compose(ctx, o->compose, e);
    return init_embedded(ctx, o->dirs.n > 0 ? o->dirs.items[0] : default_dir, e);
}

static const struct cli_option init_rows[] = {
    CLI_TEXT_ROW("compose", 0, struct init_options, compose, "FILE", "write a bundle.yaml for this compose file, beside it"),
};

const struct cli_command cmd_init = { .name = "init", .arguments = "[DIR]", .summary = "write a definition to begin with: the built-in application's, or for a compose file",
                                      CLI_OPTIONS(init_rows), CLI_INTO(struct init_options, dirs), .max_arguments = 1, .run = run_init };
