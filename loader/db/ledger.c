/* The ledger's SQL. Both tables have the same columns, which are compared before anything is believed. */
#include "loader/db/ledger.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

#define COLUMNS                                                                                                       \
    "stream text, ord integer, name text, sha256 text, statements integer, release text, loader text, role text, " \
    "started timestamp with time zone, finished timestamp with time zone, state text"

static const char *const names[] = { [LEDGER_MIGRATIONS] = "migrations", [LEDGER_BOOTSTRAP] = "bootstrap" };
static const char *const keys[] = { [LEDGER_MIGRATIONS] = "stream, ord", [LEDGER_BOOTSTRAP] = "stream, name" };

/* The administrator writes only into a table of its own: one that somebody else put there could run code with its power. */
static bool look_for_table(struct ledger *out, struct connection *c, enum ledger_table table, struct err *e)
{
    static const char question[] =
        "SELECT CASE WHEN $2::pg_catalog.bool THEN t.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)"
        " ELSE pg_has_role(CURRENT_USER, t.relowner, 'USAGE') END,"
        " (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)"
        "  FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped), t.relkind"
        " FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
        " WHERE n.nspname = 'archon_load' AND t.relname = $1";
    const char *values[] = { names[table], table == LEDGER_BOOTSTRAP ? "t" : "f" };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, question, values, 2, e);
    if (a == NULL)
        return false;
    out->exists = answer_rows(a) > 0;
    if (!out->exists)
        return true;
    out->is_ours = answer_is_true(a, 0, 0);
    if (text_is(answer_text(a, 0, 1), COLUMNS) && text_is(answer_text(a, 0, 2), "r"))
        return true;
    return err_set(e, ERR_POLICY, "database: table archon_load.%s was altered: it does not have the columns of this loader", names[table]);
}

/* Tables, views and sequences' owners aside: anything with rows that neither the system nor an extension nor we have made. */
static bool look_for_strangers(struct ledger *out, struct connection *c, struct err *e)
{
    static const char question[] =
        "SELECT n.nspname || '.' || t.relname FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
        " WHERE t.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'archon_load')"
        " AND n.nspname !~ '^pg_(toast|temp)' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d"
        "  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e') ORDER BY t.oid LIMIT 1";
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, question, NULL, 0, e);
    if (a == NULL)
        return false;
    const char *name = answer_rows(a) > 0 ? answer_text(a, 0, 0) : NULL;
    snprintf(out->stranger, sizeof out->stranger, "%s", name == NULL ? "" : SHOWN(name));
    return true;
}

static bool take_row(struct ledger *out, const struct answer *a, size_t i, struct err *e)
{
    struct ledger_row row = { 0 };
    const char *order = answer_text(a, i, 0);
    const char *name = answer_text(a, i, 1);
    const char *sha256 = answer_text(a, i, 2);
    const char *statements = answer_text(a, i, 4);
    const char *finished = answer_text(a, i, 5);
    uint64_t n = 0;
    uint64_t n_statements = 0;
    bool ok = order != NULL && num_parse(&n, order, strlen(order), LIMIT_SQL_FILES) && name != NULL &&
              text_copy(row.name, sizeof row.name, name) && sha256 != NULL && text_copy(row.sha256, sizeof row.sha256, sha256) &&
              statements != NULL && num_parse(&n_statements, statements, strlen(statements), LIMIT_SQL_STATEMENTS);
    if (!ok)
        return err_set(e, ERR_POLICY, "database: the ledger archon_load has a row that this loader did not write: \"%s\"",
                       SHOWN(name == NULL ? "" : name));
    row.order = (unsigned)n;
    row.n_statements = (size_t)n_statements;
    row.is_done = text_is(answer_text(a, i, 3), "done");
    snprintf(row.finished, sizeof row.finished, "%s", finished == NULL ? "" : finished);
    MEM_PUSH(out->rows, out->n, out->cap) = row;
    return true;
}

static bool read_rows(struct ledger *out, struct connection *c, enum ledger_table table, const char *stream, struct err *e)
{
    char question[400];
    const char *values[] = { stream };
    snprintf(question, sizeof question,
             "SELECT ord, name, sha256, state, statements, to_char(finished AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
             " FROM archon_load.%s WHERE stream = $1 ORDER BY ord, name COLLATE \"C\" LIMIT %d",
             names[table], LIMIT_SQL_FILES + 1);
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, question, values, 1, e);
    for (size_t i = 0; a != NULL && i < answer_rows(a); i++)
        if (!take_row(out, a, i, e))
            return false;
    return a != NULL;
}

