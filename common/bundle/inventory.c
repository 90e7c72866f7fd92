/* The inventory of a host: one JSON document. */
#include "bundle/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/date.h"
#include "format/jread.h"
#include "format/jwrite.h"
#include "format/version.h"

#include "base/banned.h"

void inventory_clear(struct inventory *v)
{
    mem_free(v->releases);
    mem_free(v->layers);
    *v = (struct inventory){ 0 };
}

void inventory_clear_auto(struct inventory *v)
{
    inventory_clear(v);
}

void inventory_add_release(struct inventory *v, const char *name, const char *version, const struct digest *sha256)
{
    struct inventory_release r = { .sha256 = *sha256 };
    BUG_IF(!text_copy(r.name, sizeof r.name, name) || !text_copy(r.version, sizeof r.version, version));
    if (inventory_find_release(v, sha256) == SIZE_MAX)
        MEM_PUSH(v->releases, v->n_releases, v->releases_cap) = r;
}

void inventory_add_layer(struct inventory *v, const struct digest *diff_id)
{
    MEM_PUSH(v->layers, v->n_layers, v->layers_cap) = *diff_id;
}

static int by_digest(const void *a, const void *b)
{
    return digest_compare(a, b);
}

bool inventory_has_layer(const struct inventory *v, const struct digest *diff_id)
{
    return v->n_layers > 0 && bsearch(diff_id, v->layers, v->n_layers, sizeof *v->layers, by_digest) != NULL;
}

size_t inventory_find_release(const struct inventory *v, const struct digest *sha256)
{
    for (size_t i = 0; i < v->n_releases; i++)
        if (digest_equal(&v->releases[i].sha256, sha256))
            return i;
    return SIZE_MAX;
}

/* ---- writing ---- */

static void sort_layers(struct inventory *v)
{
    size_t n = 0;
    if (v->n_layers == 0)
        return;
    qsort(v->layers, v->n_layers, sizeof *v->layers, by_digest);
    for (size_t i = 0; i < v->n_layers; i++)
        if (i == 0 || !digest_equal(&v->layers[i], &v->layers[n - 1]))
            v->layers[n++] = v->layers[i];
    v->n_layers = n;
}

static void write_releases(const struct inventory *v, struct jwrite *w)
{
    jwrite_array(w, "releases");
    for (size_t i = 0; i < v->n_releases; i++) {
        const struct inventory_release *r = &v->releases[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "name", r->name);
        jwrite_str(w, "version", r->version);
        jwrite_digest_hex(w, "sha256", &r->sha256);
        jwrite_end(w);
    }
    jwrite_end(w);
}

bool inventory_write(struct inventory *v, struct buf *out, struct err *e)
{
    char created[DATE_TEXT_BYTES];
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, LIMIT_INVENTORY_BYTES);
    sort_layers(v);
    if (v->n_layers > LIMIT_LAYERS || v->n_releases > LIMIT_INVENTORY_RELEASES)
        return err_set(e, ERR_CONFIG, "inventory: %zu layers and %zu releases, at most %d and %d", v->n_layers, v->n_releases, LIMIT_LAYERS,
                       LIMIT_INVENTORY_RELEASES);
    date_format(created, v->created);
    jwrite_object(w, NULL);
    jwrite_u64(w, "archon_inventory", 1);
    jwrite_str(w, "created", created);
    write_releases(v, w);
    jwrite_array(w, "layers");
    for (size_t i = 0; i < v->n_layers; i++)
        jwrite_digest(w, NULL, &v->layers[i]);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "inventory", e) || err_as(e, ERR_CONFIG);
}

/* ---- reading ---- */

static void read_created(struct inventory *v, struct jnode root)
{
    char text[DATE_TEXT_BYTES + 8];
    struct err bad = { 0 };
    jread_str(root, "created", text, sizeof text);
    if (!date_parse(&v->created, text, "created", &bad) || v->created < 0)
        jread_fail(root, "created", "\"%s\" is not a date of the form YYYY-MM-DDThh:mm:ssZ", SHOWN(text));
}

static bool is_stream_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && name[n] == '\0' && name[0] != '-';
}

static void read_release(struct inventory *v, struct jnode o)
{
    struct inventory_release r = { .name = "" };
    struct version version;
    struct err bad = { 0 };
    jread_str(o, "name", r.name, sizeof r.name);
    jread_str(o, "version", r.version, sizeof r.version);
    jread_digest_hex(o, "sha256", &r.sha256);
    if (!is_stream_name(r.name))
        jread_fail(o, "name", "\"%s\" is not of the form [a-z0-9][a-z0-9-]{0,62}", SHOWN(r.name));
    if (!version_parse(&version, r.version, "version", &bad))
        jread_fail(o, "version", "\"%s\" is not a semantic version", SHOWN(r.version));
    if (inventory_find_release(v, &r.sha256) != SIZE_MAX)
        jread_fail(o, "sha256", "%s is there twice", DIGEST_HEX(&r.sha256));
    jread_end(o, JREAD_NO_EXTRA);
    inventory_add_release(v, r.name, r.version, &r.sha256);
}

static void read_layers(struct inventory *v, struct jnode root)
{
    struct jnode list;
    size_t n = jread_array(root, "layers", LIMIT_LAYERS, &list);
    for (size_t i = 0; i < n; i++) {
        struct digest id;
        jread_item_digest(list, i, &id);
        if (i > 0 && digest_compare(&v->layers[i - 1], &id) >= 0)
            jread_fail(root, "layers", "%s is not in order, or there twice", DIGEST_SHOWN(&id));
        inventory_add_layer(v, &id);
    }
}

static bool read_all(struct inventory *v, const char *text, size_t n, const char *what, struct err *e)
{
    uint64_t kind = 0;
    struct jnode list;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_STRICT, e);
    if (doc == NULL)
        return false;
    struct jnode root = jread_root(doc);
    jread_u64(root, "archon_inventory", LIMIT_JSON_NUMBER, &kind);
    if (kind != 1)
        jread_fail(root, "archon_inventory", "is %llu, expected 1", (unsigned long long)kind);
    read_created(v, root);
    size_t n_releases = jread_array(root, "releases", LIMIT_INVENTORY_RELEASES, &list);
    for (size_t i = 0; i < n_releases; i++)
        read_release(v, jread_item(list, i));
    read_layers(v, root);
    jread_end(root, JREAD_NO_EXTRA);
    return jread_done(doc, e);
}

bool inventory_read(struct inventory *out, const char *text, size_t n, const char *what, struct err *e)
{
    *out = (struct inventory){ 0 };
    if (n > LIMIT_INVENTORY_BYTES)
        return err_set(e, ERR_CONFIG, "%s: more than %llu bytes", SHOWN(what), (unsigned long long)LIMIT_INVENTORY_BYTES);
    if (read_all(out, text, n, what, e))
        return true;
    inventory_clear(out);
    err_as(e, ERR_CONFIG);
    return err_hint(e, "archon-load inventory -o FILE writes one on the host");
}
