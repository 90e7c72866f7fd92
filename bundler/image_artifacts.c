/* Signatures and attestations beside images: where cosign and the referrers API keep them. */
#include "bundler/image_artifacts.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/attached.h"
#include "format/sigstore.h"
#include "registry/manifests.h"
#include "sys/start.h"

#include "base/banned.h"

/* By the beginning of the artifact's type. Other referrers (charts, models, indexes for lazy loading) say nothing of who made the image. */
static const struct {
    const char *type;
    enum artifact_form form;
} forms[] = {
    { "application/vnd.dev.cosign.artifact.sig.v1+json", ARTIFACT_SIMPLE_SIGNING },
    { "application/vnd.dev.sigstore.bundle", ARTIFACT_BUNDLE },
    { "application/vnd.cncf.notary.signature", ARTIFACT_UNKNOWN },
    { "application/vnd.in-toto+json", ARTIFACT_ATTESTATION },
    { "application/vnd.dsse.envelope.v1+json", ARTIFACT_ATTESTATION },
    { "application/vnd.dev.cosign.artifact.att.v1+json", ARTIFACT_ATTESTATION },
    { "application/vnd.dev.cosign.artifact.sbom.v1+json", ARTIFACT_ATTESTATION },
    { "application/vnd.cyclonedx", ARTIFACT_ATTESTATION },
    { "application/spdx", ARTIFACT_ATTESTATION },
};

static bool form_of(const char *type, enum artifact_form *out)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (text_starts(type, forms[i].type)) {
            *out = forms[i].form;
            return true;
        }
    return false;
}

struct search {
    struct registry *registry;
    struct cache *cache;
    const struct ref *ref;
    const struct digest *subject;
    struct image_artifacts *out;
};

static bool is_known(const struct search *s, const struct digest *manifest)
{
    for (size_t i = 0; i < s->out->n; i++)
        if (digest_equal(&s->out->items[i].manifest.digest, manifest))
            return true;
    return false;
}

/* Reads the manifest; a failure is trouble of the artifact alone. */
static void read_content(struct image_artifact *a, const struct registry_document *d)
{
    struct err e = { 0 };
    struct artifact_place place;
    if (d->kind == OCI_KIND_MANIFEST && artifact_read(&a->content, buf_text(&d->bytes), d->bytes.len, "manifest", &e))
        return;
    if (d->kind != OCI_KIND_MANIFEST)
        err_set(&e, ERR_REGISTRY, "%s: is an index, expected a manifest", image_artifact_place(&place, a));
    a->trouble = mem_text(e.msg);
}

static struct image_artifact *add(struct search *s, const struct registry_document *d, bool is_referrer)
{
    struct image_artifact a = { .subject = *s->subject, .is_referrer = is_referrer };
    a.manifest = (struct oci_descriptor){ .digest = d->digest, .size = d->bytes.len };
    BUG_IF(!text_copy(a.manifest.media_type, sizeof a.manifest.media_type, OCI_TYPE_MANIFEST));
    read_content(&a, d);
    MEM_PUSH(s->out->items, s->out->n, s->out->cap) = a;
    return &s->out->items[s->out->n - 1];
}

/* ---- tags ---- */

static bool find_tag(struct search *s, const char *suffix, enum artifact_form form, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    AUTO(mem_auto) char *tag = mem_format("sha256-%s%s", DIGEST_HEX(s->subject), suffix);
    bool is_there = false;
    if (!registry_manifest_find(s->registry, s->ref, tag, &d, &is_there, e))
        return false;
    if (!is_there)
        return true;
    add(s, &d, false)->form = form;
    return cache_write(s->cache, &d.digest, buf_text(&d.bytes), d.bytes.len, e);
}

/* ---- referrers ---- */

static bool get_manifest(struct search *s, const struct digest *digest, struct registry_document *out, struct err *e)
{
    bool is_there = false;
    out->bytes = (struct buf)BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    if (!cache_read(s->cache, digest, &out->bytes, &is_there, e))
        return false;
    out->digest = *digest;
    if (is_there && oci_kind_of(buf_text(&out->bytes), out->bytes.len, NULL, &out->kind, &(struct err){ 0 }))
        return true;
    return registry_manifest(s->registry, s->ref, digest, out, e) &&
           cache_write(s->cache, digest, buf_text(&out->bytes), out->bytes.len, e);
}

