/* Do the files of the bundle continue what the database has seen? */
#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include "loader/db/ledger.h"

/* Compares the recorded rows (by order) with the up files (by order; down files are skipped). Every recorded file must be in the bundle with the same name and
 * SHA-256; what is pending comes after all of them. n_done: up files that are applied. Fails with ERR_POLICY. */
MUST_CHECK bool history_check(const struct ledger_row *rows, size_t n_rows, const struct sql_file *files, size_t n_files,
                              size_t *n_done, struct err *e);

/* The up file of this number, or null. */
const struct sql_file *history_find(const struct sql_file *files, size_t n_files, unsigned order);

#endif
