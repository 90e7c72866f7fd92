/* From options to credentials and a client. */
#include "bundler/access.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

static bool check_hosts(const struct cli_list *hosts, const char *option, struct err *e)
{
    char host[256];
    uint16_t port;
    for (size_t i = 0; i < hosts->n; i++)
        if (!url_split_host(hosts->items[i], host, &port))
            return err_set(e, ERR_USAGE, "%s %s: expected a host, or HOST:PORT", option, SHOWN(hosts->items[i]));
    return true;
}

static bool check(const struct access_options *o, struct err *e)
{
    if ((o->client_cert == NULL) != (o->client_key == NULL))
        return err_set(e, ERR_USAGE, "--client-cert and --client-key: expected both of them");
    return check_hosts(&o->plain_http, "--plain-http", e) && check_hosts(&o->token_servers, "--token-server", e);
}

bool access_open(struct access *a, const struct access_options *o, uint64_t retries, uint64_t limit_bytes_per_s, struct err *e)
{
    *a = (struct access){ 0 };
    if (!check(o, e))
        return false;
    struct credentials_options whose = { .authfile = o->authfile, .use_environment = true };
    a->credentials = credentials_open(&whose, e);
    if (a->credentials == NULL)
        return false;
    struct registry_options how = { .ca_file = o->ca_file, .client_cert = o->client_cert, .client_key = o->client_key, .use_proxy_env = true,
                                    .plain_http = o->plain_http.items, .n_plain_http = o->plain_http.n, .token_servers = o->token_servers.items,
                                    .n_token_servers = o->token_servers.n, .credentials = a->credentials,
                                    .limit_bytes_per_s = limit_bytes_per_s };
    how.tries = retries == 0 ? UINT_MAX : (unsigned)retries;
    a->registry = registry_open(&how, e);
    return a->registry != NULL;
}

void access_close(struct access *a)
{
    registry_free(a->registry);
    credentials_free(a->credentials);
    *a = (struct access){ 0 };
}

void access_close_auto(struct access *a)
{
    access_close(a);
}
