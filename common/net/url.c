/* URLs through libcurl's own parser, so that what is judged here is what is connected to later. */
#include "net/url.h"

#include <arpa/inet.h>
#include <string.h>

#include <curl/curl.h>

#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

AUTO_FREE(CURLU, curl_url_cleanup)

static void curl_text_auto(char **text)
{
    curl_free(*text);
}

static bool refuse(const char *what, const char *text, const char *why, struct err *e)
{
    if (strchr(text, '@') != NULL) /* there may be a password in it */
        return err_set(e, ERR_NET, "%s: a URL that may have a user name in it: %s", what, why);
    return err_set(e, ERR_NET, "%s: \"%s\": %s", what, SHOWN(text), why);
}

static bool get_part(CURLU *u, CURLUPart part, char *out, size_t size, unsigned flags)
{
    AUTO(curl_text_auto) char *text = NULL;
    return curl_url_get(u, part, &text, flags) == CURLUE_OK && text_copy(out, size, text);
}

static void strip_brackets(char *host)
{
    size_t n = strlen(host);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
}

static void lower(char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

/* libcurl decodes %41 in host names; what comes out must be a name or an address, nothing that means something elsewhere. */
static bool is_host(const char *host)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    struct in6_addr six;
    size_t n = strlen(host);
    return n > 0 && (strspn(host, name) == n || inet_pton(AF_INET6, host, &six) == 1);
}

/* Fills out from a handle that holds an absolute URL. text is the original, for messages. */
static bool take_apart(struct url *out, CURLU *u, const char *what, const char *text, struct err *e)
{
    char scheme[16], port[8];
    uint64_t number = 0;
    memset(out, 0, sizeof *out);
    if (!get_part(u, CURLUPART_SCHEME, scheme, sizeof scheme, 0))
        return refuse(what, text, "expected https://", e);
    out->is_https = text_is(scheme, "https");
    if (!out->is_https && !text_is(scheme, "http"))
        return refuse(what, text, "expected https:// or http://", e);
    AUTO(curl_text_auto) char *password = NULL;
    AUTO(curl_text_auto) char *user = NULL;
    if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK || curl_url_get(u, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        return err_set(e, ERR_NET, "%s: a URL with a user name in it", what);
    if (!get_part(u, CURLUPART_HOST, out->host, sizeof out->host, 0) || out->host[0] == '\0')
        return refuse(what, text, "no host, or a host that is too long", e);
    strip_brackets(out->host);
    lower(out->host);
    char zone[64];
    if (!is_host(out->host) || get_part(u, CURLUPART_ZONEID, zone, sizeof zone, 0))
        return refuse(what, text, "the host is neither a name nor an address", e);
    if (!get_part(u, CURLUPART_PORT, port, sizeof port, CURLU_DEFAULT_PORT) ||
        !num_parse(&number, port, strlen(port), UINT16_MAX) || number == 0)
        return refuse(what, text, "expected a port from 1 to 65535", e);
    out->port = (uint16_t)number;
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    if (!get_part(u, CURLUPART_URL, out->text, sizeof out->text, 0))
        return refuse(what, text, "too long", e);
    return true;
}

/* Printable ASCII only: nothing that a header or a terminal could take for something else. */
static bool is_plain(const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++)
        if (text[n] <= ' ' || text[n] >= 0x7F)
            return false;
    return n > 0 && n <= LIMIT_URL_BYTES;
}

static bool parse(struct url *out, const char *base, const char *text, const char *what, struct err *e)
{
    if (!is_plain(text))
        return refuse(what, text, text[0] == '\0' ? "empty" : "characters that no URL has, or too long", e);
    AUTO(curl_url_cleanup_auto) CURLU *u = curl_url();
    BUG_IF(u == NULL);
    CURLUcode r = base != NULL ? curl_url_set(u, CURLUPART_URL, base, 0) : CURLUE_OK;
    if (r == CURLUE_OK)
        r = curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (r != CURLUE_OK)
        return refuse(what, text, curl_url_strerror(r), e);
    return take_apart(out, u, what, text, e);
}

bool url_parse(struct url *out, const char *text, const char *what, struct err *e)
{
    return parse(out, NULL, text, what, e);
}

bool url_join(struct url *out, const struct url *base, const char *location, const char *what, struct err *e)
{
    char from[LIMIT_URL_BYTES + 1]; /* out may be base */
    memcpy(from, base->text, sizeof from);
    return parse(out, from, location, what, e);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->is_https == b->is_https && a->port == b->port && text_is(a->host, b->host);
}

const char *url_origin_of(struct url_origin *out, const struct url *u)
{
    struct buf b = BUF_LIMIT(sizeof out->text - 1);
    bool is_six = strchr(u->host, ':') != NULL;
    buf_addf(&b, "%s://%s%s%s", u->is_https ? "https" : "http", is_six ? "[" : "", u->host, is_six ? "]" : "");
    if (u->port != (u->is_https ? 443 : 80))
        buf_addf(&b, ":%u", (unsigned)u->port);
    BUG_IF(!text_copy(out->text, sizeof out->text, buf_text(&b)));
    buf_clear(&b);
    return out->text;
}

bool url_host_is_loopback(const char *host)
{
    struct in_addr four;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    struct in6_addr six;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return text_is(host, "localhost");
}

bool url_split_host(const char *text, char host[256], uint16_t *port)
{
    AUTO(buf_clear_auto) struct buf b = BUF_LIMIT(LIMIT_URL_BYTES);
    struct err e = { 0 };
    struct url u;
    *port = 0;
    buf_addf(&b, "https://%s", text);
    if (strpbrk(text, "/?#@\\") != NULL || b.over || !url_parse(&u, buf_text(&b), "host", &e))
        return false;
    /* A port that is written counts, also the usual one. */
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    if (colon != NULL && (bracket == NULL || colon > bracket))
        *port = u.port;
    return text_copy(host, 256, u.host);
}

void url_add_query(struct buf *url, char separator, const char *name, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    buf_addf(url, "%c%s=", separator, name);
    for (; *value != '\0'; value++) {
        if (strchr(plain, *value) != NULL)
            buf_addc(url, *value);
        else
            buf_addf(url, "%%%02X", (unsigned)(unsigned char)*value);
    }
}
