/* The splitter: what ends a statement, and what is refused. That the splits are the server's own is shown in
 * tests/unit/db/test_split.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "sql/lexer.h"

/* The statements of text, each between < and >. An exact copy without NUL lets AddressSanitizer see a read past the end. */
static const char *split(struct buf *out, const char *text)
{
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    size_t n = strlen(text);
    AUTO(mem_auto) char *exact = mem_copy(text, n);
    buf_reset(out);
    if (!sql_split_read(&s, SQL_ORDINARY, exact, n, "t.sql", &e))
        buf_addf(out, "%s", e.msg);
    for (size_t i = 0; e.code == ERR_NONE && i < s.n_statements; i++) {
        buf_addc(out, '<');
        buf_add(out, exact + s.statements[i].at, s.statements[i].n);
        buf_addc(out, '>');
    }
    return buf_text(out);
}

#define SPLIT(text, expected)                                    \
    do {                                                         \
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(100000); \
        assert_string_equal(split(&out, text), expected);        \
    } while (0)

static void refused(enum sql_kind kind, const char *text, size_t n, enum err_code code, const char *part)
{
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    AUTO(mem_auto) char *exact = mem_copy(text, n);
    if (sql_split_read(&s, kind, exact, n, "t.sql", &e))
        fail_msg("accepted: %s", text);
    if (e.code != code || strstr(e.msg, part) == NULL)
        fail_msg("%s: got %s \"%s\", expected %s \"%s\"", text, err_name(e.code), e.msg, err_name(code), part);
}

static void semicolons_end_statements(void **state)
{
    (void)state;
    SPLIT("SELECT 1", "<SELECT 1>");
    SPLIT(" ;; SELECT 1 ;\n;SELECT 2;;", "<SELECT 1 ><SELECT 2>");
    SPLIT("SELECT 1;\r\nSELECT 2;\r\n", "<SELECT 1><SELECT 2>");
    SPLIT("/* before */ SELECT 1 -- after\n;", "<SELECT 1 -- after\n>");
}

static void quotes_hide_semicolons(void **state)
{
    (void)state;
    SPLIT("SELECT ';'; SELECT 'it''s;';", "<SELECT ';'><SELECT 'it''s;'>");
    SPLIT("SELECT '\\'; SELECT 2", "<SELECT '\\'><SELECT 2>");
    SPLIT("SELECT \"a;\"\"b;\"; SELECT 2", "<SELECT \"a;\"\"b;\"><SELECT 2>");
    SPLIT("SELECT e'\\';'; SELECT E'\\\\'; SELECT 3", "<SELECT e'\\';'><SELECT E'\\\\'><SELECT 3>");
    SPLIT("SELECT U&'\\'; SELECT U&\"a;\"; SELECT 3", "<SELECT U&'\\'><SELECT U&\"a;\"><SELECT 3>");
    SPLIT("SELECT B'1;', x';', n'\\', N';'; SELECT 2", "<SELECT B'1;', x';', n'\\', N';'><SELECT 2>");
}

static void a_continued_string_keeps_its_escapes(void **state)
{
    (void)state;
    SPLIT("SELECT E'a'\n'\\';'; SELECT 2", "<SELECT E'a'\n'\\';'><SELECT 2>");
    SPLIT("SELECT E'a' -- it's\n  '\\';'; SELECT 2", "<SELECT E'a' -- it's\n  '\\';'><SELECT 2>");
    SPLIT("SELECT E'a' '\\'; SELECT 2", "<SELECT E'a' '\\'><SELECT 2>");
    SPLIT("SELECT E'a' /* \n */ '\\'; SELECT 2", "<SELECT E'a' /* \n */ '\\'><SELECT 2>");
    SPLIT("SELECT 'a'\n'\\'; SELECT 2", "<SELECT 'a'\n'\\'><SELECT 2>");
}

static void an_e_is_a_prefix_only_alone(void **state)
{
    (void)state;
    SPLIT("SELECT typE'\\'; SELECT 2", "<SELECT typE'\\'><SELECT 2>");
    SPLIT("SELECT E '\\'; SELECT 2", "<SELECT E '\\'><SELECT 2>");
}

