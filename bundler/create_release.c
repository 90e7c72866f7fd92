/* release.json, and the date of the bundle. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundler/create.h"
#include "format/date.h"

#include "base/banned.h"

#define LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Everything is borrowed but the two arrays. */
static void describe_platform(struct release_platform *to, const struct image_platform *from)
{
    *to = (struct release_platform){ .platform = from->platform, .manifest = from->manifest_digest, .config = from->m.config.digest };
    to->manifest_size = from->manifest.len;
    to->config_size = from->config.len;
    to->manifest_type = mem_text(from->m.media_type);
    to->n_diff_ids = from->c.n_diff_ids;
    to->diff_ids = from->c.diff_ids;
}

static void describe_image(struct release_image *to, const struct image *from)
{
    to->has_index = from->n_indexes > 0;
    if (to->has_index)
        to->index = from->indexes[0].digest;
    to->n_platforms = from->n_platforms;
    to->platforms = mem_new_array(from->n_platforms, sizeof *to->platforms);
    for (size_t i = 0; i < from->n_platforms; i++)
        describe_platform(&to->platforms[i], &from->platforms[i]);
}

static void forget_images(struct release_image *images, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < images[i].n_platforms; k++)
            mem_free(images[i].platforms[k].manifest_type);
        mem_free(images[i].platforms);
    }
}

static bool write_release(struct create *c, struct err *e)
{
    size_t n = c->app->n_images;
    AUTO(mem_auto) struct release_image *resolved = mem_new_array(n, sizeof *resolved);
    AUTO(release_clear_auto) struct release r = { 0 };
    for (size_t i = 0; i < n; i++)
        describe_image(&resolved[i], &c->images[i]);
    c->release = (struct buf)BUF_LIMIT(LIMIT_RELEASE_BYTES);
    bool ok = release_describe(&r, c->app, resolved, e) && release_write(&r, &c->release, e);
    forget_images(resolved, n);
    if (ok)
        sha256_of(&c->release_sha256, buf_text(&c->release), c->release.len);
    return ok;
}

/* An image may lack a date, or have rubbish in its place: then it has no say. */
static int64_t newest_image(const struct create *c)
{
    int64_t newest = 0;
    for (size_t i = 0; i < c->app->n_images; i++)
        for (size_t k = 0; k < c->images[i].n_platforms; k++) {
            struct err ignored = { 0 };
            int64_t at = 0;
            const char *text = c->images[i].platforms[k].c.created;
            if (text[0] != '\0' && date_parse_loose(&at, text, "created", &ignored) && at > newest && at <= LAST_SECOND)
                newest = at;
        }
    return newest;
}

static bool choose_date(struct create *c, struct err *e)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds = 0;
    if (epoch == NULL) {
        c->created = newest_image(c);
        return true;
    }
    if (!num_parse(&seconds, epoch, strlen(epoch), (uint64_t)LAST_SECOND))
        return err_set(e, ERR_USAGE, "SOURCE_DATE_EPOCH: \"%s\" is not a number of seconds since 1970", SHOWN(epoch));
    c->created = (int64_t)seconds;
    return true;
}

bool create_describe(struct create *c, struct err *e)
{
    if (!choose_date(c, e) || !write_release(c, e))
        return false;
    log_info("release %s", DIGEST_SHOWN(&c->release_sha256));
    return base_check_release(&c->base, c->app->definition.version.text, &c->release_sha256, e);
}
