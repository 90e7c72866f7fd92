/* libpq, behind a door.
 *
 * Queries are sent and then waited for with poll, never with PQexec: a signal is seen within a fraction of a second and cancels
 * the statement on the server. libpq takes empty parameters for "not given" and then looks at the environment and the home
 * directory: the environment must hold no PG* variable, and files that it would look for get a name that cannot exist. */
#include "loader/db/connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/db/shown.h"
#include "sys/clock.h"
#include "sys/start.h"

#include "base/banned.h"

enum {
    POLL_MS = 200,            /* how soon a signal is seen */
    WAIT_TELL_MS = 1000,
    CANCEL_PATIENCE_MS = 20000, /* a server that does not answer a cancel request is left alone */
    CONNECT_DEFAULT_MS = 30000,
    CONNECT_RETRY_MS = 500,
    PURPOSE_BYTES = 96,       /* the server keeps the first 63 */
};

/* ENOTDIR for every user: not there, and cannot be put there. */
#define NO_FILE "/dev/null/none"

struct connection {
    PGconn *pg;
    struct secret password; /* to keep it out of messages */
    struct connection_problem problem;
    char tag[64];
    connection_notice_fn notice;
    void *notice_ctx;
    bool is_deaf; /* the listener has heard enough */
};

struct answer {
    PGresult *pg;
};

/* --- connecting ---------------------------------------------------------------------------------------------------- */

static bool check_environment(struct err *e)
{
    for (char **v = environ; v != NULL && *v != NULL; v++)
        if (text_starts(*v, "PG")) {
            const char *end = strchr(*v, '=');
            size_t n = end == NULL ? strlen(*v) : (size_t)(end - *v);
            return err_set(e, ERR_CONFIG, "environment variable %s would change the database connection", SHOWN_N(*v, n));
        }
    return true;
}

/* A comma would make several hosts of one, a leading @ an abstract socket. */
static bool check_host(const struct db_target *t, struct err *e)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:%";
    bool is_socket = t->host[0] == '/';
    if (t->host[0] == '\0' || (!is_socket && strspn(t->host, name) != strlen(t->host)) || (is_socket && strchr(t->host, ',') != NULL))
        return err_set(e, ERR_CONFIG, "database host \"%s\": not a name or address", SHOWN(t->host));
    if (is_socket && t->kind == DB_SITE)
        return err_set(e, ERR_CONFIG, "database host \"%s\": a socket has no TLS", SHOWN(t->host));
    if (t->kind == DB_SITE && t->ca_file == NULL) {
        err_set(e, ERR_CONFIG, "database %s: no CA file to verify the server with", t->host);
        return err_hint(e, "give the PEM file of the CA that issued the server's certificate: --database-ca FILE");
    }
    return t->port <= 65535 || err_set(e, ERR_CONFIG, "database port %u: at most 65535", t->port);
}

static void describe_self(char out[PURPOSE_BYTES], const char *purpose)
{
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    snprintf(out, PURPOSE_BYTES, "archon-load %.12s pid %ld on %.25s", purpose, (long)getpid(), host);
}

static PGconn *start(const struct db_target *t, const char *purpose)
{
    bool is_site = t->kind == DB_SITE;
    char port[12];
    char application[PURPOSE_BYTES];
    snprintf(port, sizeof port, "%u", t->port == 0 ? 5432 : t->port);
    describe_self(application, purpose);
    const char *const pairs[][2] = {
        { "host", t->host },
        { "port", port },
        { "dbname", t->dbname },
        { "user", t->user },
        { "password", t->password.bytes },
        { "passfile", NO_FILE },
        { "application_name", application },
        { "client_encoding", "UTF8" },
        { "options", "" },
        { "gssencmode", "disable" },
        { "sslmode", is_site ? "verify-full" : "disable" },
        { "sslrootcert", is_site ? t->ca_file : NO_FILE },
        { "sslcert", NO_FILE },
        { "sslkey", NO_FILE },
        { "sslcrl", NO_FILE },
        { "ssl_min_protocol_version", "TLSv1.2" },
        { "target_session_attrs", "read-write" },
        { "keepalives", "1" },
        { "keepalives_idle", "30" },
        { "keepalives_interval", "10" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "60000" },
    };
    const char *keys[ARRAY_LEN(pairs) + 1] = { NULL };
    const char *values[ARRAY_LEN(pairs) + 1] = { NULL };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        keys[i] = pairs[i][0];
        values[i] = pairs[i][1];
    }
    return PQconnectStartParams(keys, values, 0);
}

static bool is_ready(PGconn *pg, bool for_reading)
{
    struct pollfd p = { .fd = PQsocket(pg), .events = for_reading ? POLLIN : POLLOUT };
    return p.fd < 0 || poll(&p, 1, POLL_MS) > 0;
}

