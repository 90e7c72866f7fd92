/* What is inside a bundle, for people and programs: images, layers, sizes, shared bytes, services, migrations, variables, signers. */
#ifndef SHOW_INSPECT_H
#define SHOW_INSPECT_H

#include "bundle/index.h"
#include "cli/command.h"

/* verdict: who vouches for the index; null: nobody was asked (archon-bundle without --trust), and the text says so. Reads release.json, reports/summary.json and nothing else of
 * the payload. ERR_FORMAT, ERR_INTEGRITY, ERR_POLICY (made for a newer loader). */
MUST_CHECK bool show_inspect(struct cli_context *ctx, const struct index *x, const struct verdict *verdict, struct err *e);

/* A bare bundle.json, as a signing ceremony has it: how the release is packed, without its content. Is this file one? Looks at its first bytes. */
MUST_CHECK bool show_is_manifest(const char *path, bool *yes, struct err *e);
MUST_CHECK bool show_inspect_manifest(struct cli_context *ctx, const char *path, struct err *e);

#endif
