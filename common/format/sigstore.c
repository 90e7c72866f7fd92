/* Sigstore bundles and in-toto statements. The readers tolerate what they do not need: both formats promise to grow. */
#include "format/sigstore.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/base64.h"
#include "format/jread.h"

#include "base/banned.h"

/* ---- bundle ---- */

static void read_version(struct jnode root)
{
    static const char *const types[] = { SIGSTORE_TYPE_BUNDLE, "application/vnd.dev.sigstore.bundle+json;version=0.3",
                                         "application/vnd.dev.sigstore.bundle+json;version=0.2",
                                         "application/vnd.dev.sigstore.bundle+json;version=0.1" };
    char type[128];
    jread_str(root, "mediaType", type, sizeof type);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (text_is(type, types[i]))
            return;
    jread_fail(root, "mediaType", "%s is not a Sigstore bundle of the versions 0.1 to 0.3", SHOWN(type));
}

static void read_base64(struct jnode o, const char *key, size_t max_bytes, struct secret *out)
{
    AUTO(mem_auto) char *text = jread_text(o, key, max_bytes);
    if (!base64_read(out, text, __builtin_strlen(text)))
        jread_fail(o, key, "is not base64");
}

static void read_envelope(struct jnode envelope, struct sigstore_bundle *out)
{
    struct jnode signatures;
    jread_str(envelope, "payloadType", out->payload_type, sizeof out->payload_type);
    read_base64(envelope, "payload", LIMIT_SIGNATURE_BUNDLE_BYTES, &out->payload);
    size_t n = jread_array(envelope, "signatures", LIMIT_DSSE_SIGNATURES, &signatures);
    out->signatures = mem_new_array(n > 0 ? n : 1, sizeof *out->signatures);
    for (; out->n_signatures < n; out->n_signatures++)
        read_base64(jread_item(signatures, out->n_signatures), "sig", LIMIT_IMAGE_SIGNATURE_TEXT, &out->signatures[out->n_signatures]);
}

static void read_content(struct jnode root, struct sigstore_bundle *out)
{
    if (jread_has(root, "messageSignature"))
        jread_fail(root, "messageSignature", "signs bytes and does not say what they are, expected dsseEnvelope");
    else
        read_envelope(jread_object(root, "dsseEnvelope"), out);
}

bool sigstore_bundle_read(struct sigstore_bundle *out, const char *text, size_t n, const char *what, struct err *e)
{
    *out = (struct sigstore_bundle){ 0 };
    if (n > LIMIT_SIGNATURE_BUNDLE_BYTES)
        return err_set(e, ERR_TRUST, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)LIMIT_SIGNATURE_BUNDLE_BYTES);
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    struct jnode root = jread_root(doc);
    read_version(root);
    read_content(root, out);
    if (jread_done(doc, e))
        return true;
    sigstore_bundle_clear(out);
    return err_as(e, ERR_TRUST);
}

void sigstore_bundle_clear(struct sigstore_bundle *b)
{
    secret_clear(&b->payload);
    for (size_t i = 0; i < b->n_signatures; i++)
        secret_clear(&b->signatures[i]);
    mem_free(b->signatures);
    *b = (struct sigstore_bundle){ 0 };
}

void sigstore_bundle_clear_auto(struct sigstore_bundle *b)
{
    sigstore_bundle_clear(b);
}

void sigstore_bundle_signed(const struct sigstore_bundle *b, struct buf *out)
{
    buf_addf(out, "DSSEv1 %zu %s %zu ", __builtin_strlen(b->payload_type), b->payload_type, b->payload.n);
    buf_add(out, b->payload.bytes, b->payload.n);
}

/* ---- statement ---- */

static void read_statement_type(struct jnode root)
{
    static const char *const types[] = { "https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1" };
    char type[128];
    jread_str(root, "_type", type, sizeof type);
    if (!text_is(type, types[0]) && !text_is(type, types[1]))
        jread_fail(root, "_type", "expected %s, found \"%s\"", types[0], SHOWN(type));
}

static void read_subject(struct jnode subject, struct statement *out)
{
    struct jnode digests = jread_object(subject, "digest");
    if (jread_has(digests, "sha256"))
        jread_digest_hex(digests, "sha256", &out->subjects[out->n_subjects++]);
}

bool statement_read(struct statement *out, const char *text, size_t n, const char *what, struct err *e)
{
    struct jnode subjects;
    *out = (struct statement){ 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    struct jnode root = jread_root(doc);
    read_statement_type(root);
    jread_str(root, "predicateType", out->predicate_type, sizeof out->predicate_type);
    size_t n_subjects = jread_array(root, "subject", LIMIT_STATEMENT_SUBJECTS, &subjects);
    out->subjects = mem_new_array(n_subjects > 0 ? n_subjects : 1, sizeof *out->subjects);
    for (size_t i = 0; i < n_subjects; i++)
        read_subject(jread_item(subjects, i), out);
    if (jread_done(doc, e))
        return true;
    statement_clear(out);
    return err_as(e, ERR_TRUST);
}

void statement_clear(struct statement *s)
{
    mem_free(s->subjects);
    *s = (struct statement){ 0 };
}

void statement_clear_auto(struct statement *s)
{
    statement_clear(s);
}

bool statement_names(const struct statement *s, const struct digest *subject)
{
    for (size_t i = 0; i < s->n_subjects; i++)
        if (digest_equal(&s->subjects[i], subject))
            return true;
    return false;
}
