/* One file is open at a time: an archive with several images is listed once, as they are asked for one after the other. */
#include "bundler/image_files.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundler/exported.h"
#include "bundler/layout.h"
#include "bundler/resolve.h"

#include "base/banned.h"

enum { LIST_BYTES = 240 };
static const char spool[] = "/var/tmp"; /* where a compressed archive is unpacked to be asked for a name */

struct open_file {
    enum place_kind kind;
    char *path;             /* null: none is open */
    struct layout *layout;  /* either */
    struct export *export;  /* or */
};

struct files {
    struct image_source source;
    struct documents documents;
    struct cache *cache;
    struct open_file open;
    const struct image_place *place; /* of the image that is being resolved */
};

/* ---- opening ---- */

static void close_file(struct open_file *f)
{
    if (f->layout != NULL)
        layout_close(f->layout);
    if (f->export != NULL)
        export_close(f->export);
    mem_free(f->path);
    *f = (struct open_file){ 0 };
}

static struct export *open_docker_archive(const char *path, const char *tmp_dir, struct err *e)
{
    AUTO(tarball_close_auto) struct tarball *tar = tarball_open_path(path, tmp_dir, e);
    if (tar == NULL)
        return NULL;
    if (tarball_find(tar, "manifest.json") != NULL)
        return export_of(TAKE(tar), ERR_REGISTRY, e);
    err_set(e, ERR_REGISTRY, "%s: has no manifest.json, expected what docker save writes", SHOWN(path));
    err_hint(e, tarball_find(tar, "index.json") != NULL ? "it looks like an OCI layout: oci-archive:FILE" : "docker save -o FILE IMAGE makes one");
    return NULL;
}

static bool open_file(struct open_file *f, const struct image_place *place, const char *tmp_dir, struct err *e)
{
    if (f->kind == place->kind && text_is(f->path, place->path))
        return true;
    close_file(f);
    f->kind = place->kind;
    if (place->kind == PLACE_OCI)
        f->layout = layout_open_directory(place->path, e);
    else if (place->kind == PLACE_OCI_ARCHIVE)
        f->layout = layout_open_archive(tarball_open_path(place->path, tmp_dir, e), e);
    else
        f->export = open_docker_archive(place->path, tmp_dir, e);
    if (f->layout == NULL && f->export == NULL)
        return false;
    f->path = mem_text(place->path);
    return true;
}

/* ---- which image of a docker-archive ---- */

static bool is_called(const struct export_image *x, const struct ref *want)
{
    for (size_t i = 0; i < x->n_names; i++) {
        struct err ignored = { 0 };
        struct ref ref;
        if (ref_parse(&ref, x->names[i], &ignored) && ref_equal(&ref, want))
            return true;
    }
    return false;
}

/* "@2": the third. */
static bool is_meant(const struct export *x, size_t i, const char *inside)
{
    struct err ignored = { 0 };
    struct ref want;
    uint64_t number = 0;
    if (inside == NULL)
        return true;
    if (inside[0] == '@')
        return num_parse(&number, inside + 1, strlen(inside + 1), UINT32_MAX) && number == i;
    return ref_parse(&want, inside, &ignored) && is_called(export_image(x, i), &want);
}

static const char *label(const struct export *x, size_t i)
{
    return export_image(x, i)->n_names == 0 ? "one without a name" : export_image(x, i)->names[0];
}

/* Images of one name differ by platform; others must be chosen from. */
static bool is_one_image(const struct export *x, const struct image_place *place)
{
    for (size_t i = 1; place->inside == NULL && i < export_n_images(x); i++)
        if (export_image(x, 0)->n_names == 0 || !text_is(label(x, 0), label(x, i)))
            return false;
    return true;
}

static bool refuse_choice(const struct export *x, const struct image_place *place, struct err *e)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(LIST_BYTES);
    for (size_t i = 0; i < export_n_images(x); i++)
        buf_addf(&list, "%s%s", i > 0 ? ", " : "", SHOWN(label(x, i)));
    if (place->inside == NULL)
        err_set(e, ERR_REGISTRY, "%s: has %zu images, expected one, or a reference that says which: %s%s", SHOWN(place->path), export_n_images(x), buf_text(&list),
                list.over ? ", ..." : "");
    else
        err_set(e, ERR_REGISTRY, "%s: has no image \"%s\", it has: %s%s", SHOWN(place->path), SHOWN(place->inside), buf_text(&list), list.over ? ", ..." : "");
    return err_hint(e, "name one behind the path: FILE:REFERENCE, or FILE:@0 for the first");
}

