/* list and cat. */
#include "show/members.h"

#include "base/text.h"
#include "show/listing.h"

#include "base/banned.h"

/* A member is read from front to back, so two chunks are enough. */
#define CAT_CACHE_BYTES (8 * MIB)

static bool list_json(struct cli_context *ctx, const struct listing *l, struct err *e)
{
    struct jwrite *w = cli_json_open(ctx);
    jwrite_array(w, "members");
    for (size_t i = 0; i < l->n; i++) {
        const struct listing_member *m = &l->items[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "name", m->name);
        jwrite_u64(w, "size", m->size);
        if (m->is_executable)
            jwrite_bool(w, "executable", true);
        if (m->has_sha256)
            jwrite_digest_hex(w, "sha256", &m->sha256);
        jwrite_end(w);
    }
    jwrite_end(w);
    return cli_json_close(ctx, w, e);
}

bool show_list(struct cli_context *ctx, const struct index *x, struct err *e)
{
    AUTO(listing_clear_auto) struct listing l = { 0 };
    listing_make(&l, x);
    if (cli_wants_json(ctx))
        return list_json(ctx, &l, e);
    for (size_t i = 0; i < l.n; i++)
        cli_print(ctx, "%s %12llu %s\n", l.items[i].is_executable ? "0755" : "0644", (unsigned long long)l.items[i].size, l.items[i].name);
    return true;
}

static bool print_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    return cli_write_result(ctx, bytes, n, e);
}

bool show_cat(struct cli_context *ctx, const struct index *x, const char *member, struct err *e)
{
    AUTO(listing_clear_auto) struct listing l = { 0 };
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(x, CAT_CACHE_BYTES);
    listing_make(&l, x);
    const struct listing_member *m = listing_find(&l, member, e);
    return m != NULL && listing_send(m, x, cache, sink_call(print_bytes, ctx), e);
}
