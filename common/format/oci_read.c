/* The readers of index and manifest. They take what the program needs and tolerate the rest, with one exception: a
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

void oci_part_refuse_lookalikes(struct jnode o, const char *const *known, size_t n_known)
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

void oci_part_optional_str(struct jnode o, const char *key, char *out, size_t size)
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
    oci_part_refuse_lookalikes(o, known, ARRAY_LEN(known));
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
    oci_part_refuse_lookalikes(o, known, ARRAY_LEN(known));
    oci_part_optional_str(o, "os", out->os, sizeof out->os);
    oci_part_optional_str(o, "architecture", out->architecture, sizeof out->architecture);
    oci_part_optional_str(o, "variant", out->variant, sizeof out->variant);
    platform_normalise(out);
}

/* schemaVersion 2, and a mediaType that is one of the two given or not written at all. */
void oci_part_kind(struct jnode root, const char *oci_type, const char *docker_type, char *out, size_t size)
{
    static const char *const known[] = { "schemaVersion", "mediaType", "manifests", "config", "layers", "fsLayers", "artifactType", "subject" };
    uint64_t schema;
    oci_part_refuse_lookalikes(root, known, ARRAY_LEN(known));
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

/* What BuildKit writes beside an attestation: that it is one, and of which manifest. */
static bool says_attestation(struct jnode entry, struct oci_index_entry *out)
{
    char type[64] = "";
    if (!jread_has(entry, "annotations"))
        return false;
    struct jnode notes = jread_object(entry, "annotations");
    if (jread_has(notes, "vnd.docker.reference.type"))
        jread_str(notes, "vnd.docker.reference.type", type, sizeof type);
    if (strcmp(type, "attestation-manifest") != 0)
        return false;
    out->has_subject = jread_has(notes, "vnd.docker.reference.digest");
    if (out->has_subject)
        jread_digest(notes, "vnd.docker.reference.digest", &out->subject);
    return true;
}

static void read_entry(struct jnode o, struct oci_index_entry *out)
{
    oci_part_descriptor(o, LIMIT_OCI_MANIFEST_BYTES, &out->descriptor);
    out->has_platform = jread_has(o, "platform");
    if (out->has_platform)
        read_platform(jread_object(o, "platform"), &out->platform);
    bool is_unknown = strcmp(out->platform.os, "unknown") == 0 && strcmp(out->platform.architecture, "unknown") == 0;
    bool is_said = says_attestation(o, out);
    out->is_attestation = is_unknown || is_said || jread_has(o, "artifactType");
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

/* Things that registries hold beside images, by the type of their config or of themselves. */
static const char *artifact_name(const char *type)
{
    static const struct {
        const char *prefix;
        const char *name;
    } known[] = {
        { "application/vnd.cncf.helm.", "a Helm chart" },
        { "application/vnd.wasm.", "a WebAssembly module" },
        { "application/vnd.module.wasm.", "a WebAssembly module" },
        { "application/vnd.dev.cosign.", "a cosign signature" },
        { "application/vnd.dev.sigstore.", "a Sigstore bundle" },
        { "application/vnd.docker.attestation.", "an attestation" },
        { "application/vnd.in-toto", "an attestation" },
        { "application/vnd.cyclonedx", "an SBOM" },
        { "application/spdx", "an SBOM" },
        { "text/spdx", "an SBOM" },
        { "application/vnd.sylabs.sif.", "a Singularity image" },
        { "application/vnd.docker.plugin.", "a plugin of Docker" },
        { "application/vnd.docker.compose.", "a compose application" },
        { "application/vnd.docker.ai.", "a model" },
        { "application/vnd.cncf.model.", "a model" },
        { "application/vnd.ollama.", "a model" },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (text_starts(type, known[i].prefix))
            return known[i].name;
    return "an artifact";
}

static void refuse_artifact(struct jnode at, const char *key, const char *type)
{
    jread_fail(at, key, "%s is %s, expected a container image", SHOWN(type), artifact_name(type));
}

/* The artifactType says more than the config of an artifact, which is often "empty". */
static void refuse_artifacts(struct jnode root, const struct oci_descriptor *config)
{
    char type[128] = "";
    if (jread_has(root, "artifactType"))
        jread_str(root, "artifactType", type, sizeof type);
    bool is_image = strcmp(config->media_type, OCI_TYPE_CONFIG) == 0 || strcmp(config->media_type, DOCKER_TYPE_CONFIG) == 0;
    if (type[0] != '\0' && strcmp(type, OCI_TYPE_CONFIG) != 0)
        refuse_artifact(root, "artifactType", type);
    else if (!is_image)
        refuse_artifact(jread_object(root, "config"), "mediaType", config->media_type);
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
    oci_part_descriptor(jread_object(root, "config"), LIMIT_OCI_CONFIG_BYTES, &out->config);
    refuse_artifacts(root, &out->config);
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