static bool drive_connect(PGconn *pg, const struct db_target *t, struct err *e)
{
    unsigned limit = t->connect_timeout_ms == 0 ? CONNECT_DEFAULT_MS : t->connect_timeout_ms;
    uint64_t end = clock_monotonic_ms() + limit;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        if (!start_check(e))
            return false;
        if (clock_monotonic_ms() > end)
            return err_set(e, ERR_DB, "database %s: no connection within %u s", SHOWN(t->host), limit / 1000);
        if (PQstatus(pg) == CONNECTION_BAD)
            break;
        if (is_ready(pg, state == PGRES_POLLING_READING))
            state = PQconnectPoll(pg);
    }
    if (PQstatus(pg) == CONNECTION_OK)
        return true;
    char text[400];
    shown_text(text, sizeof text, PQerrorMessage(pg), &t->password);
    return err_set(e, ERR_DB, "database: %s", text);
}

static void on_notice(void *ctx, const PGresult *r)
{
    struct connection *c = ctx;
    char text[300];
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (c->is_deaf || message == NULL)
        return;
    shown_text(text, sizeof text, message, &c->password);
    if (c->notice == NULL)
        log_debug("database: %s", text);
    else
        c->is_deaf = !c->notice(c->notice_ctx, text);
}

static bool check_tls(const struct connection *c, const struct db_target *t, struct err *e)
{
    if (t->kind == DB_SITE && !PQsslInUse(c->pg))
        return err_set(e, ERR_DB, "database %s: the connection is not encrypted", SHOWN(t->host));
    return true;
}

/* is_worth_retrying: the server never came to look at the password. */
static struct connection *open_once(const struct db_target *t, const char *purpose, bool *is_worth_retrying, struct err *e)
{
    *is_worth_retrying = false;
    if (!check_environment(e) || !check_host(t, e))
        return NULL;
    AUTO(connection_close_auto) struct connection *c = mem_new(sizeof *c);
    c->password = secret_of(t->password.bytes, t->password.n);
    c->pg = start(t, purpose);
    BUG_IF(c->pg == NULL);
    PQsetNoticeReceiver(c->pg, on_notice, c);
    if (!drive_connect(c->pg, t, e)) {
        *is_worth_retrying = e->code == ERR_DB && !PQconnectionUsedPassword(c->pg) && !PQconnectionNeedsPassword(c->pg);
        return NULL;
    }
    return check_tls(c, t, e) ? TAKE(c) : NULL;
}

struct connection *connection_open(const struct db_target *target, const char *purpose, struct err *e)
{
    bool ignored;
    return open_once(target, purpose, &ignored, e);
}

struct connection *connection_open_waiting(const struct db_target *target, const char *purpose, unsigned wait_ms, struct err *e)
{
    uint64_t end = clock_monotonic_ms() + wait_ms;
    for (unsigned n_refused = 0;;) {
        struct err last = { 0 };
        bool is_worth_retrying;
        struct connection *c = open_once(target, purpose, &is_worth_retrying, &last);
        if (c != NULL)
            return c;
        /* Once may be a server that died at the wrong moment. */
        n_refused = is_worth_retrying ? 0 : n_refused + 1;
        if (n_refused > 1 || (last.code != ERR_DB && n_refused > 0) || clock_monotonic_ms() > end) {
            if (e->code == ERR_NONE)
                *e = last;
            return NULL;
        }
        clock_sleep_ms(CONNECT_RETRY_MS);
    }
}

void connection_close(struct connection *c)
{
    if (c == NULL)
        return;
    PQfinish(c->pg);
    secret_clear(&c->password);
    mem_free(c);
}

/* --- waiting for a result ------------------------------------------------------------------------------------------ */

struct wait {
    bool is_interruptible;
    connection_wait_fn on_wait;
    void *ctx;
    uint64_t next_tell;
    uint64_t cancelled_at; /* 0: not */
};

static void cancel(struct connection *c, struct wait *w)
{
    char why[256] = "";
    PGcancel *request = PQgetCancel(c->pg);
    if (request == NULL || PQcancel(request, why, (int)sizeof why) == 0)
        log_warn("database: the running statement could not be cancelled: %s", SHOWN(why));
    PQfreeCancel(request);
    w->cancelled_at = clock_monotonic_ms();
    c->problem.is_interrupted = true;
}

