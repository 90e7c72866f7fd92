/* The lock on the second connection. */
#include "loader/db/db_lock.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "loader/db/shown.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

enum { LOCK_POLL_MS = 300, LOCK_WAIT_DEFAULT_MS = 60000 };

/* Two numbers that mean us in this database: "arch", "load". */
#define LOCK_KEYS "1634886504, 1819238756"
#define LOCK_ROW "locktype = 'advisory' AND granted AND classid = 1634886504 AND objid = 1819238756 AND objsubid = 2 AND database = " \
                 "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"

struct db_lock {
    struct connection *c;
};

/* The session does nothing for hours: nobody shall end it for that. Servers before 14 do not know the second setting. */
static bool prepare(struct connection *c, struct err *e)
{
    AUTO(answer_free_auto) struct answer *a = NULL;
    if (!connection_do(c, "SET search_path = pg_catalog, pg_temp; SET statement_timeout = 0", e))
        return false;
    a = connection_ask(c, "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'lock_timeout')", NULL, 0, e);
    return a != NULL;
}

static void describe_holder(struct connection *c, char *out, size_t size)
{
    static const char question[] =
        "SELECT 'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') ||"
        " coalesce(', connected since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"
        " FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE " LOCK_ROW;
    struct err ignored = { 0 };
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, question, NULL, 0, &ignored);
    const char *text = a != NULL && answer_rows(a) > 0 ? answer_text(a, 0, 0) : NULL;
    shown_text(out, size, text == NULL ? "somebody" : text, NULL);
}

static bool try_once(struct connection *c, bool *is_ours, struct err *e)
{
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT pg_try_advisory_lock(" LOCK_KEYS ")", NULL, 0, e);
    *is_ours = a != NULL && answer_is_true(a, 0, 0);
    return a != NULL;
}

static bool poll_lock(struct connection *c, unsigned wait_ms, const struct db_report *report, struct err *e)
{
    uint64_t end = clock_monotonic_ms() + wait_ms;
    char holder[200];
    for (bool is_told = false, is_ours = false;; is_told = true) {
        if (!start_check(e) || !try_once(c, &is_ours, e))
            return false;
        if (is_ours)
            return true;
        describe_holder(c, holder, sizeof holder);
        if (clock_monotonic_ms() >= end)
            break;
        if (!is_told) {
            char text[240];
            snprintf(text, sizeof text, "another run holds the database: %s", holder);
            db_report_tell(report, &(struct db_fact){ .event = DB_WAITS, .text = text });
        }
        clock_sleep_ms(LOCK_POLL_MS);
    }
    err_set(e, ERR_LOCKED, "database: another run is active: %s", holder);
    return err_hint(e, "wait until it has ended, then run the same command again");
}

struct db_lock *db_lock_take(const struct db_target *target, unsigned wait_ms, const struct db_report *report, struct err *e)
{
    AUTO(connection_close_auto) struct connection *c = connection_open(target, "lock", e);
    if (c == NULL || !prepare(c, e) || !poll_lock(c, wait_ms == 0 ? LOCK_WAIT_DEFAULT_MS : wait_ms, report, e))
        return NULL;
    struct db_lock *l = mem_new(sizeof *l);
    l->c = TAKE(c);
    return l;
}

void db_lock_release(struct db_lock *l)
{
    if (l == NULL)
        return;
    connection_close(l->c); /* the server frees the lock with the session */
    mem_free(l);
}

bool db_lock_check(const struct db_lock *l, struct connection *other, struct err *e)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", connection_server_pid(l->c));
    const char *values[] = { pid };
    AUTO(answer_free_auto) struct answer *a =
        connection_ask(other, "SELECT 1 FROM pg_catalog.pg_locks WHERE " LOCK_ROW " AND pid = $1::pg_catalog.int4", values, 1, e);
    if (a == NULL)
        return false;
    if (answer_rows(a) == 1)
        return true;
    return err_set(e, ERR_DB_ROLLED_BACK, "database: the lock against other runs was lost, its connection has ended");
}

void db_lock_blockers(struct db_lock *l, int pid, char *out, size_t size)
{
    static const char question[] =
        "SELECT string_agg('pid ' || b.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') || coalesce(', ' || a.state, ''), '; ')"
        " FROM (SELECT unnest(pg_blocking_pids($1::int4)) LIMIT 5) b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid";
    char number[16];
    const char *values[] = { number };
    struct err ignored = { 0 };
    out[0] = '\0';
    if (!connection_is_alive(l->c))
        return;
    snprintf(number, sizeof number, "%d", pid);
    AUTO(answer_free_auto) struct answer *a = connection_ask(l->c, question, values, 1, &ignored);
    const char *text = a != NULL ? answer_text(a, 0, 0) : NULL;
    if (text != NULL)
        shown_text(out, size, text, NULL);
}