/* Lists need not tell the type, and manifests that clients listed themselves (REFERRERS_TAG) may leave it to the list. */
static bool find_referrer(struct search *s, const struct referrer *r, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    enum artifact_form form = ARTIFACT_ATTESTATION;
    bool is_listed = form_of(r->type, &form);
    if ((r->type[0] != '\0' && !is_listed) || is_known(s, &r->descriptor.digest))
        return true;
    if (!start_check(e) || !get_manifest(s, &r->descriptor.digest, &d, e))
        return false;
    struct image_artifact *a = add(s, &d, true);
    a->form = form;
    if (form_of(a->content.type, &a->form) || is_listed || a->trouble != NULL)
        return true;
    artifact_clear(&a->content);
    s->out->n--; /* of no kind of ours after all */
    return true;
}

bool image_artifacts_find(struct registry *r, struct cache *c, const struct ref *ref, const struct digest *subject,
                          struct image_artifacts *out, struct err *e)
{
    struct search s = { r, c, ref, subject, out };
    AUTO(referrers_clear_auto) struct referrers list = { 0 };
    if (!find_tag(&s, ".sig", ARTIFACT_SIMPLE_SIGNING, e) || !find_tag(&s, ".att", ARTIFACT_ATTESTATION, e) ||
        !registry_referrers(r, ref, subject, &list, &out->from, e))
        return false;
    for (size_t i = 0; i < list.n; i++)
        if (!find_referrer(&s, &list.items[i], e))
            return false;
    return true;
}

void image_artifacts_clear(struct image_artifacts *a)
{
    for (size_t i = 0; i < a->n; i++) {
        artifact_clear(&a->items[i].content);
        mem_free(a->items[i].trouble);
    }
    mem_free(a->items);
    *a = (struct image_artifacts){ 0 };
}

void image_artifacts_clear_auto(struct image_artifacts *a)
{
    image_artifacts_clear(a);
}

/* ---- use ---- */

bool image_artifact_is_signature(const struct image_artifact *a)
{
    const char *predicate = a->content.predicate_type;
    bool is_other = predicate[0] != '\0' && !text_is(predicate, SIGSTORE_PREDICATE_SIGNATURE);
    return a->form != ARTIFACT_ATTESTATION && !(a->form == ARTIFACT_BUNDLE && is_other);
}

const char *image_artifact_place(struct artifact_place *out, const struct image_artifact *a)
{
    if (a->is_referrer)
        snprintf(out->text, sizeof out->text, "referrer %s", DIGEST_SHOWN(&a->manifest.digest));
    else
        snprintf(out->text, sizeof out->text, "tag sha256-%s%s", DIGEST_HEX(&a->subject),
                 a->form == ARTIFACT_ATTESTATION ? ".att" : ".sig");
    return out->text;
}

static bool attach(const struct image_artifact *a, struct image *x, struct err *e)
{
    bool is_signature = image_artifact_is_signature(a);
    struct image_document d = { .kind = is_signature ? IMAGE_SIGNATURE : IMAGE_ATTESTATION, .subject = a->subject };
    d.group = attached_next_group(x, d.kind);
    d.descriptor = a->manifest;
    if (!attached_add(x, &d, "manifest", e))
        return false;
    d.descriptor = a->content.config;
    if (!attached_add(x, &d, "config", e))
        return false;
    for (size_t i = 0; i < a->content.n_layers; i++) {
        AUTO(mem_auto) char *part = mem_format("%s-%zu", is_signature ? "payload" : "statement", i);
        d.descriptor = a->content.layers[i].descriptor;
        if (!attached_add(x, &d, part, e))
            return false;
    }
    return true;
}

bool image_artifacts_attach(const struct image_artifacts *a, bool is_without_attestations, struct image *x, struct err *e)
{
    for (size_t i = 0; i < a->n; i++) {
        struct artifact_place place;
        if (is_without_attestations && !image_artifact_is_signature(&a->items[i]))
            continue;
        if (a->items[i].trouble != NULL)
            log_warn("%s: %s does not travel along: %s", REF_SHOWN(&x->ref), image_artifact_place(&place, &a->items[i]),
                     a->items[i].trouble);
        else if (!attach(&a->items[i], x, e))
            return false;
    }
    return true;
}
