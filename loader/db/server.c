/* What is asked of a server once per run. */
#include "loader/db/server.h"

#include <stdio.h>

#include "base/text.h"

#include "base/banned.h"

enum { VERSION_MIN = 130000 }; /* pg_current_xact_id */

/* A pooler answers the handshake itself: the process id it made up is not that of the server process behind it. */
static bool check_direct(struct connection *c, const struct answer *a, struct err *e)
{
    char own[16];
    snprintf(own, sizeof own, "%d", connection_server_pid(c));
    if (text_is(answer_text(a, 0, 1), own))
        return true;
    err_set(e, ERR_POLICY, "database: a connection pooler stands before the server");
    return err_hint(e, "connect to the server itself: a transaction and a lock must stay on one server connection");
}

bool server_check(struct connection *c, struct err *e)
{
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, "SELECT pg_catalog.version(), pg_catalog.pg_backend_pid()", NULL, 0, e);
    if (a == NULL)
        return false;
    const char *version = answer_text(a, 0, 0);
    int number = connection_server_version(c);
    if (version == NULL || !text_starts(version, "PostgreSQL "))
        return err_set(e, ERR_POLICY, "database: the server is not PostgreSQL: \"%s\"", SHOWN(version == NULL ? "" : version));
    if (number < VERSION_MIN)
        return err_set(e, ERR_POLICY, "database: the server is PostgreSQL %d.%d, 13 or later is needed", number / 10000, number % 10000);
    const char *encoding = connection_parameter(c, "server_encoding");
    if (!text_is(encoding, "UTF8"))
        return err_set(e, ERR_POLICY, "database: its encoding is %s, expected UTF8", SHOWN(encoding));
    if (!text_is(connection_parameter(c, "standard_conforming_strings"), "on")) {
        err_set(e, ERR_POLICY, "database: standard_conforming_strings is off");
        return err_hint(e, "set it to on for this database and role: the files are read that way");
    }
    return check_direct(c, a, e);
}

bool server_check_role(struct connection *c, struct err *e)
{
    static const char question[] =
        "SELECT r.rolname, r.rolsuper,"
        " (SELECT m.rolname FROM pg_catalog.pg_roles m WHERE pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER') AND m.rolname OPERATOR(pg_catalog.=) ANY"
        "  (ARRAY['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files']::pg_catalog.name[]) ORDER BY 1 LIMIT 1)"
        " FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER";
    AUTO(answer_free_auto) struct answer *a = connection_ask(c, question, NULL, 0, e);
    if (a == NULL)
        return false;
    if (answer_rows(a) != 1 || answer_text(a, 0, 0) == NULL)
        return err_set(e, ERR_POLICY, "database: the role of this session is not in pg_roles");
    const char *role = answer_text(a, 0, 0);
    const char *power = answer_text(a, 0, 2);
    if (answer_is_true(a, 0, 1))
        err_set(e, ERR_POLICY, "database: role %s is a superuser", SHOWN(role));
    else if (power != NULL)
        err_set(e, ERR_POLICY, "database: role %s is a member of %s", SHOWN(role), SHOWN(power));
    else
        return true;
    return err_hint(e, "migrations run as an ordinary role that owns its tables and nothing else");
}