/* Reads what has come. False when nothing more will: the connection is gone. */
static bool wait_a_little(struct connection *c, struct wait *w)
{
    if (w->is_interruptible && w->cancelled_at == 0 && start_stop_requested())
        cancel(c, w);
    if (w->on_wait != NULL && clock_monotonic_ms() >= w->next_tell) {
        w->on_wait(w->ctx);
        w->next_tell = clock_monotonic_ms() + WAIT_TELL_MS;
    }
    return !is_ready(c->pg, true) || PQconsumeInput(c->pg) == 1;
}

/* The next result of the statement; null at its end, or when the server does not even answer a request to cancel. */
static PGresult *next_result(struct connection *c, struct wait *w)
{
    while (PQisBusy(c->pg)) {
        if (w->cancelled_at != 0 && clock_monotonic_ms() > w->cancelled_at + CANCEL_PATIENCE_MS) {
            c->problem.is_lost = true;
            return NULL;
        }
        if (!wait_a_little(c, w))
            break; /* libpq makes a result of that */
    }
    return PQgetResult(c->pg);
}

static const char *field(const PGresult *r, int code)
{
    const char *text = PQresultErrorField(r, code);
    return text == NULL ? "" : text;
}

/* "syntax error at or near "x"", with the server's detail in parentheses. */
static void note_problem(struct connection *c, const PGresult *r)
{
    struct connection_problem *p = &c->problem;
    const char *primary = field(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = field(r, PG_DIAG_MESSAGE_DETAIL);
    uint64_t position = 0;
    const char *at = field(r, PG_DIAG_STATEMENT_POSITION);
    for (size_t i = 0; at[i] >= '0' && at[i] <= '9' && i < 10; i++)
        position = position * 10 + (uint64_t)(at[i] - '0');
    p->position = (size_t)position;
    if (!text_copy(p->sqlstate, sizeof p->sqlstate, field(r, PG_DIAG_SQLSTATE)))
        p->sqlstate[0] = '\0';
    AUTO(buf_clear_auto) struct buf whole = BUF_LIMIT(64 * 1024);
    if (primary[0] != '\0') {
        buf_addf(&whole, "%.16000s", primary);
    } else { /* libpq's own words; the first line says it */
        const char *message = PQresultErrorMessage(r);
        buf_addf(&whole, "%.*s", (int)strcspn(message, "\n"), message);
    }
    if (detail[0] != '\0')
        buf_addf(&whole, " (%.16000s)", detail);
    shown_text(p->text, sizeof p->text, buf_text(&whole), &c->password);
}

static void say(struct connection *c, const char *text)
{
    if (c->problem.text[0] == '\0')
        snprintf(c->problem.text, sizeof c->problem.text, "%s", text);
}

/* True when the result is one that a statement may have. A COPY with the client cannot go on: the connection is given up. */
static bool take_status(struct connection *c, PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_SINGLE_TUPLE)
        return true;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        snprintf(c->tag, sizeof c->tag, "%s", PQcmdStatus(r));
        return true;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        c->problem.is_lost = true;
        say(c, "COPY from or to the client is not allowed");
    } else if (status == PGRES_EMPTY_QUERY) {
        say(c, "the statement is empty");
    } else if (c->problem.text[0] == '\0') {
        note_problem(c, r);
    }
    return false;
}

/* Reads all results of what was sent; keeps the last one that has rows when keep is given. */
static bool finish(struct connection *c, struct wait *w, PGresult **keep)
{
    bool ok = true;
    PGresult *r;
    while (!c->problem.is_lost && (r = next_result(c, w)) != NULL) {
        ok = take_status(c, r) && ok;
        if (keep != NULL && ok) {
            PQclear(*keep);
            *keep = r;
        } else {
            PQclear(r);
        }
    }
    if (PQstatus(c->pg) == CONNECTION_BAD)
        c->problem.is_lost = true;
    if (c->problem.is_lost) {
        char text[sizeof c->problem.text];
        shown_text(text, sizeof text, PQerrorMessage(c->pg), &c->password);
        say(c, text[0] == '\0' ? "the connection was given up" : text);
    }
    return ok && !c->problem.is_lost && !c->problem.is_interrupted;
}

static void begin(struct connection *c)
{
    c->problem = (struct connection_problem){ 0 };
    c->tag[0] = '\0';
}

/* What could not even be sent: the connection is gone. */
static bool not_sent(struct connection *c)
{
    c->problem.is_lost = PQstatus(c->pg) == CONNECTION_BAD;
    shown_text(c->problem.text, sizeof c->problem.text, PQerrorMessage(c->pg), &c->password);
    return false;
}

static bool failed(const struct connection *c, struct err *e)
{
    const struct connection_problem *p = &c->problem;
    return err_set(e, ERR_DB, "database: %s%s%s", p->sqlstate, p->sqlstate[0] != '\0' ? " " : "", p->text);
}

