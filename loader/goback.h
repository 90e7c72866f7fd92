/* After a failed upgrade: what is safe to do, and doing it. docs/MIGRATIONS.md "Going back". */
#ifndef LOADER_GOBACK_H
#define LOADER_GOBACK_H

#include "loader/install.h"

enum goback_result {
    GOBACK_NOTHING,   /* nothing had been changed that needs undoing */
    GOBACK_DONE,      /* the machine is as before; the previous release runs */
    GOBACK_NOT_SAFE,  /* migrations are committed and the author did not declare the schema compatible */
    GOBACK_NO_WAY,    /* a first installation: there is nothing to go back to */
    GOBACK_FAILED,    /* going back itself failed; the log says why */
    GOBACK_UNWANTED,  /* --no-rollback */
};

/* failed: index of the step that failed. */
enum goback_result goback_after(struct install *in, size_t failed);
/* What the operator is told; null for GOBACK_NOTHING. */
const char *goback_hint(enum goback_result r);

#endif
