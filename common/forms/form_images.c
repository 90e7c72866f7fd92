/* From the release document and what was asked for to descriptors. */
#include "forms/form_images.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/oci_layout.h"
#include "format/ref.h"

#include "base/banned.h"

enum { LIST_BYTES = 240, PLATFORMS_MAX = 64 };
#define FORMS_CACHE_BYTES (64 * MIB)

void form_images_clear(struct form_images *x)
{
    for (size_t i = 0; i < x->n; i++) {
        for (size_t k = 0; k < x->items[i].n_platforms; k++) {
            buf_clear(&x->items[i].platforms[k].text);
            mem_free(x->items[i].platforms[k].layers);
        }
        mem_free(x->items[i].platforms);
    }
    mem_free(x->items);
    if (x->cache != NULL)
        chunk_cache_free(x->cache);
    release_clear(&x->release);
    *x = (struct form_images){ 0 };
}

void form_images_clear_auto(struct form_images *x)
{
    form_images_clear(x);
}

bool form_image_is_original(const struct form_image *i)
{
    for (size_t k = 0; k < i->n_platforms; k++)
        if (!i->platforms[k].is_original)
            return false;
    return i->is_whole;
}

size_t form_find_member(const struct manifest *m, const struct digest *d)
{
    size_t at = manifest_find_member(m, OCI_BLOB_PATH(d));
    for (size_t i = 0; at == SIZE_MAX && i < m->n_members; i++)
        if (m->members[i].has_sha256 && text_starts(m->members[i].name, "images/") && digest_equal(&m->members[i].sha256, d))
            at = i;
    return at;
}

/* ---- which images ---- */

struct short_name {
    char text[LIMIT_REF_BYTES];
};

/* "web", "web:1", "shop/web:1" of registry.example/shop/web:1: whole components at the end, with the tag or without it. */
static bool is_end_of(const char *reference, const char *name)
{
    size_t n = strlen(name);
    const char *colon = strrchr(reference, ':');
    for (const char *at = reference; at != NULL; at = strchr(at, '/')) {
        at += at != reference;
        if (strncmp(at, name, n) == 0 && n > 0 && (at[n] == '\0' || at + n == colon))
            return true;
    }
    return false;
}

static bool is_reference(const char *reference, const char *name)
{
    struct err ignored = { 0 };
    struct ref ref;
    struct ref_text text;
    return text_is(reference, name) ||
           (ref_parse(&ref, name, &ignored) && !ref.has_digest && text_is(reference, ref_format_tag(&text, &ref)));
}

/* Near what? The whole reference, its end, its end without the tag. */
static bool refuse_name(const struct release *r, const char *name, struct err *e)
{
    AUTO(mem_auto) const char **names = mem_new_array(3 * r->n_images, sizeof *names);
    AUTO(mem_auto) struct short_name *ends = mem_new_array(r->n_images, sizeof *ends);
    for (size_t i = 0; i < r->n_images; i++) {
        const char *slash = strrchr(r->images[i].reference, '/');
        names[3 * i] = r->images[i].reference;
        names[3 * i + 1] = slash == NULL ? names[3 * i] : slash + 1;
        snprintf(ends[i].text, sizeof ends[i].text, "%.*s", (int)strcspn(names[3 * i + 1], ":"), names[3 * i + 1]);
        names[3 * i + 2] = ends[i].text;
    }
    const char *near = text_nearest(name, names, 3 * r->n_images);
    err_set(e, ERR_USAGE, "the bundle has no image %s", SHOWN(name));
    return near == NULL ? err_hint(e, "inspect lists the images") : err_hint(e, "did you mean %s?", near);
}

/* The place in the release of what a name means. */
static bool find_image(const struct release *r, const char *name, size_t *at, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_images; i++)
        if (is_reference(r->images[i].reference, name)) {
            *at = i;
            return true;
        }
    for (size_t i = 0; i < r->n_images; i++)
        if (is_end_of(r->images[i].reference, name)) {
            if (n++ > 0)
                return err_set(e, ERR_USAGE, "--image %s: is %s and %s", SHOWN(name), r->images[*at].reference, r->images[i].reference);
            *at = i;
        }
    return n > 0 || refuse_name(r, name, e);
}

