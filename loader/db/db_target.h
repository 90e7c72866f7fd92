/* Where a database is and as whom to go there: a value, filled by the caller or from a --database-url-file.
 *
 * DB_BUNDLED: the service of the bundle, by its container's address on this host, plain TCP (or an absolute socket directory).
 * DB_SITE: a server that the site runs: TLS with verify-full and the given CA, always. */
#ifndef DB_TARGET_H
#define DB_TARGET_H

#include "base/err.h"
#include "base/secret.h"

enum db_kind { DB_BUNDLED, DB_SITE };

enum { DB_HOST_BYTES = 256, DB_IDENTIFIER_BYTES = 64 }; /* NAMEDATALEN is 64 with the NUL */

struct db_target {
    enum db_kind kind;
    char host[DB_HOST_BYTES];         /* name or address */
    unsigned port;                    /* 5432 when 0 */
    char dbname[DB_IDENTIFIER_BYTES];
    char user[DB_IDENTIFIER_BYTES];
    struct secret password;           /* owned */
    char *ca_file;                    /* owned; DB_SITE: PEM, required */
    unsigned connect_timeout_ms;      /* 0: 30 s */
};

/* Reads a file with one line postgres://user:password@host:port/dbname (percent-escapes; port may be left out; postgresql:// too).
 * The file must be private (0600). Parameters after ? are refused, but for sslmode=verify-full, which says what is done anyway.
 * ca_file is copied. Fails with ERR_CONFIG; the message never shows the line. */
MUST_CHECK bool db_target_read_url_file(struct db_target *out, const char *path, const char *ca_file, struct err *e);
/* The same from text (a variable that holds a URL); what names it in messages. */
MUST_CHECK bool db_target_parse_url(struct db_target *out, const char *url, size_t n, const char *ca_file, const char *what,
                                    struct err *e);
void db_target_clear(struct db_target *t);
void db_target_clear_auto(struct db_target *t);

#endif