static void dollar_quotes_hide_everything(void **state)
{
    (void)state;
    SPLIT("DO $$ BEGIN x; '/* END $$; SELECT 2", "<DO $$ BEGIN x; '/* END $$><SELECT 2>");
    SPLIT("SELECT $a$ $b$ ; $$ ; $a$; SELECT 2", "<SELECT $a$ $b$ ; $$ ; $a$><SELECT 2>");
    SPLIT("SELECT a$$b; SELECT 2 $$", "t.sql:1: a dollar-quoted string is not closed");
    SPLIT("SELECT a$x$b, c$x$; SELECT 2", "<SELECT a$x$b, c$x$><SELECT 2>");
    SPLIT("SELECT $1; SELECT $é$;$é$", "<SELECT $1><SELECT $é$;$é$>");
    SPLIT("SELECT 1$$;$$; SELECT $a b$; SELECT 3", "<SELECT 1$$;$$><SELECT $a b$><SELECT 3>");
}

static void comments_nest_and_operators_do_not_hide_them(void **state)
{
    (void)state;
    SPLIT("SELECT 1 /* ; /* ; */ ; */ + 1; SELECT 2", "<SELECT 1 /* ; /* ; */ ; */ + 1><SELECT 2>");
    SPLIT("SELECT 1 */* ; */ 2; SELECT 2", "<SELECT 1 */* ; */ 2><SELECT 2>");
    SPLIT("SELECT 1 +-- ;\n 2; SELECT 2", "<SELECT 1 +-- ;\n 2><SELECT 2>");
    SPLIT("SELECT 1 /**/; SELECT 2 /***/", "<SELECT 1 /**/><SELECT 2 /***/>");
    SPLIT("SELECT 5 - -1 / 2; SELECT 2", "<SELECT 5 - -1 / 2><SELECT 2>");
}

static void parentheses_hide_semicolons(void **state)
{
    (void)state;
    SPLIT("CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v); SELECT 2",
          "<CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)><SELECT 2>");
}

static void atomic_bodies_are_one_statement(void **state)
{
    (void)state;
#define BODY "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END end; SELECT 2 AS end; SELECT x.end FROM x; END"
    SPLIT(BODY "; SELECT 3", "<" BODY "><SELECT 3>");
#undef BODY
    SPLIT("create or replace procedure p() begin /* ; */ atomic end; SELECT 2",
          "<create or replace procedure p() begin /* ; */ atomic end><SELECT 2>");
    SPLIT("CREATE FUNCTION begin (atomic int) RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2",
          "<CREATE FUNCTION begin (atomic int) RETURNS int LANGUAGE sql AS 'SELECT 1'><SELECT 2>");
    SPLIT("SELECT begin atomic FROM t; SELECT 2", "<SELECT begin atomic FROM t><SELECT 2>");
    SPLIT("CREATE FUNCTION f() RETURNS void BEGIN ATOMIC CREATE FUNCTION g() RETURNS void BEGIN ATOMIC SELECT 1; END; SELECT 2; END; SELECT 3",
          "<CREATE FUNCTION f() RETURNS void BEGIN ATOMIC CREATE FUNCTION g() RETURNS void BEGIN ATOMIC SELECT 1; END; SELECT 2; END><SELECT 3>");
}

static void what_is_left_open_is_named_with_its_line(void **state)
{
    (void)state;
    SPLIT("SELECT 1;\nSELECT 'a;\n", "t.sql:2: a quoted string is not closed");
    SPLIT("SELECT\n\"a", "t.sql:2: a quoted name is not closed");
    SPLIT("\n\nSELECT $x$ $$", "t.sql:3: a dollar-quoted string is not closed");
    SPLIT("/* /* */", "t.sql:1: a comment is not closed");
    SPLIT("SELECT\n(1, (2)", "t.sql:2: \"(\" is not closed");
    SPLIT("SELECT 1);", "t.sql:1: \")\" closes nothing");
    SPLIT("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;", "t.sql:1: the BEGIN ATOMIC body of the statement is not closed");
}

