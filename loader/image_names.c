/* Names of images over an upgrade and back. Nothing is written down: the names themselves are the record. */
#include "loader/image_names.h"

#include <stdio.h>

#include "base/text.h"
#include "engine/images.h"

#include "base/banned.h"

/* shop/api:stable of release 1f9a... -> shop/api:archon-1f9a<12 digits>-stable, or without the tag when that is too long. */
static void name_kept(struct ref *out, const struct ref *name, const struct digest *release)
{
    *out = *name;
    out->has_digest = false;
    int n = snprintf(out->tag, sizeof out->tag, "archon-%.12s-%s", DIGEST_HEX(release), name->tag);
    if (n >= (int)sizeof out->tag)
        snprintf(out->tag, sizeof out->tag, "archon-%.12s", DIGEST_HEX(release));
}

static bool find(struct engine *g, const struct ref *name, bool *is_there, struct digest *id, struct err *e)
{
    struct ref_text text;
    AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
    if (!image_inspect(g, ref_format_tag(&text, name), &image, e))
        return false;
    *is_there = image.is_found;
    *id = image.id;
    return true;
}

static bool has_name(const struct release *r, const struct ref *name)
{
    struct ref_text text;
    ref_format_tag(&text, name);
    for (size_t i = 0; i < r->n_images; i++)
        if (text_is(r->images[i].reference, text.text))
            return true;
    return false;
}

bool image_names_keep(struct engine *g, const struct deployment *previous, const struct ref *name, struct ref *kept, bool *is_kept,
                      struct err *e)
{
    struct digest now, then;
    bool is_there = false;
    *is_kept = false;
    if (!has_name(&previous->release, name))
        return true;
    name_kept(kept, name, &previous->digest);
    if (!find(g, kept, is_kept, &then, e) || *is_kept || !find(g, name, &is_there, &now, e) || !is_there)
        return e->code == ERR_NONE;
    *is_kept = true;
    return image_tag(g, &now, kept, e);
}

static bool give_back(struct engine *g, const struct ref *name, const struct digest *release, struct err *e)
{
    struct ref kept;
    struct ref_text text;
    struct digest then, now;
    bool is_kept = false, is_there = false;
    enum image_removal how;
    name_kept(&kept, name, release);
    if (!find(g, &kept, &is_kept, &then, e) || !find(g, name, &is_there, &now, e))
        return false;
    if (!is_kept)
        return true;
    return ((is_there && digest_equal(&then, &now)) || image_tag(g, &then, name, e)) && image_remove(g, ref_format_tag(&text, &kept), &how, e);
}

bool image_names_give_back(struct engine *g, const struct deployment *previous, struct err *e)
{
    const struct release *r = &previous->release;
    for (size_t i = 0; i < r->n_images; i++) {
        struct ref name;
        if (!ref_parse(&name, r->images[i].reference, e) || !give_back(g, &name, &previous->digest, e))
            return err_in(e, "image %s", r->images[i].reference);
    }
    return true;
}
