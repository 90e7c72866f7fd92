/* Reading, writing and comparing lock files. */
#include "bundler/lock.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/yread.h"

#include "base/banned.h"

enum { LOCK_PLATFORMS_MAX = 64 }; /* docs/FORMAT.md section 4 */

static const char first_line[] =
    "# Which exact images archon-bundle create packed. Keep this file with the definition: create --locked packs the same again.\n";

void lock_clear(struct lock *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->items[i].image);
        mem_free(l->items[i].digests);
    }
    mem_free(l->items);
    *l = (struct lock){ 0 };
}

void lock_clear_auto(struct lock *l)
{
    lock_clear(l);
}

static int by_image(const void *a, const void *b)
{
    return strcmp(((const struct lock_entry *)a)->image, ((const struct lock_entry *)b)->image);
}

static int by_platform(const void *a, const void *b)
{
    struct platform_text x, y;
    return strcmp(platform_format(&x, &((const struct lock_digest *)a)->platform),
                  platform_format(&y, &((const struct lock_digest *)b)->platform));
}

static void sort_digests(struct lock_entry *x)
{
    if (x->n > 0)
        qsort(x->digests, x->n, sizeof *x->digests, by_platform);
}

static void sort(struct lock *l)
{
    if (l->n > 0)
        qsort(l->items, l->n, sizeof *l->items, by_image);
}

const struct lock_entry *lock_find(const struct lock *l, const char *image)
{
    struct lock_entry key = { .image = (char *)(uintptr_t)image };
    return l->n == 0 ? NULL : bsearch(&key, l->items, l->n, sizeof *l->items, by_image);
}

/* ---- reading ---- */

static bool read_digest(struct lock_entry *to, const struct platform *platform, const struct yread *doc, const struct ynode *node,
                        struct err *e)
{
    struct lock_digest d = { .platform = *platform };
    struct err ignored = { 0 };
    if (node->kind != YNODE_SCALAR || !digest_parse(&d.digest, node->text, "digest", &ignored))
        return yread_fail(doc, node, e, "%s: expected sha256: and 64 hex digits", SHOWN(to->image));
    MEM_PUSH(to->digests, to->n, to->cap) = d;
    return true;
}

static bool read_platforms(struct lock_entry *to, const struct yread *doc, const struct ynode *map, struct err *e)
{
    if (map->n == 0 || map->n > LOCK_PLATFORMS_MAX)
        return yread_fail(doc, map, e, "%s: has %zu digests, expected 1 to %d", SHOWN(to->image), map->n, LOCK_PLATFORMS_MAX);
    for (size_t i = 0; i < map->n; i++) {
        struct err ignored = { 0 };
        struct platform p;
        if (!platform_parse(&p, map->keys[i]->text, &ignored))
            return yread_fail(doc, map->keys[i], e, "%s: \"%s\" is not a platform", SHOWN(to->image), SHOWN(map->keys[i]->text));
        for (size_t k = 0; k < to->n; k++)
            if (platform_equal(&to->digests[k].platform, &p))
                return yread_fail(doc, map->keys[i], e, "%s: %s twice", SHOWN(to->image), SHOWN(map->keys[i]->text));
        if (!read_digest(to, &p, doc, map->items[i], e))
            return false;
    }
    sort_digests(to);
    return true;
}

static bool read_entry(struct lock *out, const struct yread *doc, const struct ynode *key, const struct ynode *value, struct err *e)
{
    static const struct platform whole = { .os = "" };
    MEM_PUSH(out->items, out->n, out->cap) = (struct lock_entry){ .image = mem_text(key->text) };
    struct lock_entry *to = &out->items[out->n - 1];
    return value->kind == YNODE_MAP ? read_platforms(to, doc, value, e) : read_digest(to, &whole, doc, value, e);
}

static bool read_images(struct lock *out, const struct yread *doc, const struct ynode *images, struct err *e)
{
    if (images->kind != YNODE_MAP)
        return yread_fail(doc, images, e, "images: expected a map of images and digests");
    if (images->n > LIMIT_IMAGES)
        return yread_fail(doc, images, e, "images: %zu of them, at most %d", images->n, LIMIT_IMAGES);
    for (size_t i = 0; i < images->n; i++)
        if (!read_entry(out, doc, images->keys[i], images->items[i], e))
            return false;
    return true;
}

