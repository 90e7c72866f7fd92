/* One transaction whose end is known: nobody ended it behind our back, COMMIT said COMMIT, and when the answer to COMMIT was lost
 * the outcome is found by looking. */
#ifndef DB_TRANSACTION_H
#define DB_TRANSACTION_H

#include "loader/db/connection.h"

struct transaction {
    struct connection *c;
    char id[24]; /* pg_current_xact_id */
};

MUST_CHECK bool transaction_begin(struct transaction *t, struct connection *c, struct err *e);

/* Still in the transaction that was begun? No: ERR_DB_ROLLED_BACK, or ERR_DB_PARTIAL when it was committed. One round trip. */
MUST_CHECK bool transaction_check(struct transaction *t, struct err *e);

/* Answers, on a new connection, whether what the transaction did is in the database. */
typedef bool (*transaction_proof_fn)(void *ctx, struct connection *c, bool *is_there, struct err *e);

/* Fails with ERR_DB_ROLLED_BACK, or ERR_DB_PARTIAL when the connection broke and the server could not be asked afterwards. */
MUST_CHECK bool transaction_commit(struct transaction *t, const struct db_target *target, transaction_proof_fn proof, void *ctx,
                                   struct err *e);

/* For a failing path: troubles go to the log. */
void transaction_roll_back(struct transaction *t);

#endif
