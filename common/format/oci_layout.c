/* Index and list, key by key. */
#include "format/oci_layout.h"

#include <string.h>

#include "base/limits.h"

#include "base/banned.h"

const char *oci_blob_path(struct oci_path *out, const struct digest *d)
{
    struct digest_text hex;
    memcpy(out->text, OCI_BLOBS_FOLDER, sizeof OCI_BLOBS_FOLDER - 1);
    memcpy(out->text + sizeof OCI_BLOBS_FOLDER - 1, digest_format_hex(&hex, d), 2 * DIGEST_BYTES + 1);
    return out->text;
}

bool oci_manifest_write(const struct oci_descriptor *config, const struct oci_descriptor *layers, size_t n, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_OCI_MANIFEST_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    oci_descriptor_write(w, "config", config->media_type, &config->digest, config->size);
    jwrite_array(w, "layers");
    for (size_t i = 0; i < n; i++)
        oci_descriptor_write(w, NULL, layers[i].media_type, &layers[i].digest, layers[i].size);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "image manifest", e);
}

static void write_names(struct jwrite *w, const struct oci_layout_entry *x)
{
    jwrite_object(w, "annotations");
    if (x->name != NULL)
        jwrite_str(w, "io.containerd.image.name", x->name);
    if (x->ref_name != NULL)
        jwrite_str(w, "org.opencontainers.image.ref.name", x->ref_name);
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

static void write_entry(struct jwrite *w, const struct oci_layout_entry *x)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "mediaType", x->media_type);
    jwrite_digest(w, "digest", &x->digest);
    jwrite_u64(w, "size", x->size);
    if (x->name != NULL || x->ref_name != NULL)
        write_names(w, x);
    if (x->platform != NULL)
        write_platform(w, x->platform);
    jwrite_end(w);
}

bool oci_layout_write_index(const struct oci_layout_entry *list, size_t n, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_LAYOUT_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_INDEX);
    jwrite_array(w, "manifests");
    for (size_t i = 0; i < n; i++)
        write_entry(w, &list[i]);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, OCI_INDEX_MEMBER, e);
}

static void write_docker(struct jwrite *w, const struct docker_entry *x)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "Config", OCI_BLOB_PATH(&x->config));
    jwrite_array(w, "RepoTags");
    if (x->name != NULL)
        jwrite_str(w, NULL, x->name);
    jwrite_end(w);
    jwrite_array(w, "Layers");
    for (size_t k = 0; k < x->n_layers; k++)
        jwrite_str(w, NULL, OCI_BLOB_PATH(&x->layers[k]));
    jwrite_end(w);
    jwrite_end(w);
}

bool docker_manifest_write(const struct docker_entry *list, size_t n, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_LAYOUT_BYTES);
    jwrite_array(w, NULL);
    for (size_t i = 0; i < n; i++)
        write_docker(w, &list[i]);
    jwrite_end(w);
    return jwrite_done(w, out, DOCKER_MANIFEST_MEMBER, e);
}
