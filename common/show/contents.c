/* release.json against bundle.json, name by name: both were read strictly, and members have the digests that they say. */
#include "show/contents.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/layout.h"

#include "base/banned.h"

struct documents { /* digests of members below images/, sorted */
    struct digest *items;
    size_t n;
};

static int by_digest(const void *a, const void *b)
{
    return digest_compare(a, b);
}

static struct documents list_documents(const struct manifest *m)
{
    struct documents d = { .items = mem_new_array(m->n_members, sizeof *d.items) };
    for (size_t i = 0; i < m->n_members; i++)
        if (m->members[i].has_sha256 && text_starts(m->members[i].name, FOLDER_IMAGES))
            d.items[d.n++] = m->members[i].sha256;
    qsort(d.items, d.n, sizeof *d.items, by_digest);
    return d;
}

static bool has_document(const struct documents *d, const struct digest *wanted, const char *what, struct err *e)
{
    return (d->n > 0 && bsearch(wanted, d->items, d->n, sizeof *d->items, by_digest) != NULL) ||
           err_set(e, ERR_FORMAT, "%s %s is not in the bundle", what, DIGEST_SHOWN(wanted));
}

static bool check_platform(const struct manifest *m, const struct documents *d, const struct release_platform *p, struct err *e)
{
    if (!has_document(d, &p->manifest, "manifest", e) || !has_document(d, &p->config, "configuration", e))
        return false;
    for (size_t i = 0; i < p->n_diff_ids; i++)
        if (manifest_find_layer(m, &p->diff_ids[i]) == SIZE_MAX)
            return err_set(e, ERR_FORMAT, "layer %s is not in the bundle", DIGEST_SHOWN(&p->diff_ids[i]));
    return true;
}

static bool check_image(const struct manifest *m, const struct documents *d, const struct release_image *x, struct err *e)
{
    if (x->has_index && !has_document(d, &x->index, "index", e))
        return false;
    for (size_t i = 0; i < x->n_platforms; i++)
        if (!check_platform(m, d, &x->platforms[i], e))
            return false;
    return true;
}

static bool check_file(const struct manifest *m, const struct release_file *f, struct err *e)
{
    AUTO(mem_auto) char *name = release_member(f->path);
    size_t i = manifest_find_member(m, name);
    if (i == SIZE_MAX)
        return err_set(e, ERR_FORMAT, "%s is not in the bundle", name);
    const struct manifest_member *x = &m->members[i];
    return (x->size == f->size && x->is_executable == f->is_executable && digest_equal(&x->sha256, &f->sha256)) ||
           err_set(e, ERR_FORMAT, "%s is not the file of the release: has digest %s, expected %s", name, DIGEST_SHOWN(&x->sha256),
                   DIGEST_SHOWN(&f->sha256));
}

bool show_check_contents(const struct manifest *m, const struct release *r, struct err *e)
{
    struct documents d = list_documents(m);
    bool ok = true;
    for (size_t i = 0; i < r->n_images && ok; i++)
        ok = check_image(m, &d, &r->images[i], e) || err_in(e, "image %s", r->images[i].reference);
    for (size_t i = 0; i < r->n_files && ok; i++)
        ok = check_file(m, &r->files[i], e);
    mem_free(d.items);
    return ok || err_in(e, MEMBER_RELEASE);
}
