/* Which archives are sent, and which waits for which (docs/ENGINES.md, "What the loader should do"). A classic store knows layers by the chain below them, so the
 * layers of all images are a tree: it is cut where it branches and where a piece is long, and each piece is a request that waits for the one below it. The engine
 * then unpacks several branches at once, and the temporary copy that it makes of a request is small. Containerd's store knows layers by their blobs: a request leaves
 * out those that come with an earlier one, and waits for it. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/chains.h"
#include "engine/load_set_parts.h"
#include "format/oci.h"
#include "sys/work.h"

#include "base/banned.h"

enum { MOST_CONNECTIONS = 4, BLOB_UNPACKS_TO = 3 };
#define BASE_LEAST (4 * MIB)   /* fewer shared bytes come with the smallest image that has them: a request of its own costs more */
#define PIECE_LONG (256 * MIB) /* one is unpacked while the next is sent */

struct plan {
    struct load_set *set;
    const struct load_known *known;
    struct digest_set keys; /* chains or blobs of all images */
    size_t *n_users;        /* beside keys: how many images have it */
    size_t *owner;          /* beside keys: number of the request that brings it, plus 1; 0: none */
};

static bool is_known(const struct plan *p, const struct digest *key)
{
    return p->known != NULL && digest_set_has(&p->known->layers, key);
}

/* The digest that a set cannot hold (all zero: of nothing that exists) has a place of its own. */
static size_t place_of(const struct plan *p, const struct digest *key)
{
    size_t place = digest_set_place(&p->keys, key);
    return place == SIZE_MAX ? p->keys.n_slots : place;
}

static size_t *owner_of(const struct plan *p, const struct digest *key)
{
    return &p->owner[place_of(p, key)];
}

static struct load_request *add_request(struct plan *p, const struct load_image *image, const struct load_image *of)
{
    struct load_request *r = &MEM_PUSH(p->set->requests, p->set->n, p->set->cap);
    *r = (struct load_request){ .image = *image, .of = of };
    r->needed = mem_new_array(image->n_layers, sizeof *r->needed);
    return r;
}

static void add_after(struct load_request *r, size_t before)
{
    for (size_t i = 0; i < r->n_after; i++)
        if (r->after[i] == before)
            return;
    MEM_PUSH(r->after, r->n_after, r->after_cap) = before;
}

static void need_layer(struct load_request *r, size_t layer)
{
    r->needed[layer] = true;
    r->bytes += r->image.layers[layer].size;
}

/* --- a tree of chains --------------------------------------------------------------------------------------------- */

static struct digest *chains_of(const struct load_image *i)
{
    struct digest *chains = mem_new_array(i->n_layers, sizeof *chains);
    struct digest chain = { { 0 } };
    for (size_t n = 0; n < i->n_layers; n++) {
        chain_next(&chain, &i->layers[n].diff_id, n == 0);
        chains[n] = chain;
    }
    return chains;
}

/* Layers from..to of the image are the archive. The same layer twice among them is in it once. */
static void fill_piece(struct plan *p, struct load_request *r, const struct digest *chains, size_t from, size_t to)
{
    struct digest_set sent = { 0 };
    size_t number = (size_t)(r - p->set->requests);
    if (from > 0 && *owner_of(p, &chains[from - 1]) > 0)
        add_after(r, *owner_of(p, &chains[from - 1]) - 1);
    for (size_t n = from; n < to; n++) {
        if (!digest_set_has(&sent, load_layer_digest(&r->image.layers[n])))
            need_layer(r, n);
        digest_set_add(&sent, load_layer_digest(&r->image.layers[n]));
        *owner_of(p, &chains[n]) = number + 1;
    }
    digest_set_clear(&sent);
}

static bool add_base(struct plan *p, const struct load_image *i, const struct digest *chains, size_t from, size_t to, struct err *e)
{
    AUTO(buf_clear_auto) struct buf config = { 0 };
    struct load_image base;
    if (!load_base_make(&base, &config, i, to, e))
        return false;
    struct load_request *r = add_request(p, &base, NULL);
    r->config = config;
    config = (struct buf){ 0 };
    fill_piece(p, r, chains, from, to);
    return true;
}

