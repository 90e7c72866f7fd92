/* The check of one image: what lies beside the index or manifest that its reference names, and, where that is not signed, beside the
 * manifests that are packed. A signature on the index is one on all that it lists, by their digests. Each signature that does not count is
 * told with its reason. */
#include "bundler/image_signatures.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/image_artifacts.h"
#include "format/base64.h"
#include "format/sigstore.h"
#include "format/simple_signing.h"
#include "registry/manifests.h"
#include "sys/start.h"

#include "base/banned.h"

enum { REASONS_BYTES = 4096, REASON_ROOM = 220, REASONS_TOLD = 20 }; /* a registry can have hundreds of signatures that do not count */

struct check {
    const struct registries *registries;
    const struct image_rule *rule;
    const struct application_image *from;
    struct image *image;
    struct image_proof *proof;
    size_t n_rejected;                    /* signatures that do not count */
    struct buf reasons;                   /* why, in one line */
    const struct image_platform *missing; /* the one without a signature, when others have one */
};

/* The layer that is being judged. */
struct candidate {
    const struct image_artifact *artifact;
    size_t at;
    const struct artifact_layer *layer;
};

static void reject(struct check *c, const struct candidate *x, const char *reason)
{
    struct artifact_place place;
    if (++c->n_rejected <= REASONS_TOLD)
        log_info("%s: signature %zu of %s does not count: %s", REF_SHOWN(&c->from->written), x->at + 1,
                 image_artifact_place(&place, x->artifact), reason);
    buf_addf(&c->reasons, "%s%s", c->reasons.len > 0 ? "; " : "", reason);
}

static void accept(struct check *c, const struct candidate *x, const char *key)
{
    struct artifact_place place;
    struct image_proof *p = c->proof;
    log_info("%s is signed by the key %s (%s)", REF_SHOWN(&c->from->written), SHOWN(key), image_artifact_place(&place, x->artifact));
    p->items[p->n++] = (struct image_signature){ .subject = x->artifact->subject,
                                                 .key = key,
                                                 .is_referrer = x->artifact->is_referrer,
                                                 .is_bundle = x->artifact->form == ARTIFACT_BUNDLE };
}

/* ---- one signature ---- */

/* *key is the file of the key that verifies it, or null. */
static bool find_key(const struct check *c, const void *bytes, size_t n, const struct secret *signature, const char **key, struct err *e)
{
    *key = NULL;
    for (size_t i = 0; i < c->rule->n && *key == NULL; i++) {
        enum signature_verdict verdict = SIGNATURE_BAD;
        if (!image_key_verify(c->rule->keys[i].key, bytes, n, signature->bytes, signature->n, &verdict, e))
            return false;
        if (verdict == SIGNATURE_GOOD)
            *key = c->rule->keys[i].name;
    }
    return true;
}

/* What was signed must be this image, and be meant as this one. */
static bool means_image(const struct check *c, const struct candidate *x, const struct simple_signing *p, struct err *why)
{
    struct ref named;
    struct err ignored = { 0 };
    struct image_rule_name expected;
    if (!digest_equal(&p->digest, &x->artifact->subject))
        return err_set(why, ERR_TRUST, "is for %s, another image", DIGEST_SHOWN(&p->digest));
    if (p->reference[0] == '\0' || !ref_parse(&named, p->reference, &ignored))
        return err_set(why, ERR_TRUST, "names the repository \"%s\", which is none", SHOWN(p->reference));
    return image_rule_accepts_name(c->rule, c->from, &named, &expected) ||
           err_set(why, ERR_TRUST, "was made for %s/%s, expected %s", named.host, named.repository, expected.text);
}

