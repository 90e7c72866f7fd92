/* Layers into files or sinks: resumed where an earlier run or a broken connection stopped, hashed from the first byte to the last.
 *
 *     AUTO(blob_free_auto) struct blob *b = blob_new(r, &(struct blob_request){ .host = ..., .fd = part });
 *     transfers[i] = blob_transfer(b);
 *     if (!http_run_all(registry_http(r), transfers, n, 4, e)) ...      the file now holds exactly the blob, not yet synced
 *
 * Who has connections to spare lets more of them fetch ranges of a large blob: blob_help gives a transfer each time that this makes sense.
 *
 * With a sink the bytes pass once, in order, none twice; after a broken connection they go on where they stopped. What the sink got is the blob only
 * when the transfer ended well: the digest is known at the end. */
#ifndef REGISTRY_BLOBS_H
#define REGISTRY_BLOBS_H

#include "base/progress.h"
#include "format/digest.h"
#include "registry/registry.h"
#include "stream/sink.h"

struct blob_request {
    const char *host;       /* as in struct ref */
    const char *repository;
    struct digest digest;
    uint64_t size;          /* a promise from the manifest: more or less is ERR_INTEGRITY */
    int fd;                 /* borrowed; readable and writable; what it holds already is taken for a beginning of the blob. While a large blob is fetched,
                               the file is longer than the blob: blob_part.h */
    struct sink *sink;      /* instead of fd, when not null; borrowed; not finished here. Its errors are passed as they are */
    const struct progress *progress; /* may be null; phase "fetch" */
};
struct blob;
struct blob *blob_new(struct registry *r, const struct blob_request *q);
void blob_free(struct blob *b);
AUTO_FREE(struct blob, blob_free)

/* The first connection; it is done last, or with the others: when all that were given are done, the blob is complete. */
struct http_transfer *blob_transfer(struct blob *b);
/* One connection more; null when there is nothing for it to do now. Ask again later: whether a server gives ranges is known after its first answer. */
struct http_transfer *blob_help(struct blob *b);
bool blob_is_complete(const struct blob *b);
/* So many from the first one on are in the file, and in the hash; fewer than before: they were wrong. */
uint64_t blob_bytes_in_order(const struct blob *b);

uint64_t blob_bytes_fetched(const struct blob *b); /* over the network, in this run */
uint64_t blob_bytes_resumed(const struct blob *b); /* that an earlier run left and that were good */

#endif
