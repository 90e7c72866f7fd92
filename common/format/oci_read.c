/* The readers of index, manifest and config. They take what the program needs and tolerate the rest, with one exception: a
 * key that is one of ours in other letters ("Layers", "layer\u017f"). Engines written in Go match keys without regard to
 * case, and would read that one instead of ours. */
#include "format/oci.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/oci_parts.h"

#include "base/banned.h"

static bool is_ascii(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s >= 0x80)
            return false;
    return true;
}

static void refuse_lookalikes(struct jnode o, const char *const *known, size_t n_known)
{
    for (size_t i = 0, n = jread_members(o); i < n; i++) {
        const char *key = jread_member_key(o, i);
        if (!is_ascii(key))
            jread_fail(o, NULL, "key \"%s\" is not ASCII", SHOWN(key));
        for (size_t k = 0; k < n_known; k++)
            if (strcasecmp(key, known[k]) == 0 && strcmp(key, known[k]) != 0)
                jread_fail(o, NULL, "key \"%s\", expected \"%s\"", SHOWN(key), known[k]);
    }
}

struct jread *oci_part_open(const char *text, size_t n, uint64_t max, const char *what, struct err *e)
{
    struct jread *doc = NULL;
    if (n > max)
        err_set(e, ERR_REGISTRY, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)max);
    else
        doc = jread_open(text, n, what, JREAD_OCI, e);
    return doc;
}

static void optional_str(struct jnode o, const char *key, char *out, size_t size)
{
    out[0] = '\0';
    if (jread_has(o, key))
        jread_str(o, key, out, size);
}

/* Media types go into our own documents and messages. */
static void read_media_type(struct jnode o, char *out, size_t size)
{
    jread_str(o, "mediaType", out, size);
    for (const char *p = out; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7F) {
            jread_fail(o, "mediaType", "\"%s\" is not a media type", SHOWN(out));
            out[0] = '\0';
            return;
        }
}

void oci_part_descriptor(struct jnode o, uint64_t max_size, struct oci_descriptor *out)
{
    static const char *const known[] = { "mediaType", "digest", "size", "urls", "platform", "annotations", "artifactType", "data" };
    *out = (struct oci_descriptor){ 0 };
    refuse_lookalikes(o, known, ARRAY_LEN(known));
    read_media_type(o, out->media_type, sizeof out->media_type);
    jread_digest(o, "digest", &out->digest);
    jread_u64(o, "size", max_size, &out->size);
    if (out->size == 0)
        jread_fail(o, "size", "0, expected at least one byte");
    struct jnode urls;
    if (jread_has(o, "urls"))
        out->has_urls = jread_array(o, "urls", LIMIT_INDEX_ENTRIES, &urls) > 0;
}

static void read_platform(struct jnode o, struct platform *out)
{
    static const char *const known[] = { "os", "architecture", "variant" };
    refuse_lookalikes(o, known, ARRAY_LEN(known));
    optional_str(o, "os", out->os, sizeof out->os);
    optional_str(o, "architecture", out->architecture, sizeof out->architecture);
    optional_str(o, "variant", out->variant, sizeof out->variant);
    platform_normalise(out);
}

/* schemaVersion 2, and a mediaType that is one of the two given or not written at all. */
void oci_part_kind(struct jnode root, const char *oci_type, const char *docker_type, char *out, size_t size)
{
    static const char *const known[] = { "schemaVersion", "mediaType", "manifests", "config", "layers", "fsLayers", "artifactType", "subject" };
    uint64_t schema;
    refuse_lookalikes(root, known, ARRAY_LEN(known));
    jread_u64(root, "schemaVersion", LIMIT_JSON_NUMBER, &schema);
    if (schema != 2)
        jread_fail(root, "schemaVersion", "expected 2, found %llu", (unsigned long long)schema);
    if (jread_has(root, "mediaType"))
        read_media_type(root, out, size);
    else
        BUG_IF(!text_copy(out, size, oci_type));
    if (strcmp(out, oci_type) != 0 && strcmp(out, docker_type) != 0)
        jread_fail(root, "mediaType", "expected %s or %s, found %s", oci_type, docker_type, SHOWN(out));
}

static void refuse_keys(struct jnode root, const char *const *keys, size_t n, const char *kind)
{
    for (size_t i = 0; i < n; i++)
        if (jread_has(root, keys[i]))
            jread_fail(root, keys[i], "has no place in %s, two readers would see two images", kind);
}

/* ---- index ---- */

static bool says_attestation(struct jnode entry)
{
    char type[64] = "";
    if (!jread_has(entry, "annotations"))
        return false;
    struct jnode notes = jread_object(entry, "annotations");
    for (size_t i = 0, n = jread_members(notes); i < n; i++)
        if (strcmp(jread_member_key(notes, i), "vnd.docker.reference.type") == 0)
            optional_str(notes, "vnd.docker.reference.type", type, sizeof type);
    return strcmp(type, "attestation-manifest") == 0;
}

static void read_entry(struct jnode o, struct oci_index_entry *out)
{
    oci_part_descriptor(o, LIMIT_OCI_MANIFEST_BYTES, &out->descriptor);
    out->has_platform = jread_has(o, "platform");
    if (out->has_platform)
        read_platform(jread_object(o, "platform"), &out->platform);
    bool is_unknown = strcmp(out->platform.os, "unknown") == 0 && strcmp(out->platform.architecture, "unknown") == 0;
    out->is_attestation = is_unknown || jread_has(o, "artifactType") || says_attestation(o);
}