static bool judge_simple(struct check *c, const struct candidate *x, const struct buf *payload, const char **key, struct err *why,
                         struct err *e)
{
    struct simple_signing p;
    AUTO(secret_clear_auto) struct secret signature = { 0 };
    const char *text = x->layer->signature;
    if (text == NULL)
        return err_set(why, ERR_TRUST, "has no signature in its annotations");
    if (!base64_read(&signature, text, strlen(text)))
        return err_set(why, ERR_TRUST, "is not base64");
    if (!find_key(c, buf_text(payload), payload->len, &signature, key, e))
        return false;
    if (*key == NULL)
        return err_set(why, ERR_TRUST, "%s",
                       x->layer->has_certificate ? "was made with a certificate (keyless), not with one of the keys"
                                                 : "is by none of the keys");
    return simple_signing_read(&p, buf_text(payload), payload->len, "payload", why) && means_image(c, x, &p, why);
}

static bool judge_statement(const struct candidate *x, const struct sigstore_bundle *b, struct err *why)
{
    static const char expected[] = "application/vnd.in-toto+json";
    AUTO(statement_clear_auto) struct statement s = { 0 };
    if (!text_is(b->payload_type, expected))
        return err_set(why, ERR_TRUST, "signs %s, expected %s", SHOWN(b->payload_type), expected);
    if (!statement_read(&s, b->payload.bytes, b->payload.n, "statement", why))
        return false;
    if (!text_is(s.predicate_type, SIGSTORE_PREDICATE_SIGNATURE))
        return err_set(why, ERR_TRUST, "is an attestation (%s), which does not vouch for the image", SHOWN(s.predicate_type));
    return statement_names(&s, &x->artifact->subject) || err_set(why, ERR_TRUST, "is for another image");
}

static bool judge_bundle(struct check *c, const struct candidate *x, const struct buf *text, const char **key, struct err *why,
                         struct err *e)
{
    AUTO(sigstore_bundle_clear_auto) struct sigstore_bundle b = { 0 };
    AUTO(buf_clear_auto) struct buf over = BUF_LIMIT(2 * LIMIT_SIGNATURE_BUNDLE_BYTES);
    if (!sigstore_bundle_read(&b, buf_text(text), text->len, "bundle", why))
        return false;
    sigstore_bundle_signed(&b, &over);
    for (size_t i = 0; i < b.n_signatures && *key == NULL; i++)
        if (!find_key(c, buf_text(&over), over.len, &b.signatures[i], key, e))
            return false;
    return *key != NULL ? judge_statement(x, &b, why) : err_set(why, ERR_TRUST, "is by none of the keys");
}

static bool get_blob(struct check *c, const struct oci_descriptor *d, struct buf *out, struct err *e)
{
    bool is_there = false;
    if (!cache_read(c->registries->cache, &d->digest, out, &is_there, e))
        return false;
    if (is_there && out->len == d->size)
        return true;
    buf_reset(out);
    return registry_small_blob(c->registries->registry, &c->image->ref, &d->digest, d->size, out, e) &&
           cache_write(c->registries->cache, &d->digest, buf_text(out), out->len, e);
}

/* Which documents an artifact's layers are, how large, and who judges them. */
static const struct {
    const char *type;
    uint64_t max_bytes;
    bool (*judge)(struct check *c, const struct candidate *x, const struct buf *bytes, const char **key, struct err *why, struct err *e);
} kinds[N_ARTIFACT_FORMS] = {
    [ARTIFACT_SIMPLE_SIGNING] = { COSIGN_TYPE_PAYLOAD, LIMIT_SIGNED_PAYLOAD_BYTES, judge_simple },
    [ARTIFACT_BUNDLE] = { "application/vnd.dev.sigstore.bundle", LIMIT_SIGNATURE_BUNDLE_BYTES, judge_bundle },
};

