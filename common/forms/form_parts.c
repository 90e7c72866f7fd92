/* Parts are gathered in any order, then sorted twice: by path, where what is there twice shows, and by place. */
#include "forms/form_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum part_origin { FROM_TEXT, FROM_MEMBER, FROM_LAYER };

struct part {
    const struct form_images *images;
    char *path;
    enum part_origin origin;
    size_t at; /* in the order of texts, of members, of layers */
    uint64_t size;
    char *text;
    struct digest digest;
};

struct form_parts {
    const struct form_images *images;
    struct part *items;
    size_t n, cap;
    struct archive_list list;
};

struct form_parts *form_parts_new(const struct form_images *x)
{
    struct form_parts *p = mem_new(sizeof *p);
    p->images = x;
    return p;
}

static void part_clear(struct part *part)
{
    mem_free(part->path);
    mem_free(part->text);
}

void form_parts_free(struct form_parts *p)
{
    archive_list_clear(&p->list);
    for (size_t i = 0; i < p->n; i++)
        part_clear(&p->items[i]);
    mem_free(p->items);
    mem_free(p);
}

/* ---- gathering ---- */

void form_parts_text(struct form_parts *p, const char *path, const void *bytes, size_t n)
{
    MEM_PUSH(p->items, p->n, p->cap) =
        (struct part){ .images = p->images, .path = mem_text(path), .at = p->n, .size = n, .text = mem_copy(bytes, n) };
}

static bool find(const struct manifest *m, const struct oci_descriptor *d, const struct digest *diff_id, struct part *out, struct err *e)
{
    out->at = form_find_member(m, &d->digest);
    out->origin = FROM_MEMBER;
    uint64_t size = out->at == SIZE_MAX ? 0 : m->members[out->at].size;
    if (out->at == SIZE_MAX && diff_id != NULL && digest_equal(diff_id, &d->digest)) {
        out->at = manifest_find_layer(m, diff_id);
        out->origin = FROM_LAYER;
        size = out->at == SIZE_MAX ? 0 : m->layers[out->at].size;
    }
    if (out->at == SIZE_MAX)
        return err_set(e, ERR_FORMAT, "%s is not in the bundle", DIGEST_SHOWN(&d->digest));
    return size == d->size || err_set(e, ERR_FORMAT, "%s has %llu bytes, its manifest says %llu", DIGEST_SHOWN(&d->digest),
                                      (unsigned long long)size, (unsigned long long)d->size);
}

bool form_parts_blob(struct form_parts *p, const char *path, const struct oci_descriptor *d, const struct digest *diff_id, struct err *e)
{
    struct part part = { .images = p->images, .size = d->size, .digest = d->digest };
    if (!find(bundle_manifest(p->images->bundle), d, diff_id, &part, e))
        return false;
    part.path = mem_text(path);
    MEM_PUSH(p->items, p->n, p->cap) = part;
    return true;
}

/* ---- reading ---- */

static struct source *open_part(void *ctx, struct err *e)
{
    const struct part *part = ctx;
    const struct form_images *x = part->images;
    if (part->origin == FROM_LAYER)
        return layer_reader_open(x->bundle, x->cache, part->at, e);
    struct source *from = member_reader_open(bundle_index(x->bundle), x->cache, part->at, e);
    return from == NULL ? NULL : source_sha256(&part->digest, bundle_manifest(x->bundle)->members[part->at].name, from);
}

/* ---- the list ---- */

static int compare_paths(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static int compare_places(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;
    return x->origin != y->origin ? (int)x->origin - (int)y->origin : (x->at > y->at) - (x->at < y->at);
}

static void drop_twins(struct form_parts *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (kept > 0 && text_is(p->items[kept - 1].path, p->items[i].path))
            part_clear(&p->items[i]);
        else
            p->items[kept++] = p->items[i];
    }
    p->n = kept;
}

const struct archive_list *form_parts_list(struct form_parts *p)
{
    if (p->list.n > 0 || p->n == 0)
        return &p->list;
    qsort(p->items, p->n, sizeof *p->items, compare_paths);
    drop_twins(p);
    qsort(p->items, p->n, sizeof *p->items, compare_places);
    for (size_t i = 0; i < p->n; i++) {
        struct part *part = &p->items[i];
        if (part->origin == FROM_TEXT)
            archive_list_text(&p->list, part->path, part->text, part->size);
        else
            archive_list_stream(&p->list, part->path, part->size, open_part, part);
    }
    return &p->list;
}
