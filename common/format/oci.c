/* What OCI and Docker documents are, before anything is read from them: the media types, the kind of a manifest, the
 * compression of a layer, and the choice of a platform. A document whose type, header and shape do not say the same thing is
 * refused: two programs would read two different images from the same signed bytes. */
#include "format/oci.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

static const struct {
    const char *media_type;
    enum oci_kind kind;
} kinds[] = {
    { OCI_TYPE_INDEX, OCI_KIND_INDEX },
    { OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
    { DOCKER_TYPE_LIST, OCI_KIND_INDEX },
    { DOCKER_TYPE_MANIFEST, OCI_KIND_MANIFEST },
};

/* Servers that do not know better send these for everything; they say nothing. */
static const char *const vague[] = { "", "application/json", "application/octet-stream", "text/plain" };

static const char schema1[] = "application/vnd.docker.distribution.manifest.v1";

enum oci_kind oci_kind_of_type(const char *media_type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].media_type, media_type) == 0)
            return kinds[i].kind;
    return OCI_KIND_UNKNOWN;
}

static bool refuse_type(const char *media_type, const char *where, struct err *e)
{
    if (text_starts(media_type, schema1)) {
        err_set(e, ERR_REGISTRY, "%s: %s is a schema 1 manifest, which engines no longer load", where, SHOWN(media_type));
        return err_hint(e, "push the image again with a current engine");
    }
    return err_set(e, ERR_REGISTRY, "%s: %s is not an image manifest or index", where, SHOWN(media_type));
}

/* The type of a Content-Type header without its parameters; empty when it is vague. */
static bool header_type(char out[128], const char *content_type, struct err *e)
{
    out[0] = '\0';
    if (content_type == NULL)
        return true;
    const char *from = content_type + strspn(content_type, " \t");
    size_t n = strcspn(from, "; \t");
    if (n >= 128)
        return err_set(e, ERR_REGISTRY, "Content-Type: %zu bytes, at most 127", n);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] - 'A' + 'a' : from[i]);
    out[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(vague); i++)
        if (strcmp(out, vague[i]) == 0) {
            out[0] = '\0';
            return true;
        }
    return oci_kind_of_type(out) != OCI_KIND_UNKNOWN || refuse_type(out, "Content-Type", e);
}

/* The kind by the lists that a document has; both or none is no kind. */
static bool shape_of(struct jnode root, enum oci_kind *out, struct err *e)
{
    bool has_manifests = jread_has(root, "manifests");
    bool has_layers = jread_has(root, "layers") || jread_has(root, "config");
    if (jread_has(root, "fsLayers"))
        return err_set(e, ERR_REGISTRY, "manifest: schema 1, which engines no longer load");
    if (has_manifests && has_layers)
        return err_set(e, ERR_REGISTRY, "manifest: has both manifests and layers, two readers would see two images");
    if (!has_manifests && !has_layers)
        return err_set(e, ERR_REGISTRY, "manifest: has neither manifests nor layers");
    *out = has_manifests ? OCI_KIND_INDEX : OCI_KIND_MANIFEST;
    return true;
}

static bool agree(const char *header, const char *body, enum oci_kind shape, struct err *e)
{
    if (body[0] != '\0' && oci_kind_of_type(body) == OCI_KIND_UNKNOWN)
        return refuse_type(body, "mediaType", e);
    if (header[0] != '\0' && body[0] != '\0' && strcmp(header, body) != 0)
        return err_set(e, ERR_REGISTRY, "manifest: mediaType is %s, Content-Type is %s", body, header);
    const char *type = body[0] != '\0' ? body : header;
    if (type[0] != '\0' && oci_kind_of_type(type) != shape)
        return err_set(e, ERR_REGISTRY, "manifest: type is %s, content is %s", type, shape == OCI_KIND_INDEX ? "an index" : "a manifest");
    return true;
}

bool oci_kind_of(const char *text, size_t n, const char *content_type, enum oci_kind *out, struct err *e)
{
    char header[128];
    char body[128] = "";
    enum oci_kind shape = OCI_KIND_UNKNOWN;
    *out = OCI_KIND_UNKNOWN;
    if (n > LIMIT_OCI_MANIFEST_BYTES)
        return err_set(e, ERR_REGISTRY, "manifest: %zu bytes, at most %llu", n, (unsigned long long)LIMIT_OCI_MANIFEST_BYTES);
    if (!header_type(header, content_type, e))
        return false;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "manifest", JREAD_OCI, e);
    struct jnode root = jread_root(doc);
    if (doc != NULL && jread_has(root, "mediaType"))
        jread_str(root, "mediaType", body, sizeof body);
    if (!jread_done(doc, e))
        return err_as(e, ERR_REGISTRY);
    if (!shape_of(root, &shape, e) || !agree(header, body, shape, e))
        return false;
    *out = shape;
    return true;
}

