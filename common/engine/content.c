/* Which images of a containerd store are whole. No call says it of one image in every version, the list does: Docker 24 to 26 list only what is
 * complete; from 27 on (API 1.47) the list tells for each manifest whether its content is available. */
#include "base/text.h"
#include "engine/api.h"
#include "engine/images.h"
#include "format/jread.h"

#include "base/banned.h"

enum { API_WITH_MANIFESTS = 147, IMAGES_MAX = 100000, MANIFESTS_MAX = 1000 };

/* Ours are single manifests: the image's id is the manifest's. */
static bool is_available(struct jnode image, const struct digest *id)
{
    struct jnode list;
    bool found = false;
    if (!jread_has(image, "Manifests"))
        return true;
    size_t n = jread_array(image, "Manifests", MANIFESTS_MAX, &list);
    for (size_t i = 0; i < n; i++) {
        struct digest manifest;
        bool yes = false;
        jread_digest(jread_item(list, i), "ID", &manifest);
        jread_bool(jread_item(list, i), "Available", &yes);
        found = found || (yes && digest_equal(&manifest, id));
    }
    return found;
}

bool image_read_complete(struct digest_set *out, const char *text, size_t n, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "list of images", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode all = jread_root(doc);
    size_t count = jread_count(all);
    if (count > IMAGES_MAX)
        return err_set(e, ERR_ENGINE, "list of images: %zu of them, at most %d", count, IMAGES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct digest id;
        jread_digest(jread_item(all, i), "Id", &id);
        if (is_available(jread_item(all, i), &id))
            digest_set_add(out, &id);
    }
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}

static bool look(struct engine *g, bool only_unnamed, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    buf_adds(&path, g->facts.api_newest >= API_WITH_MANIFESTS ? "/v1.47/images/json?manifests=1&filters=" : "/images/json?filters=");
    api_escape(&path, only_unnamed ? "{\"dangling\":[\"true\"]}" : "{}");
    if (!buf_done(&path, "engine URL", e) || !api_call(g, "GET", buf_text(&path), &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused("list of images", status, &answer, e);
    return image_read_complete(&g->complete, buf_text(&answer), answer.len, e);
}

/* A list costs tens of milliseconds for each image in it: what was just loaded is first sought among those without a name. */
bool image_has_content(struct engine *g, const struct digest *id, enum image_when when, bool *yes, struct err *e)
{
    *yes = true;
    if (g->facts.store != ENGINE_STORE_CONTAINERD)
        return true;
    if (when == IMAGE_NOW && !look(g, true, e))
        return false;
    bool is_new_look = !g->has_looked || (when == IMAGE_NOW && !digest_set_has(&g->complete, id));
    if (is_new_look && !look(g, false, e))
        return false;
    g->has_looked = true;
    *yes = digest_set_has(&g->complete, id);
    return true;
}

void content_forget(struct engine *g)
{
    digest_set_clear(&g->complete);
    g->has_looked = false;
}