static void bytes_that_would_be_read_differently_are_refused(void **state)
{
    (void)state;
#define BYTES(text, part) refused(SQL_ORDINARY, text, sizeof text - 1, ERR_FORMAT, part)
    BYTES("SELECT 1;\nSELECT\0 2;", "t.sql:2: contains a NUL byte");
    BYTES("\xef\xbb\xbfSELECT 1", "byte order mark");
    BYTES("SELECT 1;\n\nSELECT '\xff'", "t.sql:3: not UTF-8");
    BYTES("SELECT '\xed\xa0\x80'", "t.sql:1: not UTF-8");
    BYTES("-- a\rSELECT 1", "t.sql:1: a carriage return without a line feed");
    BYTES("SELECT 1\r\r\n", "carriage return");
    BYTES("SELECT 1\r", "carriage return");
    BYTES("", "holds no statement");
    BYTES(" ;; -- nothing\n/* more */", "holds no statement");
#undef BYTES
}

static void a_file_that_is_too_large_is_refused_before_it_is_read(void **state)
{
    (void)state;
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    assert_false(sql_split_read(&s, SQL_ORDINARY, NULL, LIMIT_SQL_FILE_BYTES + 1, "t.sql", &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.msg, "at most"));
}

static void statements_that_leave_the_transaction_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "BEGIN", "begin transaction", "START TRANSACTION", "COMMIT", "COMMIT AND CHAIN", "END", "ROLLBACK", "ABORT", "SAVEPOINT a",
        "ROLLBACK TO a", "RELEASE a", "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "/* c */ Commit", "SET TRANSACTION READ ONLY",
        "DISCARD ALL", "LISTEN x", "ALTER SYSTEM SET a = 1", "VACUUM", "VACUUM (FULL) t", "CREATE DATABASE x", "DROP DATABASE x",
        "CREATE TABLESPACE x LOCATION '/x'", "REINDEX DATABASE x", "CREATE INDEX CONCURRENTLY ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY i", "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
        "REINDEX INDEX CONCURRENTLY i", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "COPY t FROM STDIN", "COPY t (a, b) FROM stdin WITH (FORMAT csv)",
        "COPY (SELECT 1) TO STDOUT", "COPY t FROM PROGRAM 'id'", "COPY t TO PROGRAM 'id'", "\\i other.sql", "\\! id", "SELECT 1 \\gexec",
        "\\copy t from 'x'", "INSERT INTO archon_load.migrations DEFAULT VALUES", "DROP SCHEMA \"archon_load\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(mem_auto) char *text = mem_format("SELECT 1;\n%s; SELECT 2", texts[i]);
        refused(SQL_ORDINARY, text, strlen(text), ERR_POLICY, "t.sql:2: ");
        refused(SQL_BOOTSTRAP, text, strlen(text), ERR_POLICY, "t.sql:2: ");
    }
}

static void roles_may_change_in_bootstrap_files_only(void **state)
{
    (void)state;
    static const char *const texts[] = { "SET ROLE x", "set local role x", "SET SESSION ROLE x", "SET \"role\" = x", "SET SESSION AUTHORIZATION x",
                                         "SET LOCAL SESSION AUTHORIZATION x" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
        struct err e = { 0 };
        refused(SQL_ORDINARY, texts[i], strlen(texts[i]), ERR_POLICY, "not allowed");
        assert_true(sql_split_read(&s, SQL_BOOTSTRAP, texts[i], strlen(texts[i]), "t.sql", &e));
    }
}

static void look_alikes_are_not_refused(void **state)
{
    (void)state;
    SPLIT("SET roles.x = 1; PREPARE p AS SELECT 1; CREATE TABLE commit (begin int); SELECT 'COPY t FROM STDIN'",
          "<SET roles.x = 1><PREPARE p AS SELECT 1><CREATE TABLE commit (begin int)><SELECT 'COPY t FROM STDIN'>");
    SPLIT("COPY t FROM '/data/x'; REFRESH MATERIALIZED VIEW CONCURRENTLY m; DO $$ BEGIN COMMIT; END $$; SELECT '\\d'",
          "<COPY t FROM '/data/x'><REFRESH MATERIALIZED VIEW CONCURRENTLY m><DO $$ BEGIN COMMIT; END $$><SELECT '\\d'>");
    SPLIT("SET LOCAL search_path = a; SET CONSTRAINTS ALL DEFERRED; NOTIFY x", "<SET LOCAL search_path = a><SET CONSTRAINTS ALL DEFERRED><NOTIFY x>");
}