/* False with e: trouble. With why: it does not count. */
static bool judge(struct check *c, const struct candidate *x, const char **key, struct err *why, struct err *e)
{
    const struct oci_descriptor *d = &x->layer->descriptor;
    enum artifact_form form = x->artifact->form;
    if (kinds[form].judge == NULL)
        return err_set(why, ERR_TRUST, "is a signature of the kind %s, which this program cannot check", SHOWN(x->artifact->content.type));
    if (!text_starts(d->media_type, kinds[form].type))
        return err_set(why, ERR_TRUST, "is a %s, expected %s", SHOWN(d->media_type), kinds[form].type);
    if (d->size > kinds[form].max_bytes)
        return err_set(why, ERR_TRUST, "signs %llu bytes, at most %llu are read", (unsigned long long)d->size,
                       (unsigned long long)kinds[form].max_bytes);
    AUTO(buf_clear_auto) struct buf bytes = BUF_LIMIT((size_t)d->size);
    return get_blob(c, d, &bytes, e) && kinds[form].judge(c, x, &bytes, key, why, e);
}

/* ---- what lies beside one subject ---- */

static bool judge_artifact(struct check *c, const struct image_artifact *a, bool *is_signed, struct err *e)
{
    if (!image_artifact_is_signature(a))
        return true;
    if (a->trouble != NULL)
        reject(c, &(struct candidate){ .artifact = a }, a->trouble);
    for (size_t i = 0; i < a->content.n_layers && !*is_signed; i++) {
        const struct candidate x = { .artifact = a, .at = i, .layer = &a->content.layers[i] };
        struct err why = { 0 };
        const char *key = NULL;
        if (c->n_rejected == LIMIT_DOCUMENTS_PER_IMAGE) /* more of them would not be packed either, and each is a request */
            return err_set(e, ERR_REGISTRY, "%s: has more than %d signatures that do not count", REF_SHOWN(&c->from->written), LIMIT_DOCUMENTS_PER_IMAGE);
        *is_signed = start_check(e) && judge(c, &x, &key, &why, e);
        if (*is_signed)
            accept(c, &x, key);
        else if (e->code != ERR_NONE)
            return err_in(e, "signatures of %s", REF_SHOWN(&c->from->written));
        else
            reject(c, &x, why.msg);
    }
    return true;
}

static bool check_subject(struct check *c, const struct digest *subject, bool *is_signed, struct err *e)
{
    AUTO(image_artifacts_clear_auto) struct image_artifacts found = { 0 };
    *is_signed = false;
    if (!start_check(e) || !image_artifacts_find(c->registries->registry, c->registries->cache, &c->image->ref, subject, &found, e))
        return err_in(e, "signatures of %s", REF_SHOWN(&c->from->written));
    for (size_t i = 0; i < found.n && !*is_signed; i++)
        if (!judge_artifact(c, &found.items[i], is_signed, e))
            return false;
    return image_artifacts_attach(&found, c->registries->is_without_attestations, c->image, e);
}

/* All of them, or the image is not signed. */
static bool check_platforms(struct check *c, bool *is_signed, struct err *e)
{
    *is_signed = c->image->n_indexes > 0;
    for (size_t i = 0; i < c->image->n_platforms && *is_signed; i++) {
        const struct image_platform *p = &c->image->platforms[i];
        if (!check_subject(c, &p->manifest_digest, is_signed, e))
            return false;
        if (!*is_signed && i > 0)
            c->missing = p;
    }
    return true;
}

/* ---- one image ---- */

