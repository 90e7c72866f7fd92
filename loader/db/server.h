/* Is this a server, and a role, that migrations can be trusted to? */
#ifndef DB_SERVER_H
#define DB_SERVER_H

#include "loader/db/connection.h"

/* PostgreSQL 13 or later, UTF-8, strings as the standard has them, and no pooler between us and it. Fails with ERR_POLICY or ERR_DB. */
MUST_CHECK bool server_check(struct connection *c, struct err *e);

/* The role of ordinary files: no superuser, and no member of the roles that reach the server's files and programs. */
MUST_CHECK bool server_check_role(struct connection *c, struct err *e);

#endif