static bool mark_wanted(const struct release *r, const struct form_choice *c, bool *wanted, struct err *e)
{
    for (size_t i = 0; i < r->n_images; i++)
        wanted[i] = c->n_names == 0;
    for (size_t i = 0; i < c->n_names; i++) {
        size_t at = 0;
        if (!find_image(r, c->names[i], &at, e))
            return false;
        wanted[at] = true;
    }
    return true;
}

/* ---- which platforms ---- */

static bool read_platforms(const char *text, struct platform *out, size_t *n, struct err *e)
{
    *n = 0;
    for (const char *at = text; at != NULL;) {
        const char *comma = strchr(at, ',');
        AUTO(mem_auto) char *one = mem_text_n(at, comma == NULL ? strlen(at) : (size_t)(comma - at));
        if (*n == PLATFORMS_MAX)
            return err_set(e, ERR_USAGE, "--platform: more than %d platforms", PLATFORMS_MAX);
        if (!platform_parse(&out[*n], one, e))
            return err_in(e, "--platform");
        (*n)++;
        at = comma == NULL ? NULL : comma + 1;
    }
    return true;
}

static const char *list_platforms(struct buf *out, const struct release_image *r)
{
    for (size_t i = 0; i < r->n_platforms; i++)
        buf_addf(out, "%s%s", i == 0 ? "" : ", ", platform_format(&(struct platform_text){ { 0 } }, &r->platforms[i].platform));
    return buf_text(out);
}

static bool choose_platforms(struct form_image *x, const struct platform *wanted, size_t n, struct err *e)
{
    const struct release_image *r = x->release;
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(LIST_BYTES);
    for (size_t i = 0; i < n; i++) {
        const struct release_platform *found = release_platform_find(r, &wanted[i]);
        if (found == NULL)
            return err_set(e, ERR_USAGE, "%s has no %s, it has: %s", r->reference,
                           platform_format(&(struct platform_text){ { 0 } }, &wanted[i]), list_platforms(&list, r));
        bool is_there = false;
        for (size_t k = 0; k < x->n_platforms; k++)
            is_there = is_there || x->platforms[k].release == found;
        if (!is_there)
            x->platforms[x->n_platforms++].release = found;
    }
    for (size_t i = 0; n == 0 && i < r->n_platforms; i++)
        x->platforms[x->n_platforms++].release = &r->platforms[i];
    x->is_whole = x->n_platforms == r->n_platforms;
    return true;
}

bool form_images_need_one_platform(const struct form_images *x, const char *form, struct err *e)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(LIST_BYTES);
    for (size_t i = 0; i < x->n; i++)
        if (x->items[i].n_platforms > 1) {
            err_set(e, ERR_USAGE, "%s is there for %s: %s holds one platform of an image", x->items[i].release->reference,
                    list_platforms(&list, x->items[i].release), form);
            return err_hint(e, "choose one with --platform; --format oci holds all of them");
        }
    return true;
}

/* ---- manifests ---- */

/* As the manifest names it, or the layer itself where that is the same. */
static bool has_blob(const struct manifest *m, const struct oci_descriptor *d, const struct digest *diff_id)
{
    return manifest_find_member(m, OCI_BLOB_PATH(&d->digest)) != SIZE_MAX || digest_equal(&d->digest, diff_id);
}

static bool take_original(struct form_platform *p, const struct manifest *m, const struct oci_manifest *om, struct err *e)
{
    if (om->n_layers != p->release->n_diff_ids || !digest_equal(&om->config.digest, &p->release->config))
        return err_set(e, ERR_FORMAT, "manifest %s is not what release.json says of it", DIGEST_SHOWN(&p->release->manifest));
    p->config = om->config;
    p->is_original = true;
    for (size_t i = 0; i < om->n_layers && p->is_original; i++)
        p->is_original = has_blob(m, &om->layers[i], &p->release->diff_ids[i]);
    for (size_t i = 0; i < om->n_layers && p->is_original; i++)
        p->layers[i] = om->layers[i];
    p->manifest = (struct oci_descriptor){ .digest = p->release->manifest, .size = p->release->manifest_size };
    BUG_IF(!text_copy(p->manifest.media_type, sizeof p->manifest.media_type, om->media_type));
    return true;
}

