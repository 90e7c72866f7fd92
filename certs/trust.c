/* The keyring and its verdict. Signatures are unsigned by nature: anybody may add or strip them, so the names they come
 * under only say which key to try first. */
#include "certs/trust.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "certs/keyring.h"
#include "certs/signature.h"

#include "base/banned.h"

enum { HINT_DIGITS = 16, SHOWN_BYTES = TRUST_ROLE_BYTES + TRUST_NAME_BYTES + 24 };

/* ---- the set of keys ---- */

struct keyring *keyring_new(void)
{
    struct keyring *k = mem_new(sizeof *k);
    k->policy.threshold = 1;
    return k;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->n; i++)
        key_public_free(k->keys[i].key);
    mem_free(k->keys);
    mem_free(k->revoked);
    mem_free(k);
}

const char *keyring_shown(char out[SHOWN_BYTES], const struct trust_entry *entry)
{
    snprintf(out, SHOWN_BYTES, "%s/%s (%.*s)", entry->role, entry->name, (int)HINT_DIGITS, DIGEST_HEX(&entry->id));
    return out;
}

bool keyring_may_sign_bundles(const struct trust_entry *entry)
{
    return !text_is(entry->role, TRUST_ROLE_ROOT);
}

bool keyring_add(struct keyring *k, const char *role, const char *name, struct key_public *key, struct err *e)
{
    AUTO(key_public_free_auto) struct key_public *mine = key;
    struct keyring_key added = { .entry = { .type = key_public_type(mine), .id = *key_public_id(mine) } };
    char shown[SHOWN_BYTES];
    if (!text_copy(added.entry.role, sizeof added.entry.role, role) || !text_copy(added.entry.name, sizeof added.entry.name, name))
        return err_set(e, ERR_CONFIG, "%s: name of a trusted key: longer than 64 bytes", SHOWN(name));
    if (k->n >= LIMIT_TRUSTED_KEYS)
        return err_set(e, ERR_CONFIG, "more than %u trusted keys", (unsigned)LIMIT_TRUSTED_KEYS);
    for (size_t i = 0; i < k->n; i++)
        if (digest_equal(&k->keys[i].entry.id, &added.entry.id) && !text_is(k->keys[i].entry.role, role))
            return err_set(e, ERR_CONFIG, "%s/%s: is the key %s, and one key cannot fill two roles", role, name,
                           keyring_shown(shown, &k->keys[i].entry));
    added.key = TAKE(mine);
    MEM_PUSH(k->keys, k->n, k->cap) = added;
    return true;
}

size_t keyring_count(const struct keyring *k)
{
    return k->n;
}

const struct trust_entry *keyring_at(const struct keyring *k, size_t i)
{
    BUG_IF(i >= k->n);
    return &k->keys[i].entry;
}

size_t keyring_revoked_count(const struct keyring *k)
{
    return k->n_revoked;
}

const struct trust_entry *keyring_revoked_at(const struct keyring *k, size_t i)
{
    BUG_IF(i >= k->n_revoked);
    return &k->revoked[i];
}

/* "/a/b/site.pub" -> "site", safe to show. */
static void name_of_file(char out[TRUST_NAME_BYTES], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t n = strlen(base) - (text_ends(base, ".pub") ? 4 : 0);
    snprintf(out, TRUST_NAME_BYTES, "%.64s", SHOWN_N(base, n));
}

static bool add_own(struct keyring *k, const struct key_public *own, struct err *e)
{
    const char *pem = key_public_pem(own);
    struct key_public *copy = key_public_parse(pem, strlen(pem), "own key", e);
    return copy != NULL && keyring_add(k, TRUST_ROLE_RELEASE, "own", copy, e);
}

struct keyring *keyring_from_files(const char *const *paths, size_t n, struct err *e)
{
    return keyring_from_keys(NULL, 0, paths, n, e);
}

struct keyring *keyring_from_keys(const struct key_public *const *own, size_t n_own, const char *const *paths, size_t n, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *k = keyring_new();
    for (size_t i = 0; i < n_own; i++)
        if (!add_own(k, own[i], e))
            return NULL;
    for (size_t i = 0; i < n; i++) {
        char name[TRUST_NAME_BYTES];
        struct key_public *key = key_public_load(paths[i], e);
        name_of_file(name, paths[i]);
        if (key == NULL || !keyring_add(k, TRUST_ROLE_RELEASE, name, key, e))
            return NULL;
    }
    if (k->n == 0) {
        err_set(e, ERR_TRUST, "no trusted key was given");
        err_hint(e, "--trust KEY.pub");
        return NULL;
    }
    return TAKE(k);
}

/* ---- the verdict ---- */

struct document {
    const void *bytes;
    size_t n;
};

/* The 16 digits of "signatures/0123456789abcdef.sig", or "" when the name has another form. */
static void hint_of(char out[HINT_DIGITS + 1], const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;
    uint8_t ignored[HINT_DIGITS / 2];
    out[0] = '\0';
    if (strlen(base) >= HINT_DIGITS && text_unhex(ignored, sizeof ignored, base, HINT_DIGITS)) {
        memcpy(out, base, HINT_DIGITS);
        out[HINT_DIGITS] = '\0';
    }
}

static bool is_hinted(const struct trust_entry *entry, const char *hint)
{
    return hint[0] != '\0' && strncmp(DIGEST_HEX(&entry->id), hint, HINT_DIGITS) == 0;
}

