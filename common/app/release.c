/* The release as a value: finding in it, and giving it back. */
#include "app/release.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

const struct release_service *release_service_find(const struct release *r, const char *name)
{
    for (size_t i = 0; i < r->n_services; i++)
        if (text_is(r->services[i].name, name))
            return &r->services[i];
    return NULL;
}

/* Sorted by path. */
const struct release_file *release_file_find(const struct release *r, const char *path)
{
    size_t low = 0;
    size_t high = r->n_files;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->files[middle].path, path);
        if (order == 0)
            return &r->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct release_platform *release_platform_find(const struct release_image *i, const struct platform *host)
{
    const struct release_platform *best = NULL;
    unsigned best_suits = 0;
    for (size_t k = 0; k < i->n_platforms; k++) {
        unsigned suits = platform_suits(&i->platforms[k].platform, host);
        if (suits > best_suits) {
            best = &i->platforms[k];
            best_suits = suits;
        }
    }
    return best;
}

char *release_member(const char *path)
{
    return mem_format(RELEASE_MEMBER_PREFIX "%s", path);
}

static void image_clear(struct release_image *i)
{
    for (size_t k = 0; k < i->n_platforms; k++) {
        mem_free(i->platforms[k].manifest_type);
        mem_free(i->platforms[k].diff_ids);
    }
    mem_free(i->platforms);
    mem_free(i->reference);
}

static void service_clear(struct release_service *s)
{
    mem_free(s->name);
    mem_free(s->image);
    mem_free(s->health);
    mem_free(s->tls_certificate);
    mem_free(s->tls_key);
    mem_free(s->ca_file);
    texts_clear(&s->profiles);
    texts_clear(&s->needs);
    texts_clear(&s->ca_variables);
}

static void sql_clear(struct release_sql *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(items[i].name);
        mem_free(items[i].path);
        mem_free(items[i].down_path);
    }
    mem_free(items);
}

static void lists_clear(struct release *r)
{
    for (size_t i = 0; i < r->n_images; i++)
        image_clear(&r->images[i]);
    for (size_t i = 0; i < r->n_services; i++)
        service_clear(&r->services[i]);
    for (size_t i = 0; i < r->n_urls; i++) {
        mem_free(r->urls[i].name);
        mem_free(r->urls[i].url);
    }
    for (size_t i = 0; i < r->n_files; i++)
        mem_free(r->files[i].path);
    sql_clear(r->migrations, r->n_migrations);
    sql_clear(r->bootstrap, r->n_bootstrap);
    mem_free(r->images);
    mem_free(r->services);
    mem_free(r->urls);
    mem_free(r->files);
}

void release_clear(struct release *r)
{
    char *const texts[] = { r->name, r->title, r->min_loader, r->upgrade_from, r->compose_version, r->project,
                            r->requires.engine, r->requires.compose, r->database.service, r->database.url, r->database.name,
                            r->database.user, r->database.admin_user, r->database.password, r->database.admin_password };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free(texts[i]);
    lists_clear(r);
    texts_clear(&r->compose);
    texts_clear(&r->requires.ports);
    texts_clear(&r->licenses);
    texts_clear(&r->docs);
    variables_clear(&r->variables);
    *r = (struct release){ 0 };
}

void release_clear_auto(struct release *r)
{
    release_clear(r);
}
