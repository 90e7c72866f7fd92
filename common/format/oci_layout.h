/* The documents of an OCI image layout and of Docker's own archive form, which can stand side by side over the same blobs: oci-layout, index.json, manifest.json. Written here,
 * whoever the reader is: an engine that is sent an image, a bundle with --layers=exact, an export. The same values give the same bytes. Format: OCI image-spec, image-layout.md. */
#ifndef FORMAT_OCI_LAYOUT_H
#define FORMAT_OCI_LAYOUT_H

#include "base/buf.h"
#include "format/oci.h"

#define OCI_LAYOUT_MEMBER "oci-layout"
#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define OCI_INDEX_MEMBER "index.json"
#define DOCKER_MANIFEST_MEMBER "manifest.json"
#define OCI_BLOBS_FOLDER "blobs/sha256/"

/* Where a blob lies: "blobs/sha256/<hex>". */
struct oci_path {
    char text[sizeof OCI_BLOBS_FOLDER + 2 * DIGEST_BYTES];
};
const char *oci_blob_path(struct oci_path *out, const struct digest *d);
#define OCI_BLOB_PATH(d) oci_blob_path(&(struct oci_path){ { 0 } }, (d))

/* An image manifest over blobs as they are: nothing else is in it, so that whoever makes one of the same blobs gets the same digest. */
MUST_CHECK bool oci_manifest_write(const struct oci_descriptor *config, const struct oci_descriptor *layers, size_t n, struct buf *out, struct err *e);

/* An entry of index.json. */
struct oci_layout_entry {
    const char *media_type;
    struct digest digest; /* of an image manifest, or of an index */
    uint64_t size;
    const char *name;     /* fully qualified: containerd's name for it; null: none */
    const char *ref_name; /* what skopeo finds it by; null: none */
    const struct platform *platform; /* null: an index */
};
MUST_CHECK bool oci_layout_write_index(const struct oci_layout_entry *list, size_t n, struct buf *out, struct err *e);

/* An entry of manifest.json. */
struct docker_entry {
    struct digest config;
    const char *name; /* null: none */
    size_t n_layers;
    const struct digest *layers; /* of the blobs, from the bottom */
};
MUST_CHECK bool docker_manifest_write(const struct docker_entry *list, size_t n, struct buf *out, struct err *e);

#endif
