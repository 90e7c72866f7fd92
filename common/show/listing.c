/* One list out of two places. */
#include "show/listing.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/start.h"

#include "base/banned.h"

enum { SEND_BLOCK = 256 * 1024 };

static void add_header_member(struct listing *l, const char *name, const void *bytes, size_t n)
{
    struct listing_member *m = &l->items[l->n++];
    *m = (struct listing_member){ .name = name, .size = n, .has_sha256 = true, .bytes = bytes };
    sha256_of(&m->sha256, bytes, n);
}

void listing_make(struct listing *l, const struct index *x)
{
    const struct header *h = index_header(x);
    const struct manifest *m = index_manifest(x);
    *l = (struct listing){ .items = mem_new_array(2 + h->n_signatures + m->n_members, sizeof *l->items) };
    add_header_member(l, MEMBER_MANIFEST, h->manifest, h->manifest_bytes);
    add_header_member(l, MEMBER_CHUNKS, h->table, h->table_bytes);
    for (size_t i = 0; i < h->n_signatures; i++)
        add_header_member(l, h->signatures[i].name, h->signatures[i].bytes, h->signatures[i].n);
    for (size_t i = 0; i < m->n_members; i++) {
        const struct manifest_member *from = &m->members[i];
        l->items[l->n++] = (struct listing_member){ .name = from->name, .size = from->size, .is_executable = from->is_executable,
                                                    .has_sha256 = from->has_sha256, .sha256 = from->sha256, .at = i };
    }
}

void listing_clear(struct listing *l)
{
    mem_free(l->items);
    *l = (struct listing){ 0 };
}

void listing_clear_auto(struct listing *l)
{
    listing_clear(l);
}

const struct listing_member *listing_find(const struct listing *l, const char *name, struct err *e)
{
    AUTO(mem_auto) const char **names = mem_new_array(l->n, sizeof *names);
    for (size_t i = 0; i < l->n; i++) {
        if (text_is(l->items[i].name, name))
            return &l->items[i];
        names[i] = l->items[i].name;
    }
    const char *near = text_nearest(name, names, l->n);
    err_set(e, ERR_USAGE, "the bundle has no member %s", SHOWN(name));
    if (near != NULL)
        err_hint(e, "did you mean %s?", near);
    return NULL;
}

static bool send_all(struct source *from, struct sink *to, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(SEND_BLOCK);
    for (size_t got = SEND_BLOCK; got > 0;)
        if (!start_check(e) || !source_read(from, block, SEND_BLOCK, &got, e) || (got > 0 && !sink_write(to, block, got, e)))
            return false;
    return sink_finish(to, e);
}

bool listing_send(const struct listing_member *m, const struct index *x, struct chunk_cache *cache, struct sink *to, struct err *e)
{
    AUTO(sink_drop_auto) struct sink *chain = m->has_sha256 ? sink_sha256(&m->sha256, m->name, to) : to;
    AUTO(source_free_auto) struct source *from = m->bytes != NULL ? source_memory(m->bytes, m->size) : member_reader_open(x, cache, m->at, e);
    return from != NULL && send_all(from, chain, e);
}
