/* Who signs a bundle: private keys that were loaded before the work begins, and their signatures in a header. */
#ifndef BUNDLER_SEAL_H
#define BUNDLER_SEAL_H

#include "bundle/header.h"
#include "certs/key.h"
#include "cli/command.h"

struct seal_keys {
    struct key_private **items;
    size_t n;
};

/* Loads the keys of --key FILE..., asking for passphrases where they are encrypted (passphrase_file null: on the terminal). The same key twice is ERR_USAGE.
 * ERR_CONFIG. Cleared by the caller in any case. */
MUST_CHECK bool seal_keys_load(struct seal_keys *k, const struct cli_list *files, const char *passphrase_file, struct err *e);
void seal_keys_clear(struct seal_keys *k);
void seal_keys_clear_auto(struct seal_keys *k);

/* Signs bundle.json with each and adds the signatures, each verified before it is added. For writer_finish and seal_sign: ctx is a struct seal_keys *. */
bool seal_add_signatures(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e);

#endif
