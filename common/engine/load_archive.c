/* What is sent: the documents of an image, in an archive that is an OCI layout and Docker's own form at once. Everything that makes an engine act
 * stands at the end. */
#include <string.h>

#include "base/mem.h"
#include "engine/load_parts.h"
#include "format/jwrite.h"
#include "format/oci.h"

#include "base/banned.h"

enum { DOCUMENT_MAX = 1024 * 1024, PATH_BYTES = 96 };

static const char *blob_path(char out[PATH_BYTES], const struct digest *d)
{
    static const char folder[] = "blobs/sha256/";
    struct digest_text hex;
    memcpy(out, folder, sizeof folder - 1);
    memcpy(out + sizeof folder - 1, digest_format_hex(&hex, d), 2 * DIGEST_BYTES + 1);
    return out;
}

bool load_is_named_by_archive(const struct engine *g)
{
    return engine_facts(g)->kind == ENGINE_PODMAN;
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

bool load_make_manifest(const struct load_image *i, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    oci_descriptor_write(w, "config", OCI_TYPE_CONFIG, &i->config_digest, i->config_bytes);
    jwrite_array(w, "layers");
    for (size_t k = 0; k < i->n_layers; k++)
        oci_descriptor_write(w, NULL, OCI_TYPE_LAYER, &i->layers[k].diff_id, i->layers[k].size);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "image manifest", e);
}

static void write_name(struct jwrite *w, const struct ref *name)
{
    struct ref_text text;
    jwrite_object(w, "annotations");
    jwrite_str(w, "io.containerd.image.name", ref_format_tag(&text, name));
    jwrite_str(w, "org.opencontainers.image.ref.name", name->tag);
    jwrite_end(w);
}

static void write_platform(struct jwrite *w, const struct platform *p)
{
    jwrite_object(w, "platform");
    jwrite_str(w, "architecture", p->architecture);
    jwrite_str(w, "os", p->os);
    if (p->variant[0] != '\0')
        jwrite_str(w, "variant", p->variant);
    jwrite_end(w);
}

static bool make_index(const struct load_image *i, bool is_named, const struct digest *manifest, size_t manifest_bytes, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_INDEX);
    jwrite_array(w, "manifests");
    jwrite_object(w, NULL);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    jwrite_digest(w, "digest", manifest);
    jwrite_u64(w, "size", manifest_bytes);
    if (is_named)
        write_name(w, &i->name);
    write_platform(w, &i->platform);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "index.json", e);
}

/* Docker's own list. */
static bool make_docker_manifest(const struct load_image *i, bool is_named, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    struct ref_text name;
    char path[PATH_BYTES];
    jwrite_array(w, NULL);
    jwrite_object(w, NULL);
    jwrite_str(w, "Config", blob_path(path, &i->config_digest));
    jwrite_array(w, "RepoTags");
    if (is_named)
        jwrite_str(w, NULL, ref_format_tag(&name, &i->name));
    jwrite_end(w);
    jwrite_array(w, "Layers");
    for (size_t k = 0; k < i->n_layers; k++)
        jwrite_str(w, NULL, blob_path(path, &i->layers[k].diff_id));
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "manifest.json", e);
}

/* --- the archive -------------------------------------------------------------------------------------------------- */

static struct source *open_layer(void *ctx, struct err *e)
{
    const struct load_layer_at *at = ctx;
    return at->image->layers[at->layer].open(at->image->ctx, at->layer, e);
}

static void add_blobs(struct load_archive *a, const struct load_image *i, const bool *needed, const struct digest *manifest, const struct buf *text)
{
    char path[PATH_BYTES];
    archive_list_text(&a->list, blob_path(path, &i->config_digest), i->config, i->config_bytes);
    archive_list_text(&a->list, blob_path(path, manifest), text->data, text->len);
    a->layers = mem_new_array(i->n_layers, sizeof *a->layers);
    for (size_t n = 0; n < i->n_layers; n++) {
        if (!needed[n])
            continue;
        a->layers[n] = (struct load_layer_at){ i, n };
        archive_list_stream(&a->list, blob_path(path, &i->layers[n].diff_id), i->layers[n].size, open_layer, &a->layers[n]);
    }
}

bool load_archive_make(struct load_archive *a, const struct engine *g, const struct load_image *i, const bool *needed, struct err *e)
{
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    AUTO(buf_clear_auto) struct buf manifest = BUF_LIMIT(DOCUMENT_MAX);
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
    archive_list_text(&a->list, "oci-layout", layout, sizeof layout - 1);
    archive_list_text(&a->list, "index.json", index.data, index.len);
    archive_list_text(&a->list, "manifest.json", docker.data, docker.len);
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
