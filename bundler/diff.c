/* Comparing releases: each kind of thing is a list of names with a digest of all that is known of them. */
#include "bundler/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct thing {
    char *name;
    struct digest id;
};
struct things {
    struct thing *items;
    size_t n, cap;
};

/* Owns name. */
static void add(struct things *t, char *name, const struct digest *id)
{
    MEM_PUSH(t->items, t->n, t->cap) = (struct thing){ name, *id };
}

static void add_sql(struct things *t, const struct release_sql *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(t, mem_text(list[i].name), &list[i].sha256);
}

/* Text fields, each with its length, so that no two sets of values are one text. */
static void mix(struct sha256 *h, const char *text)
{
    size_t n = text == NULL ? SIZE_MAX : strlen(text);
    sha256_add(h, &n, sizeof n);
    if (text != NULL)
        sha256_add(h, text, n);
}

static void mix_number(struct sha256 *h, uint64_t v)
{
    sha256_add(h, &v, sizeof v);
}

static void collect_images(struct things *t, const struct release *r)
{
    for (size_t i = 0; i < r->n_images; i++) {
        const struct release_image *x = &r->images[i];
        struct digest id;
        AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
        for (size_t k = 0; k < x->n_platforms; k++)
            sha256_add(h, x->platforms[k].manifest.bytes, sizeof x->platforms[k].manifest.bytes);
        sha256_end(h, &id);
        add(t, mem_text(x->reference), &id);
    }
}

static void collect_services(struct things *t, const struct release *r)
{
    for (size_t i = 0; i < r->n_services; i++) {
        const struct release_service *x = &r->services[i];
        const char *const texts[] = { x->image, x->health, x->tls_certificate, x->tls_key, x->ca_file };
        struct digest id;
        AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            mix(h, texts[k]);
        mix_number(h, x->timeout_s);
        sha256_end(h, &id);
        add(t, mem_text(x->name), &id);
    }
}

static bool is_compose(const struct release *r, const char *path)
{
    for (size_t i = 0; i < r->compose.n; i++)
        if (text_is(r->compose.items[i], path))
            return true;
    return false;
}

static bool is_sql(const struct release_sql *list, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(list[i].path, path))
            return true;
    return false;
}

static void collect_some_files(struct things *t, const struct release *r, bool want_compose)
{
    for (size_t i = 0; i < r->n_files; i++) {
        const struct release_file *x = &r->files[i];
        if (is_sql(r->migrations, r->n_migrations, x->path) || is_sql(r->bootstrap, r->n_bootstrap, x->path) ||
            is_compose(r, x->path) != want_compose)
            continue;
        struct digest id = x->sha256;
        id.bytes[0] ^= x->is_executable ? 1 : 0;
        add(t, mem_text(x->path), &id);
    }
}

static void collect_compose(struct things *t, const struct release *r)
{
    collect_some_files(t, r, true);
}

static void collect_files(struct things *t, const struct release *r)
{
    collect_some_files(t, r, false);
}

static void collect_migrations(struct things *t, const struct release *r)
{
    add_sql(t, r->migrations, r->n_migrations);
}

static void collect_bootstrap(struct things *t, const struct release *r)
{
    add_sql(t, r->bootstrap, r->n_bootstrap);
}

static void collect_variables(struct things *t, const struct release *r)
{
    for (size_t i = 0; i < r->variables.n; i++) {
        const struct variable *x = &r->variables.items[i];
        struct digest id;
        AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
        mix(h, x->default_value);
        mix(h, x->pattern);
        mix_number(h, x->generate);
        mix_number(h, (x->is_secret ? 1u : 0u) | (x->is_required ? 2u : 0u));
        sha256_end(h, &id);
        add(t, mem_text(x->name), &id);
    }
}

static const struct {
    const char *name;
    void (*collect)(struct things *t, const struct release *r);
} kinds[DIFF_KINDS] = {
    [DIFF_IMAGES] = { "images", collect_images },
    [DIFF_SERVICES] = { "services", collect_services },
    [DIFF_COMPOSE] = { "compose", collect_compose },
    [DIFF_MIGRATIONS] = { "migrations", collect_migrations },
    [DIFF_BOOTSTRAP] = { "bootstrap", collect_bootstrap },
    [DIFF_VARIABLES] = { "variables", collect_variables },
    [DIFF_FILES] = { "files", collect_files },
};

const char *diff_kind_name(enum diff_kind kind)
{
    return kinds[kind].name;
}

/* ---- one kind ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct thing *)a)->name, ((const struct thing *)b)->name);
}

static void collect(struct things *t, enum diff_kind kind, const struct release *r)
{
    kinds[kind].collect(t, r);
    if (t->n > 0)
        qsort(t->items, t->n, sizeof *t->items, by_name);
}

static void tell(struct diff_list *out, enum diff_change change, const struct thing *x)
{
    MEM_PUSH(out->items, out->n, out->cap) = (struct diff_item){ change, mem_text(x->name) };
}

static void compare(struct diff_list *out, const struct things *old, const struct things *new)
{
    for (size_t i = 0, k = 0; i < old->n || k < new->n;) {
        int order = i == old->n ? 1 : k == new->n ? -1 : by_name(&old->items[i], &new->items[k]);
        if (order < 0) {
            tell(out, DIFF_REMOVED, &old->items[i++]);
        } else if (order > 0) {
            tell(out, DIFF_ADDED, &new->items[k++]);
        } else {
            if (!digest_equal(&old->items[i].id, &new->items[k].id))
                tell(out, DIFF_CHANGED, &new->items[k]);
            i++;
            k++;
        }
    }
}

static void things_clear(struct things *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_free(t->items[i].name);
    mem_free(t->items);
}

void diff_releases(struct diff *out, const struct release *old, const struct release *new)
{
    for (enum diff_kind kind = 0; kind < DIFF_KINDS; kind++) {
        struct things a = { 0 };
        struct things b = { 0 };
        collect(&a, kind, old);
        collect(&b, kind, new);
        compare(&out->lists[kind], &a, &b);
        things_clear(&a);
        things_clear(&b);
    }
}

void diff_clear(struct diff *d)
{
    for (size_t k = 0; k < DIFF_KINDS; k++) {
        for (size_t i = 0; i < d->lists[k].n; i++)
            mem_free(d->lists[k].items[i].name);
        mem_free(d->lists[k].items);
    }
    *d = (struct diff){ 0 };
}

void diff_clear_auto(struct diff *d)
{
    diff_clear(d);
}
