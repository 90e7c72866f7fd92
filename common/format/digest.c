/* SHA-256 behind OpenSSL's EVP interface. Layers are cut into pieces of 4 KiB that are hashed by the hundred thousand, so
 * the algorithm is looked up once: EVP_Digest with a fetched algorithm costs 0.15 us beside the hash, EVP_sha256() 0.36 us
 * and a lock. That pointer is the one thing this module remembers; it is never freed and never changes once it is set. */
#include "format/digest.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static const char prefix[] = "sha256:";

bool digest_parse_hex(struct digest *out, const char *text, const char *what, struct err *e)
{
    size_t n = strlen(text);
    if (text_unhex(out->bytes, DIGEST_BYTES, text, n))
        return true;
    memset(out, 0, sizeof *out);
    if (n != 2 * (size_t)DIGEST_BYTES)
        return err_set(e, ERR_FORMAT, "%s: digest has %zu characters, expected 64 hex digits: \"%s\"", what, n, SHOWN(text));
    return err_set(e, ERR_FORMAT, "%s: digest \"%s\" is not 64 lower-case hex digits", what, SHOWN(text));
}

bool digest_parse(struct digest *out, const char *text, const char *what, struct err *e)
{
    size_t skip = sizeof prefix - 1;
    memset(out, 0, sizeof *out);
    if (text_starts(text, prefix))
        return digest_parse_hex(out, text + skip, what, e);
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        return err_set(e, ERR_FORMAT, "%s: expected sha256: and 64 hex digits, found \"%s\"", what, SHOWN(text));
    return err_set(e, ERR_FORMAT, "%s: digest algorithm \"%s\" is not supported, expected sha256", what,
                   SHOWN_N(text, (size_t)(colon - text)));
}

const char *digest_format(struct digest_text *out, const struct digest *d)
{
    memcpy(out->text, prefix, sizeof prefix);
    text_hex(out->text + sizeof prefix - 1, d->bytes, DIGEST_BYTES);
    return out->text;
}

const char *digest_format_hex(struct digest_text *out, const struct digest *d)
{
    text_hex(out->text, d->bytes, DIGEST_BYTES);
    return out->text;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES);
}

static EVP_MD *sha256_algorithm(void)
{
    static _Atomic(EVP_MD *) known = NULL;
    EVP_MD *md = atomic_load_explicit(&known, memory_order_acquire);
    if (md != NULL)
        return md;
    EVP_MD *fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    BUG_IF(fetched == NULL);
    if (atomic_compare_exchange_strong(&known, &md, fetched))
        return fetched;
    EVP_MD_free(fetched); /* another thread was first */
    return md;
}

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = mem_new(sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    BUG_IF(h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, sha256_algorithm(), NULL) != 1);
    return h;
}

void sha256_add(struct sha256 *h, const void *bytes, size_t n)
{
    BUG_IF(EVP_DigestUpdate(h->ctx, bytes, n) != 1);
}

void sha256_end(struct sha256 *h, struct digest *out)
{
    unsigned n = 0;
    BUG_IF(EVP_DigestFinal_ex(h->ctx, out->bytes, &n) != 1 || n != DIGEST_BYTES);
    BUG_IF(EVP_DigestInit_ex2(h->ctx, NULL, NULL) != 1);
}

void sha256_free(struct sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

void sha256_of(struct digest *out, const void *bytes, size_t n)
{
    unsigned len = 0;
    BUG_IF(EVP_Digest(bytes, n, out->bytes, &len, sha256_algorithm(), NULL) != 1 || len != DIGEST_BYTES);
}
