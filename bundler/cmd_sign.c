/* archon-bundle sign: adds signatures to a bundle in place. */
#include "bundler/commands.h"
#include "bundler/seal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/parity_renew.h"
#include "bundle/seal.h"
#include "sys/path.h"
#include "sys/work.h"

#include "base/banned.h"

struct sign_options {
    struct cli_list bundles;
    struct cli_list keys;
    const char *passphrase_file;
};

/* What seal_sign's callback needs and finds out. */
struct signing {
    struct seal_keys keys;
    struct digest manifest_sha256;
    bool was_healed;
    enum parity_renewal parity;
};

static bool sign_manifest(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    struct signing *s = ctx;
    sha256_of(&s->manifest_sha256, manifest, n);
    return seal_add_signatures(&s->keys, manifest, n, h, e);
}

static bool report(struct cli_context *ctx, const char *path, const struct signing *s, struct err *e)
{
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_str(w, "file", path);
        jwrite_digest_hex(w, "manifest_sha256", &s->manifest_sha256);
        jwrite_array(w, "signers");
        for (size_t i = 0; i < s->keys.n; i++)
            jwrite_digest_hex(w, NULL, key_public_id(key_private_public(s->keys.items[i])));
        jwrite_end(w);
        jwrite_bool(w, "healed", s->was_healed);
        jwrite_bool(w, "parity_renewed", s->parity == PARITY_RENEWED);
        return cli_json_close(ctx, w, e);
    }
    cli_print(ctx, "%s\n  manifest   %s\n", SHOWN(path), DIGEST_SHOWN(&s->manifest_sha256));
    for (size_t i = 0; i < s->keys.n; i++)
        cli_print(ctx, "  signed by  key %s\n", DIGEST_HEX(key_public_id(key_private_public(s->keys.items[i]))));
    if (s->parity == PARITY_RENEWED)
        cli_print(ctx, "  parity     its parity file was renewed, too\n");
    return true;
}

/* The signature is in the bundle whatever becomes of the parity file: signing again renews it. */
static bool renew_parity(struct cli_context *ctx, const char *path, struct signing *s, struct err *e)
{
    struct parity_how how = { .jobs = work_cpus(), .progress = &ctx->progress };
    AUTO(mem_auto) char *real = seal_real_path(path, e);
    if (real == NULL)
        return false;
    AUTO(mem_auto) char *par = parity_path(real);
    if (!parity_renew(path, &how, &s->parity, e))
        return err_in(e, "%s is signed, but %s still repairs the header without this signature", SHOWN(path_base(path)), SHOWN(path_base(par)));
    if (s->parity == PARITY_FOREIGN)
        log_warn("%s is not the parity file of this bundle: left as it is", SHOWN(par));
    return true;
}

static bool run_sign(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct sign_options *o = options;
    const char *path = o->bundles.items[0];
    struct signing s = { 0 };
    if (o->keys.n == 0)
        return err_set(e, ERR_USAGE, "sign: expected --key FILE") || err_hint(e, "archon-bundle keygen NAME makes a key");
    bool ok = seal_keys_load(&s.keys, &o->keys, o->passphrase_file, e);
    if (ok && !seal_sign(path, sign_manifest, &s, &s.was_healed, e))
        ok = text_starts(e->msg, path) ? false : err_in(e, "%s", path_base(path));
    ok = ok && renew_parity(ctx, path, &s, e) && report(ctx, path, &s, e);
    seal_keys_clear(&s.keys);
    return ok;
}

static const struct cli_option sign_rows[] = {
    CLI_LIST_ROW("key", 0, struct sign_options, keys, "FILE", "private key that signs; repeatable"),
    CLI_TEXT_ROW("key-passphrase-file", 0, struct sign_options, passphrase_file, "FILE", "passphrase of an encrypted key, in a file with mode 0600"),
    CLI_NOT_YET_ROW("cms"),
    CLI_NOT_YET_ROW("attach"),
};

const struct cli_command cmd_sign = { .name = "sign", .arguments = "BUNDLE --key FILE", .summary = "add a signature in place", CLI_OPTIONS(sign_rows),
                                      CLI_INTO(struct sign_options, bundles), .min_arguments = 1, .max_arguments = 1, .run = run_sign };