static bool check_version(const struct yread *doc, const struct ynode *root, struct err *e)
{
    const struct ynode *version = ynode_get(root, "lock");
    if (root->kind != YNODE_MAP || version == NULL || version->kind != YNODE_SCALAR)
        return yread_fail(doc, root, e, "is not a lock file: expected lock: 1");
    if (!text_is(version->text, "1"))
        return yread_fail(doc, version, e, "lock file of version %s, this program knows 1", SHOWN(version->text));
    for (size_t i = 0; i < root->n; i++)
        if (!text_is(root->keys[i]->text, "lock") && !text_is(root->keys[i]->text, "images"))
            return yread_fail(doc, root->keys[i], e, "unknown key \"%s\", expected lock and images", SHOWN(root->keys[i]->text));
    return ynode_get(root, "images") != NULL || yread_fail(doc, root, e, "images: missing");
}

bool lock_parse(struct lock *out, const char *text, size_t n, const char *name, struct err *e)
{
    *out = (struct lock){ 0 };
    AUTO(yread_free_auto) struct yread *doc = yread_open(text, n, name, YREAD_PLAIN, e);
    if (doc != NULL && check_version(doc, yread_root(doc), e) && read_images(out, doc, ynode_get(yread_root(doc), "images"), e)) {
        sort(out);
        return true;
    }
    lock_clear(out);
    return err_hint(e, "archon-bundle create writes it anew when it is not there");
}

/* ---- writing ---- */

static bool write_name(struct buf *out, const char *image, struct err *e)
{
    buf_adds(out, "  \"");
    for (const char *p = image; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return err_set(e, ERR_CONFIG, "image %s: its name cannot be written to a lock file", SHOWN(image));
        if (*p == '"' || *p == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *p);
    }
    buf_adds(out, "\":");
    return true;
}

static bool write_entry(struct buf *out, const struct lock_entry *x, struct err *e)
{
    struct platform_text text;
    if (!write_name(out, x->image, e))
        return false;
    if (lock_pinned(x) != NULL) {
        buf_addf(out, " %s\n", DIGEST_SHOWN(lock_pinned(x)));
        return true;
    }
    buf_addc(out, '\n');
    for (size_t i = 0; i < x->n; i++)
        buf_addf(out, "    %s: %s\n", platform_format(&text, &x->digests[i].platform), DIGEST_SHOWN(&x->digests[i].digest));
    return true;
}

bool lock_write(const struct lock *l, struct buf *out, struct err *e)
{
    buf_addf(out, "%slock: 1\nimages:%s\n", first_line, l->n == 0 ? " {}" : "");
    for (size_t i = 0; i < l->n; i++)
        if (!write_entry(out, &l->items[i], e))
            return false;
    return buf_done(out, "lock file", e) || err_as(e, ERR_CONFIG);
}

/* ---- images ---- */

char *lock_image_name(const struct application_image *i)
{
    const char *written = i->place.written;
    if (i->place.kind == PLACE_REGISTRY || written == NULL)
        return mem_text(REF_SHOWN(&i->written));
    if (i->place.kind == PLACE_ENGINE && i->place.has_ref && ref_equal(&i->place.ref, &i->written))
        return mem_text(written);
    return mem_format("%s=%s", REF_SHOWN(&i->written), written);
}

/* Not its platforms where there is an index: the index stays the same whichever of them are packed. */
static void describe(struct lock_entry *to, const struct image *x)
{
    if (x->n_indexes > 0 || x->n_platforms == 1) {
        MEM_PUSH(to->digests, to->n, to->cap) =
            (struct lock_digest){ .digest = x->n_indexes > 0 ? x->indexes[0].digest : x->platforms[0].manifest_digest };
        return;
    }
    for (size_t i = 0; i < x->n_platforms; i++)
        MEM_PUSH(to->digests, to->n, to->cap) = (struct lock_digest){ x->platforms[i].platform, x->platforms[i].manifest_digest };
    sort_digests(to);
}

void lock_of(struct lock *out, const struct application *app, const struct image *images)
{
    *out = (struct lock){ 0 };
    for (size_t i = 0; i < app->n_images; i++) {
        MEM_PUSH(out->items, out->n, out->cap) = (struct lock_entry){ .image = lock_image_name(&app->images[i]) };
        describe(&out->items[out->n - 1], &images[i]);
    }
    sort(out);
}

const struct digest *lock_pinned(const struct lock_entry *x)
{
    return x->n == 1 && x->digests[0].platform.os[0] == '\0' ? &x->digests[0].digest : NULL;
}

