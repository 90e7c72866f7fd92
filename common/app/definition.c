/* bundle.yaml by a table of keys; then what must hold between the values. */
#include "app/definition.h"

#include <stddef.h>

#include "app/definition_parts.h"
#include "base/mem.h"

#include "base/banned.h"

#define FIELD(field) offsetof(struct definition, field)
bool definition_parse(struct definition *out, const char *text, size_t n, const char *what, struct findings *f, struct err *e)
{
    static const struct yfield fields[] = {
        { "name", YFIELD_TEXT, FIELD(name), NULL },
        { "version", YFIELD_CALL, 0, definition_read_version },
        { "title", YFIELD_TEXT, FIELD(title), NULL },
        { "platforms", YFIELD_CALL, 0, definition_read_platforms },
        { "compose", YFIELD_PATHS, FIELD(compose), NULL },
        { "images", YFIELD_CALL, 0, definition_read_images },
        { "migrations", YFIELD_PATH, FIELD(migrations), NULL },
        { "bootstrap", YFIELD_PATH, FIELD(bootstrap), NULL },
        { "database", YFIELD_CALL, 0, definition_read_database },
        { "variables", YFIELD_CALL, 0, definition_read_variables },
        { "upgrade", YFIELD_CALL, 0, definition_read_upgrade },
        { "services", YFIELD_CALL, 0, definition_read_services },
        { "urls", YFIELD_CALL, 0, definition_read_urls },
        { "files", YFIELD_PATHS, FIELD(files), NULL },
        { "licenses", YFIELD_PATHS, FIELD(licenses), NULL },
        { "docs", YFIELD_PATHS, FIELD(docs), NULL },
        { "requires", YFIELD_CALL, 0, definition_read_requires },
        { "jobs", YFIELD_LATER, 0, NULL },
        { "profiles", YFIELD_LATER, 0, NULL },
        { "reports", YFIELD_PATHS, FIELD(reports), NULL },
        { "targets", YFIELD_CALL, 0, definition_read_targets },
        { "verify", YFIELD_CALL, 0, definition_read_verify },
        { "not_before", YFIELD_LATER, 0, NULL },
        { "not_after", YFIELD_LATER, 0, NULL },
    };
    AUTO(yread_free_auto) struct yread *doc = yread_open(text, n, what, YREAD_PLAIN, e);
    if (doc == NULL)
        return false;
    struct yctx c = { .doc = doc, .f = f };
    const struct ynode *root = yread_root(doc);
    if (yfields_read(&c, root, "the definition", fields, ARRAY_LEN(fields), out))
        definition_check(&c, root, out);
    return true;
}

static void verify_clear(struct definition_verify *v)
{
    mem_free(v->prefix);
    mem_free(v->signed_as);
    texts_clear(&v->keys);
}

static void service_clear(struct definition_service *s)
{
    mem_free(s->name);
    mem_free(s->health);
    mem_free(s->tls_certificate);
    mem_free(s->tls_key);
    mem_free(s->ca_file);
    texts_clear(&s->ca_variables);
}

void definition_clear(struct definition *d)
{
    char *const texts[] = { d->name, d->title, d->migrations, d->bootstrap, d->upgrade_from, d->requires.engine,
                            d->requires.compose, d->database.service, d->database.url, d->database.name, d->database.user,
                            d->database.admin_user, d->database.password, d->database.admin_password };
    struct texts *const lists[] = { &d->compose, &d->images, &d->files, &d->licenses, &d->docs, &d->reports, &d->requires.ports };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free(texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        texts_clear(lists[i]);
    for (size_t i = 0; i < d->n_services; i++)
        service_clear(&d->services[i]);
    for (size_t i = 0; i < d->n_urls; i++) {
        mem_free(d->urls[i].name);
        mem_free(d->urls[i].url);
    }
    for (size_t i = 0; i < d->n_verify; i++)
        verify_clear(&d->verify[i]);
    variables_clear(&d->variables);
    mem_free(d->verify);
    mem_free(d->platforms);
    mem_free(d->services);
    mem_free(d->urls);
    *d = (struct definition){ 0 };
}

void definition_clear_auto(struct definition *d)
{
    definition_clear(d);
}
