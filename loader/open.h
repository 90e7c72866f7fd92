/* From a path on the command line to a trusted bundle and the release in it. */
#ifndef LOADER_OPEN_H
#define LOADER_OPEN_H

#include "app/release.h"
#include "bundle/verify.h"
#include "cli/command.h"
#include "show/parts.h"

/* Which keys: --trust files, for this run only and only on a host without a store; else the host's store. ERR_POLICY when both. */
MUST_CHECK struct keyring *open_keyring(const char *root, const struct cli_list *trust, struct err *e);

/* Authenticated header only: for list, cat, extract. */
MUST_CHECK struct index *open_index(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct verdict *verdict, struct err *e);

/* The same without the private copy of a file that others may write to: for a look at what the header leads to (each chunk is hashed when it is read). */
MUST_CHECK struct index *open_index_in_place(const char *path, const struct show_parts *parts, const char *root,
                                             const struct cli_list *trust, struct verdict *verdict, struct err *e);

/* The whole file verified. */
MUST_CHECK struct bundle *open_bundle(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct cli_context *ctx, struct verdict *verdict,
                                      struct err *e);

/* All of it but the chunks of data, and then those of them that some layers (by their number in the manifest) are made of: for a host that has the others. Between the two
 * nothing may be changed on the host. */
MUST_CHECK struct bundle *open_bundle_without_data(const char *path, const struct show_parts *parts, const char *root, const struct cli_list *trust, struct cli_context *ctx,
                                                   struct verdict *verdict, struct err *e);
MUST_CHECK bool open_data(const struct bundle *b, const char *path, const bool *layers, struct cli_context *ctx, struct err *e);

/* release.json of a verified bundle, and its digest; the caller clears it. ERR_FORMAT also when the bundle lacks something that it names. */
MUST_CHECK bool open_release(const struct bundle *b, struct release *out, struct digest *digest, struct err *e);

#endif
