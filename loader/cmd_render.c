/* archon-load render: the files that install would write, in a directory of the operator's choice. Nothing is started. */
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/commands.h"
#include "loader/deploy/render.h"
#include "loader/install_rows.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

struct render_options {
    struct install_options install;
    const char *output;
    unsigned target;
};

static bool write_member(void *ctx, const char *member, int fd, struct err *e)
{
    struct install *in = ctx;
    size_t i = manifest_find_member(bundle_manifest(in->bundle), member);
    AUTO(source_free_auto) struct source *from = member_reader_open(bundle_index(in->bundle), in->cache, i, e);
    AUTO(sink_drop_auto) struct sink *to = sink_fd(fd, member);
    return from != NULL && pump(from, to, e) && sink_finish(to, e);
}

/* The override names files by absolute paths. */
static char *absolute(const char *path)
{
    if (path[0] == '/')
        return mem_text(path);
    AUTO(mem_auto) char *here = mem_new(LIMIT_PATH_BYTES);
    return getcwd(here, LIMIT_PATH_BYTES) == NULL ? NULL : path_join(here, path);
}

/* Which compose will run the files is not known here: written for the one that carries the most. */
static bool write_files(struct install *in, const char *dir, struct err *e)
{
    if (!version_parse_loose(&in->compose.version, "2.20", "compose", e))
        return false;
    struct render_input r = install_render_input(in, dir);
    r.member = write_member;
    r.member_ctx = in;
    bool ok = path_make_dirs(dir, 0700, e) && site_tls_write(in->tls, dir, e) && render_compose(dir, &r, e);
    install_render_input_clear(&r);
    struct err ignored = { 0 };
    if (!ok && !path_remove_tree(dir, &ignored)) /* half of it would look like all of it */
        log_warn("%s", ignored.msg);
    return ok;
}

static bool run(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct render_options *o = options;
    bool exists = false;
    if (o->target != 0)
        return err_set(e, ERR_USAGE, "--target swarm and kubernetes: not in this version");
    if (o->output == NULL)
        return err_set(e, ERR_USAGE, "-o DIR is needed");
    if (!file_exists(o->output, &exists, e))
        return false;
    if (exists)
        return err_set(e, ERR_IO, "%s: exists already", SHOWN(o->output)) || err_hint(e, "expected the name of a directory that does not exist yet");
    AUTO(install_free_auto) struct install *in = install_prepare_files(ctx, &o->install, e);
    AUTO(mem_auto) char *dir = in == NULL ? NULL : absolute(o->output);
    if (in != NULL && dir == NULL)
        return err_set(e, ERR_IO, "%s: the current directory is gone", SHOWN(o->output));
    if (in == NULL || !write_files(in, dir, e))
        return false;
    cli_print(ctx, "%s\n", dir);
    return true;
}

static const struct cli_option rows[] = {
    INSTALL_ROWS_BUNDLE,
    INSTALL_ROWS_SITE,
    CLI_CHOICE_ROW("target", 0, struct render_options, target, "compose|swarm|kubernetes", "for what (compose; the others: not in this version)"),
    CLI_TEXT_ROW("output", 'o', struct render_options, output, "DIR", "a directory that does not exist yet"),
    INSTALL_ROWS_NOT_YET,
};

const struct cli_command cmd_render = {
    .name = "render",
    .arguments = "BUNDLE -o DIR",
    .summary = "write the rendered files and start nothing",
    CLI_OPTIONS(rows),
    CLI_INTO(struct render_options, install.bundles),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
