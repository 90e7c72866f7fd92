/* Opening bundles, always through a keyring: there is no way around it in this program. */
#include "loader/open.h"

#include "base/mem.h"
#include "bundle/verify_data.h"
#include "loader/site.h"
#include "show/contents.h"
#include "show/repaired.h"
#include "sys/path.h"
#include "sys/work.h"

#include "base/banned.h"

struct keyring *open_keyring(const char *root, const struct cli_list *trust, struct err *e)
{
    if (trust->n == 0)
        return keyring_from_store(root, e);
    AUTO(keyring_free_auto) struct keyring *store = keyring_read_store(root, e);
    if (store == NULL)
        return NULL;
    if (keyring_count(store) > 0) {
        err_set(e, ERR_POLICY, "--trust: this host has a trust store of its own");
        err_hint(e, "leave --trust out, or add the key: archon-load trust add KEY.pub");
        return NULL;
    }
    return keyring_from_files(trust->items, trust->n, e);
}

/* A bundle on a network file system is copied here first; no state directory is made for that. */
static struct bundle_file *open_file(const char *path, const struct show_parts *parts, bool is_read_again, struct err *e)
{
    return show_parts_open(path, parts, "/var/tmp", is_read_again, e);
}

static struct index *open_header(struct bundle_file *f, const struct keyring *keys, struct verdict *verdict, struct err *e)
{
    struct authority a = { .keys = keys, .verdict = verdict };
    return f == NULL ? NULL : index_open(f, &a, e);
}

struct index *open_index(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct verdict *verdict, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *keys = open_keyring(root, trust, e);
    return keys == NULL ? NULL : open_header(open_file(path, parts, false, e), keys, verdict, e);
}

struct index *open_index_in_place(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust,
                                  struct verdict *verdict, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *keys = open_keyring(root, trust, e);
    struct bundle_where where = { .path = path, .folders = parts->from.items, .n_folders = parts->from.n }; /* nobody is asked for a disc */
    return keys == NULL ? NULL : open_header(bundle_file_open_where(&where, e), keys, verdict, e);
}

struct opening {
    const char *path;
    const struct show_parts *parts;
    const char *root;
    const struct cli_list *trust;
    struct cli_context *ctx;
};

static struct bundle *open_verified(const struct opening *o, bool is_data_later, struct verdict *verdict, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *keys = open_keyring(o->root, o->trust, e);
    struct bundle_file *f = keys == NULL ? NULL : open_file(o->path, o->parts, true, e);
    struct verify_how how = { .jobs = work_cpus(), .progress = is_data_later ? NULL : &o->ctx->progress, .is_data_later = is_data_later };
    struct bundle *b = f == NULL ? NULL : bundle_verify(f, keys, &how, verdict, e);
    if (b == NULL)
        show_repair_hint(o->ctx, o->path, e);
    return b;
}

struct bundle *open_bundle(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct cli_context *ctx, struct verdict *verdict,
                           struct err *e)
{
    return open_verified(&(struct opening){ path, parts, root, trust, ctx }, false, verdict, e);
}

struct bundle *open_bundle_without_data(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct cli_context *ctx,
                                        struct verdict *verdict, struct err *e)
{
    return open_verified(&(struct opening){ path, parts, root, trust, ctx }, true, verdict, e);
}

bool open_data(const struct bundle *b, const char *path, const bool *layers, struct cli_context *ctx, struct err *e)
{
    struct verify_how how = { .jobs = work_cpus(), .progress = &ctx->progress };
    if (bundle_verify_data(b, layers, &how, e))
        return true;
    show_repair_hint(ctx, path, e);
    return false;
}

bool open_release(const struct bundle *b, struct release *out, struct digest *digest, struct err *e)
{
    size_t n;
    const char *text = bundle_release_text(b, &n);
    *digest = bundle_manifest(b)->release_sha256;
    return (release_read(out, text, n, e) && show_check_contents(bundle_manifest(b), out, e)) || err_in(e, "%s", index_name(bundle_index(b)));
}
