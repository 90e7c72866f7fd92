/* From release.json and the images' own documents to the two lists. */
#include "bundle/exact_layout.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { PLATFORMS_MAX = 64 }; /* docs/RELEASE.md */

struct images { /* of the whole release */
    struct exact_layout *x;
    size_t n_entries, cap_entries; /* one for each image; without an index, for each of its platforms */
    struct oci_layout_entry *entries;
    size_t n_names;
    char **names; /* of the images */
    size_t n_manifests, cap_manifests; /* of the platforms of the current image */
    struct oci_layout_entry *manifests;
    size_t n_docker, cap_docker; /* one for each image and platform */
    struct docker_entry *docker;
};

/* What release.json says of one platform of an image. */
struct described {
    struct platform platform;
    struct digest manifest;
    uint64_t manifest_size;
    char manifest_type[128];
    struct digest config;
    size_t n_diff_ids;
    struct digest *diff_ids;
};

static void forget_manifests(struct images *im)
{
    for (; im->n_manifests > 0; im->n_manifests--) {
        mem_free((void *)(uintptr_t)im->manifests[im->n_manifests - 1].media_type);
        mem_free((void *)(uintptr_t)im->manifests[im->n_manifests - 1].platform);
    }
}

static void images_clear(struct images *im)
{
    for (size_t i = 0; i < im->n_names; i++)
        mem_free(im->names[i]);
    for (size_t i = 0; i < im->n_entries; i++) {
        mem_free((void *)(uintptr_t)im->entries[i].media_type);
        mem_free((void *)(uintptr_t)im->entries[i].platform);
    }
    for (size_t i = 0; i < im->n_docker; i++)
        mem_free((void *)(uintptr_t)im->docker[i].layers);
    mem_free(im->entries);
    forget_manifests(im);
    mem_free(im->manifests);
    mem_free(im->names);
    mem_free(im->docker);
}

/* ---- documents ---- */

static bool has_form(const struct manifest_layer *l, const struct oci_descriptor *blob)
{
    for (size_t i = 0; i < l->n_blobs; i++)
        if (digest_equal(&l->blobs[i].digest, &blob->digest) && l->blobs[i].size == blob->size)
            return true;
    return false;
}

static bool check_layers(const struct manifest *m, const struct described *d, const struct oci_manifest *om, struct err *e)
{
    for (size_t i = 0; m != NULL && i < om->n_layers; i++) {
        size_t at = manifest_find_layer(m, &d->diff_ids[i]);
        if (at == SIZE_MAX || !has_form(&m->layers[at], &om->layers[i]))
            return err_set(e, ERR_FORMAT, "layer %s is not in bundle.json as blob %s", DIGEST_SHOWN(&d->diff_ids[i]), DIGEST_SHOWN(&om->layers[i].digest));
    }
    return true;
}

static bool check_manifest(const struct exact_layout *x, const struct described *d, const struct oci_manifest *om, size_t bytes, struct err *e)
{
    if (bytes != d->manifest_size || !text_is(om->media_type, d->manifest_type) || !digest_equal(&om->config.digest, &d->config) || om->n_layers != d->n_diff_ids)
        return err_set(e, ERR_FORMAT, "is not what release.json says of it");
    return check_layers(x->manifest, d, om, e);
}

static bool add_docker(struct images *im, const struct described *d, const char *name, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    struct oci_manifest om = { 0 };
    bool ok = im->x->read(im->x->ctx, &d->manifest, &text, e) && (oci_manifest_read(&om, buf_text(&text), text.len, "manifest", e) || err_as(e, ERR_FORMAT)) &&
              check_manifest(im->x, d, &om, text.len, e);
    struct digest *layers = mem_new_array(om.n_layers, sizeof *layers);
    for (size_t i = 0; i < om.n_layers; i++)
        layers[i] = om.layers[i].digest;
    MEM_PUSH(im->docker, im->n_docker, im->cap_docker) = (struct docker_entry){ .config = om.config.digest, .name = name, .n_layers = om.n_layers, .layers = layers };
    oci_manifest_clear(&om);
    return ok || err_in(e, "%s", DIGEST_SHOWN(&d->manifest));
}

/* The media type that an index gives itself. */
static bool read_index_type(const struct buf *text, char type[128], struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(text), text->len, "index", JREAD_OCI, e);
    if (doc == NULL)
        return false;
    struct jnode root = jread_root(doc);
    BUG_IF(!text_copy(type, 128, OCI_TYPE_INDEX));
    if (jread_has(root, "mediaType"))
        jread_str(root, "mediaType", type, 128);
    if (oci_kind_of_type(type) != OCI_KIND_INDEX)
        jread_fail(root, "mediaType", "\"%s\" is not that of an index", SHOWN(type));
    return jread_done(doc, e);
}

static bool add_index(struct images *im, const char *name, const struct digest *d, struct err *e)
{
    char type[128];
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (!im->x->read(im->x->ctx, d, &text, e) || !read_index_type(&text, type, e))
        return err_in(e, "%s", DIGEST_SHOWN(d));
    MEM_PUSH(im->entries, im->n_entries, im->cap_entries) =
        (struct oci_layout_entry){ .media_type = mem_text(type), .digest = *d, .size = text.len, .name = name };
    return true;
}

static struct oci_layout_entry entry_of(const struct described *d, const char *name)
{
    return (struct oci_layout_entry){ .media_type = mem_text(d->manifest_type), .digest = d->manifest, .size = d->manifest_size, .name = name,
                                      .platform = mem_copy(&d->platform, sizeof d->platform) };
}

static bool is_of_docker(const struct oci_layout_entry *x)
{
    return text_is(x->media_type, DOCKER_TYPE_LIST) || text_is(x->media_type, DOCKER_TYPE_MANIFEST);
}

