/* What is sent: the documents of an image, in an archive that is an OCI layout and Docker's own form at once. Everything that makes an engine act
 * stands at the end. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/load_parts.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { DOCUMENT_MAX = 1024 * 1024 };

bool load_is_named_by_archive(const struct engine *g)
{
    return engine_facts(g)->kind == ENGINE_PODMAN;
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

const struct digest *load_layer_digest(const struct load_layer *l)
{
    return l->media_type == NULL ? &l->diff_id : &l->blob;
}

bool load_make_manifest(const struct load_image *i, struct buf *out, struct err *e)
{
    if (i->manifest != NULL) {
        buf_add(out, i->manifest, i->manifest_bytes);
        return buf_done(out, "image manifest", e);
    }
    struct oci_descriptor config = { .media_type = OCI_TYPE_CONFIG, .digest = i->config_digest, .size = i->config_bytes };
    AUTO(mem_auto) struct oci_descriptor *layers = mem_new_array(i->n_layers, sizeof *layers);
    for (size_t k = 0; k < i->n_layers; k++) {
        const struct load_layer *l = &i->layers[k];
        layers[k] = (struct oci_descriptor){ .digest = *load_layer_digest(l), .size = l->size };
        BUG_IF(!text_copy(layers[k].media_type, sizeof layers[k].media_type, l->media_type == NULL ? OCI_TYPE_LAYER : l->media_type));
    }
    return oci_manifest_write(&config, layers, i->n_layers, out, e);
}

static bool make_index(const struct load_image *i, bool is_named, const struct digest *manifest, size_t manifest_bytes, struct buf *out, struct err *e)
{
    struct ref_text name;
    struct oci_layout_entry x = { .media_type = i->manifest == NULL ? OCI_TYPE_MANIFEST : i->manifest_type, .digest = *manifest, .size = manifest_bytes, .platform = &i->platform };
    if (is_named) {
        x.name = ref_format_tag(&name, &i->name);
        x.ref_name = i->name.tag;
    }
    return oci_layout_write_index(&x, 1, out, e);
}

/* Docker's own list. */
static bool make_docker_manifest(const struct load_image *i, bool is_named, struct buf *out, struct err *e)
{
    struct ref_text name;
    AUTO(mem_auto) struct digest *layers = mem_new_array(i->n_layers, sizeof *layers);
    for (size_t k = 0; k < i->n_layers; k++)
        layers[k] = *load_layer_digest(&i->layers[k]);
    struct docker_entry x = { .config = i->config_digest, .name = is_named ? ref_format_tag(&name, &i->name) : NULL, .n_layers = i->n_layers, .layers = layers };
    return docker_manifest_write(&x, 1, out, e);
}

/* --- the archive -------------------------------------------------------------------------------------------------- */

static struct source *open_layer(void *ctx, struct err *e)
{
    const struct load_layer_at *at = ctx;
    return at->image->layers[at->layer].open(at->image->ctx, at->layer, e);
}

static void add_blobs(struct load_archive *a, const struct load_image *i, const bool *needed, const struct digest *manifest, const struct buf *text)
{
    struct oci_path path;
    archive_list_text(&a->list, oci_blob_path(&path, &i->config_digest), i->config, i->config_bytes);
    archive_list_text(&a->list, oci_blob_path(&path, manifest), text->data, text->len);
    a->layers = mem_new_array(i->n_layers, sizeof *a->layers);
    for (size_t n = 0; n < i->n_layers; n++) {
        if (!needed[n])
            continue;
        a->layers[n] = (struct load_layer_at){ i, n };
        archive_list_stream(&a->list, oci_blob_path(&path, load_layer_digest(&i->layers[n])), i->layers[n].size, open_layer, &a->layers[n]);
    }
}

bool load_archive_make(struct load_archive *a, const struct engine *g, const struct load_image *i, const bool *needed,
                       const struct load_turn *turn, struct err *e)
{
    AUTO(buf_clear_auto) struct buf manifest = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    AUTO(buf_clear_auto) struct buf index = BUF_LIMIT(DOCUMENT_MAX);
    AUTO(buf_clear_auto) struct buf docker = BUF_LIMIT(DOCUMENT_MAX);
    bool is_named = load_is_named_by_archive(g);
    struct digest d;
    if (!load_make_manifest(i, &manifest, e))
        return false;
    sha256_of(&d, manifest.data, manifest.len);
    if (!make_index(i, is_named, &d, manifest.len, &index, e) || !make_docker_manifest(i, is_named, &docker, e))
        return false;
    add_blobs(a, i, needed, &d, &manifest);
    if (turn != NULL)
        archive_list_gate(&a->list, turn->commit, turn->ctx);
    archive_list_text(&a->list, OCI_LAYOUT_MEMBER, OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1);
    archive_list_text(&a->list, OCI_INDEX_MEMBER, index.data, index.len);
    archive_list_text(&a->list, DOCKER_MANIFEST_MEMBER, docker.data, docker.len);
    for (size_t n = 0; n < a->list.n; n++)
        a->bytes += a->list.parts[n].size;
    return true;
}

void load_archive_clear_auto(struct load_archive *a)
{
    archive_list_clear(&a->list);
    mem_free(a->layers);
    *a = (struct load_archive){ 0 };
}
