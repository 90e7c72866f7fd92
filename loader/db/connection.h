/* The only door to libpq: one connection to one database.
 *
 * Every parameter is set one by one from a struct db_target; nothing comes from the environment, a service file, a password
 * file or a key in the home directory. One statement is one message: the server refuses a second one in it.
 *
 *     AUTO(connection_close_auto) struct connection *c = connection_open(&target, "migrate", e);
 *     if (c == NULL) return false;
 *     AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT $1::text", (const char *[]){ "x" }, 1, e);
 */
#ifndef DB_CONNECTION_H
#define DB_CONNECTION_H

#include "base/buf.h"
#include "loader/db/db_target.h"

struct connection;

/* Connects, with a deadline (target->connect_timeout_ms), and checks that TLS is used where it must be. purpose becomes part of the
 * application_name, which others see as the holder of locks. Borrows nothing. Null with ERR_DB, ERR_CONFIG or ERR_INTERRUPTED. */
MUST_CHECK struct connection *connection_open(const struct db_target *target, const char *purpose, struct err *e);

/* The same, again and again for wait_ms as long as the server is not there or still starting. A password that was refused ends it at once. */
MUST_CHECK struct connection *connection_open_waiting(const struct db_target *target, const char *purpose, unsigned wait_ms,
                                                      struct err *e);
void connection_close(struct connection *c);
AUTO_FREE(struct connection, connection_close)

/* Why the last statement failed. Text is printable, without the connection's password, capped. */
struct connection_problem {
    char sqlstate[6];     /* empty: the server gave no answer */
    size_t position;      /* character of the statement, from 1; 0: none */
    bool is_lost;         /* the connection is gone */
    bool is_interrupted;  /* a signal asked for a stop and the statement was cancelled */
    char text[360];
};
const struct connection_problem *connection_problem(const struct connection *c);

/* A short statement of our own (any number of them separated by semicolons, constants only). Fails with ERR_DB "<sqlstate> <message>". */
MUST_CHECK bool connection_do(struct connection *c, const char *sql, struct err *e);

struct answer;
/* A short question of our own with text parameters (null: NULL). Owns: the caller, answer_free. Null and ERR_DB when it failed. */
MUST_CHECK struct answer *connection_ask(struct connection *c, const char *sql, const char *const *values, size_t n_values,
                                         struct err *e);
size_t answer_rows(const struct answer *a);
const char *answer_text(const struct answer *a, size_t row, size_t column); /* null: NULL */
bool answer_is_true(const struct answer *a, size_t row, size_t column);
void answer_free(struct answer *a);
AUTO_FREE(struct answer, answer_free)

/* One statement of a migration: exactly one, rows are thrown away one by one. A signal cancels it on the server. on_wait (may be
 * null) is called about once a second while it runs. Fails with ERR_DB_ROLLED_BACK or ERR_INTERRUPTED; connection_problem tells more. */
typedef void (*connection_wait_fn)(void *ctx);
MUST_CHECK bool connection_run(struct connection *c, const char *statement, connection_wait_fn on_wait, void *ctx, struct err *e);

/* Tag of the last statement that succeeded ("COMMIT", "INSERT 0 1"). */
const char *connection_tag(const struct connection *c);

/* Where the session is. */
bool connection_is_alive(const struct connection *c);
bool connection_is_in_transaction(const struct connection *c);
int connection_server_pid(const struct connection *c);
int connection_server_version(const struct connection *c);                          /* 150004 */
const char *connection_parameter(const struct connection *c, const char *name);     /* as the server reported it; "" when unknown */

/* The server's own messages (NOTICE, WARNING ...), printable and capped; null: to the log at debug. The listener returns false when
 * it has heard enough: what follows is thrown away unread. */
typedef bool (*connection_notice_fn)(void *ctx, const char *text);
void connection_on_notice(struct connection *c, connection_notice_fn fn, void *ctx);

/* For the few statements that take no parameters (CREATE ROLE ...): quoted by libpq. */
void connection_add_name(struct connection *c, struct buf *out, const char *name);
void connection_add_literal(struct connection *c, struct buf *out, const char *text);

/* The SCRAM verifier of a password: what may stand in SQL and in a server's log instead of the password. */
MUST_CHECK bool connection_add_verifier(struct connection *c, struct buf *out, const char *user, const struct secret *password,
                                        struct err *e);

#endif
