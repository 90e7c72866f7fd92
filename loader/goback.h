/* After a failed installation: what is safe to do, and doing it. docs/MIGRATIONS.md "Going back". */
#ifndef LOADER_GOBACK_H
#define LOADER_GOBACK_H

#include "loader/install.h"

/* What decides. */
struct goback_facts {
    enum goback_phase {
        GOBACK_BEFORE,   /* only images and files of the new release were written */
        GOBACK_DATABASE, /* the database may have been started again, nothing else */
        GOBACK_SERVICES, /* the services too */
        GOBACK_COMMIT,   /* all is well, and could not be recorded */
    } phase;
    bool is_first;      /* nothing was installed */
    bool is_same;       /* the installed release itself is being repaired */
    bool has_migrated;  /* migrations are committed that the release before does not know; or that cannot be told */
    bool is_compatible; /* the author says that the release before runs on them */
    bool is_unwanted;   /* --no-rollback */
};

enum goback_result {
    GOBACK_NOTHING,    /* nothing had been changed that needs undoing */
    GOBACK_UNDO,       /* decision: the steps are undone; the services were not touched */
    GOBACK_RESTORE,    /* decision: the release before is started again */
    GOBACK_DONE,       /* outcome: the machine is as before */
    GOBACK_FAILED,     /* outcome: going back itself failed; the log says why */
    GOBACK_NOT_SAFE,   /* left as it is */
    GOBACK_NO_WAY,     /* left as it is: there is nothing to go back to */
    GOBACK_UNWANTED,   /* left as it is: --no-rollback */
    GOBACK_UNRECORDED, /* left as it is: it runs */
};

/* The rule, without a machine. */
enum goback_result goback_decide(const struct goback_facts *f);

/* Before the first step: has this host's database seen migrations that the release before does not know? Remembered in `in`. */
void goback_prepare(struct install *in);
/* failed: index of the step that failed. The outcome. */
enum goback_result goback_after(struct install *in, size_t failed);
/* What the operator is told; null for GOBACK_NOTHING. */
const char *goback_hint(enum goback_result r);

#endif
