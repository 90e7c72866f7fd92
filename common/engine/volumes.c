/* Volumes of a compose project. */
#include "engine/volumes.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/api.h"
#include "format/jread.h"

#include "base/banned.h"

enum { VOLUMES_MAX = 10000, VOLUME_NAME_MAX = 255 };

void volume_list_clear(struct volume_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->names[i]);
    mem_free(l->names);
    *l = (struct volume_list){ 0 };
}

void volume_list_clear_auto(struct volume_list *l)
{
    volume_list_clear(l);
}

static void read_names(struct volume_list *out, struct jnode root)
{
    struct jnode all;
    size_t n = jread_array(root, "Volumes", VOLUMES_MAX, &all);
    out->names = mem_new_array(n > 0 ? n : 1, sizeof *out->names);
    for (; out->n < n; out->n++)
        out->names[out->n] = jread_text(jread_item(all, out->n), "Name", VOLUME_NAME_MAX);
}

bool volume_read_list(struct volume_list *out, const char *text, size_t n, struct err *e)
{
    *out = (struct volume_list){ 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "list of volumes", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    if (jread_has(root, "Volumes")) /* null when there is none */
        read_names(out, root);
    if (jread_done(doc, e))
        return true;
    volume_list_clear(out);
    return err_as(e, ERR_ENGINE);
}

bool volume_list(struct engine *g, const char *project, struct volume_list *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    AUTO(mem_auto) char *filter = mem_format("{\"label\":[\"com.docker.compose.project=%s\"]}", project);
    unsigned status = 0;
    buf_adds(&path, "/volumes?filters=");
    api_escape(&path, filter);
    if (!buf_done(&path, "project name", e) || !api_call(g, "GET", buf_text(&path), &answer, &status, e))
        return false;
    if (status != 200)
        return api_refused("list of volumes", status, &answer, e);
    return volume_read_list(out, buf_text(&answer), answer.len, e);
}

bool volume_remove(struct engine *g, const char *name, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(API_ANSWER_MAX);
    unsigned status = 0;
    buf_adds(&path, "/volumes/");
    api_escape(&path, name);
    if (!buf_done(&path, "name of a volume", e) || !api_call(g, "DELETE", buf_text(&path), &answer, &status, e))
        return false;
    if (status == 204 || status == 404)
        return true;
    AUTO(mem_auto) char *what = mem_format("volume %s", SHOWN(name));
    return api_refused(what, status, &answer, e);
}
