/* Images of an engine. */
#include "engine/images.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/api.h"
#include "format/jread.h"

#include "base/banned.h"

enum { IMAGES_MAX = 100000, WORD_MAX = 256 };

void engine_image_clear(struct engine_image *i)
{
    mem_free(i->diff_ids);
    *i = (struct engine_image){ 0 };
}

void engine_image_clear_auto(struct engine_image *i)
{
    engine_image_clear(i);
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

/* Containerd's store says "" where it lacks the image's config. */
static void read_word(struct jnode root, const char *key, char out[32])
{
    out[0] = '\0';
    if (!jread_has(root, key))
        return;
    AUTO(mem_auto) char *text = jread_text(root, key, WORD_MAX);
    if (!text_copy(out, 32, text))
        jread_fail(root, key, "\"%s\" is too long", SHOWN(text));
}

static void read_layers(struct engine_image *out, struct jnode root)
{
    struct jnode list;
    if (!jread_has(root, "RootFS"))
        return;
    struct jnode rootfs = jread_object(root, "RootFS");
    if (!jread_has(rootfs, "Layers"))
        return;
    out->n_diff_ids = jread_array(rootfs, "Layers", LIMIT_LAYERS_PER_IMAGE, &list);
    out->diff_ids = mem_new_array(out->n_diff_ids, sizeof *out->diff_ids);
    for (size_t i = 0; i < out->n_diff_ids; i++)
        jread_item_digest(list, i, &out->diff_ids[i]);
}

bool image_read(struct engine_image *out, const char *text, size_t n, struct err *e)
{
    *out = (struct engine_image){ 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "image", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    jread_digest(root, "Id", &out->id);
    read_word(root, "Os", out->platform.os);
    read_word(root, "Architecture", out->platform.architecture);
    read_word(root, "Variant", out->platform.variant);
    platform_normalise(&out->platform);
    read_layers(out, root);
    out->is_found = jread_done(doc, e);
    if (!out->is_found)
        engine_image_clear(out);
    return out->is_found || err_as(e, ERR_ENGINE);
}

bool image_read_list(struct digest **ids, size_t *n_ids, const char *text, size_t n, struct err *e)
{
    AUTO(mem_auto) struct digest *list = NULL;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "list of images", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode all = jread_root(doc);
    *n_ids = jread_count(all);
    if (*n_ids > IMAGES_MAX)
        return err_set(e, ERR_ENGINE, "list of images: %zu of them, at most %d", *n_ids, IMAGES_MAX);
    list = mem_new_array(*n_ids, sizeof *list);
    for (size_t i = 0; i < *n_ids; i++)
        jread_digest(jread_item(all, i), "Id", &list[i]);
    if (!jread_done(doc, e))
        return err_as(e, ERR_ENGINE);
    *ids = TAKE(list);
    return true;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static bool ask(struct engine *g, const char *method, const char *name, const char *after, struct buf *answer, unsigned *status, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    buf_adds(&path, "/images/");
    api_escape(&path, name);
    buf_adds(&path, after);
    return buf_done(&path, "image name", e) && api_call(g, method, buf_text(&path), answer, status, e);
}

bool image_inspect(struct engine *g, const char *name, struct engine_image *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    *out = (struct engine_image){ 0 };
    if (!ask(g, "GET", name, "/json", &answer, &status, e))
        return false;
    if (status == 404)
        return true;
    if (status != 200)
        return api_refused(name, status, &answer, e);
    return image_read(out, buf_text(&answer), answer.len, e) || err_in(e, "image %s", SHOWN(name));
}

bool image_list(struct engine *g, struct digest **ids, size_t *n, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    if (!api_call(g, "GET", "/images/json", &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused("list of images", status, &answer, e);
    return image_read_list(ids, n, buf_text(&answer), answer.len, e);
}

/* False when no answer came; an answer that is no image is none. */
static bool look(struct engine *g, const struct digest *id, struct engine_image *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    struct err odd = { 0 };
    unsigned status = 0;
    if (!ask(g, "GET", DIGEST_SHOWN(id), "/json", &answer, &status, e))
        return false;
    if (status != 200)
        api_refused(DIGEST_SHOWN(id), status, &answer, &odd);
    else if (image_read(out, buf_text(&answer), answer.len, &odd))
        return true;
    log_debug("image left out: %s", odd.msg);
    return true;
}

bool image_visit(struct engine *g, image_visit_fn fn, void *ctx, struct err *e)
{
    AUTO(mem_auto) struct digest *ids = NULL;
    size_t n = 0;
    if (!image_list(g, &ids, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
        if (!look(g, &ids[i], &image, e) || (image.is_found && !fn(ctx, &image, e)))
            return false;
    }
    return true;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool read_back(struct engine *g, const struct digest *id, const char *name, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    if (!image_inspect(g, name, &found, e))
        return false;
    if (!found.is_found || !digest_equal(&found.id, id))
        return err_set(e, ERR_ENGINE, "image %s: after tagging it is %s, expected %s", name,
                       found.is_found ? DIGEST_SHOWN(&found.id) : "not there", DIGEST_SHOWN(id));
    return true;
}

bool image_tag(struct engine *g, const struct digest *id, const struct ref *name, struct err *e)
{
    AUTO(buf_clear_auto) struct buf after = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    struct ref_text text;
    unsigned status = 0;
    buf_addf(&after, "/tag?repo=%s/%s&tag=%s", name->host, name->repository, name->tag[0] == '\0' ? "latest" : name->tag);
    ref_format_tag(&text, name);
    if (!buf_done(&after, "image name", e) || !ask(g, "POST", DIGEST_SHOWN(id), buf_text(&after), &answer, &status, e))
        return false;
    if (status != 201)
        return api_refused(text.text, status, &answer, e);
    return read_back(g, id, text.text, e);
}

bool image_remove(struct engine *g, const char *name, enum image_removal *how, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    if (!ask(g, "DELETE", name, "", &answer, &status, e))
        return false;
    *how = status == 200 ? IMAGE_REMOVED : status == 404 ? IMAGE_NOT_THERE : IMAGE_IN_USE;
    if (status != 200 && status != 404 && status != 409)
        return api_refused(name, status, &answer, e);
    return true;
}
