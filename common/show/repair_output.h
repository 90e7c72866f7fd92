/* Where a repaired bundle goes: one file, or the damaged parts of one in parts. Private to this folder. */
#ifndef SHOW_REPAIR_OUTPUT_H
#define SHOW_REPAIR_OUTPUT_H

#include "bundle/repair.h"

struct repair_output;

struct repair_place {
    const char *bundle; /* its name without number */
    const char *parity;
    const char *output; /* as in struct repair_options */
};
/* Decides the name and opens a file without one. Fails with ERR_USAGE (no output for parts, or what is repaired, or the parity file),
 * ERR_IO, ERR_SPACE (also: no file there can be so large). */
MUST_CHECK struct repair_output *repair_output_open(const struct repair *r, const struct repair_place *place, struct err *e);
void repair_output_drop(struct repair_output *o);
AUTO_FREE(struct repair_output, repair_output_drop)

int repair_output_fd(const struct repair_output *o);
/* The new file's path; of parts: the folder. */
const char *repair_output_path(const struct repair_output *o);
bool repair_output_is_parts(const struct repair_output *o);

/* Gives the file its name; or writes each damaged part anew, under its own. */
MUST_CHECK bool repair_output_commit(struct repair_output *o, const struct repair *r, struct err *e);

#endif
