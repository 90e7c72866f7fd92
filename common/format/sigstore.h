/* Sigstore bundles (the form that cosign writes since version 3) as far as a plain public key is concerned: a DSSE envelope around an
 * in-toto statement. Certificates, transparency-log entries and timestamps in a bundle are not looked at: with a key of our own they prove
 * nothing that we ask for.
 *
 *     sigstore_bundle_read(&b, text, n, what, e)
 *     sigstore_bundle_signed(&b, &signed_bytes)      the bytes that b.signatures are over
 *     statement_read(&s, b.payload.bytes, b.payload.n, what, e), statement_names(&s, digest) */
#ifndef FORMAT_SIGSTORE_H
#define FORMAT_SIGSTORE_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/secret.h"
#include "format/digest.h"

#define SIGSTORE_TYPE_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define SIGSTORE_PREDICATE_SIGNATURE "https://sigstore.dev/cosign/sign/v1"

struct sigstore_bundle {
    char payload_type[128];
    struct secret payload; /* no secret, but what base64.h gives */
    size_t n_signatures;
    struct secret *signatures;
};
/* Bundles of the versions 0.1 to 0.3 with a DSSE envelope; other versions and contents are refused with their name. ERR_TRUST. */
MUST_CHECK bool sigstore_bundle_read(struct sigstore_bundle *out, const char *text, size_t n, const char *what, struct err *e);
void sigstore_bundle_clear(struct sigstore_bundle *b);
void sigstore_bundle_clear_auto(struct sigstore_bundle *b);

/* DSSE's pre-authentication encoding of type and payload, appended to out. */
void sigstore_bundle_signed(const struct sigstore_bundle *b, struct buf *out);

struct statement { /* in-toto, version 0.1 or 1 */
    char predicate_type[256];
    size_t n_subjects;
    struct digest *subjects; /* those that have a SHA-256 */
};
/* ERR_TRUST. */
MUST_CHECK bool statement_read(struct statement *out, const char *text, size_t n, const char *what, struct err *e);
void statement_clear(struct statement *s);
void statement_clear_auto(struct statement *s);
bool statement_names(const struct statement *s, const struct digest *subject);

#endif
