/* What a cosign signature of the classic form signs: a small JSON document ("simple signing", containers-signature(5)) that names the
 * digest of a manifest or index and the repository that the signer meant. */
#ifndef FORMAT_SIMPLE_SIGNING_H
#define FORMAT_SIMPLE_SIGNING_H

#include "base/limits.h"
#include "format/digest.h"

#define COSIGN_TYPE_PAYLOAD "application/vnd.dev.cosign.simplesigning.v1+json"

struct simple_signing {
    struct digest digest;            /* critical.image.docker-manifest-digest */
    char reference[LIMIT_REF_BYTES]; /* critical.identity.docker-reference, as written; may be empty */
};

/* The exact bytes that were signed. Everything below "critical" must be understood and known to us, keys as we write them; "optional" may
 * hold anything. ERR_TRUST "<what>: critical.type: ...". */
MUST_CHECK bool simple_signing_read(struct simple_signing *out, const char *text, size_t n, const char *what, struct err *e);

#endif
