/* Layers of a platform are listed in the same way whatever the form; around them each has its own documents. */
#include "forms/form_lists.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/oci_layout.h"

#include "base/banned.h"

#define DIR_VERSION "Directory Transport Version: 1.1\n"
enum { DIR_NAME_MAX = 60 }; /* of the reference's end, so that a digest has room beside it */

/* ---- an OCI layout ---- */

static bool add_blob(struct form_parts *p, const struct oci_descriptor *d, const struct digest *diff_id, struct err *e)
{
    return form_parts_blob(p, OCI_BLOB_PATH(&d->digest), d, diff_id, e);
}

static bool add_layers(struct form_parts *p, const struct form_platform *x, struct err *e)
{
    for (size_t i = 0; i < x->n_layers; i++)
        if (!add_blob(p, &x->layers[i], &x->release->diff_ids[i], e))
            return false;
    return add_blob(p, &x->config, NULL, e);
}

static bool add_platform(struct form_parts *p, const struct form_platform *x, struct err *e)
{
    if (!x->is_original)
        form_parts_text(p, OCI_BLOB_PATH(&x->manifest.digest), buf_text(&x->text), x->text.len);
    return (!x->is_original || add_blob(p, &x->manifest, NULL, e)) && add_layers(p, x, e);
}

/* images/<n>/...: index, attestations, signatures. */
static bool add_documents(struct form_parts *p, const struct form_images *x, const struct form_image *i, struct err *e)
{
    const struct manifest *m = bundle_manifest(x->bundle);
    AUTO(mem_auto) char *folder = mem_format("images/%zu/", i->at);
    for (size_t k = 0; k < m->n_members; k++) {
        struct oci_descriptor d = { .digest = m->members[k].sha256, .size = m->members[k].size };
        if (text_starts(m->members[k].name, folder) && !add_blob(p, &d, NULL, e))
            return false;
    }
    return true;
}

static void describe(struct oci_layout_entry *to, const struct oci_descriptor *d, const struct platform *platform)
{
    to->media_type = d->media_type;
    to->digest = d->digest;
    to->size = d->size;
    to->platform = platform;
}

/* The platforms that were chosen, under an index that is made for them. */
static bool make_index(struct form_parts *p, const struct form_image *i, struct oci_layout_entry *entry, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    AUTO(mem_auto) struct oci_layout_entry *list = mem_new_array(i->n_platforms, sizeof *list);
    for (size_t k = 0; k < i->n_platforms; k++)
        describe(&list[k], &i->platforms[k].manifest, &i->platforms[k].release->platform);
    if (!oci_layout_write_index(list, i->n_platforms, &text, e))
        return false;
    entry->media_type = OCI_TYPE_INDEX;
    entry->size = text.len;
    entry->platform = NULL;
    sha256_of(&entry->digest, buf_text(&text), text.len);
    form_parts_text(p, OCI_BLOB_PATH(&entry->digest), buf_text(&text), text.len);
    return true;
}

/* A document says its type itself, or is of OCI's. */
static const char *index_type(const struct buf *text)
{
    enum oci_kind kind;
    struct err other = { 0 };
    return oci_kind_of(buf_text(text), text->len, OCI_TYPE_INDEX, &kind, &other) ? OCI_TYPE_INDEX : DOCKER_TYPE_LIST;
}

static bool keep_index(const struct form_images *x, const struct form_image *i, struct oci_layout_entry *entry, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    const struct manifest *m = bundle_manifest(x->bundle);
    size_t at = form_find_member(m, &i->release->index);
    if (at == SIZE_MAX)
        return err_set(e, ERR_FORMAT, "index %s is not in the bundle", DIGEST_SHOWN(&i->release->index));
    if (!member_read(bundle_index(x->bundle), x->cache, m->members[at].name, &text, e))
        return false;
    entry->media_type = index_type(&text);
    entry->digest = i->release->index;
    entry->size = text.len;
    return true;
}

static bool add_image(struct form_parts *p, const struct form_images *x, const struct form_image *i, struct oci_layout_entry *entry,
                      struct err *e)
{
    entry->name = i->release->reference;
    for (size_t k = 0; k < i->n_platforms; k++)
        if (!add_platform(p, &i->platforms[k], e))
            return false;
    if (form_image_is_original(i) && !add_documents(p, x, i, e))
        return false;
    if (form_image_is_original(i) && i->release->has_index)
        return keep_index(x, i, entry, e);
    if (i->n_platforms > 1)
        return make_index(p, i, entry, e);
    describe(entry, &i->platforms[0].manifest, &i->platforms[0].release->platform);
    return true;
}

static bool is_of_docker(const struct oci_layout_entry *x)
{
    return text_is(x->media_type, DOCKER_TYPE_LIST) || text_is(x->media_type, DOCKER_TYPE_MANIFEST);
}

/* Older skopeo does not look at Docker's types when it is asked for one of several images by its name: there an index of OCI's type has the
 * name, as in an exact bundle (docs/FORMAT.md section 3.7). */
