/* What registries keep beside images: signatures, attestations and other artifacts, each an OCI manifest whose layers are documents; and
 * the lists of them that the referrers API gives. */
#ifndef FORMAT_ARTIFACT_H
#define FORMAT_ARTIFACT_H

#include "base/limits.h"
#include "format/oci.h"

struct artifact_layer {
    struct oci_descriptor descriptor;
    char *signature;      /* annotation dev.cosignproject.cosign/signature, or null */
    bool has_certificate; /* annotation dev.sigstore.cosign/certificate: made without a key that could be known before */
};
struct artifact {
    char type[128];           /* artifactType, else the config's media type */
    char predicate_type[256]; /* annotation dev.sigstore.bundle.predicateType; may be empty */
    struct oci_descriptor config;
    size_t n_layers;
    struct artifact_layer *layers;
};
/* The exact bytes of a manifest, with any kind of config; at most LIMIT_ARTIFACT_LAYERS layers. ERR_REGISTRY. */
MUST_CHECK bool artifact_read(struct artifact *out, const char *text, size_t n, const char *what, struct err *e);
void artifact_clear(struct artifact *a);
void artifact_clear_auto(struct artifact *a);

struct referrer {
    struct oci_descriptor descriptor;
    char type[128]; /* artifactType; may be empty */
};
struct referrers {
    size_t n, cap;
    struct referrer *items;
};
/* Appends the entries of an index, those of one digest once; more than LIMIT_REFERRERS together are ERR_REGISTRY. */
MUST_CHECK bool referrers_read(struct referrers *out, const char *text, size_t n, const char *what, struct err *e);
void referrers_clear(struct referrers *r);
void referrers_clear_auto(struct referrers *r);

#endif