static bool make_manifest(struct form_platform *p, const struct manifest *m, struct err *e)
{
    BUG_IF(!text_copy(p->config.media_type, sizeof p->config.media_type, OCI_TYPE_CONFIG));
    for (size_t i = 0; i < p->n_layers; i++) {
        size_t at = manifest_find_layer(m, &p->release->diff_ids[i]);
        if (at == SIZE_MAX)
            return err_set(e, ERR_FORMAT, "layer %s is not in the bundle", DIGEST_SHOWN(&p->release->diff_ids[i]));
        p->layers[i] =
            (struct oci_descriptor){ .media_type = OCI_TYPE_LAYER, .digest = p->release->diff_ids[i], .size = m->layers[at].size };
    }
    p->text = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (!oci_manifest_write(&p->config, p->layers, p->n_layers, &p->text, e))
        return false;
    p->manifest = (struct oci_descriptor){ .media_type = OCI_TYPE_MANIFEST, .size = p->text.len };
    sha256_of(&p->manifest.digest, buf_text(&p->text), p->text.len);
    return true;
}

static bool read_original(struct form_images *x, struct form_platform *p, struct err *e)
{
    const struct manifest *m = bundle_manifest(x->bundle);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    struct oci_manifest om = { 0 };
    size_t at = form_find_member(m, &p->release->manifest);
    if (at == SIZE_MAX)
        return err_set(e, ERR_FORMAT, "manifest %s is not in the bundle", DIGEST_SHOWN(&p->release->manifest));
    if (!member_read(bundle_index(x->bundle), x->cache, m->members[at].name, &text, e))
        return false;
    bool ok =
        (oci_manifest_read(&om, buf_text(&text), text.len, m->members[at].name, e) || err_as(e, ERR_FORMAT)) && take_original(p, m, &om, e);
    oci_manifest_clear(&om);
    return ok;
}

static bool describe_platform(struct form_images *x, struct form_platform *p, struct err *e)
{
    p->n_layers = p->release->n_diff_ids;
    p->layers = mem_new_array(p->n_layers, sizeof *p->layers);
    return read_original(x, p, e) && (p->is_original || make_manifest(p, bundle_manifest(x->bundle), e));
}

static bool describe_image(struct form_images *x, struct form_image *i, const struct platform *wanted, size_t n, struct err *e)
{
    i->platforms = mem_new_array(i->release->n_platforms, sizeof *i->platforms);
    if (!choose_platforms(i, wanted, n, e))
        return false;
    for (size_t k = 0; k < i->n_platforms; k++)
        if (!describe_platform(x, &i->platforms[k], e))
            return err_in(e, "image %s", i->release->reference);
    return true;
}

bool form_images_choose(struct form_images *out, const struct bundle *b, const struct form_choice *choice, struct err *e)
{
    size_t n;
    size_t n_wanted = 0;
    struct platform wanted[PLATFORMS_MAX];
    const char *text = bundle_release_text(b, &n);
    *out = (struct form_images){ .bundle = b };
    if (bundle_manifest(b)->has_base && bundle_base(b) == NULL) {
        err_set(e, ERR_POLICY, "the bundle is a delta: what the base has is not in it");
        return err_hint(e, "give the bundle of its base as well: --base BUNDLE");
    }
    if (!read_platforms(choice->platforms, wanted, &n_wanted, e) || !release_read(&out->release, text, n, e))
        return false;
    AUTO(mem_auto) bool *is_wanted = mem_new_array(out->release.n_images, sizeof *is_wanted);
    out->cache = chunk_cache_new(bundle_index(b), FORMS_CACHE_BYTES);
    out->items = mem_new_array(out->release.n_images, sizeof *out->items);
    if (!mark_wanted(&out->release, choice, is_wanted, e))
        return false;
    for (size_t i = 0; i < out->release.n_images; i++) {
        if (!is_wanted[i])
            continue;
        struct form_image *x = &out->items[out->n++];
        *x = (struct form_image){ .release = &out->release.images[i], .at = i };
        if (!describe_image(out, x, wanted, n_wanted, e))
            return false;
    }
    return true;
}