static bool make_finder(struct images *im, size_t image, struct oci_layout_entry *entry, struct err *e)
{
    struct exact_layout *x = im->x;
    MEM_PUSH(x->finders, x->n_finders, x->cap_finders) = (struct exact_finder){ .image = image, .bytes = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES) };
    struct exact_finder *f = &x->finders[x->n_finders - 1];
    if (!oci_layout_write_index(im->manifests, im->n_manifests, &f->bytes, e))
        return false;
    sha256_of(&f->digest, f->bytes.data, f->bytes.len);
    *entry = (struct oci_layout_entry){ .media_type = mem_text(OCI_TYPE_INDEX), .digest = f->digest, .size = f->bytes.len, .ref_name = im->names[image] };
    return true;
}

/* The entries from `first` on are those of the image: by which one is it found? The finder stands before them: where names are given one after the other, the image's own entry has the last word. */
static bool give_ref_name(struct images *im, size_t image, size_t first, struct err *e)
{
    struct oci_layout_entry finder;
    if (im->n_names == 1 || first == im->n_entries || !is_of_docker(&im->entries[first])) {
        for (size_t i = first; i < im->n_entries; i++)
            im->entries[i].ref_name = im->names[image];
        return true;
    }
    if (!make_finder(im, image, &finder, e))
        return false;
    MEM_PUSH(im->entries, im->n_entries, im->cap_entries) = finder;
    for (size_t i = im->n_entries - 1; i > first; i--)
        im->entries[i] = im->entries[i - 1];
    im->entries[first] = finder;
    return true;
}

/* ---- release.json ---- */

static void read_platform(struct described *d, struct jnode o)
{
    char text[128];
    struct jnode list;
    struct err bad = { 0 };
    jread_str(o, "platform", text, sizeof text);
    if (!platform_parse(&d->platform, text, &bad))
        jread_fail(o, "platform", "\"%s\" is not a platform", SHOWN(text));
    jread_digest(o, "manifest", &d->manifest);
    jread_u64(o, "manifest_size", LIMIT_OCI_MANIFEST_BYTES, &d->manifest_size);
    jread_str(o, "manifest_type", d->manifest_type, sizeof d->manifest_type);
    jread_digest(o, "config", &d->config);
    d->n_diff_ids = jread_array(o, "diff_ids", LIMIT_LAYERS_PER_IMAGE, &list);
    d->diff_ids = mem_new_array(d->n_diff_ids, sizeof *d->diff_ids);
    for (size_t i = 0; i < d->n_diff_ids; i++)
        jread_item_digest(list, i, &d->diff_ids[i]);
}

/* The first platform has the name in Docker's list, which knows no platforms: the last one to claim it would win. */
static bool add_platform(struct images *im, const char *name, bool is_first, bool has_index, struct jnode o, struct jread *doc, struct err *e)
{
    struct described d = { 0 };
    read_platform(&d, o);
    bool ok = jread_done(doc, e) && add_docker(im, &d, is_first ? name : NULL, e);
    if (ok && !has_index)
        MEM_PUSH(im->entries, im->n_entries, im->cap_entries) = entry_of(&d, name);
    if (ok)
        MEM_PUSH(im->manifests, im->n_manifests, im->cap_manifests) = entry_of(&d, NULL);
    mem_free(d.diff_ids);
    return ok;
}

static bool add_image(struct images *im, size_t image, struct jnode o, struct jread *doc, struct err *e)
{
    struct jnode list;
    const char *name = im->names[image];
    size_t first = im->n_entries;
    forget_manifests(im);
    struct digest index = { { 0 } };
    bool has_index = jread_has(o, "index");
    if (has_index)
        jread_digest(o, "index", &index);
    size_t n = jread_array(o, "platforms", PLATFORMS_MAX, &list);
    if (n == 0)
        jread_fail(o, "platforms", "is empty");
    if (!jread_done(doc, e) || (has_index && !add_index(im, name, &index, e)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_platform(im, name, i == 0, has_index, jread_item(list, i), doc, e))
            return false;
    return give_ref_name(im, image, first, e);
}

static bool add_images(struct images *im, const char *release, size_t n, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(release, n, MEMBER_RELEASE, JREAD_STRICT, e);
    struct jnode list;
    if (doc == NULL)
        return false;
    im->n_names = jread_array(jread_root(doc), "images", LIMIT_IMAGES, &list);
    im->names = mem_new_array(im->n_names, sizeof *im->names);
    for (size_t i = 0; i < im->n_names; i++) {
        struct jnode o = jread_item(list, i);
        im->names[i] = jread_text(o, "reference", LIMIT_REF_BYTES);
        if (!add_image(im, i, o, doc, e))
            return err_in(e, "image %s", SHOWN(im->names[i]));
    }
    return jread_done(doc, e);
}

bool exact_layout_make(struct exact_layout *x, const char *release, size_t n, struct err *e)
{
    struct images im = { .x = x };
    x->index = (struct buf)BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    x->docker = (struct buf)BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    bool ok = add_images(&im, release, n, e) && oci_layout_write_index(im.entries, im.n_entries, &x->index, e) &&
              docker_manifest_write(im.docker, im.n_docker, &x->docker, e);
    images_clear(&im);
    return ok;
}

void exact_layout_clear(struct exact_layout *x)
{
    buf_clear(&x->index);
    buf_clear(&x->docker);
    for (size_t i = 0; i < x->n_finders; i++)
        buf_clear(&x->finders[i].bytes);
    mem_free(x->finders);
    *x = (struct exact_layout){ 0 };
}

void exact_layout_clear_auto(struct exact_layout *x)
{
    exact_layout_clear(x);
}