static bool refuse_revoked(const struct trust_entry *entry, struct err *e)
{
    char shown[SHOWN_BYTES];
    snprintf(shown, sizeof shown, "%.*s", (int)HINT_DIGITS, DIGEST_HEX(&entry->id));
    if (entry->name[0] != '\0')
        keyring_shown(shown, entry);
    return err_set(e, ERR_TRUST, "signed by key %s, which is revoked%s%s%s", shown, entry->reason[0] == '\0' ? "" : " (",
                   entry->reason, entry->reason[0] == '\0' ? "" : ")");
}

static void note_unknown(struct verdict *out, const char *hint)
{
    memcpy(out->unknown[out->n_unknown++], hint, HINT_DIGITS + 1);
}

/* A signature by this key has verified. It counts once, whatever number of names the key has. */
static bool count_key(struct verdict *out, const struct trust_entry *entry, const char *hint, struct err *e)
{
    if (entry->is_revoked)
        return refuse_revoked(entry, e);
    if (!keyring_may_sign_bundles(entry)) {
        note_unknown(out, hint);
        return true;
    }
    for (size_t i = 0; i < out->n_keys; i++)
        if (digest_equal(&out->keys[i].id, &entry->id))
            return true;
    struct verdict_key *key = &out->keys[out->n_keys++];
    memcpy(key->role, entry->role, sizeof key->role);
    memcpy(key->name, entry->name, sizeof key->name);
    key->id = entry->id;
    return true;
}

/* The first key that verifies, among those that the hint names or among all; null when there is none. */
static bool find_signer(const struct keyring *k, const struct document *d, const struct signature_found *s, const char *hint,
                        const struct trust_entry **signer, size_t *n_tried, struct err *e)
{
    *signer = NULL;
    *n_tried = 0;
    for (size_t i = 0; i < k->n && *signer == NULL; i++) {
        enum signature_verdict verdict = SIGNATURE_BAD;
        if (hint != NULL && !is_hinted(&k->keys[i].entry, hint))
            continue;
        ++*n_tried;
        if (!signature_verify(k->keys[i].key, d->bytes, d->n, s->bytes, s->n, &verdict, e))
            return false;
        if (verdict == SIGNATURE_GOOD)
            *signer = &k->keys[i].entry;
    }
    return true;
}

static bool refuse_invalid(const struct keyring *k, const char *hint, struct err *e)
{
    char shown[SHOWN_BYTES];
    for (size_t i = 0; i < k->n; i++)
        if (is_hinted(&k->keys[i].entry, hint)) {
            err_set(e, ERR_TRUST, "signature by %s is invalid", keyring_shown(shown, &k->keys[i].entry));
            return err_hint(e, "the bundle or its signature was changed: get it again from who made it");
        }
    return err_set(e, ERR_INTERNAL, "no key has the hint %s", hint);
}

static bool judge_one(const struct keyring *k, const struct document *d, const struct signature_found *s, struct verdict *out,
                      struct err *e)
{
    char hint[HINT_DIGITS + 1];
    const struct trust_entry *signer;
    size_t n_tried;
    hint_of(hint, s->name);
    if (!find_signer(k, d, s, hint, &signer, &n_tried, e))
        return false;
    if (signer == NULL && n_tried > 0)
        return refuse_invalid(k, hint, e);
    for (size_t i = 0; i < k->n_revoked && signer == NULL; i++)
        if (is_hinted(&k->revoked[i], hint))
            return refuse_revoked(&k->revoked[i], e);
    if (signer == NULL && !find_signer(k, d, s, NULL, &signer, &n_tried, e))
        return false;
    if (signer != NULL)
        return count_key(out, signer, hint, e);
    note_unknown(out, hint);
    return true;
}

static bool refuse(const struct keyring *k, const struct verdict *v, size_t n_signatures, struct err *e)
{
    if (n_signatures == 0) {
        err_set(e, ERR_TRUST, "bundle is not signed");
        return err_hint(e, "who made it signs it with: archon-bundle sign BUNDLE --key KEY");
    }
    if (v->n_keys > 0)
        return err_set(e, ERR_TRUST, "signed by %zu of %zu keys that are needed", v->n_keys, k->policy.threshold);
    err_set(e, ERR_TRUST, "signed by unknown key %s, not by one of the %zu trusted here",
            v->n_unknown > 0 && v->unknown[0][0] != '\0' ? v->unknown[0] : "(no id)", k->n);
    return err_hint(e, "when its id was confirmed by other means than the medium it came on: archon-load trust add KEY.pub, or for archon-bundle --trust KEY.pub");
}

bool keyring_judge(const struct keyring *k, const void *bytes, size_t n, const struct signature_found *signatures,
                   size_t n_signatures, struct verdict *out, struct err *e)
{
    enum { REFUSED, ACCEPTED } decision = REFUSED;
    const struct document document = { bytes, n };
    *out = (struct verdict){ .n_keys = 0 };
    if (n_signatures > LIMIT_SIGNATURES)
        return err_set(e, ERR_FORMAT, "%zu signatures, at most %u", n_signatures, (unsigned)LIMIT_SIGNATURES);
    if (!signature_domain_check(SIGNATURE_MANIFEST, bytes, n, e))
        return false;
    for (size_t i = 0; i < n_signatures; i++)
        if (!judge_one(k, &document, &signatures[i], out, e))
            return false;
    if (k->policy.threshold >= 1 && out->n_keys >= k->policy.threshold)
        decision = ACCEPTED;
    return decision == ACCEPTED || refuse(k, out, n_signatures, e);
}
