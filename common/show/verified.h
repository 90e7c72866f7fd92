/* The result of verifying a bundle: what was checked, and who vouches for it. */
#ifndef SHOW_VERIFIED_H
#define SHOW_VERIFIED_H

#include "bundle/verify.h"
#include "cli/command.h"

/* Rebuilds every layer when is_deep, then prints. */
MUST_CHECK bool show_verified(struct cli_context *ctx, const struct bundle *b, const struct verdict *verdict, bool is_deep, struct err *e);

/* ---- parts that install and create use too ---- */

/* "vendor/release (key 9f2c...)", for messages and results. */
struct show_signer {
    char text[256];
};
const char *show_signer_text(struct show_signer *out, const struct verdict_key *key);

/* "signers": [ { "id", "role", "name", "trusted": true } ... ] and those that nobody here knows, by the hint of their name. */
void show_signers_json(struct jwrite *w, const struct verdict *verdict);
/* A line for each; nothing when JSON was asked for. */
void show_signers(struct cli_context *ctx, const struct verdict *verdict);

#endif
