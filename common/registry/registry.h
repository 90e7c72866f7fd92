/* The registries of one run: how each is reached, and who we are there. One thread.
 *
 *     struct registry_options o = { .ca_file = ca, .use_proxy_env = true, .credentials = logins };
 *     AUTO(registry_free_auto) struct registry *r = registry_open(&o, e);
 *     registry_manifest(r, &ref, NULL, &answer, e)              // manifests.h
 *     blob_new(r, ...), http_run_all(registry_http(r), ...)     // blobs.h
 *
 * Hosts are those of references: "docker.io", "registry.example:5000". HTTPS always; a host on loopback is tried with HTTPS and
 * then without, as Docker does; hosts in plain_http without, and then nothing secret is sent to them unless they are on loopback. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "net/http.h"
#include "net/url.h"
#include "registry/challenge.h"
#include "registry/credentials.h"

struct mirrors;
struct registry_options {
    const char *ca_file;     /* believed in addition to the system's store; or null */
    const char *client_cert; /* PEM files, or null: shown to registries that ask for one, never to where they redirect */
    const char *client_key;
    const char *const *certs_folders; /* null-terminated, or null: see certificates.h */
    bool use_proxy_env;
    const char *const *plain_http;
    size_t n_plain_http;
    const char *const *token_servers; /* hosts that may give tokens for any registry, beside its own */
    size_t n_token_servers;
    struct credentials *credentials; /* borrowed; may be null */
    struct mirrors *mirrors;         /* borrowed; may be null */
    unsigned tries;              /* further attempts; 0: RETRY_TRIES. UINT_MAX: none */
    unsigned first_wait_ms;      /* 0: RETRY_FIRST_WAIT_MS */
    unsigned connect_timeout_ms; /* as in http.h */
    unsigned stall_timeout_ms;
    uint64_t limit_bytes_per_s;  /* of all that comes from all registries; 0: none */
    uint64_t large_blob_bytes;   /* from this size on a blob is fetched by several connections; 0: REGISTRY_LARGE_BLOB_BYTES */
};
enum { REGISTRY_LARGE_BLOB_BYTES = 64 * 1024 * 1024 }; /* below, blobs are enough to keep all connections busy */
/* Who gives less than this over stall_timeout_ms is left: slower than any modem, six connections at once. */
enum { REGISTRY_LEAST_BYTES_PER_S = 100 };
struct registry;
/* Copies nothing but the files' contents: the texts in o must live as long as the result. */
MUST_CHECK struct registry *registry_open(const struct registry_options *o, struct err *e);
void registry_free(struct registry *r);
AUTO_FREE(struct registry, registry_free)

/* Who we are to a registry, without fetching anything. */
struct registry_login {
    bool is_anonymous;          /* it serves without a login, or there is none */
    enum challenge_kind scheme; /* OTHER: it asked for nothing */
    enum credential_kind kind;  /* of what was sent */
    char user[256];             /* may be empty for a token */
    const char *from;           /* where the login is kept; null when there is none. Borrowed from credentials. Of an anonymous one: not asked for */
    struct url_origin address;
    struct url_origin token_server; /* empty when there is none */
};
/* Asks the API of a registry as a pull would. repository: "", or one whose entry in a credentials file is meant and that a token is asked for.
 * ERR_AUTH when what we have is refused or nothing is there and something is wanted; ERR_CONFIG, ERR_NET, ERR_REGISTRY. */
MUST_CHECK bool registry_login(struct registry *r, const char *host, const char *repository, struct registry_login *out, struct err *e);

/* For http_run_all. Borrows. */
struct http *registry_http(struct registry *r);
/* Of the options. */
struct mirrors *registry_mirrors(struct registry *r);

#endif
