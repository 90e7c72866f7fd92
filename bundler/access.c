/* From options to credentials and a client. */
#include "bundler/access.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/mirrors.h"

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

/* Where Docker and Podman look. */
static void find_certs(struct access *a)
{
    const char *home = getenv("HOME");
    size_t n = 0;
    if (home != NULL && home[0] == '/')
        a->own_certs = mem_format("%s/.config/containers/certs.d", home);
    if (a->own_certs != NULL)
        a->certs_folders[n++] = a->own_certs;
    a->certs_folders[n++] = "/etc/containers/certs.d";
    a->certs_folders[n++] = "/etc/docker/certs.d";
}

static bool open_mirrors(struct access *a, const struct cli_list *added, struct err *e)
{
    a->mirrors = mirrors_new();
    for (size_t i = 0; i < added->n; i++)
        if (!mirrors_add(a->mirrors, added->items[i], e))
            return false;
    return mirrors_read_files(a->mirrors, e);
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
    if (!open_mirrors(a, &o->mirrors, e))
        return false;
    find_certs(a);
    struct registry_options how = { .ca_file = o->ca_file, .client_cert = o->client_cert, .client_key = o->client_key,
                                    .certs_folders = a->certs_folders, .use_proxy_env = true,
                                    .plain_http = o->plain_http.items, .n_plain_http = o->plain_http.n, .token_servers = o->token_servers.items,
                                    .n_token_servers = o->token_servers.n, .credentials = a->credentials, .mirrors = a->mirrors,
                                    .limit_bytes_per_s = limit_bytes_per_s };
    how.tries = retries == 0 ? UINT_MAX : (unsigned)retries;
    a->registry = registry_open(&how, e);
    return a->registry != NULL;
}

void access_close(struct access *a)
{
    registry_free(a->registry);
    credentials_free(a->credentials);
    mem_free(a->own_certs);
    if (a->mirrors != NULL)
        mirrors_free(a->mirrors);
    *a = (struct access){ 0 };
}

void access_close_auto(struct access *a)
{
    access_close(a);
}
