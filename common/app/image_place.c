/* The table of prefixes, and what stands behind each. A path ends at the first colon, as with skopeo. */
#include "app/image_place.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static const struct prefix {
    const char *text;
    enum place_kind kind;
} prefixes[] = {
    { "docker://", PLACE_REGISTRY },       { "docker-daemon:", PLACE_ENGINE },
    { "oci:", PLACE_OCI },                 { "oci-archive:", PLACE_OCI_ARCHIVE },
    { "docker-archive:", PLACE_DOCKER_ARCHIVE },
};

/* Other transports of skopeo, and what to do instead. */
static const struct {
    const char *text, *instead;
} strangers[] = {
    { "dir:", "skopeo copy dir:... oci:DIR:TAG makes a layout of it; docker://dir:TAG is an image of that name" },
    { "containers-storage:", "podman save --format oci-archive -o FILE IMAGE, then oci-archive:FILE" },
    { "ostree:", "skopeo copy ostree:... oci:DIR:TAG makes a layout of it" },
    { "http://", "a registry's image is written HOST/REPOSITORY:TAG" },
    { "https://", "a registry's image is written HOST/REPOSITORY:TAG" },
    { "oci://", "a registry's image is written docker://HOST/REPOSITORY:TAG" },
};

void image_place_clear(struct image_place *p)
{
    mem_free(p->path);
    mem_free(p->inside);
    mem_free(p->written);
    *p = (struct image_place){ 0 };
}

void image_place_clear_auto(struct image_place *p)
{
    image_place_clear(p);
}

static const struct prefix *find_prefix(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (text_starts(text, prefixes[i].text))
            return &prefixes[i];
    return NULL;
}

bool image_place_has_prefix(const char *text)
{
    return find_prefix(text) != NULL;
}

bool image_place_equal(const struct image_place *a, const struct image_place *b)
{
    return a->kind == b->kind && text_is(a->written, b->written);
}

static bool refuse_strangers(const char *text, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
        if (text_starts(text, strangers[i].text)) {
            err_set(e, ERR_USAGE, "image \"%s\": %s is not a place that images are taken from", SHOWN(text), strangers[i].text);
            return err_hint(e, "%s", strangers[i].instead);
        }
    return true;
}

static char *below(const char *folder, const char *path, size_t n)
{
    AUTO(mem_auto) char *own = mem_text_n(path, n);
    return own[0] == '/' || folder == NULL || text_is(folder, ".") ? TAKE(own) : mem_format("%s/%s", folder, own);
}

static bool parse_file(struct image_place *p, const char *rest, const char *folder, struct err *e)
{
    size_t n = strcspn(rest, ":");
    if (n == 0 || strlen(rest) >= LIMIT_PATH_BYTES)
        return err_set(e, ERR_USAGE, "image \"%s\": expected a path of at most %d bytes after the prefix", SHOWN(p->written), LIMIT_PATH_BYTES - 1);
    p->path = below(folder, rest, n);
    if (rest[n] == ':' && rest[n + 1] == '\0')
        return err_set(e, ERR_USAGE, "image \"%s\": nothing stands behind the last colon", SHOWN(p->written));
    p->inside = rest[n] == ':' ? mem_text(rest + n + 1) : NULL;
    return true;
}

static bool parse_ref(struct image_place *p, const char *rest, struct err *e)
{
    p->has_ref = true;
    if (!ref_parse(&p->ref, rest, e))
        return false;
    if (p->kind == PLACE_ENGINE && p->ref.has_digest)
        return err_set(e, ERR_USAGE, "%s: an engine does not know images by the digest of a registry; give name and tag", SHOWN(p->written));
    return true;
}

static bool parse_place(struct image_place *p, const char *text, const char *folder, struct err *e)
{
    const struct prefix *prefix = find_prefix(text);
    p->kind = prefix == NULL ? PLACE_REGISTRY : prefix->kind;
    p->written = mem_text(text);
    const char *rest = prefix == NULL ? text : text + strlen(prefix->text);
    if (prefix == NULL && !refuse_strangers(text, e))
        return false;
    return image_place_is_file(p) ? parse_file(p, rest, folder, e) : parse_ref(p, rest, e);
}

/* An "=" before the prefix ends a name; behind it, it belongs to a path. */
static bool parse_name(struct ref *name, bool *has_name, const char **text, struct err *e)
{
    const char *equals = find_prefix(*text) != NULL ? NULL : strchr(*text, '=');
    *has_name = equals != NULL;
    if (equals == NULL)
        return true;
    AUTO(mem_auto) char *left = mem_text_n(*text, (size_t)(equals - *text));
    *text = equals + 1;
    if (find_prefix(*text) == NULL)
        return refuse_strangers(*text, e) && err_set(e, ERR_USAGE, "image \"%s=%s\": expected docker://, docker-daemon:, oci:, oci-archive: or docker-archive: after the =", SHOWN(left), SHOWN(*text));
    return ref_parse(name, left, e);
}

bool image_place_parse(struct image_place *out, struct ref *name, bool *has_name, const char *text, const char *folder, struct err *e)
{
    AUTO(image_place_clear_auto) struct image_place p = { 0 };
    *out = (struct image_place){ 0 };
    if (!parse_name(name, has_name, &text, e) || !parse_place(&p, text, folder, e))
        return false;
    if (!*has_name && p.has_ref) {
        *name = p.ref;
        *has_name = true;
    }
    *out = p;
    p = (struct image_place){ 0 };
    return true;
}
