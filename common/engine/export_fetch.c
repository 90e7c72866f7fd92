/* Fetching an exported image from the engine. */
#include "engine/export.h"

#include "base/text.h"
#include "engine/api.h"
#include "sys/file.h"

#include "base/banned.h"

#define EXPORT_MAX LIMIT_LAYER_BYTES /* of one archive */
static const char what[] = "exported image";

struct arrival {
    struct sink *out;
    const struct progress *progress;
    struct progress_fact fact;
};

static bool pass_on(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct arrival *a = ctx;
    a->fact.done += n;
    return sink_write(a->out, bytes, n, e) && (progress_tell(a->progress, &a->fact) || err_set(e, ERR_INTERRUPTED, "stopped"));
}

static bool is_passed_on(const struct err *e)
{
    return e->code == ERR_INTERRUPTED || e->code == ERR_SPACE || e->code == ERR_IO;
}

bool export_get(struct engine *g, const struct export_request *q, struct sink *out, bool *is_there, struct err *e)
{
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    struct arrival a = { out, q->progress, { .phase = q->phase, .item = q->name } };
    AUTO(sink_drop_auto) struct sink *to = sink_call(pass_on, &a);
    buf_adds(&path, "/images/");
    api_escape(&path, q->name);
    buf_adds(&path, "/get");
    api_url(g, &url, buf_text(&path));
    struct http_request rq = { .method = "GET", .url = buf_text(&url), .out = to, .max_body = EXPORT_MAX, .on_head = api_check_head };
    if (!buf_done(&url, "engine URL", e) || !http_run(g->http, &rq, &rs, NULL, e)) {
        if (!is_passed_on(e))
            err_as(e, ERR_ENGINE);
        return err_in(e, "engine: GET %s", SHOWN(buf_text(&path)));
    }
    *is_there = rs.status != 404;
    if (rs.status != 200 && *is_there)
        return api_refused(q->name, rs.status, &rs.text, e);
    a.fact.is_finished = true;
    return progress_tell(q->progress, &a.fact) || err_set(e, ERR_INTERRUPTED, "stopped");
}

static bool fetch(struct engine *g, const char *name, int fd, const struct progress *progress, struct err *e)
{
    struct export_request q = { .name = name, .phase = "export", .progress = progress };
    AUTO(sink_drop_auto) struct sink *to = sink_fd(fd, what);
    bool is_there = false;
    if (!export_get(g, &q, to, &is_there, e))
        return false;
    return is_there ? sink_finish(to, e) : err_set(e, ERR_ENGINE, "%s: the engine has no such image", SHOWN(name));
}

struct export *export_fetch(struct engine *g, const char *name, const char *dir, const struct progress *progress, struct err *e)
{
    AUTO(fd_auto) int fd = file_temp(dir, e);
    if (fd < 0 || !fetch(g, name, fd, progress, e))
        return NULL;
    int own = fd;
    fd = -1;
    return export_of(tarball_open(own, what, e), ERR_ENGINE, e);
}