static bool give_name(struct form_parts *p, const struct form_images *x, size_t i, struct oci_layout_entry *entries, size_t *n,
                      struct err *e)
{
    const char *name = x->items[i].release->reference;
    struct oci_layout_entry own = entries[*n];
    struct oci_layout_entry finder = { .ref_name = name };
    if (x->n == 1 || !is_of_docker(&own)) {
        entries[(*n)++].ref_name = name;
        return true;
    }
    if (!make_index(p, &x->items[i], &finder, e))
        return false;
    entries[(*n)++] = finder;
    entries[(*n)++] = own;
    return true;
}

bool form_list_oci(struct form_parts *p, const struct form_images *x, struct err *e)
{
    size_t n = 0;
    AUTO(buf_clear_auto) struct buf index = BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    AUTO(mem_auto) struct oci_layout_entry *entries = mem_new_array(2 * x->n, sizeof *entries);
    form_parts_text(p, OCI_LAYOUT_MEMBER, OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1);
    for (size_t i = 0; i < x->n; i++)
        if (!add_image(p, x, &x->items[i], &entries[n], e) || !give_name(p, x, i, entries, &n, e))
            return err_in(e, "image %s", x->items[i].release->reference);
    if (!oci_layout_write_index(entries, n, &index, e))
        return false;
    form_parts_text(p, OCI_INDEX_MEMBER, buf_text(&index), index.len);
    return true;
}

/* ---- what docker load reads ---- */

bool form_list_docker(struct form_parts *p, const struct form_images *x, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_LAYOUT_BYTES);
    AUTO(mem_auto) struct docker_entry *list = mem_new_array(x->n, sizeof *list);
    AUTO(mem_auto) struct digest *layers = mem_new_array(x->n * LIMIT_LAYERS_PER_IMAGE, sizeof *layers);
    struct digest *next = layers;
    if (!form_images_need_one_platform(x, "a docker-archive", e))
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct form_platform *platform = &x->items[i].platforms[0];
        list[i] = (struct docker_entry){
            .config = platform->config.digest, .name = x->items[i].release->reference, .n_layers = platform->n_layers, .layers = next
        };
        for (size_t k = 0; k < platform->n_layers; k++)
            *next++ = platform->layers[k].digest;
        if (!add_layers(p, platform, e))
            return err_in(e, "image %s", x->items[i].release->reference);
    }
    if (!docker_manifest_write(list, x->n, &text, e))
        return false;
    form_parts_text(p, DOCKER_MANIFEST_MEMBER, buf_text(&text), text.len);
    return true;
}

/* ---- skopeo's directory ---- */

const char *form_dir_name(struct form_dir_text *out, const struct form_image *i)
{
    const char *slash = strrchr(i->release->reference, '/');
    snprintf(out->text, sizeof out->text, "%zu-%.*s", i->at, DIR_NAME_MAX, slash == NULL ? i->release->reference : slash + 1);
    for (char *c = out->text; *c != '\0'; c++)
        if (*c == ':')
            *c = '-';
    return out->text;
}

/* A blob's name is its digest in hex. */
static bool add_to_dir(struct form_parts *p, const char *folder, const char *name, const struct oci_descriptor *d,
                       const struct digest *diff_id, struct err *e)
{
    AUTO(mem_auto) char *path = mem_format("%s%s", folder, name);
    return form_parts_blob(p, path, d, diff_id, e);
}

static bool add_dir(struct form_parts *p, const char *folder, const struct form_platform *x, struct err *e)
{
    AUTO(mem_auto) char *version = mem_format("%sversion", folder);
    AUTO(mem_auto) char *manifest = mem_format("%s" DOCKER_MANIFEST_MEMBER, folder);
    form_parts_text(p, version, DIR_VERSION, sizeof DIR_VERSION - 1);
    if (!x->is_original)
        form_parts_text(p, manifest, buf_text(&x->text), x->text.len);
    if (x->is_original && !form_parts_blob(p, manifest, &x->manifest, NULL, e))
        return false;
    for (size_t i = 0; i < x->n_layers; i++)
        if (!add_to_dir(p, folder, DIGEST_HEX(&x->layers[i].digest), &x->layers[i], &x->release->diff_ids[i], e))
            return false;
    return add_to_dir(p, folder, DIGEST_HEX(&x->config.digest), &x->config, NULL, e);
}

bool form_list_dir(struct form_parts *p, const struct form_images *x, struct err *e)
{
    struct form_dir_text name;
    if (!form_images_need_one_platform(x, "a directory", e))
        return false;
    for (size_t i = 0; i < x->n; i++) {
        AUTO(mem_auto) char *folder = x->n == 1 ? mem_text("") : mem_format("%s/", form_dir_name(&name, &x->items[i]));
        if (!add_dir(p, folder, &x->items[i].platforms[0], e))
            return err_in(e, "image %s", x->items[i].release->reference);
    }
    return true;
}
