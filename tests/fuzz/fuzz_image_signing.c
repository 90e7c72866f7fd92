/* The readers of signature payloads, Sigstore bundles, statements and the manifests and lists that hold them, over arbitrary bytes. */
#include <stdlib.h>
#include <string.h>

#include "format/artifact.h"
#include "format/sigstore.h"
#include "format/simple_signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void run_payload(const char *text, size_t n)
{
    struct err e = { 0 };
    struct simple_signing p;
    bool ok = simple_signing_read(&p, text, n, "fuzz", &e);
    must(ok == (e.code == ERR_NONE));
    must(ok ? n <= LIMIT_SIGNED_PAYLOAD_BYTES && strlen(p.reference) < sizeof p.reference : e.code == ERR_TRUST && p.reference[0] == '\0');
}

static void run_bundle(const char *text, size_t n)
{
    struct err e = { 0 };
    AUTO(sigstore_bundle_clear_auto) struct sigstore_bundle b = { 0 };
    bool ok = sigstore_bundle_read(&b, text, n, "fuzz", &e);
    must(ok ? b.n_signatures <= LIMIT_DSSE_SIGNATURES : e.code == ERR_TRUST && b.signatures == NULL);
    if (!ok)
        return;
    AUTO(buf_clear_auto) struct buf over = BUF_LIMIT(2 * LIMIT_SIGNATURE_BUNDLE_BYTES);
    sigstore_bundle_signed(&b, &over);
    must(!over.over && over.len >= b.payload.n);
}

static void run_statement(const char *text, size_t n)
{
    struct err e = { 0 };
    AUTO(statement_clear_auto) struct statement s = { 0 };
    must(statement_read(&s, text, n, "fuzz", &e) ? s.n_subjects <= LIMIT_STATEMENT_SUBJECTS : e.code == ERR_TRUST && s.subjects == NULL);
}

static void run_manifests(const char *text, size_t n)
{
    struct err e = { 0 };
    AUTO(artifact_clear_auto) struct artifact a = { 0 };
    must(artifact_read(&a, text, n, "fuzz", &e) ? a.n_layers <= LIMIT_ARTIFACT_LAYERS : e.code != ERR_NONE && a.layers == NULL);
    struct err f = { 0 };
    AUTO(referrers_clear_auto) struct referrers r = { 0 };
    must((referrers_read(&r, text, n, "fuzz", &f) || f.code != ERR_NONE) && r.n <= LIMIT_REFERRERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    run_payload(text, n);
    run_bundle(text, n);
    run_statement(text, n);
    run_manifests(text, n);
    return 0;
}
