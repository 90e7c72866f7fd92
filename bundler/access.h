/* How the registries of one run are reached, and who we are there: the options that every command with a network has.
 *
 *     AUTO(access_close_auto) struct access a = { 0 };
 *     if (!access_open(&a, &o->access, e)) ...
 *     registry_manifest(a.registry, ...)                                                                              */
#ifndef BUNDLER_ACCESS_H
#define BUNDLER_ACCESS_H

#include "cli/command.h"
#include "registry/registry.h"

struct access_options {
    const char *authfile;
    const char *ca_file;
    const char *client_cert;
    const char *client_key;
    struct cli_list plain_http;
    struct cli_list token_servers;
    struct cli_list mirrors;
};

/* Rows for a command whose options struct has `struct access_options FIELD`. */
#define ACCESS_ROWS(type, field)                                                                                                           \
    CLI_TEXT_ROW("authfile", 0, type, field.authfile, "FILE", "credentials for registries, as docker login writes them"),                   \
        CLI_TEXT_ROW("registry-ca", 0, type, field.ca_file, "FILE", "CA certificates for registries, beside the system's"),                 \
        CLI_TEXT_ROW("client-cert", 0, type, field.client_cert, "FILE", "certificate that registries may ask us for (PEM)"),                \
        CLI_TEXT_ROW("client-key", 0, type, field.client_key, "FILE", "its private key, in a file with mode 0600; not encrypted"),          \
        CLI_LIST_ROW("plain-http", 0, type, field.plain_http, "HOST", "registry without TLS; no login is sent to it. Repeatable"),          \
        CLI_LIST_ROW("token-server", 0, type, field.token_servers, "HOST", "gives tokens for registries that name it. Repeatable"), \
        CLI_LIST_ROW("mirror", 0, type, field.mirrors, "HOST=HOST", "where a registry's images are looked for first: HOST[/PREFIX]=HOST[/PREFIX]. Repeatable")

struct access {
    struct credentials *credentials;
    struct mirrors *mirrors;
    struct registry *registry;
    char *own_certs;              /* ~/.config/containers/certs.d, or null */
    const char *certs_folders[4]; /* null-terminated */
};

/* retries: further attempts of a request. limit_bytes_per_s: of all that comes; 0: none. ERR_USAGE, ERR_CONFIG. o must live as long as the result, which is closed by the caller in any case. */
MUST_CHECK bool access_open(struct access *a, const struct access_options *o, uint64_t retries, uint64_t limit_bytes_per_s, struct err *e);
void access_close(struct access *a);
void access_close_auto(struct access *a);

#endif