static bool refuse(const struct check *c, struct err *e)
{
    AUTO(mem_auto) char *keys = image_rule_key_names(c->rule);
    const char *name = REF_SHOWN(&c->from->written);
    const char *digest = DIGEST_SHOWN(image_digest(c->image));
    bool is_index = c->image->n_indexes > 0;
    const char *repository = c->image->ref.repository;
    if (c->missing != NULL)
        err_set(e, ERR_TRUST, "%s (%s): is signed for some platforms only: no signature by %s on the index or on %s (%s)", name, digest,
                keys, DIGEST_SHOWN(&c->missing->manifest_digest), platform_format(&(struct platform_text){ { 0 } }, &c->missing->platform));
    else if (c->n_rejected == 0)
        err_set(e, ERR_TRUST, "%s (%s): is not signed: no tag sha256-%s.sig and no referrer that is a signature%s, expected one by %s",
                name, digest, DIGEST_HEX(image_digest(c->image)), is_index ? ", and none for its manifests" : "", keys);
    if (c->missing != NULL || c->n_rejected == 0)
        return err_hint(e, "cosign sign --key cosign.key %s/%s@%s", c->image->ref.host, repository, digest);
    err_set(e, ERR_TRUST, "%s (%s): not signed by %s: %zu signature%s in its tag .sig and its referrers%s, none counts: %.*s", name, digest,
            keys, c->n_rejected, text_s(c->n_rejected), is_index ? " and those of its manifests" : "", REASON_ROOM, buf_text(&c->reasons));
    return err_hint(e, "is it the public key of who signs %s/%s? A copy of an image of another repository needs signed_as: in verify:",
                    c->image->ref.host, repository);
}

static bool check_image(struct check *c, struct err *e)
{
    bool is_signed = false;
    if (c->from->place.kind != PLACE_REGISTRY) {
        err_set(e, ERR_TRUST, "%s: comes from %s, where no signatures are looked for, expected one by %s", REF_SHOWN(&c->from->written),
                c->from->place.written != NULL ? SHOWN(c->from->place.written) : "this machine", SHOWN(c->rule->keys[0].name));
        return err_hint(e, "take it from a registry, or leave it out of verify: and --cosign-key");
    }
    return check_subject(c, image_digest(c->image), &is_signed, e) && (is_signed || check_platforms(c, &is_signed, e)) &&
           (is_signed || refuse(c, e));
}

bool image_signatures_check(const struct registries *r, const struct image_rules *rules, const struct application *app,
                            struct image *images, struct image_proof **proofs, struct err *e)
{
    bool ok = true;
    *proofs = mem_new_array(app->n_images, sizeof **proofs);
    for (size_t i = 0; i < app->n_images && ok; i++) {
        struct check c = {
            .registries = r, .from = &app->images[i], .image = &images[i], .proof = &(*proofs)[i], .reasons = BUF_LIMIT(REASONS_BYTES)
        };
        c.rule = image_rules_for(rules, c.from);
        if (c.rule == NULL)
            continue;
        c.proof->items = mem_new_array(images[i].n_platforms + 1, sizeof *c.proof->items);
        ok = check_image(&c, e);
        buf_clear(&c.reasons);
    }
    return ok;
}

/* ---- what nobody asked to check ---- */

static bool collect(const struct registries *r, const struct application_image *from, struct image *image, struct err *e)
{
    AUTO(image_artifacts_clear_auto) struct image_artifacts found = { 0 };
    if (!start_check(e))
        return false;
    if (image_artifacts_find(r->registry, r->cache, &image->ref, image_digest(image), &found, e))
        return image_artifacts_attach(&found, false, image, e);
    if (e->code != ERR_AUTH) {
        err_in(e, "what lies beside %s", REF_SHOWN(&from->written));
        return err_hint(e, "--attestations skip packs the images alone");
    }
    log_warn("%s: what lies beside it may not be read and does not travel along: %s", REF_SHOWN(&from->written), e->msg);
    *e = (struct err){ 0 };
    return true;
}

bool image_signatures_collect(const struct registries *r, const struct application *app, const struct image_proof *proofs,
                              struct image *images, struct err *e)
{
    for (size_t i = 0; i < app->n_images && !r->is_without_attestations; i++)
        if (app->images[i].place.kind == PLACE_REGISTRY && proofs[i].n == 0 && !collect(r, &app->images[i], &images[i], e))
            return false;
    return true;
}

void image_proofs_clear(struct image_proof *proofs, size_t n)
{
    for (size_t i = 0; i < n && proofs != NULL; i++)
        mem_free(proofs[i].items);
    mem_free(proofs);
}
