/* inspect: of a bundle, and of a bundle.json alone. */
#include "show/inspect.h"

#include <string.h>

#include "base/text.h"
#include "format/date.h"
#include "show/inspect_parts.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

bool show_inspect(struct cli_context *ctx, const struct index *x, const struct verdict *verdict, struct err *e)
{
    AUTO(facts_clear_auto) struct facts f = { 0 };
    if (!facts_collect(&f, x, verdict, e))
        return false;
    if (cli_wants_json(ctx))
        return inspect_json(ctx, &f, e);
    inspect_text(ctx, &f);
    return true;
}

/* ---- a bare bundle.json ---- */

bool show_is_manifest(const char *path, bool *yes, struct err *e)
{
    char first[sizeof BUNDLE_FIRST_BYTES - 1];
    size_t got = 0;
    bool exists = false;
    *yes = false;
    if (!file_exists(path, &exists, e))
        return false;
    if (!exists)
        return true; /* a bundle in parts may have this name: who opens it knows */
    AUTO(fd_auto) int fd = file_open_read(path, FILE_PLAIN, e);
    if (fd < 0 || !fd_read_full(fd, first, sizeof first, &got, path, e))
        return false;
    *yes = got == sizeof first && memcmp(first, BUNDLE_FIRST_BYTES, sizeof first) == 0;
    return true;
}

static bool manifest_json(struct cli_context *ctx, const struct manifest *m, const struct digest *own, struct err *e)
{
    char created[DATE_TEXT_BYTES];
    struct jwrite *w = cli_json_open(ctx);
    date_format(created, m->created);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_str(w, "created", created);
    jwrite_digest_hex(w, "release_sha256", &m->release_sha256);
    jwrite_digest_hex(w, "manifest_sha256", own);
    jwrite_u64(w, "layers", m->n_layers);
    jwrite_u64(w, "members", m->n_members);
    jwrite_u64(w, "chunks", m->n_chunks);
    jwrite_u64(w, "size", m->total_len);
    return cli_json_close(ctx, w, e);
}

static void manifest_text(struct cli_context *ctx, const struct manifest *m, const struct digest *own)
{
    char created[DATE_TEXT_BYTES];
    char size[24];
    date_format(created, m->created);
    cli_print(ctx, "%s %s\n", m->name, m->version);
    cli_print(ctx, "  release     %s\n", DIGEST_SHOWN(&m->release_sha256));
    cli_print(ctx, "  manifest    %s\n", DIGEST_SHOWN(own));
    cli_print(ctx, "  created     %s by %s %s\n", created, m->builder_program, m->builder_version);
    cli_print(ctx, "  packed      %zu members, %zu layer%s, %llu chunk%s, %s\n", m->n_members, m->n_layers, text_s(m->n_layers),
              (unsigned long long)m->n_chunks, text_s(m->n_chunks), text_bytes(size, m->total_len));
    cli_print(ctx, "  This is bundle.json alone: what a key signs. Images and services are in the bundle.\n");
}

bool show_inspect_manifest(struct cli_context *ctx, const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_MANIFEST_BYTES);
    AUTO(manifest_clear_auto) struct manifest m = { 0 };
    struct digest own;
    if (!file_read(path, FILE_PLAIN, LIMIT_MANIFEST_BYTES, &text, e))
        return false;
    sha256_of(&own, buf_text(&text), text.len);
    if (!manifest_read(&m, buf_text(&text), text.len, e))
        return err_in(e, "%s", path_base(path));
    if (cli_wants_json(ctx))
        return manifest_json(ctx, &m, &own, e);
    manifest_text(ctx, &m, &own);
    return true;
}
