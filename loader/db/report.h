/* What a run against a database tells while it works. Text is printable already. */
#ifndef DB_REPORT_H
#define DB_REPORT_H

#include "base/auto.h"

enum db_event {
    DB_WAITS,          /* text: for what (lock of another run, a blocking session) */
    DB_FILE_STARTED,   /* file, n_statements */
    DB_STATEMENT_DONE, /* file, line, statement of n_statements */
    DB_NOTICE,         /* file, text: the server's own message, at most DB_NOTICES_PER_FILE of them */
    DB_FILE_DONE,      /* file */
    DB_COMMITTED,      /* the unit is durable */
};

struct db_fact {
    enum db_event event;
    const char *file; /* null when none */
    size_t line;
    size_t statement; /* from 1 */
    size_t n_statements;
    const char *text; /* null when none */
};

struct db_report {
    void (*fn)(void *ctx, const struct db_fact *fact); /* null: nobody listens */
    void *ctx;
};

void db_report_tell(const struct db_report *r, const struct db_fact *fact);

#endif
