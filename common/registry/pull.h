/* One GET from a registry with everything around it: login, redirects, waiting and trying again. Manifests and blobs are
 * such pulls; they differ in where the bytes go. Private to this folder.
 *
 * Embed struct pull first, fill the fields of the first group, and hand &p->transfer to http_run_all. */
#ifndef REGISTRY_PULL_H
#define REGISTRY_PULL_H

#include "format/digest.h"
#include "registry/host.h"
#include "registry/places.h"

enum { PULL_HEADERS_MAX = 4 };

/* PULL_GOOD: over. PULL_MORE: now (the next) request. PULL_LATER: ask again at once, after others had their turn. PULL_AGAIN: e says why, another attempt
 * while tries are left. PULL_FAILED: e says why. */
enum pull_verdict { PULL_GOOD, PULL_MORE, PULL_LATER, PULL_AGAIN, PULL_FAILED };

struct pull;
struct pull_ops {
    /* Before every request, also of a redirect: the sink, the limit, headers (with pull_add_header). Not PULL_AGAIN. */
    enum pull_verdict (*prepare)(struct pull *p, struct http_request *rq, struct err *e);
    /* A complete 2xx answer. */
    enum pull_verdict (*complete)(struct pull *p, const struct http_response *rs, struct err *e);
    /* 416: true when another attempt without a range makes sense. May be null. */
    bool (*range_refused)(struct pull *p, struct err *e);
    /* No tries are left, or a lasting failure. True: it does not matter, the pull is over and good. May be null. */
    bool (*give_up)(struct pull *p, const struct err *e);
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
    char range[64];   /* for messages: " bytes 0-99", or empty; filled by prepare */

    enum mirror_use use; /* what the image is asked for by, where that matters */

    /* private */
    struct places places; /* where it may be; known from the first attempt on */
    struct registry_host *host;
    struct url url;
    unsigned n_redirects, n_tries, n_refusals;
    bool is_entered; /* at the host's throttle */
    struct secret authorization;
    struct http_header headers[PULL_HEADERS_MAX];
    char *header_texts[PULL_HEADERS_MAX];
    size_t n_headers;
};

void pull_init(struct pull *p, const struct pull_ops *ops, struct registry *r, const char *host_name, const char *repository);
void pull_clear(struct pull *p);
void pull_add_header(struct pull *p, const char *name, const char *value);

/* Where the last request went, behind all redirects. */
const struct url *pull_url(const struct pull *p);

/* Bytes arrived: what failed before is forgiven. */
void pull_made_progress(struct pull *p);

#endif
