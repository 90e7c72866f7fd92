/* Signatures over bundle.json. */
#include "bundler/seal.h"

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static bool is_there(const struct seal_keys *k, const struct key_private *key)
{
    const struct digest *id = key_public_id(key_private_public(key));
    for (size_t i = 0; i < k->n; i++)
        if (digest_equal(key_public_id(key_private_public(k->items[i])), id))
            return true;
    return false;
}

bool seal_keys_load(struct seal_keys *k, const struct cli_list *files, const char *passphrase_file, struct err *e)
{
    AUTO(mem_auto) char *file = mem_text(passphrase_file);
    *k = (struct seal_keys){ .items = mem_new_array(files->n, sizeof(struct key_private *)) };
    if (files->n > LIMIT_SIGNATURES)
        return err_set(e, ERR_USAGE, "--key: %zu keys, a bundle has room for %d signatures", files->n, LIMIT_SIGNATURES);
    for (size_t i = 0; i < files->n; i++) {
        if (text_starts(files->items[i], "pkcs11:"))
            return err_set(e, ERR_USAGE, "--key %s: keys in tokens are not in this version", SHOWN(files->items[i]));
        AUTO(key_private_free_auto) struct key_private *key = key_private_load(files->items[i], key_passphrase, file, e);
        if (key == NULL)
            return false;
        if (is_there(k, key))
            return err_set(e, ERR_USAGE, "--key %s: this key was given already", SHOWN(files->items[i]));
        k->items[k->n++] = TAKE(key);
    }
    return true;
}

void seal_keys_clear(struct seal_keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        key_private_free(k->items[i]);
    mem_free(k->items);
    *k = (struct seal_keys){ 0 };
}

void seal_keys_clear_auto(struct seal_keys *k)
{
    seal_keys_clear(k);
}

bool seal_add_signatures(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    const struct seal_keys *k = ctx;
    for (size_t i = 0; i < k->n; i++)
        if (!header_sign(h, k->items[i], manifest, n, e))
            return false;
    return true;
}