static void lines_are_counted_for_statements_and_positions(void **state)
{
    (void)state;
    static const char text[] = "\n-- c\n  SELECT 1;\nSELECT 'é',\n\n  x;";
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    assert_true(sql_split_read(&s, SQL_ORDINARY, text, sizeof text - 1, "t.sql", &e));
    assert_int_equal(s.n_statements, 2);
    assert_int_equal(s.statements[0].line, 3);
    assert_int_equal(s.statements[1].line, 4);
    assert_int_equal(sql_line_of(text, &s.statements[1], 1), 4);
    assert_int_equal(sql_line_of(text, &s.statements[1], 11), 4); /* the comma: é is one character */
    assert_int_equal(sql_line_of(text, &s.statements[1], 16), 6); /* x */
    assert_int_equal(sql_line_of(text, &s.statements[1], 9999), 6);
}

static void headers_are_found_only_before_the_first_statement(void **state)
{
    (void)state;
    static const char text[] = "-- archon: a\r\n--archon: b\n/* -- archon: no */\n-- ARCHON: c\n-- the archon: no\nSELECT 1";
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    assert_true(sql_split_read(&s, SQL_ORDINARY, text, sizeof text - 1, "t.sql", &e));
    assert_int_equal(s.n_headers, 3);
    assert_memory_equal(text + s.headers[0].at, " a", s.headers[0].n);
    assert_int_equal(s.headers[0].n, 2);
    assert_int_equal(s.headers[2].line, 4);
    refused(SQL_ORDINARY, "SELECT 1;\n-- archon: timeout=1s\n", 32, ERR_CONFIG, "t.sql:2: an archon header stands after");
}

static void deep_nesting_needs_no_stack(void **state)
{
    (void)state;
    enum { N = 2000000 };
    AUTO(mem_auto) char *text = mem_new(2 * (size_t)N + 1);
    memset(text, '(', N);
    memset(text + N, ')', N);
    AUTO(sql_split_clear_auto) struct sql_split s = { 0 };
    struct err e = { 0 };
    assert_true(sql_split_read(&s, SQL_ORDINARY, text, 2 * (size_t)N, "t.sql", &e));
    for (size_t i = 0; i < N; i++)
        memcpy(text + 2 * i, "/*", 2);
    refused(SQL_ORDINARY, text, 2 * (size_t)N, ERR_FORMAT, "a comment is not closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(semicolons_end_statements),
        cmocka_unit_test(quotes_hide_semicolons),
        cmocka_unit_test(a_continued_string_keeps_its_escapes),
        cmocka_unit_test(an_e_is_a_prefix_only_alone),
        cmocka_unit_test(dollar_quotes_hide_everything),
        cmocka_unit_test(comments_nest_and_operators_do_not_hide_them),
        cmocka_unit_test(parentheses_hide_semicolons),
        cmocka_unit_test(atomic_bodies_are_one_statement),
        cmocka_unit_test(what_is_left_open_is_named_with_its_line),
        cmocka_unit_test(bytes_that_would_be_read_differently_are_refused),
        cmocka_unit_test(a_file_that_is_too_large_is_refused_before_it_is_read),
        cmocka_unit_test(statements_that_leave_the_transaction_are_refused),
        cmocka_unit_test(roles_may_change_in_bootstrap_files_only),
        cmocka_unit_test(look_alikes_are_not_refused),
        cmocka_unit_test(lines_are_counted_for_statements_and_positions),
        cmocka_unit_test(headers_are_found_only_before_the_first_statement),
        cmocka_unit_test(deep_nesting_needs_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
