/* bundle.json: how a release is packed (docs/FORMAT.md section 4). A value: read whole, checked whole, then trusted as a type. */
#ifndef BUNDLE_MANIFEST_H
#define BUNDLE_MANIFEST_H

#include "base/buf.h"
#include "bundle/layout.h"
#include "format/digest.h"

struct manifest_member {
    char name[LIMIT_NAME_BYTES + 1];
    uint64_t size;
    uint64_t raw_offset; /* of its tar header, 0 = the first byte after the header region; in a manifest that was read */
    bool is_executable;
    bool has_sha256; /* all but data members */
    struct digest sha256;
};

/* A form in which a registry had the layer. */
struct manifest_blob {
    struct digest digest;
    char media_type[256];
    uint64_t size;
};

struct manifest_layer {
    struct digest diff_id;
    uint64_t size; /* of the tar; 0 in an exact bundle, which does not say it (manifest_layer_bytes) */
    size_t n_blobs;
    struct manifest_blob *blobs;
};

/* A layer of the base release of a delta that recipes read from: source k is base_layers[k-1]. */
struct manifest_base_layer {
    struct digest diff_id;
    uint64_t size; /* of the tar */
};

enum manifest_mode {
    MANIFEST_DEDUP, /* equal pieces of all layers once, and recipes */
    MANIFEST_EXACT, /* blobs as registries had them, in an OCI layout */
};

struct manifest {
    char name[64];
    char version[LIMIT_VERSION_BYTES + 1];
    struct digest release_sha256;
    int64_t created; /* unix seconds */
    size_t n_platforms;
    char (*platforms)[65];
    enum manifest_mode mode;
    uint32_t average; /* dedup */
    uint64_t header_len;
    uint64_t total_len;
    uint64_t n_chunks;
    uint64_t raw_len;
    struct digest chunks_sha256;
    size_t n_members;
    struct manifest_member *members;
    size_t n_layers;
    struct manifest_layer *layers;
    uint32_t *members_by_name; /* indexes in order, for finding; in a manifest that was read */
    uint32_t *layers_by_id;
    bool has_base;         /* a delta */
    bool has_base_release; /* the layers are those of this release; else of a host's inventory */
    struct digest base_release_sha256;
    char base_version[LIMIT_VERSION_BYTES + 1]; /* of that release; its name is that of this one */
    size_t n_base_layers;
    struct manifest_base_layer *base_layers;
    uint32_t *base_by_id; /* indexes in order, for finding; in a manifest that was read */
    char builder_program[65];
    char builder_version[129];
};

/* Reads and checks everything that can be checked without the chunk table. ERR_FORMAT. m is cleared by the caller in any case. */
MUST_CHECK bool manifest_read(struct manifest *m, const void *text, size_t n, struct err *e);

/* True unless the text says that it is a manifest of another version of the format: ERR_FORMAT with the loader as a hint. Looks at the first bytes only, so that it
 * may be asked before anything is authenticated: a newer bundle may be signed in a way that this program does not know. */
MUST_CHECK bool manifest_check_version(const void *bytes, size_t n, struct err *e);

/* The canonical text, with final newline. The same values give the same bytes. */
MUST_CHECK bool manifest_write(const struct manifest *m, struct buf *out, struct err *e);

void manifest_clear(struct manifest *m);
void manifest_clear_auto(struct manifest *m);

/* Index of a member by name, of a layer by its diff_id, or SIZE_MAX. */
size_t manifest_find_member(const struct manifest *m, const char *name);
size_t manifest_find_layer(const struct manifest *m, const struct digest *diff_id);
/* Index in base_layers, or SIZE_MAX. A layer of the release that is there is not in the bundle at all. */
size_t manifest_find_base_layer(const struct manifest *m, const struct digest *diff_id);
/* Fills in what makes finding fast, and raw offsets; manifest_read has done it. */
void manifest_sort(struct manifest *m);
bool manifest_is_data(const struct manifest_member *member);
bool manifest_is_blob(const struct manifest_member *member);
/* How large layer i is: its tar; in an exact bundle its first blob. */
uint64_t manifest_layer_bytes(const struct manifest *m, size_t i);
/* "dedup", "exact". */
const char *manifest_mode_text(enum manifest_mode mode);

/* The base of a delta for people: "release 1.3.0 (sha256:...)", "4 layers that a host's inventory has". Returns text->text. */
struct manifest_base_text {
    char text[LIMIT_VERSION_BYTES + 128];
};
const char *manifest_base_text(struct manifest_base_text *text, const struct manifest *m);

/* An upper bound of the text's length. */
uint64_t manifest_bound(size_t n_members, size_t n_layers, size_t n_blobs, size_t n_platforms, size_t n_base_layers);

#endif