static bool check_choice(const struct export *x, const struct image_place *place, struct err *e)
{
    if (!is_one_image(x, place))
        return refuse_choice(x, place, e);
    for (size_t i = 0; i < export_n_images(x); i++)
        if (is_meant(x, i, place->inside))
            return true;
    return refuse_choice(x, place, e);
}

static const struct export_image *find_platform(const struct export *x, const struct image_place *place, const struct platform *want, struct err *e)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(LIST_BYTES);
    struct platform_text text;
    for (size_t i = 0; i < export_n_images(x); i++) {
        if (!is_meant(x, i, place->inside))
            continue;
        const struct platform *has = &export_image(x, i)->c.platform;
        if (platform_equal(has, want))
            return export_image(x, i);
        buf_addf(&list, "%s%s", list.len > 0 ? ", " : "", SHOWN(platform_format(&text, has)));
    }
    err_set(e, ERR_REGISTRY, "%s: has no %s, it has: %s", SHOWN(place->written), platform_format(&text, want), buf_text(&list));
    return NULL;
}

/* ---- documents ---- */

static struct files *files_of(struct documents *d)
{
    return (struct files *)((char *)d - offsetof(struct files, documents));
}

static bool get(struct documents *from, const struct ref *ref, const struct digest *d, struct registry_document *out, struct err *e)
{
    (void)ref;
    struct files *f = files_of(from);
    BUG_IF(d == NULL);
    out->digest = *d;
    out->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    return layout_read(f->open.layout, d, &out->bytes, e) &&
           (oci_kind_of(buf_text(&out->bytes), out->bytes.len, NULL, &out->kind, e) || err_in(e, "%s", SHOWN(f->place->written)));
}

static bool get_blob(struct documents *from, const struct ref *ref, const struct digest *d, uint64_t size, struct buf *out, struct err *e)
{
    (void)ref;
    struct files *f = files_of(from);
    if (!layout_read(f->open.layout, d, out, e))
        return false;
    return out->len == size || err_set(e, ERR_INTEGRITY, "%s: %s has %zu bytes, the manifest says %ju", SHOWN(f->place->written), DIGEST_SHOWN(d), out->len, (uintmax_t)size);
}

static bool resolve_in_layout(struct files *f, const struct image_request *rq, struct image *out, struct err *e)
{
    const struct ref *ref = rq->ref;
    struct image_request exactly = *rq;
    const char *what = f->place->written;
    struct ref pinned = *ref;
    const struct layout_image *found = layout_find(f->open.layout, f->place->inside, e);
    if (found == NULL)
        return false;
    if (ref->has_digest && !digest_equal(&ref->digest, &found->descriptor.digest))
        return err_set(e, ERR_INTEGRITY, "%s: is %s, expected %s", SHOWN(what), DIGEST_SHOWN(&found->descriptor.digest), DIGEST_SHOWN(&ref->digest));
    pinned.has_digest = true;
    pinned.digest = found->descriptor.digest;
    exactly.ref = &pinned;
    bool ok = resolve_image(&f->documents, &exactly, what, out, e);
    out->ref = *ref;
    return ok;
}

static bool describe_archive(struct files *f, const struct image_request *rq, struct image *out, struct err *e)
{
    const struct ref *ref = rq->ref;
    *out = (struct image){ .ref = *ref, .n_platforms = rq->n_platforms };
    out->platforms = mem_new_array(rq->n_platforms, sizeof *out->platforms);
    if (ref->has_digest) {
        err_set(e, ERR_REGISTRY, "%s: a docker-archive does not have the digests of a registry, expected a tag and not %s", SHOWN(f->place->written), DIGEST_SHOWN(&ref->digest));
        return err_hint(e, "skopeo copy docker://... oci-archive:FILE:TAG keeps them");
    }
    if (!check_choice(f->open.export, f->place, e))
        return false;
    for (size_t i = 0; i < rq->n_platforms; i++) {
        const struct export_image *image = find_platform(f->open.export, f->place, &rq->platforms[i], e);
        out->platforms[i].platform = rq->platforms[i];
        if (image == NULL || !exported_describe(f->open.export, image, &out->platforms[i], f->place->written, e))
            return false;
    }
    return true;
}

/* A file holds one image of a name: when it is not the one of the lock file, there is none to go back to. */
static bool check_pinned(const struct files *f, const struct image_request *rq, const struct image *found, struct err *e)
{
    const struct digest *d = found->n_indexes > 0 ? &found->indexes[0].digest : &found->platforms[0].manifest_digest;
    if (rq->pinned == NULL || digest_equal(rq->pinned, d))
        return true;
    return err_set(e, ERR_INTEGRITY, "%s: is %s, the lock file says %s", SHOWN(f->place->written), DIGEST_SHOWN(d), DIGEST_SHOWN(rq->pinned));
}

