/* Images of an engine. Chain ids: C(1) = diffID(1), C(n) = sha256(C(n-1) + " " + diffID(n)) as text (OCI image-spec, config.md). */
#include "engine/images.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/api.h"
#include "format/jread.h"

#include "base/banned.h"

enum { IMAGES_MAX = 100000 };

void engine_image_clear(struct engine_image *i)
{
    mem_free(i->diff_ids);
    *i = (struct engine_image){ 0 };
}

void engine_image_clear_auto(struct engine_image *i)
{
    engine_image_clear(i);
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

static bool read_image(struct engine_image *out, const struct buf *text, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(text), text->len, "image", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    out->is_found = true;
    jread_digest(root, "Id", &out->id);
    jread_str(root, "Os", out->platform.os, sizeof out->platform.os);
    jread_str(root, "Architecture", out->platform.architecture, sizeof out->platform.architecture);
    if (jread_has(root, "Variant"))
        jread_str(root, "Variant", out->platform.variant, sizeof out->platform.variant);
    platform_normalise(&out->platform);
    read_layers(out, root);
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}

bool image_inspect(struct engine *g, const char *name, struct engine_image *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    *out = (struct engine_image){ 0 };
    buf_adds(&path, "/images/");
    api_escape(&path, name);
    buf_adds(&path, "/json");
    if (!buf_done(&path, "image name", e) || !api_call(g, "GET", buf_text(&path), &answer, &status, e))
        return false;
    if (status == 404)
        return true;
    if (status != 200)
        return api_refused(name, status, &answer, e);
    return read_image(out, &answer, e) || err_in(e, "image %s", SHOWN(name));
}

bool image_list(struct engine *g, struct digest **ids, size_t *n, struct err *e)
{
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    struct jnode all;
    if (!api_call(g, "GET", "/images/json", &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused("list of images", status, &answer, e);
    AUTO(mem_auto) char *wrapped = mem_format("{\"all\":%s}", buf_text(&answer));
    AUTO(jread_free_auto) struct jread *doc = jread_open(wrapped, strlen(wrapped), "list of images", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    *n = jread_array(jread_root(doc), "all", IMAGES_MAX, &all);
    *ids = mem_new_array(*n, sizeof **ids);
    for (size_t i = 0; i < *n; i++)
        jread_digest(jread_item(all, i), "Id", &(*ids)[i]);
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}

bool image_tag(struct engine *g, const struct digest *id, const struct ref *name, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    struct ref_text text;
    unsigned status = 0;
    buf_addf(&path, "/images/%s/tag?repo=", DIGEST_SHOWN(id));
    buf_addf(&path, "%s/%s&tag=%s", name->host, name->repository, name->tag);
    if (!api_call(g, "POST", buf_text(&path), &answer, &status, e))
        return false;
    if (status != 201)
        return api_refused(REF_SHOWN(name), status, &answer, e);
    if (!image_inspect(g, ref_format_tag(&text, name), &found, e))
        return false;
    if (!found.is_found || !digest_equal(&found.id, id))
        return err_set(e, ERR_ENGINE, "image %s: after tagging it is %s, expected %s", text.text,
                       found.is_found ? DIGEST_SHOWN(&found.id) : "not there", DIGEST_SHOWN(id));
    return true;
}

bool image_remove(struct engine *g, const char *name, bool *removed, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    buf_adds(&path, "/images/");
    api_escape(&path, name);
    if (!buf_done(&path, "image name", e) || !api_call(g, "DELETE", buf_text(&path), &answer, &status, e))
        return false;
    *removed = status == 200;
    if (status != 200 && status != 404 && status != 409)
        return api_refused(name, status, &answer, e);
    return true;
}

/* --- chains ------------------------------------------------------------------------------------------------------- */

struct chain_set {
    struct digest *ids; /* sorted */
    size_t n, cap;
};

static void next_chain(struct digest *chain, const struct digest *diff_id, bool is_first)
{
    if (is_first) {
        *chain = *diff_id;
        return;
    }
    char text[2 * DIGEST_TEXT_BYTES];
    struct digest_text a, b;
    size_t n = strlen(digest_format(&a, chain));
    memcpy(text, a.text, n);
    text[n] = ' ';
    memcpy(text + n + 1, digest_format(&b, diff_id), n);
    sha256_of(chain, text, 2 * n + 1);
}

static int compare(const void *a, const void *b)
{
    return digest_compare(a, b);
}

void chain_set_add(struct chain_set *s, const struct digest *diff_ids, size_t n)
{
    struct digest chain = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        next_chain(&chain, &diff_ids[i], i == 0);
        MEM_PUSH(s->ids, s->n, s->cap) = chain;
    }
    qsort(s->ids, s->n, sizeof *s->ids, compare);
}

size_t chain_set_depth(const struct chain_set *s, const struct digest *diff_ids, size_t n)
{
    struct digest chain = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        next_chain(&chain, &diff_ids[i], i == 0);
        if (bsearch(&chain, s->ids, s->n, sizeof *s->ids, compare) == NULL)
            return i;
    }
    return n;
}

void chain_set_free(struct chain_set *s)
{
    mem_free(s->ids);
    mem_free(s);
}

struct chain_set *chain_set_read(struct engine *g, struct err *e)
{
    AUTO(chain_set_free_auto) struct chain_set *s = mem_new(sizeof *s);
    AUTO(mem_auto) struct digest *ids = NULL;
    size_t n = 0;
    s->ids = mem_new(1);
    if (!image_list(g, &ids, &n, e))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
        if (!image_inspect(g, DIGEST_SHOWN(&ids[i]), &image, e))
            return NULL;
        chain_set_add(s, image.diff_ids, image.n_diff_ids);
    }
    return TAKE(s);
}