bool connection_do(struct connection *c, const char *sql, struct err *e)
{
    struct wait w = { 0 };
    begin(c);
    bool ok = PQsendQuery(c->pg, sql) == 1 ? finish(c, &w, NULL) : not_sent(c);
    return ok || failed(c, e);
}

struct answer *connection_ask(struct connection *c, const char *sql, const char *const *values, size_t n_values, struct err *e)
{
    struct wait w = { 0 };
    PGresult *kept = NULL;
    begin(c);
    bool is_sent = PQsendQueryParams(c->pg, sql, (int)n_values, NULL, values, NULL, NULL, 0) == 1;
    if (!(is_sent ? finish(c, &w, &kept) : not_sent(c))) {
        PQclear(kept);
        failed(c, e);
        return NULL;
    }
    struct answer *a = mem_new(sizeof *a);
    a->pg = kept;
    return a;
}

bool connection_run(struct connection *c, const char *statement, connection_wait_fn on_wait, void *ctx, struct err *e)
{
    struct wait w = { .is_interruptible = true, .on_wait = on_wait, .ctx = ctx, .next_tell = clock_monotonic_ms() + WAIT_TELL_MS };
    begin(c);
    bool is_sent = PQsendQueryParams(c->pg, statement, 0, NULL, NULL, NULL, NULL, 0) == 1 && PQsetSingleRowMode(c->pg) == 1;
    if (is_sent ? finish(c, &w, NULL) : not_sent(c))
        return true;
    const struct connection_problem *p = &c->problem;
    if (p->is_interrupted)
        return start_check(e) && err_set(e, ERR_INTERRUPTED, "stopped by a signal");
    if (p->sqlstate[0] == '\0')
        return err_set(e, ERR_DB_ROLLED_BACK, "%s", p->text);
    return err_set(e, ERR_DB_ROLLED_BACK, "SQLSTATE %s: %s", p->sqlstate, p->text);
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

size_t answer_rows(const struct answer *a)
{
    return (size_t)PQntuples(a->pg);
}

const char *answer_text(const struct answer *a, size_t row, size_t column)
{
    BUG_IF(row >= answer_rows(a) || column >= (size_t)PQnfields(a->pg));
    return PQgetisnull(a->pg, (int)row, (int)column) ? NULL : PQgetvalue(a->pg, (int)row, (int)column);
}

bool answer_is_true(const struct answer *a, size_t row, size_t column)
{
    return text_is(answer_text(a, row, column), "t");
}

void answer_free(struct answer *a)
{
    if (a != NULL)
        PQclear(a->pg);
    mem_free(a);
}

const struct connection_problem *connection_problem(const struct connection *c)
{
    return &c->problem;
}

const char *connection_tag(const struct connection *c)
{
    return c->tag;
}

bool connection_is_alive(const struct connection *c)
{
    return PQstatus(c->pg) == CONNECTION_OK && !c->problem.is_lost;
}

bool connection_is_in_transaction(const struct connection *c)
{
    return PQtransactionStatus(c->pg) == PQTRANS_INTRANS;
}

int connection_server_pid(const struct connection *c)
{
    return PQbackendPID(c->pg);
}

int connection_server_version(const struct connection *c)
{
    return PQserverVersion(c->pg);
}

const char *connection_parameter(const struct connection *c, const char *name)
{
    const char *value = PQparameterStatus(c->pg, name);
    return value == NULL ? "" : value;
}

void connection_on_notice(struct connection *c, connection_notice_fn fn, void *ctx)
{
    c->notice = fn;
    c->notice_ctx = ctx;
    c->is_deaf = false;
}

/* --- quoting ------------------------------------------------------------------------------------------------------- */

static void add_quoted(struct buf *out, char *quoted)
{
    /* libpq refuses only text that is not UTF-8, which parsers of names have refused before. */
    BUG_IF(quoted == NULL);
    buf_adds(out, quoted);
    PQfreemem(quoted);
}

void connection_add_name(struct connection *c, struct buf *out, const char *name)
{
    add_quoted(out, PQescapeIdentifier(c->pg, name, strlen(name)));
}

void connection_add_literal(struct connection *c, struct buf *out, const char *text)
{
    add_quoted(out, PQescapeLiteral(c->pg, text, strlen(text)));
}

bool connection_add_verifier(struct connection *c, struct buf *out, const char *user, const struct secret *password, struct err *e)
{
    char *verifier = PQencryptPasswordConn(c->pg, password->bytes, user, "scram-sha-256");
    if (verifier == NULL)
        return err_set(e, ERR_DB, "database: the password of role %s could not be hashed", SHOWN(user));
    connection_add_literal(c, out, verifier);
    PQfreemem(verifier);
    return true;
}
