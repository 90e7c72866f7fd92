/* archon-bundle create: its options and its result. What it does is create_run in create.c. */
#include "bundler/commands.h"
#include "bundler/create.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/part_name.h"
#include "show/reports.h"
#include "sys/path.h"

#include "base/banned.h"

enum { MAX_JOBS = 256 };

static uint64_t raw_bytes(const struct manifest *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->n_layers; i++)
        bytes += manifest_layer_bytes(m, i);
    return bytes;
}

static const struct digest *signer(const struct create *c, size_t i)
{
    return key_public_id(key_private_public(c->keys.items[i]));
}

/* Layers of the release that the base has as they are. */
static size_t count_kept(const struct create *c, uint64_t *bytes)
{
    size_t n = 0;
    const struct manifest *m = writer_manifest(c->writer);
    for (size_t i = 0; i < m->n_layers; i++)
        if (c->layers[i].is_on_host) {
            n++;
            *bytes += m->layers[i].size;
        }
    return n;
}

static void base_json(struct jwrite *w, const struct create *c)
{
    const struct manifest *m = writer_manifest(c->writer);
    uint64_t kept_bytes = 0;
    size_t n_kept = count_kept(c, &kept_bytes);
    if (!m->has_base)
        return;
    jwrite_object(w, "base");
    if (m->has_base_release) {
        jwrite_digest_hex(w, "release_sha256", &m->base_release_sha256);
        jwrite_str(w, "version", m->base_version);
    }
    jwrite_u64(w, "layers", m->n_base_layers);
    jwrite_u64(w, "kept_layers", n_kept);
    jwrite_u64(w, "kept_raw_size", kept_bytes);
    jwrite_end(w);
}

static void base_text(const struct create *c)
{
    const struct manifest *m = writer_manifest(c->writer);
    struct manifest_base_text base;
    uint64_t kept_bytes = 0;
    size_t n_kept = count_kept(c, &kept_bytes);
    char kept[24];
    if (m->has_base)
        cli_print(c->ctx, "  delta to   %s: %zu layer%s of %s stay%s as they are\n", manifest_base_text(&base, m), n_kept, text_s(n_kept), text_bytes(kept, kept_bytes),
                  n_kept == 1 ? "s" : "");
}

/* The names of parts; nothing for a bundle in one file. */
static void parts_json(struct jwrite *w, const struct create *c)
{
    size_t n = output_parts(writer_output(c->writer));
    if (n > 0)
        jwrite_array(w, "parts");
    for (size_t i = 1; i <= n; i++) {
        AUTO(mem_auto) char *name = part_name(c->path, i);
        jwrite_str(w, NULL, name);
    }
    if (n > 0)
        jwrite_end(w);
}

static bool report_json(const struct create *c, struct err *e)
{
    const struct manifest *m = writer_manifest(c->writer);
    struct jwrite *w = cli_json_open(c->ctx);
    jwrite_str(w, "file", c->path);
    parts_json(w, c);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_u64(w, "size", m->total_len);
    jwrite_digest_hex(w, "release_sha256", &c->release_sha256);
    jwrite_digest_hex(w, "manifest_sha256", &c->manifest_sha256);
    jwrite_array(w, "signers");
    for (size_t i = 0; i < c->keys.n; i++)
        jwrite_digest_hex(w, NULL, signer(c, i));
    jwrite_end(w);
    jwrite_u64(w, "images", c->app->n_images);
    jwrite_str(w, "layers_mode", manifest_mode_text(m->mode));
    jwrite_u64(w, "layers", m->n_layers);
    jwrite_u64(w, "raw_size", raw_bytes(m));
    jwrite_u64(w, "stored_size", writer_new_bytes(c->writer));
    jwrite_u64(w, "fetched_size", c->fetched.missing_bytes);
    base_json(w, c);
    if (c->parity_percent > 0) {
        jwrite_str(w, "parity_file", c->parity_path);
        jwrite_u64(w, "parity_size", create_parity_bytes(c, m->total_len));
    }
    show_reports_json(w, &c->gates.reports);
    return cli_json_close(c->ctx, w, e);
}