static bool resolve(struct image_source *source, const struct image_request *rq, struct image *out, struct err *e)
{
    struct files *f = (struct files *)source;
    const char *dir;
    *out = (struct image){ .ref = *rq->ref };
    f->place = rq->place;
    if (!cache_work_dir(f->cache, &dir, e) || !open_file(&f->open, rq->place, dir, e))
        return false;
    return (f->open.layout != NULL ? resolve_in_layout(f, rq, out, e) : describe_archive(f, rq, out, e)) && check_pinned(f, rq, out, e);
}

/* ---- layers ---- */

static bool put_exported(struct files *f, const struct image_platform *p, struct err *e)
{
    for (size_t i = 0; i < export_n_images(f->open.export); i++) {
        const struct export_image *x = export_image(f->open.export, i);
        if (x->config.len == p->config.len && memcmp(buf_text(&x->config), buf_text(&p->config), p->config.len) == 0)
            return exported_put(f->open.export, x, f->cache, f->place->written, e);
    }
    return err_set(e, ERR_INTEGRITY, "%s: was changed while it was read", SHOWN(f->place->written));
}

/* Attestations that the index names are in the layout too; signatures are not. */
static bool put_attached(struct files *f, const struct image *image, struct err *e)
{
    size_t n = 0;
    AUTO(mem_auto) struct oci_descriptor *blobs = mem_new_array(image->n_documents, sizeof *blobs);
    for (size_t i = 0; i < image->n_documents; i++)
        if (image->documents[i].kind == IMAGE_ATTESTATION)
            blobs[n++] = image->documents[i].descriptor;
    return n == 0 || layout_put(f->open.layout, blobs, n, f->cache, e);
}

static bool put_layers(struct image_source *source, const struct image_place *place, const struct image *image, struct err *e)
{
    struct files *f = (struct files *)source;
    const char *dir;
    f->place = place;
    if (!cache_work_dir(f->cache, &dir, e) || !open_file(&f->open, place, dir, e))
        return false;
    for (size_t i = 0; i < image->n_platforms; i++) {
        const struct image_platform *p = &image->platforms[i];
        if (!(f->open.layout != NULL ? layout_put(f->open.layout, p->m.layers, p->m.n_layers, f->cache, e) : put_exported(f, p, e)))
            return false;
    }
    return put_attached(f, image, e);
}

static void free_files(struct image_source *source)
{
    struct files *f = (struct files *)source;
    close_file(&f->open);
    mem_free(f);
}

struct image_source *image_files(struct cache *c)
{
    struct files *f = mem_new(sizeof *f);
    *f = (struct files){ .source = { resolve, put_layers, free_files }, .documents = { get, get_blob }, .cache = c };
    return &f->source;
}

/* ---- names ---- */

/* A bare tag is no name. */
static bool take_name(struct ref *name, const char *text)
{
    struct err ignored = { 0 };
    return text != NULL && strpbrk(text, ":/") != NULL && ref_parse(name, text, &ignored);
}

static bool name_in_layout(const struct open_file *f, const struct image_place *place, struct ref *name, bool *has_name, struct err *e)
{
    const struct layout_image *found = layout_find(f->layout, place->inside, e);
    *has_name = found != NULL && (take_name(name, found->name) || take_name(name, found->tag));
    return found != NULL;
}

static bool name_in_export(const struct open_file *f, const struct image_place *place, struct ref *name, bool *has_name, struct err *e)
{
    const struct export *x = f->export;
    if (!check_choice(x, place, e))
        return false;
    *has_name = place->inside != NULL && place->inside[0] != '@' && take_name(name, place->inside);
    for (size_t i = 0; !*has_name && i < export_n_images(x); i++)
        *has_name = is_meant(x, i, place->inside) && export_image(x, i)->n_names == 1 && take_name(name, export_image(x, i)->names[0]);
    return true;
}

bool image_files_name(const struct image_place *place, struct ref *name, struct err *e)
{
    struct open_file f = { 0 };
    bool has_name = false;
    bool ok = open_file(&f, place, spool, e) && (f.layout != NULL ? name_in_layout(&f, place, name, &has_name, e) : name_in_export(&f, place, name, &has_name, e));
    close_file(&f);
    if (!ok || has_name)
        return ok;
    err_set(e, ERR_REGISTRY, "%s: does not tell one name of the image, expected REPOSITORY:TAG in it or in front of it", SHOWN(place->written));
    return err_hint(e, "HOST/REPOSITORY:TAG=%s; in bundle.yaml reference: HOST/REPOSITORY:TAG and from: %s", place->written, place->written);
}
