/* The database of an application: where it is, as whom, and the SQL of the release. One in the bundle is reached over its container's address; one of
 * the site by the URL that the operator gave. */
#ifndef LOADER_DATABASE_H
#define LOADER_DATABASE_H

#include "app/release.h"
#include "app/variables.h"
#include "engine/engine.h"
#include "loader/db/bootstrap.h"
#include "loader/db/migrate.h"
#include "loader/site.h"

struct database_options {
    const char *url_file; /* --database-url-file */
    const char *ca;       /* --database-ca */
};

struct database {
    const struct release *release; /* borrowed */
    const struct values *values;
    struct digest digest;          /* of the release */
    bool is_site;                  /* the site runs it */
    struct db_target site;         /* then: where */
    struct sql_set migrations;
    struct sql_set bootstrap;
    struct buf *texts;             /* of the SQL files, which the sets borrow */
    size_t n_texts;
};

/* Reads the text of one file of the application ("sql/0001_x.sql") whose digest the release names. */
typedef bool (*database_read_fn)(void *ctx, const char *path, struct buf *out, struct err *e);

/* Null without an error when the release has no database. kept: a site's database.url of an earlier installation is used when no option is given. */
MUST_CHECK bool database_describe(struct database **out, const struct release *r, const struct digest *digest, const struct values *values,
                                  const struct database_options *o, const struct site *site, database_read_fn read, void *ctx, struct err *e);
void database_free(struct database *d);
AUTO_FREE(struct database, database_free)

/* Keeps URL and CA of a site's database for later commands (0600). */
MUST_CHECK bool database_keep(const struct database *d, const struct database_options *o, const struct site *site, struct err *e);
MUST_CHECK bool database_is_kept(const struct database *d, const struct database_options *o, const struct site *site, bool *yes, struct err *e);

/* Where the ordinary role goes (and, when admin is not null, the administrator). *is_up false: the container of the service is not running. */
MUST_CHECK bool database_targets(const struct database *d, struct engine *g, const char *project, struct db_target *ordinary,
                                 struct db_target *admin, bool *is_up, struct err *e);

/* The work, on a database that is up. */
MUST_CHECK bool database_bootstrap_done(const struct database *d, struct engine *g, const char *project, bool *yes, struct err *e);
MUST_CHECK bool database_bootstrap(const struct database *d, struct engine *g, const char *project, struct err *e);
MUST_CHECK bool database_bootstrap_if_needed(const struct database *d, struct engine *g, const char *project, struct err *e);
MUST_CHECK bool database_migrate(const struct database *d, struct engine *g, const char *project, struct migrate_result *result, struct err *e);
/* has_answer false: the database is not up (nothing is known). */
MUST_CHECK bool database_status(const struct database *d, struct engine *g, const char *project, struct migrate_list *out, bool *has_answer,
                                struct err *e);

#endif
