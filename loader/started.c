/* The note of what was started: "FILES <sha256>", then a line "SERVICE ID" for each container. */
#include "loader/started.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/images.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define STARTED_MAX LIMIT_CONFIG_FILE_BYTES

/* What compose reads besides the files of the bundle, which never change under one release digest. */
static bool files_digest(const struct deployment *d, struct digest *out, struct err *e)
{
    static const char *const names[] = { RENDER_OVERRIDE, RENDER_ENV_FILE };
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(2 * LIMIT_CONFIG_FILE_BYTES);
        AUTO(mem_auto) char *path = path_join(d->dir, names[i]);
        bool exists = false;
        if (!file_exists(path, &exists, e) || (exists && !file_read(path, FILE_NO_LINK, text.max, &text, e)))
            return false;
        struct digest one;
        sha256_of(&one, buf_text(&text), text.len);
        sha256_add(h, DIGEST_HEX(&one), strlen(DIGEST_HEX(&one)));
    }
    sha256_end(h, out);
    return true;
}

static char *first_line(const struct digest *files)
{
    return mem_format("FILES %s\n", DIGEST_HEX(files));
}

bool started_read(struct started *out, const struct deployment *d, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(d->dir, STARTED_FILE);
    struct digest files;
    bool exists = false;
    *out = (struct started){ .text = BUF_LIMIT(STARTED_MAX) };
    if (!file_exists(path, &exists, e) || !files_digest(d, &files, e))
        return false;
    if (!exists)
        return true;
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, STARTED_MAX, &out->text, e))
        return false;
    AUTO(mem_auto) char *line = first_line(&files);
    if (!text_starts(buf_text(&out->text), line))
        buf_reset(&out->text);
    return true;
}

bool started_has(const struct started *s, const struct container *c)
{
    AUTO(mem_auto) char *line = mem_format("\n%s %s\n", c->service, c->id);
    return strstr(buf_text(&s->text), line) != NULL;
}

void started_clear(struct started *s)
{
    buf_clear(&s->text);
}

void started_clear_auto(struct started *s)
{
    started_clear(s);
}

bool started_note(const struct deployment *d, const struct container_list *l, const char *service, struct err *e)
{
    struct digest files;
    AUTO(started_clear_auto) struct started before = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(STARTED_MAX);
    AUTO(mem_auto) char *path = path_join(d->dir, STARTED_FILE);
    if (!started_read(&before, d, e) || !files_digest(d, &files, e))
        return false;
    AUTO(mem_auto) char *line = first_line(&files);
    buf_adds(&text, line);
    for (size_t i = 0; i < l->n; i++)
        if (service == NULL || text_is(service, l->items[i].service) || started_has(&before, &l->items[i]))
            buf_addf(&text, "%s %s\n", l->items[i].service, l->items[i].id);
    return buf_done(&text, path, e) && file_publish(path, text.data, text.len, 0600, e);
}

/* Compose 1 cannot be told not to pull: an image that is gone must not make it look for a registry. */
static bool check_images(const struct deployment *d, struct engine *g, const char *service, struct err *e)
{
    const struct release *r = &d->release;
    for (size_t i = 0; i < r->n_services; i++) {
        const struct release_service *s = &r->services[i];
        AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
        if (service == NULL ? !deployment_starts(s) : !text_is(service, s->name))
            continue;
        if (!image_inspect(g, s->image, &image, e))
            return false;
        if (image.is_found)
            continue;
        err_set(e, ERR_ENGINE, "service %s: image %s is not in the engine any more", s->name, s->image);
        return err_hint(e, "install the bundle of %s again", r->version.text);
    }
    return true;
}

bool started_up(const struct deployment *d, const struct compose_tool *tool, struct engine *g, const char *service, unsigned wait_s, struct err *e)
{
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    return check_images(d, g, service, e) && deployment_up(d, tool, &service, service == NULL ? 0 : 1, wait_s, e) &&
           container_list(g, d->project, &list, e) && started_note(d, &list, service, e);
}
