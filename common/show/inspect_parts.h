/* The two forms of inspect. Private to this folder. */
#ifndef SHOW_INSPECT_PARTS_H
#define SHOW_INSPECT_PARTS_H

#include "cli/command.h"
#include "show/facts.h"

void inspect_text(struct cli_context *ctx, const struct facts *f);
MUST_CHECK bool inspect_json(struct cli_context *ctx, const struct facts *f, struct err *e);

#endif
