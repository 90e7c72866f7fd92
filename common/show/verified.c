/* The verdict in words. */
#include "show/verified.h"

#include <stdio.h>

#include "base/text.h"

#include "base/banned.h"

/* Chunks that layers share are read again when they have left the cache: a few seconds for a bundle of some GB. */
#define REBUILD_CACHE_BYTES (256 * MIB)

const char *show_signer_text(struct show_signer *out, const struct verdict_key *key)
{
    snprintf(out->text, sizeof out->text, "%s/%s (key %s)", key->role, key->name, DIGEST_HEX(&key->id));
    return out->text;
}

void show_signers_json(struct jwrite *w, const struct verdict *verdict)
{
    jwrite_array(w, "signers");
    for (size_t i = 0; i < verdict->n_keys; i++) {
        jwrite_object(w, NULL);
        jwrite_digest_hex(w, "id", &verdict->keys[i].id);
        jwrite_str(w, "role", verdict->keys[i].role);
        jwrite_str(w, "name", verdict->keys[i].name);
        jwrite_bool(w, "trusted", true);
        jwrite_end(w);
    }
    for (size_t i = 0; i < verdict->n_unknown; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "id", verdict->unknown[i]);
        jwrite_bool(w, "trusted", false);
        jwrite_end(w);
    }
    jwrite_end(w);
}

void show_signers(struct cli_context *ctx, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_keys; i++)
        cli_print(ctx, "  signed by  %s\n", show_signer_text(&(struct show_signer){ { 0 } }, &verdict->keys[i]));
    for (size_t i = 0; i < verdict->n_unknown; i++)
        cli_print(ctx, "  and by     a key that is not trusted here, perhaps %s...\n", verdict->unknown[i]);
}

static bool verified_json(struct cli_context *ctx, const struct bundle *b, const struct verdict *verdict, bool is_deep, struct err *e)
{
    const struct manifest *m = bundle_manifest(b);
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_digest_hex(w, "release_sha256", &m->release_sha256);
    jwrite_digest_hex(w, "manifest_sha256", index_manifest_sha256(bundle_index(b)));
    show_signers_json(w, verdict);
    jwrite_u64(w, "chunks", m->n_chunks);
    jwrite_u64(w, "layers_rebuilt", is_deep ? m->n_layers : 0);
    jwrite_u64(w, "size", m->total_len);
    return cli_json_close(ctx, w, e);
}

static void verified_text(struct cli_context *ctx, const struct bundle *b, const struct verdict *verdict, bool is_deep)
{
    const struct manifest *m = bundle_manifest(b);
    char size[24];
    cli_print(ctx, "%s: genuine and whole\n", SHOWN(index_name(bundle_index(b))));
    cli_print(ctx, "  release    %s %s\n", m->name, m->version);
    cli_print(ctx, "             %s\n", DIGEST_SHOWN(&m->release_sha256));
    cli_print(ctx, "  manifest   %s\n", DIGEST_SHOWN(index_manifest_sha256(bundle_index(b))));
    show_signers(ctx, verdict);
    cli_print(ctx, "  checked    %llu chunk%s, %s", (unsigned long long)m->n_chunks, text_s(m->n_chunks), text_bytes(size, m->total_len));
    cli_print(ctx, "; %zu layer%s %s\n", m->n_layers, text_s(m->n_layers), is_deep ? "put together again" : "not put together, --deep does that");
}

bool show_verified(struct cli_context *ctx, const struct bundle *b, const struct verdict *verdict, bool is_deep, struct err *e)
{
    if (is_deep && !bundle_verify_layers(b, REBUILD_CACHE_BYTES, &ctx->progress, e))
        return err_in(e, "%s", index_name(bundle_index(b)));
    if (cli_wants_json(ctx))
        return verified_json(ctx, b, verdict, is_deep, e);
    verified_text(ctx, b, verdict, is_deep);
    return true;
}
