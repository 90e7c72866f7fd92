/* One blob, once, in order. */
#include "bundler/passing.h"

#include "registry/blobs.h"

#include "base/banned.h"

bool passing_bring(void *registry, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e)
{
    const struct ref *from = layer->forms[form].from;
    struct blob_request q = { .host = from->host, .repository = from->repository, .digest = layer->blobs[form].digest, .size = layer->blobs[form].size, .sink = to };
    AUTO(blob_free_auto) struct blob *b = blob_new(registry, &q);
    struct http_transfer *transfer = blob_transfer(b);
    bool ok = http_run_all(registry_http(registry), &transfer, 1, 1, e);
    *is_worth_trying = !ok && (e->code == ERR_INTEGRITY || (e->code == ERR_NET && blob_bytes_fetched(b) > 0));
    return ok;
}