bool oci_layer_is_foreign(const char *media_type)
{
    return strstr(media_type, ".nondistributable.") != NULL || strstr(media_type, ".foreign.") != NULL;
}

bool oci_layer_compression(const char *media_type, enum oci_compression *out, struct err *e)
{
    static const struct {
        const char *media_type;
        enum oci_compression compression;
    } layers[] = {
        { OCI_TYPE_LAYER, OCI_RAW },
        { OCI_TYPE_LAYER "+gzip", OCI_GZIP },
        { OCI_TYPE_LAYER "+zstd", OCI_ZSTD },
        { DOCKER_TYPE_LAYER, OCI_RAW },
        { DOCKER_TYPE_LAYER ".gzip", OCI_GZIP },
        { DOCKER_TYPE_LAYER ".zstd", OCI_ZSTD },
        { OCI_TYPE_FOREIGN_LAYER, OCI_RAW },
        { OCI_TYPE_FOREIGN_LAYER "+gzip", OCI_GZIP },
        { OCI_TYPE_FOREIGN_LAYER "+zstd", OCI_ZSTD },
        { DOCKER_TYPE_FOREIGN_LAYER, OCI_RAW },
        { DOCKER_TYPE_FOREIGN_LAYER ".gzip", OCI_GZIP },
    };
    *out = OCI_RAW;
    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        if (strcmp(media_type, layers[i].media_type) == 0) {
            *out = layers[i].compression;
            return true;
        }
    return err_set(e, ERR_REGISTRY, "layer type %s is not known", SHOWN(media_type));
}

/* ---- choosing ---- */

/* From there on how well it suits. */
enum { RANK_NONE, RANK_UNTOLD_MANIFEST, RANK_UNTOLD_INDEX, RANK_TOLD };

static unsigned rank_of(const struct oci_index_entry *x, const struct platform *p)
{
    enum oci_kind kind = oci_kind_of_type(x->descriptor.media_type);
    if (x->is_attestation || kind == OCI_KIND_UNKNOWN)
        return RANK_NONE;
    if (!x->has_platform)
        return kind == OCI_KIND_INDEX ? RANK_UNTOLD_INDEX : RANK_UNTOLD_MANIFEST;
    unsigned suits = platform_suits(&x->platform, p);
    return suits > 0 ? RANK_TOLD + suits : RANK_NONE;
}

static const struct oci_index_entry *refuse_platform(const struct oci_index *x, const struct platform *p, const char *what, struct err *e)
{
    struct platform_text name;
    AUTO(buf_clear_auto) struct buf has = BUF_LIMIT(240);
    for (size_t i = 0; i < x->n; i++) {
        const struct oci_index_entry *entry = &x->entries[i];
        if (!entry->is_attestation && entry->has_platform)
            buf_addf(&has, "%s%s", has.len > 0 ? ", " : "", SHOWN(platform_format(&name, &entry->platform)));
    }
    err_set(e, ERR_REGISTRY, "%s: has no %s, it has: %s%s", what, platform_format(&name, p), has.len > 0 ? buf_text(&has) : "nothing",
            has.over ? ", ..." : "");
    return NULL;
}

static const struct oci_index_entry *refuse_two(const struct oci_index_entry *a, const struct oci_index_entry *b,
                                                const struct platform *p, const char *what, struct err *e)
{
    struct platform_text name;
    err_set(e, ERR_REGISTRY, "%s: has two entries for %s: %s and %s", what, platform_format(&name, p),
            DIGEST_SHOWN(&a->descriptor.digest), DIGEST_SHOWN(&b->descriptor.digest));
    err_hint(e, "name the one that is meant by its digest: IMAGE@sha256:...");
    return NULL;
}

const struct oci_index_entry *oci_index_pick(const struct oci_index *x, const struct platform *p, const char *what, struct err *e)
{
    struct platform want = *p;
    const struct oci_index_entry *best = NULL;
    const struct oci_index_entry *other = NULL; /* as good, but another image */
    unsigned best_rank = RANK_NONE;
    platform_normalise(&want);
    for (size_t i = 0; i < x->n; i++) {
        unsigned rank = rank_of(&x->entries[i], &want);
        if (rank == RANK_NONE || rank < best_rank)
            continue;
        if (rank > best_rank) {
            best = &x->entries[i];
            other = NULL;
            best_rank = rank;
        } else if (!digest_equal(&best->descriptor.digest, &x->entries[i].descriptor.digest)) {
            other = &x->entries[i];
        }
    }
    if (best == NULL)
        return refuse_platform(x, &want, what, e);
    return other == NULL ? best : refuse_two(best, other, &want, what, e);
}

void oci_descriptor_write(struct jwrite *w, const char *key, const char *media_type, const struct digest *d, uint64_t size)
{
    jwrite_object(w, key);
    jwrite_str(w, "mediaType", media_type);
    jwrite_digest(w, "digest", d);
    jwrite_u64(w, "size", size);
    jwrite_end(w);
}