static void report_text(const struct create *c)
{
    const struct manifest *m = writer_manifest(c->writer);
    char size[24];
    char raw[24];
    char stored[24];
    size_t n_parts = output_parts(writer_output(c->writer));
    cli_print(c->ctx, "%s%s\n", SHOWN(c->path), n_parts == 0 ? "" : n_parts == 1 ? ".001" : ".001 and so on");
    cli_print(c->ctx, "  release    %s %s\n", m->name, m->version);
    cli_print(c->ctx, "             %s\n", DIGEST_SHOWN(&c->release_sha256));
    cli_print(c->ctx, "  manifest   %s\n", DIGEST_SHOWN(&c->manifest_sha256));
    cli_print(c->ctx, "  size       %s: %zu image%s, %zu layer%s of %s, ", text_bytes(size, m->total_len), c->app->n_images, text_s(c->app->n_images), m->n_layers,
              text_s(m->n_layers), text_bytes(raw, raw_bytes(m)));
    if (m->mode == MANIFEST_EXACT)
        cli_print(c->ctx, "as their registries have them\n");
    else
        cli_print(c->ctx, "of which %s are different pieces\n", text_bytes(stored, writer_new_bytes(c->writer)));
    if (n_parts > 0)
        cli_print(c->ctx, "  parts      %zu\n", n_parts);
    base_text(c);
    for (size_t i = 0; i < c->keys.n; i++)
        cli_print(c->ctx, "  signed by  key %s\n", DIGEST_HEX(signer(c, i)));
    if (c->parity_percent > 0)
        cli_print(c->ctx, "  parity     %s, %s: repairs up to %u %% of both\n", SHOWN(path_base(c->parity_path)),
                  text_bytes(size, create_parity_bytes(c, m->total_len)), c->parity_percent);
    show_reports_text(c->ctx, &c->gates.reports);
}

static bool report(const struct create *c, struct err *e)
{
    if (base_is_given(&c->base) && !writer_manifest(c->writer)->has_base)
        log_warn("%s is a full bundle: nothing in it could be left out", SHOWN(c->path));
    if (c->keys.n == 0)
        log_warn("%s is not signed: no host installs it before archon-bundle sign", SHOWN(c->path));
    if (cli_wants_json(c->ctx))
        return report_json(c, e);
    report_text(c);
    return true;
}

static bool run_create(struct cli_context *ctx, const void *options, struct err *e)
{
    struct create c = { .ctx = ctx, .o = options };
    bool ok = create_run(&c, e) && report(&c, e);
    create_clear(&c);
    return ok;
}

static const struct create_options defaults = { .level = 3, .registries = REGISTRIES_DEFAULTS };

static const struct cli_option create_rows[] = {
    INPUT_ROWS(struct create_options),
    CLI_TEXT_ROW("output", 'o', struct create_options, output, "OUT", "file or directory (NAME-VERSION.bundle.tar.zst here)"),
    CLI_LIST_ROW("key", 0, struct create_options, keys, "FILE", "private key that signs; repeatable. Without one the bundle is unsigned"),
    CLI_TEXT_ROW("key-passphrase-file", 0, struct create_options, passphrase_file, "FILE", "passphrase of an encrypted key, in a file with mode 0600"),
    CLI_NUMBER_ROW("level", 0, struct create_options, level, "N", "compression, 1 (fast) to 19 (small); 3 if not given", 1, 19),
    CLI_CHOICE_ROW("layers", 0, struct create_options, layers, "dedup|exact", "dedup (default): equal pieces of all layers are stored once, small; exact: layers stay as the registry has them, with their digests"),
    CLI_NUMBER_ROW("jobs", 0, struct create_options, jobs, "N", "threads (number of processors); does not change the result", 1, MAX_JOBS),
    CLI_TEXT_ROW("parity", 0, struct create_options, parity, "N%", "write OUT.par as well, from which repair restores the bundle when N % of both together are damaged in a burst, or a part is lost"),
    CLI_FLAG_ROW("no-loader", 0, struct create_options, is_without_loader, "do not put archon-load into the bundle"),
    REGISTRIES_ROWS(struct create_options),
    LOCK_ROWS(struct create_options),
    BASE_ROWS(struct create_options),
    GATES_ROWS(struct create_options),
    IMAGE_RULES_ROW(struct create_options),
    CLI_BYTES_ROW("split", 0, struct create_options, part_bytes, "SIZE", "write parts of this size, NAME.001 and so on: 4095MiB for FAT32", UINT64_MAX),
    CLI_NOT_YET_ROW("not-after"),
    CLI_NOT_YET_ROW("with"),
    CLI_NOT_YET_ROW("archon-source"),
    CLI_FLAG_ROW("check-medium", 0, struct create_options, is_checking_medium, "read the bundle back from the medium itself, then say that it is safe to remove"),
};

const struct cli_command cmd_create = {
    .name = "create",
    .arguments = "[IMAGE...]",
    .summary = "make and sign a bundle",
    .details = "From ./bundle.yaml or -f FILE, from --compose FILE..., or from IMAGE... (a reference, or [NAME=]PLACE with docker-daemon:, oci:, oci-archive: or docker-archive:); without any of them the built-in application. SOURCE_DATE_EPOCH is honoured, and so are "
               "HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    CLI_OPTIONS(create_rows),
    CLI_INTO(struct create_options, input.images),
    .defaults = &defaults,
    .max_arguments = SIZE_MAX,
    .run = run_create,
};
