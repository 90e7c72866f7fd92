/* Reads postgres://user:password@host:port/dbname. The parts are taken apart here and given to libpq one by one: a URL that is
 * passed through can switch off its own encryption (?sslmode=disable), name a second host or load options.
 *
 * Messages never show the URL: it holds the password. */
#include "loader/db/db_target.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/file.h"

#include "base/banned.h"

static bool bad_url(const char *what, const char *why, struct err *e)
{
    err_set(e, ERR_CONFIG, "%s: %s", SHOWN(what), why);
    return err_hint(e, "one line: postgres://user:password@host:port/dbname");
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Percent-escapes to bytes. Empty text, control characters, bytes that are not UTF-8 and what does not fit are refused. */
static bool unescape(char *out, size_t size, struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '%') {
            int hi = s.n - i > 2 ? hex_value(s.p[i + 1]) : -1;
            int lo = hi >= 0 ? hex_value(s.p[i + 2]) : -1;
            if (lo < 0)
                return false;
            c = (unsigned char)(hi << 4 | lo);
            i += 2;
        }
        if (c < 0x20 || c == 0x7F || n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n > 0 && text_is_utf8(out, n);
}

static bool take_password(struct db_target *t, struct slice s)
{
    char bytes[LIMIT_DB_PASSWORD_BYTES + 1];
    bool ok = unescape(bytes, sizeof bytes, s);
    if (ok)
        t->password = secret_of(bytes, strlen(bytes));
    secret_wipe(bytes, sizeof bytes);
    return ok;
}

static bool take_user(struct db_target *t, struct slice s, const char *what, struct err *e)
{
    const char *colon = memchr(s.p, ':', s.n);
    if (colon == NULL)
        return bad_url(what, "no user and password before the host", e);
    size_t n = (size_t)(colon - s.p);
    if (!unescape(t->user, sizeof t->user, (struct slice){ s.p, n }))
        return bad_url(what, "the user name is empty, too long or wrongly escaped", e);
    if (!take_password(t, (struct slice){ colon + 1, s.n - n - 1 }))
        return bad_url(what, "the password is empty, too long or wrongly escaped", e);
    return true;
}

static bool is_host(struct slice s)
{
    bool ok = s.n > 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(".-_:", c) != NULL));
    }
    return ok;
}

/* name, name:port, address, [IPv6]:port. */
static bool take_host(struct db_target *t, struct slice s, const char *what, struct err *e)
{
    bool is_v6 = s.n > 0 && s.p[0] == '[';
    const char *end = is_v6 ? memchr(s.p, ']', s.n) : memchr(s.p, ':', s.n);
    if (is_v6 && end == NULL)
        return bad_url(what, "the address has no closing bracket", e);
    size_t n = end == NULL ? s.n : (size_t)(end - s.p);
    struct slice host = { s.p + is_v6, n - is_v6 };
    struct slice rest = { s.p + n + is_v6, s.n - n - is_v6 };
    if (!is_host(host) || host.n >= sizeof t->host)
        return bad_url(what, "no host name or address", e);
    memcpy(t->host, host.p, host.n);
    t->host[host.n] = '\0';
    t->port = 5432;
    if (rest.n == 0)
        return true;
    uint64_t port = 0;
    if (rest.p[0] != ':' || !num_parse(&port, rest.p + 1, rest.n - 1, 65535) || port == 0)
        return bad_url(what, "the port is not a number from 1 to 65535", e);
    t->port = (unsigned)port;
    return true;
}

/* Only what is done anyway may be said. */
static bool check_parameters(struct slice s, const char *what, struct err *e)
{
    if (s.n == 0 || slice_is(s, "sslmode=verify-full"))
        return true;
    return bad_url(what, "no parameters but sslmode=verify-full are taken after \"?\"", e);
}

static bool split_url(struct db_target *t, struct slice s, const char *what, struct err *e)
{
    const char *question = memchr(s.p, '?', s.n);
    size_t n = question == NULL ? s.n : (size_t)(question - s.p);
    struct slice parameters = { s.p + n + (question != NULL), s.n - n - (question != NULL) };
    const char *at = memrchr(s.p, '@', n);
    if (at == NULL)
        return bad_url(what, "no user and password before the host", e);
    const char *slash = memchr(at, '/', n - (size_t)(at - s.p));
    if (slash == NULL)
        return bad_url(what, "no database name after the host", e);
    struct slice name = { slash + 1, n - (size_t)(slash + 1 - s.p) };
    if (!unescape(t->dbname, sizeof t->dbname, name) || memchr(name.p, '/', name.n) != NULL)
        return bad_url(what, "the database name is empty, too long or wrongly escaped", e);
    return take_user(t, (struct slice){ s.p, (size_t)(at - s.p) }, what, e) &&
           take_host(t, (struct slice){ at + 1, (size_t)(slash - at - 1) }, what, e) && check_parameters(parameters, what, e);
}

bool db_target_parse_url(struct db_target *out, const char *url, size_t n, const char *ca_file, const char *what, struct err *e)
{
    static const char *const schemes[] = { "postgres://", "postgresql://" };
    *out = (struct db_target){ .kind = DB_SITE, .ca_file = mem_text(ca_file) };
    while (n > 0 && (url[n - 1] == '\n' || url[n - 1] == '\r' || url[n - 1] == ' '))
        n--;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (n > len && memcmp(url, schemes[i], len) == 0)
            return split_url(out, (struct slice){ url + len, n - len }, what, e);
    }
    return bad_url(what, "does not begin with postgres://", e);
}

bool db_target_read_url_file(struct db_target *out, const char *path, const char *ca_file, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_DB_URL_FILE_BYTES);
    *out = (struct db_target){ 0 };
    bool ok = file_read(path, FILE_PRIVATE, LIMIT_DB_URL_FILE_BYTES, &text, e);
    if (!ok)
        err_as(e, ERR_CONFIG);
    ok = ok && db_target_parse_url(out, buf_text(&text), text.len, ca_file, path, e);
    secret_wipe(text.data, text.len);
    return ok;
}

void db_target_clear(struct db_target *t)
{
    secret_clear(&t->password);
    mem_free(t->ca_file);
    *t = (struct db_target){ 0 };
}

void db_target_clear_auto(struct db_target *t)
{
    db_target_clear(t);
}
