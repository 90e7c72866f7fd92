/* The payload of classic cosign signatures. */
#include "format/simple_signing.h"

#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

static void read_type(struct jnode critical)
{
    static const char *const types[] = { "cosign container image signature", "atomic container signature" };
    char type[64];
    jread_str(critical, "type", type, sizeof type);
    if (!text_is(type, types[0]) && !text_is(type, types[1]))
        jread_fail(critical, "type", "expected \"%s\" or \"%s\", found \"%s\"", types[0], types[1], SHOWN(type));
}

static void read_critical(struct jnode critical, struct simple_signing *out)
{
    struct jnode image = jread_object(critical, "image");
    struct jnode identity = jread_object(critical, "identity");
    read_type(critical);
    jread_digest(image, "docker-manifest-digest", &out->digest);
    jread_str(identity, "docker-reference", out->reference, sizeof out->reference);
    jread_end(image, JREAD_NO_EXTRA);
    jread_end(identity, JREAD_NO_EXTRA);
    jread_end(critical, JREAD_NO_EXTRA);
}

bool simple_signing_read(struct simple_signing *out, const char *text, size_t n, const char *what, struct err *e)
{
    *out = (struct simple_signing){ 0 };
    if (n > LIMIT_SIGNED_PAYLOAD_BYTES)
        return err_set(e, ERR_TRUST, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)LIMIT_SIGNED_PAYLOAD_BYTES);
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    struct jnode root = jread_root(doc);
    read_critical(jread_object(root, "critical"), out);
    jread_skip(root, "optional");
    jread_end(root, JREAD_NO_EXTRA);
    if (jread_done(doc, e))
        return true;
    *out = (struct simple_signing){ 0 };
    return err_as(e, ERR_TRUST);
}
