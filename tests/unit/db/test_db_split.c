/* The splitter and the server agree on where statements end: the server counts the commands of a whole text that it gets in one
 * message, we count our pieces, and each piece alone must be one command to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/mem.h"
#include "cluster.h"
#include "sql/lexer.h"

static PGconn *server;

static int connect_server(void **state)
{
    char port[16];
    cluster_start(state);
    snprintf(port, sizeof port, "%u", cluster_port());
    const char *const keys[] = { "host", "port", "user", "password", "dbname", NULL };
    const char *const values[] = { "127.0.0.1", port, "postgres", ADMIN_PASSWORD, "postgres", NULL };
    server = PQconnectdbParams(keys, values, 0);
    return PQstatus(server) == CONNECTION_OK ? 0 : -1;
}

static int disconnect_server(void **state)
{
    PQfinish(server);
    return cluster_stop(state);
}

static void command(const char *sql)
{
    PGresult *r = PQexec(server, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(server));
    PQclear(r);
}

/* Reads all results; the number of commands, or -1 when one failed. */
static int count_results(char *why, size_t size)
{
    int n = 0;
    PGresult *r;
    while ((r = PQgetResult(server)) != NULL) {
        ExecStatusType status = PQresultStatus(r);
        bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        if (!ok)
            snprintf(why, size, "%s", PQresultErrorMessage(r));
        n = n < 0 || !ok ? -1 : n + 1;
        PQclear(r);
    }
    return n;
}

static int count_by_server(const char *text, char *why, size_t size)
{
    command("BEGIN");
    assert_int_equal(PQsendQuery(server, text), 1);
    int n = count_results(why, size);
    command("ROLLBACK");
    return n;
}

static void run_pieces(const char *text, const struct sql_split *s)
{
    char why[500] = "";
    command("BEGIN");
    for (size_t i = 0; i < s->n_statements; i++) {
        AUTO(mem_auto) char *piece = mem_text_n(text + s->statements[i].at, s->statements[i].n);
        assert_int_equal(PQsendQueryParams(server, piece, 0, NULL, NULL, NULL, NULL, 0), 1);
        if (count_results(why, sizeof why) != 1)
            fail_msg("piece <%s> of <%s>: %s", piece, text, why);
    }
    command("ROLLBACK");
}

static void agree(const char *text)
{
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    char why[500] = "";
    int n = count_by_server(text, why, sizeof why);
    if (n < 0)
        fail_msg("the server refuses <%s>: %s", text, why);
    if (!sql_split_read(&s, SQL_ORDINARY, text, strlen(text), "t.sql", &e))
        fail_msg("<%s>: %s", text, e.msg);
    if (s.n_statements != (size_t)n)
        fail_msg("<%s>: %zu pieces, the server counts %d", text, s.n_statements, n);
    run_pieces(text, &s);
}

static void on_what_ends_a_statement(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT 1;;; SELECT 2",
        "SELECT ';', E'\\';', e'\\\\'; SELECT U&'d\\0061t\\+000061;', U&\"\\0061;\" FROM (SELECT 1) x (\"a;\")",
        "SELECT 'a'\n';b'; SELECT E'a' -- it's;\n  '\\';b'; SELECT 1 AS e",
        "SELECT E'a'\n\n -- c ';\n -- d\n\t'b\\'' || ';'; SELECT 2",
        "SELECT B'101', x'1F', N'a;'; SELECT 1.5e3, .5, 1e-3",
        "DO $$ BEGIN PERFORM ';'; END $$; DO $a$ BEGIN EXECUTE $b$ SELECT ';' $b$; END $a$; SELECT $$$$, $_$ $ $_$",
        "SELECT 1 AS a$b$c; SELECT a$x$b FROM (SELECT 1 AS a$x$b) q; SELECT $\xc3\xa9$;$\xc3\xa9$",
        "SELECT 1 /* ; /* ; */ ' */; SELECT 2 -- ; '\n; SELECT 3 */* ; */ 2; SELECT 4 --;",
        "SELECT 5 - -1, 2 +-- ;\n 3; SELECT 1 <> /* */ 2; SELECT @ -5, 2 ^ 3, |/ 25.0",
        "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); DELETE FROM u;); SELECT 1",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE CASE a WHEN 1 THEN 2 END END; SELECT 2 AS end; SELECT 3 \"case\"; END; SELECT f(1)",
        "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN /* x; */ ATOMIC SELECT 1 end; END; SELECT 2",
        "CREATE PROCEDURE p() BEGIN ATOMIC END; CALL p(); CREATE PROCEDURE q() LANGUAGE sql AS 'SELECT 1; SELECT 2'",
        "CREATE FUNCTION begin(atomic int) RETURNS int LANGUAGE sql RETURN atomic + 1; SELECT begin(1)",
        "CREATE TABLE begin (atomic int, \"end\" int); SELECT begin.atomic FROM begin; SELECT b.end FROM begin b",
        "SELECT 1 AS begin, 2 AS atomic; SELECT begin atomic FROM (SELECT 1 AS begin) q; SELECT 3",
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); SELECT 1 === 1; SELECT '{\"a;\":1}'::jsonb ?| ARRAY['a;']",
        "PREPARE p AS SELECT $1::int; EXECUTE p(1); DEALLOCATE p; SELECT (array[1,2])[1]; SELECT ROW(1, ';')",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM ''a;''; END'; SELECT f(); COMMENT ON FUNCTION f() IS 'x;'",
        "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t; SELECT * FROM s.v",
        "SELECT 1\r\n;\r\n-- c;\r\nSELECT 2;\r\n\f\t SELECT 3",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        agree(texts[i]);
}

static uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A list of lexically awkward expressions; every text made of them is valid SQL. */
static void add_statement(struct buf *out, uint32_t *seed)
{
    static const char *const expressions[] = {
        "';'", "''''", "'\\'", "E'\\''", "e'\\\\'", "E';\\'--'", "U&'\\0041;'", "$$;$$", "$a$;$$;$a$", "$A1_$'$A1_$", "B'01'", "X'1f'", "N';'", "1", "1.5e3",
        "(SELECT ';')", "CASE WHEN true THEN ';' END", "(1)", "-1", "5 - -1", "2*/* ; */3", "array['a;']", "'a'\n'b;'", "E'a'\n'\\';'", "E'a' -- '\n'\\';'",
        "\"length\"('x;')", "'/*'", "'--'", "$$/*$$", "E'$$'", "1 AS \"a;\"", "1 AS \"x\"\"y;\"", "'a' AS e", "2 AS a$b$c", "3 AS end", "4 AS begin", "5 AS \"$$\"",
    };
    static const char *const gaps[] = { " ", "\n", "\t", "/* ; */", "/* /* ' */ ; */", "-- ;'\n", "/**/", "/*/**/*/", " --\n", "/* $$ */", "\r\n" };
    buf_adds(out, "SELECT");
    for (uint32_t i = 0, n = 1 + next(seed) % 4; i < n; i++) {
        buf_adds(out, i > 0 ? "," : " ");
        buf_adds(out, gaps[next(seed) % ARRAY_LEN(gaps)]);
        buf_adds(out, expressions[next(seed) % ARRAY_LEN(expressions)]);
        buf_adds(out, gaps[next(seed) % ARRAY_LEN(gaps)]);
    }
}

static void on_thousands_of_random_texts(void **state)
{
    (void)state;
    uint32_t seed = 20261121;
    for (int round = 0; round < 3000; round++) {
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
        for (uint32_t i = 0, n = 1 + next(&seed) % 4; i < n; i++) {
            add_statement(&text, &seed);
            buf_adds(&text, next(&seed) % 4 == 0 ? ";;" : ";");
        }
        agree(buf_text(&text));
    }
}

/* What we say is left open is not SQL to the server either. */
static void on_what_is_not_closed(void **state)
{
    (void)state;
    static const char *const texts[] = { "SELECT 'a", "SELECT E'a\\'", "SELECT \"a", "SELECT $$ $", "SELECT $a$ $A$", "SELECT /* /* */ 1", "SELECT (1", "SELECT 1)",
                                         "SELECT 1 $a$b$", "SELECT \\x", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
        struct err e = { 0 };
        char why[500];
        bool ours = sql_split_read(&s, SQL_ORDINARY, texts[i], strlen(texts[i]), "t.sql", &e);
        int n = count_by_server(texts[i], why, sizeof why);
        if (n >= 0 || ours)
            fail_msg("<%s>: server %d, ours %d", texts[i], n, ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_what_ends_a_statement),
        cmocka_unit_test(on_thousands_of_random_texts),
        cmocka_unit_test(on_what_is_not_closed),
    };
    return cmocka_run_group_tests(tests, connect_server, disconnect_server);
}
