/* The release that is installed, for the commands that work on it: status, logs, start, stop, migrate, uninstall. */
#ifndef LOADER_INSTALLED_H
#define LOADER_INSTALLED_H

#include "engine/engine.h"
#include "loader/database.h"
#include "loader/deployment.h"
#include "loader/journal.h"
#include "loader/state.h"
#include "sys/lock.h"

struct site_options { /* of every such command */
    const char *root;
    const char *env;
    const char *engine;
};

struct installed {
    struct site site;
    struct state state;
    struct journal_last last_run;
    struct deployment *deployment; /* null only after installed_open_any */
    bool is_unfinished;            /* it is what a first installation has left */
    struct engine *engine;
    struct compose_tool compose;
    struct lock *lock;
};

/* ERR_POLICY when nothing is installed. Engine and compose are opened too. */
MUST_CHECK struct installed *installed_open(const struct site_options *o, struct err *e);
/* Also what is left of a first installation that failed or was killed: to look at it, or to remove it. has_nothing: not even that is there. */
MUST_CHECK struct installed *installed_open_any(const struct site_options *o, bool *has_nothing, struct err *e);
void installed_free(struct installed *i);
AUTO_FREE(struct installed, installed_free)

/* For commands that change something. what: "stop". */
MUST_CHECK bool installed_lock(struct installed *i, const char *what, struct err *e);

/* The database with the SQL as it was kept. *out null: none. */
MUST_CHECK bool installed_database(struct installed *i, const struct database_options *o, struct database **out, struct err *e);

#endif