static uint64_t layer_bytes(const struct load_image *i, size_t from, size_t to)
{
    uint64_t bytes = 0;
    for (size_t n = from; n < to; n++)
        bytes += i->layers[n].size;
    return bytes;
}

/* Does a piece that began at from end below layer n? */
static bool is_cut(const struct plan *p, const struct load_image *i, const struct digest *chains, size_t from, size_t n)
{
    uint64_t bytes = layer_bytes(i, from, n);
    bool branches = p->n_users[place_of(p, &chains[n - 1])] > p->n_users[place_of(p, &chains[n])];
    return bytes >= BASE_LEAST && layer_bytes(i, n, i->n_layers) >= BASE_LEAST && (branches || bytes >= PIECE_LONG);
}

static bool plan_chains(struct plan *p, const struct load_image *i, struct err *e)
{
    AUTO(mem_auto) struct digest *chains = chains_of(i);
    size_t from = 0;
    while (from < i->n_layers && (is_known(p, &chains[from]) || *owner_of(p, &chains[from]) > 0))
        from++;
    for (size_t n = from + 1; n < i->n_layers; n++)
        if (is_cut(p, i, chains, from, n)) {
            if (!add_base(p, i, chains, from, n, e))
                return false;
            from = n;
        }
    fill_piece(p, add_request(p, i, i), chains, from, i->n_layers);
    return true;
}

/* --- blobs -------------------------------------------------------------------------------------------------------- */

static void plan_blobs(struct plan *p, const struct load_image *i)
{
    struct load_request *r = add_request(p, i, i);
    for (size_t n = 0; n < i->n_layers; n++) {
        const struct digest *blob = load_layer_digest(&i->layers[n]);
        size_t *owner = owner_of(p, blob);
        if (is_known(p, blob) || *owner == p->set->n)
            continue;
        if (*owner > 0) {
            add_after(r, *owner - 1);
            continue;
        }
        need_layer(r, n);
        *owner = p->set->n;
    }
}

/* Everything, each layer once. */
static void plan_whole(struct plan *p, const struct load_image *i)
{
    struct load_request *r = add_request(p, i, i);
    load_choose_layers(i, NULL, r->needed);
    for (size_t n = 0; n < i->n_layers; n++)
        r->bytes += r->needed[n] ? i->layers[n].size : 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void count_users(struct plan *p, const struct load_image *const *images, size_t n, bool by_chain)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            AUTO(mem_auto) struct digest *chains = chains_of(images[i]);
            for (size_t k = 0; k < images[i]->n_layers; k++) {
                const struct digest *key = by_chain ? &chains[k] : load_layer_digest(&images[i]->layers[k]);
                if (pass == 0)
                    digest_set_add(&p->keys, key);
                else
                    p->n_users[place_of(p, key)]++;
            }
        }
        if (pass == 0) {
            p->n_users = mem_new_array(p->keys.n_slots + 1, sizeof *p->n_users);
            p->owner = mem_new_array(p->keys.n_slots + 1, sizeof *p->owner);
        }
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct load_image *x = *(const struct load_image *const *)a;
    const struct load_image *y = *(const struct load_image *const *)b;
    uint64_t x_bytes = layer_bytes(x, 0, x->n_layers);
    uint64_t y_bytes = layer_bytes(y, 0, y->n_layers);
    if (x_bytes != y_bytes)
        return x_bytes < y_bytes ? -1 : 1;
    return digest_compare(&x->config_digest, &y->config_digest);
}

static bool plan_one(struct plan *p, const struct load_image *i, struct err *e)
{
    switch (p->known == NULL ? LOAD_KNOWS_NOTHING : p->known->what) {
    case LOAD_KNOWS_CHAINS:
        return plan_chains(p, i, e);
    case LOAD_KNOWS_BLOBS:
        plan_blobs(p, i);
        return true;
    case LOAD_KNOWS_NOTHING:
        break;
    }
    plan_whole(p, i);
    return true;
}

/* Requests wait for lower numbers only. */
static void weigh(struct load_set *s)
{
    for (size_t n = s->n; n > 0; n--) {
        struct load_request *r = &s->requests[n - 1];
        r->weight += r->bytes;
        for (size_t i = 0; i < r->n_after; i++) {
            struct load_request *below = &s->requests[r->after[i]];
            below->weight = below->weight > r->weight ? below->weight : r->weight;
        }
    }
}

