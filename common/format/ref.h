/* Image references, exactly Docker's grammar (distribution/reference): default registry docker.io, default repository prefix
 * library/, default tag latest; NAME:TAG@DIGEST allowed. */
#ifndef FORMAT_REF_H
#define FORMAT_REF_H

#include "base/limits.h"
#include "format/digest.h"

struct ref {
    char host[256];       /* "docker.io", "registry.example:5000", "127.0.0.1:5000" */
    char repository[256]; /* "library/nginx" */
    char tag[129];        /* empty only when there is a digest and no tag was written */
    bool has_digest;
    struct digest digest;
};

/* Fails with ERR_USAGE "reference "x": reason" (and *out is empty). Digests other than sha256 and 64 hex digits alone are
 * refused; index.docker.io becomes docker.io. */
MUST_CHECK bool ref_parse(struct ref *out, const char *text, struct err *e);

struct ref_text {
    char text[LIMIT_REF_BYTES * 2];
};
/* Fully qualified: docker.io/library/nginx:1.25[@sha256:...]; ref_format_tag leaves the digest out (":latest" when no tag). */
const char *ref_format(struct ref_text *out, const struct ref *r);
const char *ref_format_tag(struct ref_text *out, const struct ref *r);
#define REF_SHOWN(r) ref_format(&(struct ref_text){ { 0 } }, (r))

/* Same host, repository, tag and digest, as they are written. */
bool ref_equal(const struct ref *a, const struct ref *b);

#endif
