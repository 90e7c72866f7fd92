/* Members of a bundle for people: list, cat, extract. Every member has its place here, also those of the header region (bundle.json, chunks.bin,
 * signatures/...), as `tar -t` shows them. The index has been opened by the program, which decided who vouches for it; chunks are always compared
 * with the table that the manifest names. No payload is read for a list. */
#ifndef SHOW_MEMBERS_H
#define SHOW_MEMBERS_H

#include "bundle/index.h"
#include "cli/command.h"

/* A line (or JSON item) for each member, in file order. */
MUST_CHECK bool show_list(struct cli_context *ctx, const struct index *x, struct err *e);

/* The exact bytes of one member to standard output, whatever its size. ERR_USAGE when there is no such member (the hint names the nearest one), ERR_INTEGRITY. */
MUST_CHECK bool show_cat(struct cli_context *ctx, const struct index *x, const char *member, struct err *e);

/* Writes members below dir, which must exist; n 0: all. A name may be a folder ("app"): everything in it. Nothing outside dir is touched and no file is
 * overwritten: what exists is looked for before the first write (ERR_IO). Names that match nothing are ERR_USAGE. */
MUST_CHECK bool show_extract(struct cli_context *ctx, const struct index *x, const char *dir, const struct cli_list *members, struct err *e);

#endif