struct load_set *load_set_new(struct engine *g, const struct load_image *const *images, size_t n, const struct load_known *known, struct err *e)
{
    AUTO(load_set_free_auto) struct load_set *s = mem_new(sizeof *s);
    AUTO(mem_auto) const struct load_image **order = mem_new_array(n, sizeof *order);
    struct plan p = { .set = s, .known = known };
    s->g = g;
    for (size_t i = 0; i < n; i++)
        order[i] = images[i];
    qsort(order, n, sizeof *order, by_bytes); /* the smallest one that has a layer brings it */
    count_users(&p, order, n, known != NULL && known->what == LOAD_KNOWS_CHAINS);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = plan_one(&p, order[i], e);
    digest_set_clear(&p.keys);
    mem_free(p.n_users);
    mem_free(p.owner);
    weigh(s);
    return ok ? TAKE(s) : NULL;
}

void load_set_free(struct load_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        buf_clear(&s->requests[i].config);
        mem_free(s->requests[i].needed);
        mem_free(s->requests[i].after);
    }
    mem_free(s->requests);
    mem_free(s);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static bool request_has(const struct load_request *r, const struct digest *diff_id)
{
    for (size_t k = 0; k < r->image.n_layers; k++)
        if (r->needed[k] && digest_equal(&r->image.layers[k].diff_id, diff_id))
            return true;
    return false;
}

bool load_set_sends(const struct load_set *s, const struct digest *diff_id)
{
    for (size_t i = 0; i < s->n; i++)
        if (request_has(&s->requests[i], diff_id))
            return true;
    return false;
}

uint64_t load_set_bytes(const struct load_set *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->n; i++)
        bytes += s->requests[i].bytes;
    return bytes;
}

static unsigned most_connections(const struct load_set *s)
{
    unsigned cpus = work_cpus();
    if (engine_facts(s->g)->kind != ENGINE_DOCKER)
        return 1;
    return cpus < 2 ? 2 : cpus < MOST_CONNECTIONS ? cpus : MOST_CONNECTIONS;
}

/* The largest requests that can be under way together. */
static uint64_t bytes_under_way(const struct load_set *s, unsigned connections)
{
    uint64_t largest[MOST_CONNECTIONS] = { 0 };
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t bytes = s->requests[i].bytes;
        for (size_t k = 0; k < MOST_CONNECTIONS; k++)
            if (bytes > largest[k]) {
                uint64_t smaller = largest[k];
                largest[k] = bytes;
                bytes = smaller;
            }
    }
    for (unsigned k = 0; k < connections && k < MOST_CONNECTIONS; k++)
        sum += largest[k];
    return sum;
}

/* A blob is unpacked by the engine: guessed, as in pack_estimate of the bundler. */
static uint64_t unpacked_bytes(const struct load_set *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct load_request *r = &s->requests[i];
        for (size_t n = 0; n < r->image.n_layers; n++) {
            const struct load_layer *l = &r->image.layers[n];
            bool is_packed = l->media_type != NULL && !text_is(l->media_type, OCI_TYPE_LAYER);
            bytes += !r->needed[n] ? 0 : is_packed ? l->size * BLOB_UNPACKS_TO : l->size;
        }
    }
    return bytes;
}

/* A classic store unpacks a copy of each request, then its layers; containerd keeps what was sent beside what it unpacked. */
uint64_t load_set_room(const struct load_set *s, unsigned connections)
{
    const struct engine_facts *f = engine_facts(s->g);
    uint64_t bytes = load_set_bytes(s);
    bool is_classic = f->kind == ENGINE_DOCKER && f->store == ENGINE_STORE_CLASSIC;
    return unpacked_bytes(s) + (is_classic ? bytes_under_way(s, connections) : bytes);
}

unsigned load_set_connections(const struct load_set *s, uint64_t free_bytes)
{
    unsigned n = most_connections(s);
    while (n > 1 && load_set_room(s, n) > free_bytes)
        n--;
    return n;
}
