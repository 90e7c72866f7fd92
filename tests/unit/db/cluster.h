/* A private PostgreSQL server for one test program (tests/support/postgres.sh), fresh databases in it, and short ways to ask. */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include "base/buf.h"
#include "loader/db/migrate.h"

#define ADMIN_PASSWORD "admin secret"
#define SHOP_PASSWORD "sh%p:'\"@ pass"

/* cmocka group set-up and tear-down: role shop (no superuser) exists. */
int cluster_start(void **state);
int cluster_stop(void **state);

/* Runs postgres.sh with a verb on the cluster ("kill", "up"). */
void cluster_do(const char *verb);
unsigned cluster_port(void);
const char *cluster_file(const char *name); /* a path in the cluster's directory; valid until the next call */

/* A new empty database, owned by shop. Its name is out->dbname; out is a target for shop (admin: for postgres). */
void cluster_database(struct db_target *out);
void cluster_target(struct db_target *out, const char *dbname, const char *user, const char *password);

/* SQL as the administrator in a database; the test fails when it fails. Commands are separated by semicolons. */
void cluster_sql(const char *dbname, const char *sql);
/* First field of the answer, or "NULL". Valid until the next call. */
const char *cluster_ask(const char *dbname, const char *sql);
/* Polls until the answer is this; the test fails after 20 s. */
void cluster_await(const char *dbname, const char *sql, const char *answer);

/* A set of files from name, text pairs that end with null. */
void cluster_files(struct sql_set *out, enum sql_kind kind, const char *const *pairs);

/* What migrate_up told, as lines of text: "0001_a.sql started 2", "notice ...", "waits ...", "committed". */
struct told {
    struct buf lines;
    unsigned n_notices;
};
struct db_report told_report(struct told *t);

#endif
