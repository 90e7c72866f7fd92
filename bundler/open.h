/* From a path on the command line to a bundle that can be looked at. Without --trust a bundle may be looked at too: its maker does so before anybody has
 * signed it. Then nobody vouches for the manifest, and that is said; chunks are compared with it all the same. */
#ifndef BUNDLER_OPEN_H
#define BUNDLER_OPEN_H

#include "bundle/verify.h"
#include "cli/command.h"
#include "show/parts.h"

/* *verdict: who signed; *is_judged tells whether anybody was asked. ERR_CONFIG for a file that is no key. */
MUST_CHECK struct index *open_index(const char *path, const struct show_parts *parts, const struct cli_list *trust, struct verdict *verdict, bool *is_judged, struct err *e);

/* The whole file verified. ERR_USAGE without a key. */
MUST_CHECK struct bundle *open_bundle(const char *path, const struct show_parts *parts, const struct cli_list *trust, struct cli_context *ctx, struct verdict *verdict,
                                      struct err *e);

#endif