/* ---- comparing ---- */

static bool covers(const struct lock *l, const struct application_image *i, const char *name, struct err *e)
{
    AUTO(mem_auto) char *image = lock_image_name(i);
    const struct lock_entry *x = lock_find(l, image);
    const struct digest *pinned = x == NULL ? NULL : lock_pinned(x);
    if (x == NULL)
        return err_set(e, ERR_CONFIG, "%s: has no %s", name, SHOWN(image));
    if (i->original.has_digest && pinned != NULL && !digest_equal(pinned, &i->original.digest))
        return err_set(e, ERR_CONFIG, "%s: %s is %s, the definition says %s", name, SHOWN(image), DIGEST_SHOWN(pinned),
                       DIGEST_SHOWN(&i->original.digest));
    return true;
}

static bool is_wanted(const struct application *app, const char *image)
{
    bool found = false;
    for (size_t i = 0; i < app->n_images && !found; i++) {
        AUTO(mem_auto) char *name = lock_image_name(&app->images[i]);
        found = text_is(name, image);
    }
    return found;
}

static bool covers_all(const struct lock *l, const struct application *app, const char *name, struct err *e)
{
    for (size_t i = 0; i < app->n_images; i++)
        if (!covers(l, &app->images[i], name, e))
            return false;
    for (size_t i = 0; i < l->n; i++)
        if (!is_wanted(app, l->items[i].image))
            return err_set(e, ERR_CONFIG, "%s: has %s, which is not asked for", name, SHOWN(l->items[i].image));
    return true;
}

bool lock_covers(const struct lock *l, const struct application *app, const char *name, struct err *e)
{
    return covers_all(l, app, name, e) || err_hint(e, "create without --locked looks all tags up again and writes a new one");
}

static const struct lock_digest *find_platform(const struct lock_entry *x, const struct platform *p)
{
    for (size_t i = 0; i < x->n; i++)
        if (platform_equal(&x->digests[i].platform, p))
            return &x->digests[i];
    return NULL;
}

static bool differs(const struct lock_entry *x, const struct digest *found, const struct digest *locked, struct err *e)
{
    err_set(e, ERR_INTEGRITY, "%s: is %s, the lock file says %s", SHOWN(x->image), DIGEST_SHOWN(found), DIGEST_SHOWN(locked));
    return err_hint(e, "the image that was locked is no longer there; create without --locked takes the new one");
}

bool lock_agrees(const struct lock_entry *x, const struct image *found, struct err *e)
{
    struct lock_entry now = { 0 };
    bool ok = true;
    struct platform_text text;
    describe(&now, found);
    for (size_t i = 0; ok && i < now.n; i++) {
        const struct lock_digest *locked = find_platform(x, &now.digests[i].platform);
        if (locked == NULL) {
            err_set(e, ERR_CONFIG, "%s: is not locked for %s", SHOWN(x->image),
                    now.digests[i].platform.os[0] == '\0' ? "one platform alone" : platform_format(&text, &now.digests[i].platform));
            ok = err_hint(e, "an image without an index is locked for each platform: run create without --locked");
        } else if (!digest_equal(&locked->digest, &now.digests[i].digest)) {
            ok = differs(x, &now.digests[i].digest, &locked->digest, e);
        }
    }
    mem_free(now.digests);
    return ok;
}

static bool same_digests(const struct lock_entry *a, const struct lock_entry *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same =
            platform_equal(&a->digests[i].platform, &b->digests[i].platform) && digest_equal(&a->digests[i].digest, &b->digests[i].digest);
    return same;
}

void lock_tell_changes(const struct lock *before, const struct lock *now)
{
    for (size_t i = 0; i < now->n; i++) {
        const struct lock_entry *new = &now->items[i];
        const struct lock_entry *old = lock_find(before, new->image);
        if (old == NULL)
            log_info("%s is new: %s", SHOWN(new->image), DIGEST_SHOWN(&new->digests[0].digest));
        else if (!same_digests(old, new))
            log_info("%s changed: %s was %s", SHOWN(new->image), DIGEST_SHOWN(&new->digests[0].digest),
                     DIGEST_SHOWN(&old->digests[0].digest));
    }
    for (size_t i = 0; i < before->n; i++)
        if (lock_find(now, before->items[i].image) == NULL)
            log_info("%s is gone, it was %s", SHOWN(before->items[i].image), DIGEST_SHOWN(&before->items[i].digests[0].digest));
}
