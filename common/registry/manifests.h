/* The small documents of an image: index, manifest, config. The exact bytes are kept: they are what was signed and hashed. */
#ifndef REGISTRY_MANIFESTS_H
#define REGISTRY_MANIFESTS_H

#include "base/buf.h"
#include "format/oci.h"
#include "format/ref.h"
#include "registry/registry.h"

struct registry_document {
    enum oci_kind kind;     /* OCI_KIND_INDEX or OCI_KIND_MANIFEST */
    struct digest digest;   /* of bytes, computed here */
    struct buf bytes;
    char content_type[128]; /* as the registry said, without parameters; may be empty */
};
void registry_document_clear(struct registry_document *d);
void registry_document_clear_auto(struct registry_document *d);

/* Index or manifest: of digest when it is not null, else of ref's own digest, else of its tag. Bytes that are not those of the digest that was asked
 * for, or of the one that the registry announces, are ERR_INTEGRITY; other types of documents ERR_REGISTRY; see also pull.h for ERR_NET and ERR_AUTH. */
MUST_CHECK bool registry_manifest(struct registry *r, const struct ref *ref, const struct digest *digest, struct registry_document *out,
                                  struct err *e);

/* The index or manifest of a tag in ref's repository that need not be there (*is_there, out empty then). */
MUST_CHECK bool registry_manifest_find(struct registry *r, const struct ref *ref, const char *tag, struct registry_document *out, bool *is_there, struct err *e);

/* A small blob (a config) into out, which must be empty with a limit of at least size. ERR_INTEGRITY for another size or digest. */
MUST_CHECK bool registry_small_blob(struct registry *r, const struct ref *ref, const struct digest *digest, uint64_t size, struct buf *out,
                                    struct err *e);

#endif