bool ledger_read(struct ledger *out, struct connection *c, enum ledger_table table, const char *stream, struct err *e)
{
    return look_for_table(out, c, table, e) && look_for_strangers(out, c, e) && (!out->exists || read_rows(out, c, table, stream, e));
}

bool ledger_check(const struct ledger *l, enum ledger_table table, struct err *e)
{
    if (l->exists && !l->is_ours)
        return err_set(e, ERR_POLICY, "database: table archon_load.%s belongs to another role", names[table]);
    if (l->exists || l->stranger[0] == '\0')
        return true;
    err_set(e, ERR_POLICY, "database: it has tables (%s) and no record of which migrations made them", l->stranger);
    return err_hint(e, "adopting a database (--baseline) is not in this version: use an empty one");
}

void ledger_clear(struct ledger *l)
{
    mem_free(l->rows);
    *l = (struct ledger){ 0 };
}

void ledger_clear_auto(struct ledger *l)
{
    ledger_clear(l);
}

static bool make_schema(struct connection *c, struct err *e)
{
    /* CREATE SCHEMA IF NOT EXISTS asks for the right to create one even when it is there. */
    AUTO(answer_free_auto) struct answer *a =
        connection_ask(c, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'archon_load'", NULL, 0, e);
    if (a == NULL)
        return false;
    return answer_rows(a) > 0 || connection_do(c, "CREATE SCHEMA archon_load", e);
}

bool ledger_make(struct connection *c, enum ledger_table table, struct err *e)
{
    char sql[900];
    snprintf(sql, sizeof sql,
             "CREATE TABLE archon_load.%s (stream text NOT NULL, ord integer NOT NULL, name text NOT NULL, sha256 text NOT NULL,"
             " statements integer NOT NULL, release text NOT NULL, loader text NOT NULL, role text NOT NULL DEFAULT CURRENT_USER,"
             " started timestamp with time zone NOT NULL, finished timestamp with time zone,"
             " state text NOT NULL CHECK (state IN ('started', 'done')), PRIMARY KEY (%s));"
             "COMMENT ON TABLE archon_load.%s IS 'which files archon-load has run in this database'",
             names[table], keys[table], names[table]);
    return make_schema(c, e) && connection_do(c, sql, e);
}

bool ledger_add(struct connection *c, enum ledger_table table, const char *stream, const struct sql_file *f,
                const struct digest *release, uint64_t elapsed_ms, struct err *e)
{
    char sql[500];
    char order[16];
    char statements[24];
    char elapsed[40];
    snprintf(order, sizeof order, "%u", f->order);
    snprintf(statements, sizeof statements, "%zu", f->n_statements);
    snprintf(elapsed, sizeof elapsed, "%llu milliseconds", (unsigned long long)elapsed_ms);
    snprintf(sql, sizeof sql,
             "INSERT INTO archon_load.%s (stream, ord, name, sha256, statements, release, loader, started, finished, state) VALUES"
             " ($1, $2::int4, $3, $4, $5::int4, $6, $7, clock_timestamp() - $8::interval, clock_timestamp(), 'done')",
             names[table]);
    const char *values[] = { stream, order, f->name, DIGEST_HEX(&f->sha256), statements, release == NULL ? "" : DIGEST_SHOWN(release),
                             "archon-load " ARCHON_VERSION, elapsed };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, sql, values, ARRAY_LEN(values), e);
    return a != NULL || err_in(e, "%s: recording it", f->name);
}

bool ledger_has(struct connection *c, enum ledger_table table, const char *stream, const struct sql_file *f, bool *yes, struct err *e)
{
    struct ledger l = { 0 };
    *yes = false;
    if (!look_for_table(&l, c, table, e) || !l.exists)
        return e->code == ERR_NONE;
    char sql[200];
    const char *values[] = { stream, f->name, DIGEST_HEX(&f->sha256) };
    snprintf(sql, sizeof sql, "SELECT 1 FROM archon_load.%s WHERE stream = $1 AND name = $2 AND sha256 = $3 AND state = 'done'", names[table]);
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, sql, values, ARRAY_LEN(values), e);
    *yes = a != NULL && answer_rows(a) == 1;
    return a != NULL;
}
