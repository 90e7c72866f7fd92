/* verify: whose signatures images must carry. A prefix is made one text ("registry.example/shop", whole components, no slash at the end),
 * so that two entries for the same place are seen as such. */
#include <string.h>

#include "app/definition_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct entry {
    char *prefix;
    char *signed_as;
    struct texts keys;
};

static void entry_clear(struct entry *x)
{
    mem_free(x->prefix);
    mem_free(x->signed_as);
    texts_clear(&x->keys);
}

/* ---- prefixes ---- */

/* "registry.example" or "registry.example/shop", with the names that Docker uses for it; null when it is no beginning of a repository's
 * full name. */
static char *normalise(const char *text)
{
    struct err ignored = { 0 };
    struct ref host, whole;
    size_t n = strlen(text);
    n -= n > 0 && text[n - 1] == '/';
    AUTO(mem_auto) char *plain = mem_text_n(text, n);
    size_t host_n = strcspn(plain, "/");
    const char *path = plain[host_n] == '/' ? plain + host_n + 1 : NULL;
    AUTO(mem_auto) char *only_host = mem_text_n(plain, host_n);
    AUTO(mem_auto) char *in_host = mem_format("%s/a/b", only_host);
    if (n == 0 || !ref_parse(&host, in_host, &ignored) || !text_is(host.repository, "a/b")) /* else it is a folder of Docker Hub */
        return NULL;
    if (path == NULL)
        return mem_text(host.host);
    AUTO(mem_auto) char *below = mem_format("%s/b", plain);
    AUTO(mem_auto) char *repository = mem_format("%s/b", path);
    if (!ref_parse(&whole, below, &ignored) || !text_is(whole.repository, repository) || whole.has_digest)
        return NULL;
    return mem_format("%s/%s", host.host, path);
}

static void read_prefix(const struct yctx *c, const struct ynode *node, char **prefix, const char *what)
{
    if (*prefix == NULL)
        return;
    char *plain = normalise(*prefix);
    if (plain == NULL) {
        findings_at(c->f, ERR_CONFIG, c->doc, ynode_get(node, what), "%s: \"%s\" is no beginning of a repository's name", what,
                    SHOWN(*prefix));
        findings_hint(c->f, "a registry and whole folders, as in registry.example/ or docker.io/library/");
    }
    yfields_put(prefix, plain);
}

/* ---- entries ---- */

static struct definition_verify *find(struct definition *d, const char *prefix)
{
    for (size_t i = 0; i < d->n_verify; i++)
        if (text_is(d->verify[i].prefix, prefix))
            return &d->verify[i];
    return NULL;
}

static void add_keys(const struct yctx *c, const struct ynode *node, struct definition_verify *to, const struct texts *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        if (texts_have(&to->keys, keys->items[i]))
            findings_at(c->f, ERR_CONFIG, c->doc, node, "cosign: \"%s\" twice for the prefix \"%s\"", keys->items[i], to->prefix);
        else
            texts_add(&to->keys, keys->items[i]);
}

static void add_entry(const struct yctx *c, const struct ynode *node, struct definition *d, struct entry *x)
{
    struct definition_verify *to = find(d, x->prefix);
    if (to == NULL) {
        MEM_PUSH(d->verify, d->n_verify, d->cap_verify) = (struct definition_verify){ .prefix = x->prefix, .signed_as = x->signed_as };
        x->prefix = NULL;
        x->signed_as = NULL;
        to = &d->verify[d->n_verify - 1];
    } else if (!text_is(to->signed_as, x->signed_as)) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "verify: entries for the prefix \"%s\" with different signed_as", to->prefix);
    }
    add_keys(c, node, to, &x->keys);
}

static void read_entry(const struct yctx *c, const struct ynode *node, struct definition *d)
{
    static const struct yfield fields[] = {
        { "prefix", YFIELD_TEXT, offsetof(struct entry, prefix), NULL },
        { "cosign", YFIELD_PATHS, offsetof(struct entry, keys), NULL },
        { "signed_as", YFIELD_TEXT, offsetof(struct entry, signed_as), NULL },
    };
    struct entry x = { 0 };
    if (yfields_read(c, node, "an entry of verify", fields, ARRAY_LEN(fields), &x)) {
        if (ynode_get(node, "prefix") == NULL || ynode_get(node, "cosign") == NULL)
            findings_at(c->f, ERR_CONFIG, c->doc, node, "verify: expected a prefix and cosign, a file with a public key");
        else if (x.keys.n == 0)
            findings_at(c->f, ERR_CONFIG, c->doc, node, "cosign: expected at least one file with a public key");
        read_prefix(c, node, &x.prefix, "prefix");
        read_prefix(c, node, &x.signed_as, "signed_as");
        if (x.prefix != NULL)
            add_entry(c, node, d, &x);
    }
    entry_clear(&x);
}

void definition_read_verify(const struct yctx *c, const struct ynode *node, void *into)
{
    if (node->kind != YNODE_LIST || node->n == 0 || node->n > LIMIT_IMAGE_KEYS) {
        findings_at(c->f, ERR_CONFIG, c->doc, node, "verify: expected a list of 1 to %d entries", LIMIT_IMAGE_KEYS);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_entry(c, node->items[i], into);
}

/* ---- use ---- */

bool definition_verify_covers(const struct definition_verify *v, const struct ref *ref)
{
    AUTO(mem_auto) char *name = mem_format("%s/%s", ref->host, ref->repository);
    size_t n = strlen(v->prefix);
    return text_starts(name, v->prefix) && (name[n] == '/' || name[n] == '\0');
}

const struct definition_verify *definition_verify_for(const struct definition *d, const struct ref *ref)
{
    const struct definition_verify *longest = NULL;
    for (size_t i = 0; i < d->n_verify; i++)
        if (definition_verify_covers(&d->verify[i], ref) && (longest == NULL || strlen(d->verify[i].prefix) > strlen(longest->prefix)))
            longest = &d->verify[i];
    return longest;
}
