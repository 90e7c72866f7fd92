/* OCI image-spec and Docker schema 2 documents: media types, strict readers of index, manifest and config, and the writing of descriptors.
 * All readers take the exact bytes; the caller has hashed them. Ambiguous documents are refused: manifests and layers both, a
 * mediaType that contradicts the shape, one of our keys in other letters (which Go would read instead). ERR_REGISTRY for
 * content that is not usable, "<what>: path: ..."; what was read is then empty and needs no _clear. */
#ifndef FORMAT_OCI_H
#define FORMAT_OCI_H

#include "format/digest.h"
#include "format/jwrite.h"
#include "format/platform.h"

#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_TYPE_FOREIGN_LAYER "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_TYPE_FOREIGN_LAYER "application/vnd.docker.image.rootfs.foreign.diff.tar"
#define DOCKER_TYPE_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_TYPE_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_TYPE_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_TYPE_LAYER "application/vnd.docker.image.rootfs.diff.tar"

enum oci_kind { OCI_KIND_UNKNOWN, OCI_KIND_INDEX, OCI_KIND_MANIFEST };
enum oci_compression { OCI_RAW, OCI_GZIP, OCI_ZSTD };

struct oci_descriptor {
    char media_type[128];
    struct digest digest;
    uint64_t size;
    bool has_urls; /* foreign layer */
};

struct oci_index_entry {
    struct oci_descriptor descriptor;
    struct platform platform;
    bool has_platform;
    bool is_attestation; /* unknown/unknown, or vnd.docker.reference.type: attestation-manifest, or artifactType */
    bool has_subject;    /* an attestation that names the manifest it speaks of (vnd.docker.reference.digest) */
    struct digest subject;
};
struct oci_index {
    size_t n;
    struct oci_index_entry *entries;
};
struct oci_manifest {
    char media_type[128];
    struct oci_descriptor config;
    size_t n_layers;
    struct oci_descriptor *layers;
};
struct oci_config {
    struct platform platform;
    bool has_variant; /* it is written, not filled in */
    char created[64]; /* RFC 3339 as written, may be empty */
    size_t n_diff_ids;
    struct digest *diff_ids;
};

/* Kind of a manifest document by its bytes and, where given, its Content-Type (parameters ignored; application/json,
 * text/plain and octet-stream say nothing; null when there is none). A contradiction, schema 1 and unknown types are
 * ERR_REGISTRY, and *out is OCI_KIND_UNKNOWN only then. */
MUST_CHECK bool oci_kind_of(const char *text, size_t n, const char *content_type, enum oci_kind *out, struct err *e);

/* An index or Docker manifest list; at most LIMIT_INDEX_ENTRIES entries, sizes 1 to LIMIT_OCI_MANIFEST_BYTES. */
MUST_CHECK bool oci_index_read(struct oci_index *out, const char *text, size_t n, const char *what, struct err *e);
/* An image manifest with a container image config; media_type is the OCI one where none is written. Layers may be of any
 * type (oci_layer_compression judges), sizes 1 to LIMIT_BLOB_BYTES. */
MUST_CHECK bool oci_manifest_read(struct oci_manifest *out, const char *text, size_t n, const char *what, struct err *e);
/* An image config; the platform is normalised. */
MUST_CHECK bool oci_config_read(struct oci_config *out, const char *text, size_t n, const char *what, struct err *e);
void oci_index_clear(struct oci_index *x);
void oci_manifest_clear(struct oci_manifest *x);
void oci_config_clear(struct oci_config *x);

/* What a config may not ask of an engine, whoever runs it: labels that containerd obeys (containerd.io/..., io.cri-containerd...), a volume on /, a user number that wraps
 * around to root. odd_volume: the first volume that hides a folder of the system, which is strange but harmless; else empty. */
MUST_CHECK bool oci_config_judge(const char *text, size_t n, const char *what, char odd_volume[128], struct err *e);

/* The kind that a media type names, without regard to the content. */
enum oci_kind oci_kind_of_type(const char *media_type);

/* Of a type that says that its owner does not want the layer to be passed on (foreign, nondistributable). */
bool oci_layer_is_foreign(const char *media_type);
/* Compression that a layer media type promises; unknown types are ERR_REGISTRY with their name. */
MUST_CHECK bool oci_layer_compression(const char *media_type, enum oci_compression *out, struct err *e);

/* The entry for a platform: exact variant first, then the nearest that runs there too (platform_suits), then a nested index whose platform is not given, then
 * a manifest whose platform is not given (its config will tell). Attestations and artifacts are passed over. Two different
 * images of the same rank are refused. Borrows: from x. Null and ERR_REGISTRY "<what>: has no linux/arm64, it has: ..." */
const struct oci_index_entry *oci_index_pick(const struct oci_index *x, const struct platform *p, const char *what, struct err *e);

/* Writes what a document says of a blob: an object with type, digest and size, under the key (null inside a list). */
void oci_descriptor_write(struct jwrite *w, const char *key, const char *media_type, const struct digest *d, uint64_t size);

#endif
