/* One GET from a registry with everything around it: login, redirects, waiting and trying again. Manifests and blobs are
 * such pulls; they differ in where the bytes go. Private to this folder.
 *
 * Embed struct pull first, fill the fields of the first group, and hand &p->transfer to http_run_all. */
#ifndef REGISTRY_PULL_H
#define REGISTRY_PULL_H

#include "format/digest.h"
#include "registry/host.h"

enum { PULL_HEADERS_MAX = 4 };

enum pull_verdict { PULL_GOOD, PULL_AGAIN, PULL_FAILED };

struct pull;
struct pull_ops {
    /* Before every request: the sink, the limit, headers (with pull_add_header). *is_done: nothing has to be fetched. */
    bool (*prepare)(struct pull *p, struct http_request *rq, bool *is_done, struct err *e);
    /* A complete 2xx answer. PULL_AGAIN: e says why, it is tried again while tries are left. */
    enum pull_verdict (*complete)(struct pull *p, const struct http_response *rs, struct err *e);
    /* 416: true when another attempt without a range makes sense. May be null. */
    bool (*range_refused)(struct pull *p, struct err *e);
};

struct pull {
    struct http_transfer transfer;
    const struct pull_ops *ops;
    struct registry *registry;
    char *host_name;  /* of the reference */
    char *repository;
    char *path;       /* "/v2/app/blobs/sha256:..." */
    char *what;       /* for messages: "registry.example/app@sha256:..." */
    bool (*means_missing)(unsigned status); /* answers that say "there is none", which is no failure here; or null */
    bool is_missing;                        /* that was said */

    /* private */
    struct registry_host *host;
    struct url url;
    unsigned n_redirects, n_tries, n_refusals;
    struct secret authorization;
    struct http_header headers[PULL_HEADERS_MAX];
    char *header_texts[PULL_HEADERS_MAX];
    size_t n_headers;
};

void pull_init(struct pull *p, const struct pull_ops *ops, struct registry *r, const char *host_name, const char *repository);
void pull_clear(struct pull *p);
void pull_add_header(struct pull *p, const char *name, const char *value);

/* Bytes arrived: what failed before is forgiven. */
void pull_made_progress(struct pull *p);

#endif
