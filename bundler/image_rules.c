/* From verify: and --cosign-key to keys. */
#include "bundler/image_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- loading ---- */

static bool add_key(struct image_rule *rule, const char *name, struct image_key *key, struct err *e)
{
    AUTO(image_key_free_auto) struct image_key *owned = key;
    if (key == NULL)
        return false;
    for (size_t i = 0; i < rule->n; i++)
        if (digest_equal(image_key_id(rule->keys[i].key), image_key_id(key)))
            return err_set(e, rule->verify == NULL ? ERR_USAGE : ERR_CONFIG, "%s: holds the same key as %s", SHOWN(name),
                           SHOWN(rule->keys[i].name));
    rule->keys[rule->n++] = (struct image_rule_key){ mem_text(name), TAKE(owned) };
    return true;
}

static struct image_key *read_key(const struct origin *origin, const char *name, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    if (origin == NULL) {
        err_set(e, ERR_CONFIG, "%s: there is no folder where it could be", SHOWN(name));
        return NULL;
    }
    return origin_read(origin, name, &text, e) ? image_key_parse(buf_text(&text), text.len, name, e) : NULL;
}

static struct image_rule *add_rule(struct image_rules *r, const struct definition_verify *verify, size_t n_keys)
{
    struct image_rule *rule = &r->items[r->n++];
    *rule = (struct image_rule){ .verify = verify, .keys = mem_new_array(n_keys, sizeof *rule->keys) };
    return rule;
}

static bool covers_something(const struct definition_verify *v, const struct application *app)
{
    for (size_t i = 0; i < app->n_images; i++)
        if (definition_verify_covers(v, &app->images[i].written) || definition_verify_covers(v, &app->images[i].original))
            return true;
    return false;
}

static bool add_verify(struct image_rules *out, const struct definition_verify *v, const struct application *app,
                       const struct origin *origin, struct err *e)
{
    struct image_rule *rule = add_rule(out, v, v->keys.n);
    for (size_t i = 0; i < v->keys.n; i++)
        if (!add_key(rule, v->keys.items[i], read_key(origin, v->keys.items[i], e), e))
            return err_in(e, "verify: prefix %s", v->prefix);
    if (covers_something(v, app))
        return true;
    err_set(e, ERR_CONFIG, "verify: prefix %s covers no image of the bundle, whose first is %s", v->prefix,
            REF_SHOWN(&app->images[0].written));
    return err_hint(e, "a prefix begins with a registry and ends with a whole folder, as in registry.example/shop/");
}

static bool add_options(struct image_rules *out, const struct cli_list *files, struct err *e)
{
    if (files->n > LIMIT_IMAGE_KEYS)
        return err_set(e, ERR_USAGE, "--cosign-key: %zu keys, at most %d", files->n, LIMIT_IMAGE_KEYS);
    struct image_rule *rule = add_rule(out, NULL, files->n);
    for (size_t i = 0; i < files->n; i++)
        if (!add_key(rule, files->items[i], image_key_load(files->items[i], e), e))
            return err_in(e, "--cosign-key");
    return true;
}

bool image_rules_load(struct image_rules *out, const struct application *app, const struct origin *origin,
                      const struct cli_list *cosign_keys, struct err *e)
{
    const struct definition *d = &app->definition;
    *out = (struct image_rules){ .definition = d, .items = mem_new_array(d->n_verify + 1, sizeof *out->items) };
    for (size_t i = 0; i < d->n_verify; i++)
        if (!add_verify(out, &d->verify[i], app, origin, e))
            return false;
    return cosign_keys->n == 0 || add_options(out, cosign_keys, e);
}

void image_rules_clear(struct image_rules *r)
{
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->items[i].n; k++) {
            mem_free(r->items[i].keys[k].name);
            image_key_free(r->items[i].keys[k].key);
        }
        mem_free(r->items[i].keys);
    }
    mem_free(r->items);
    *r = (struct image_rules){ 0 };
}

void image_rules_clear_auto(struct image_rules *r)
{
    image_rules_clear(r);
}

/* ---- use ---- */

/* verify null: that of --cosign-key. */
static const struct image_rule *find(const struct image_rules *r, const struct definition_verify *verify)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].verify == verify)
            return &r->items[i];
    return NULL;
}

const struct image_rule *image_rules_for(const struct image_rules *r, const struct application_image *image)
{
    const struct definition_verify *v = definition_verify_for(r->definition, &image->written);
    return find(r, v != NULL ? v : definition_verify_for(r->definition, &image->original));
}

static bool is_repository(const struct ref *ref, const struct ref *named)
{
    return text_is(ref->host, named->host) && text_is(ref->repository, named->repository);
}

static void repository_name(struct image_rule_name *out, const struct ref *ref)
{
    snprintf(out->text, sizeof out->text, "%s/%s", ref->host, ref->repository);
}

bool image_rule_accepts_name(const struct image_rule *rule, const struct application_image *image, const struct ref *named,
                             struct image_rule_name *expected)
{
    const struct definition_verify *v = rule->verify;
    const struct ref *meant = v == NULL || definition_verify_covers(v, &image->written) ? &image->written : &image->original;
    struct image_rule_name full, found;
    repository_name(&full, meant);
    repository_name(&found, named);
    if (v == NULL || v->signed_as == NULL) {
        *expected = full;
        return is_repository(&image->written, named) || is_repository(&image->original, named);
    }
    AUTO(mem_auto) char *other = mem_format("%s%s", v->signed_as, full.text + strlen(v->prefix));
    return text_copy(expected->text, sizeof expected->text, other) && text_is(other, found.text);
}

char *image_rule_key_names(const struct image_rule *rule)
{
    struct buf names = BUF_LIMIT(LIMIT_PATH_BYTES);
    for (size_t i = 0; i < rule->n; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", SHOWN(rule->keys[i].name));
    return buf_take(&names);
}