bool oci_index_read(struct oci_index *out, const char *text, size_t n, const char *what, struct err *e)
{
    static const char *const foreign[] = { "config", "layers", "fsLayers" };
    char type[128];
    struct jnode entries;
    *out = (struct oci_index){ 0 };
    AUTO(jread_free_auto) struct jread *doc = oci_part_open(text, n, LIMIT_OCI_MANIFEST_BYTES, what, e);
    struct jnode root = jread_root(doc);
    oci_part_kind(root, OCI_TYPE_INDEX, DOCKER_TYPE_LIST, type, sizeof type);
    refuse_keys(root, foreign, ARRAY_LEN(foreign), "an index");
    out->n = jread_array(root, "manifests", LIMIT_INDEX_ENTRIES, &entries);
    out->entries = mem_new_array(out->n, sizeof *out->entries);
    for (size_t i = 0; i < out->n; i++)
        read_entry(jread_item(entries, i), &out->entries[i]);
    if (jread_done(doc, e))
        return true;
    oci_index_clear(out);
    return err_as(e, ERR_REGISTRY);
}

void oci_index_clear(struct oci_index *x)
{
    mem_free(x->entries);
    *x = (struct oci_index){ 0 };
}

/* ---- manifest ---- */

static void read_config_descriptor(struct jnode root, struct oci_descriptor *out)
{
    struct jnode config = jread_object(root, "config");
    oci_part_descriptor(config, LIMIT_OCI_CONFIG_BYTES, out);
    if (strcmp(out->media_type, OCI_TYPE_CONFIG) != 0 && strcmp(out->media_type, DOCKER_TYPE_CONFIG) != 0)
        jread_fail(config, "mediaType", "%s is not a container image", SHOWN(out->media_type));
}

bool oci_manifest_read(struct oci_manifest *out, const char *text, size_t n, const char *what, struct err *e)
{
    static const char *const foreign[] = { "manifests", "fsLayers" };
    struct jnode layers;
    *out = (struct oci_manifest){ 0 };
    AUTO(jread_free_auto) struct jread *doc = oci_part_open(text, n, LIMIT_OCI_MANIFEST_BYTES, what, e);
    struct jnode root = jread_root(doc);
    oci_part_kind(root, OCI_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST, out->media_type, sizeof out->media_type);
    refuse_keys(root, foreign, ARRAY_LEN(foreign), "a manifest");
    read_config_descriptor(root, &out->config);
    out->n_layers = jread_array(root, "layers", LIMIT_LAYERS_PER_IMAGE, &layers);
    out->layers = mem_new_array(out->n_layers, sizeof *out->layers);
    for (size_t i = 0; i < out->n_layers; i++)
        oci_part_descriptor(jread_item(layers, i), LIMIT_BLOB_BYTES, &out->layers[i]);
    if (jread_done(doc, e))
        return true;
    oci_manifest_clear(out);
    return err_as(e, ERR_REGISTRY);
}

void oci_manifest_clear(struct oci_manifest *x)
{
    mem_free(x->layers);
    *x = (struct oci_manifest){ 0 };
}

/* ---- config ---- */

static void read_rootfs(struct jnode o, struct oci_config *out)
{
    static const char *const known[] = { "type", "diff_ids" };
    char type[32];
    struct jnode ids;
    refuse_lookalikes(o, known, ARRAY_LEN(known));
    jread_str(o, "type", type, sizeof type);
    if (strcmp(type, "layers") != 0)
        jread_fail(o, "type", "expected \"layers\", found \"%s\"", SHOWN(type));
    if (!jread_has(o, "diff_ids") && jread_is_null(o, "diff_ids"))
        return; /* what Go writes for an image without layers */
    out->n_diff_ids = jread_array(o, "diff_ids", LIMIT_LAYERS_PER_IMAGE, &ids);
    out->diff_ids = mem_new_array(out->n_diff_ids, sizeof *out->diff_ids);
    for (size_t i = 0; i < out->n_diff_ids; i++)
        jread_item_digest(ids, i, &out->diff_ids[i]);
}

bool oci_config_read(struct oci_config *out, const char *text, size_t n, const char *what, struct err *e)
{
    static const char *const known[] = { "os", "architecture", "variant", "created", "rootfs", "config", "history" };
    *out = (struct oci_config){ 0 };
    AUTO(jread_free_auto) struct jread *doc = oci_part_open(text, n, LIMIT_OCI_CONFIG_BYTES, what, e);
    struct jnode root = jread_root(doc);
    refuse_lookalikes(root, known, ARRAY_LEN(known));
    jread_str(root, "os", out->platform.os, sizeof out->platform.os);
    jread_str(root, "architecture", out->platform.architecture, sizeof out->platform.architecture);
    optional_str(root, "variant", out->platform.variant, sizeof out->platform.variant);
    platform_normalise(&out->platform);
    optional_str(root, "created", out->created, sizeof out->created);
    read_rootfs(jread_object(root, "rootfs"), out);
    if (jread_done(doc, e))
        return true;
    oci_config_clear(out);
    return err_as(e, ERR_REGISTRY);
}

void oci_config_clear(struct oci_config *x)
{
    mem_free(x->diff_ids);
    *x = (struct oci_config){ 0 };
}
