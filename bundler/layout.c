/* One reader for both shapes: a directory's files are opened beneath it, an archive's are found in its table of contents. */
#include "bundler/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundler/blob_put.h"
#include "format/jread.h"
#include "format/oci_layout.h"
#include "format/ref.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { LAYOUT_FILE_BYTES = 4096, LIST_BYTES = 240 };
static const char tag_key[] = "org.opencontainers.image.ref.name";
static const char name_key[] = "io.containerd.image.name";

struct layout {
    char *what;
    int dir_fd;          /* or -1 and */
    struct tarball *tar;
    struct layout_image *images;
    size_t n;
};

void layout_close(struct layout *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->images[i].tag);
        mem_free(l->images[i].name);
    }
    mem_free(l->images);
    mem_free(l->what);
    fd_auto(&l->dir_fd);
    if (l->tar != NULL)
        tarball_close(l->tar);
    mem_free(l);
}

/* ---- files ---- */

static bool is_missing(const struct layout *l, const char *name, struct err *e)
{
    return err_set(e, ERR_REGISTRY, "%s: has no file %s", l->what, SHOWN(name));
}

static bool read_from_directory(struct layout *l, const char *name, struct buf *out, struct err *e)
{
    struct safe_path path;
    bool is_there = false;
    if (!safe_path_parse(&path, name, l->what, e))
        return false;
    AUTO(fd_auto) int fd = path_open_beneath(l->dir_fd, &path, l->what, &is_there, e);
    if (fd < 0)
        return e->code == ERR_NONE && !is_there ? is_missing(l, name, e) : false;
    AUTO(source_free_auto) struct source *from = source_fd(fd, name);
    AUTO(sink_drop_auto) struct sink *to = sink_buf(out, name);
    return (pump(from, to, e) && sink_finish(to, e)) || err_in(e, "%s", l->what);
}

static bool read_file(struct layout *l, const char *name, struct buf *out, struct err *e)
{
    if (l->tar == NULL)
        return read_from_directory(l, name, out, e);
    const struct tarball_file *file = tarball_find(l->tar, name);
    return file == NULL ? is_missing(l, name, e) : tarball_read(l->tar, file, out, e);
}

bool layout_read(struct layout *l, const struct digest *d, struct buf *out, struct err *e)
{
    struct oci_path name;
    struct digest got;
    if (!read_file(l, oci_blob_path(&name, d), out, e))
        return false;
    sha256_of(&got, buf_text(out), out->len);
    return digest_equal(&got, d) || err_set(e, ERR_INTEGRITY, "%s: %s has digest %s, which is not its name", l->what, name.text, DIGEST_SHOWN(&got));
}

/* ---- index.json ---- */

static bool check_version(struct layout *l, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LAYOUT_FILE_BYTES);
    char version[32] = "";
    if (!read_file(l, OCI_LAYOUT_MEMBER, &text, e)) {
        if (e->code == ERR_REGISTRY)
            err_hint(e, "an OCI layout has oci-layout, index.json and blobs/; docker-archive:FILE is for what docker save wrote");
        return false;
    }
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(&text), text.len, "oci-layout", JREAD_OCI, e);
    jread_str(jread_root(doc), "imageLayoutVersion", version, sizeof version);
    if (!jread_done(doc, e))
        return err_in(e, "%s", l->what);
    return text_is(version, "1.0.0") || err_set(e, ERR_REGISTRY, "%s: is an OCI layout of version \"%s\", expected 1.0.0", l->what, SHOWN(version));
}

static char *read_note(struct jnode notes, const char *key)
{
    return jread_has(notes, key) ? jread_text(notes, key, LIMIT_REF_BYTES) : NULL;
}

/* The strict reader has taken the descriptors; here are the names beside them. */
static void read_names(struct jnode entry, struct layout_image *to)
{
    if (!jread_has(entry, "annotations"))
        return;
    struct jnode notes = jread_object(entry, "annotations");
    to->tag = read_note(notes, tag_key);
    to->name = read_note(notes, name_key);
}

static bool is_image(const struct oci_index_entry *x)
{
    static const char *const types[] = { OCI_TYPE_INDEX, OCI_TYPE_MANIFEST, DOCKER_TYPE_LIST, DOCKER_TYPE_MANIFEST };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (text_is(types[i], x->descriptor.media_type))
            return !x->is_attestation;
    return false;
}

static bool take_entries(struct layout *l, const struct oci_index *index, const struct buf *text, struct err *e)
{
    struct jnode entries;
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(text), text->len, "index.json", JREAD_OCI, e);
    size_t n = jread_array(jread_root(doc), "manifests", LIMIT_INDEX_ENTRIES, &entries);
    l->images = mem_new_array(index->n, sizeof *l->images);
    for (; l->n < n && l->n < index->n; l->n++) {
        l->images[l->n] = (struct layout_image){ .descriptor = index->entries[l->n].descriptor, .is_image = is_image(&index->entries[l->n]) };
        read_names(jread_item(entries, l->n), &l->images[l->n]);
    }
    return jread_done(doc, e);
}

static bool read_index(struct layout *l, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    struct oci_index index = { 0 };
    if (!read_file(l, "index.json", &text, e))
        return false;
    bool ok = oci_index_read(&index, buf_text(&text), text.len, "index.json", e) && take_entries(l, &index, &text, e);
    oci_index_clear(&index);
    return ok || err_in(e, "%s", l->what);
}

/* Documents that cannot be read are the layout's fault, whatever found it. */
static struct layout *open_layout(struct layout *l, struct err *e)
{
    if (check_version(l, e) && read_index(l, e))
        return l;
    if (e->code == ERR_FORMAT)
        err_as(e, ERR_REGISTRY);
    layout_close(l);
    return NULL;
}

struct layout *layout_open_directory(const char *path, struct err *e)
{
    AUTO(layout_close_auto) struct layout *l = mem_new(sizeof *l);
    l->what = mem_text(path);
    l->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir_fd >= 0)
        return open_layout(TAKE(l), e);
    if (errno == ENOTDIR) {
        err_set(e, ERR_IO, "%s: is not a directory, expected an OCI layout", SHOWN(path));
        err_hint(e, "oci-archive:FILE and docker-archive:FILE are for archives");
    } else {
        file_fail(e, errno, "open", path);
        err_hint(e, "oci:DIR is a directory on this machine; docker://oci:TAG is a registry's image of that name");
    }
    return NULL;
}

struct layout *layout_open_archive(struct tarball *tar, struct err *e)
{
    AUTO(layout_close_auto) struct layout *l = mem_new(sizeof *l);
    l->dir_fd = -1;
    l->tar = tar;
    if (tar == NULL)
        return NULL;
    l->what = mem_text(tarball_what(tar));
    return open_layout(TAKE(l), e);
}

/* ---- finding ---- */

static bool is_called(const struct layout_image *x, const char *inside, const struct ref *want)
{
    const char *const names[] = { x->tag, x->name };
    if (text_is(DIGEST_SHOWN(&x->descriptor.digest), inside))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err ignored = { 0 };
        struct ref ref;
        if (names[i] != NULL && (text_is(names[i], inside) || (want != NULL && ref_parse(&ref, names[i], &ignored) && ref_equal(&ref, want))))
            return true;
    }
    return false;
}

static const struct layout_image *refuse(const struct layout *l, const char *inside, bool is_found, struct err *e)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(LIST_BYTES);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct layout_image *x = &l->images[i];
        if (!x->is_image)
            continue;
        const char *name = x->tag == NULL || (is_found && inside != NULL) ? DIGEST_SHOWN(&x->descriptor.digest) : x->tag;
        buf_addf(&list, "%s%s", n++ > 0 ? ", " : "", SHOWN(name));
    }
    if (inside == NULL && n == 0)
        err_set(e, ERR_REGISTRY, "%s: has no image", l->what);
    else if (inside == NULL)
        err_set(e, ERR_REGISTRY, "%s: has %zu images, expected one, or a tag that says which: %s%s", l->what, n, buf_text(&list), list.over ? ", ..." : "");
    else
        err_set(e, ERR_REGISTRY, "%s: has %s \"%s\", it has: %s%s", l->what, is_found ? "two images" : "no image", SHOWN(inside), n == 0 ? "nothing" : buf_text(&list),
                list.over ? ", ..." : "");
    err_hint(e, "name one behind the path: PATH:TAG or PATH:sha256:...");
    return NULL;
}

const struct layout_image *layout_find(const struct layout *l, const char *inside, struct err *e)
{
    const struct layout_image *found = NULL;
    struct err ignored = { 0 };
    struct ref want;
    bool is_ref = inside != NULL && strpbrk(inside, ":/") != NULL && ref_parse(&want, inside, &ignored);
    for (size_t i = 0; i < l->n; i++) {
        const struct layout_image *x = &l->images[i];
        if (!x->is_image || (inside != NULL && !is_called(x, inside, is_ref ? &want : NULL)))
            continue;
        if (found != NULL && !digest_equal(&found->descriptor.digest, &x->descriptor.digest))
            return refuse(l, inside, true, e);
        found = found == NULL ? x : found;
    }
    return found != NULL ? found : refuse(l, inside, false, e);
}

/* ---- layers ---- */

static bool put_from_directory(struct layout *l, const struct oci_descriptor *blob, struct cache *c, struct err *e)
{
    struct oci_path name;
    struct safe_path path;
    bool is_there = false;
    if (!cache_find(c, &blob->digest, blob->size, &is_there, e) || is_there)
        return is_there;
    if (!safe_path_parse(&path, oci_blob_path(&name, &blob->digest), l->what, e))
        return false;
    AUTO(fd_auto) int fd = path_open_beneath(l->dir_fd, &path, l->what, &is_there, e);
    if (fd < 0)
        return e->code == ERR_NONE ? is_missing(l, name.text, e) : false;
    AUTO(source_free_auto) struct source *from = source_fd(fd, name.text);
    return blob_put(c, &blob->digest, blob->size, from, e) || err_in(e, "%s: %s", l->what, name.text);
}

struct putting {
    struct layout *layout;
    const struct oci_descriptor *blobs;
    size_t n;
    struct cache *cache;
};

static bool put_from_archive(void *ctx, const char *path, struct source *content, struct err *e)
{
    const struct putting *p = ctx;
    struct err no_blob = { 0 };
    struct digest d;
    if (!text_starts(path, OCI_BLOBS_FOLDER) || !digest_parse_hex(&d, path + sizeof OCI_BLOBS_FOLDER - 1, "blob", &no_blob))
        return true;
    for (size_t i = 0; i < p->n; i++)
        if (digest_equal(&d, &p->blobs[i].digest))
            return blob_put(p->cache, &d, p->blobs[i].size, content, e) || err_in(e, "%s: %s", p->layout->what, SHOWN(path));
    return true;
}

/* Not there, or only as a link or folder: that is said before anything is copied. */
static bool need_blobs(const struct layout *l, const struct oci_descriptor *blobs, size_t n, struct err *e)
{
    struct oci_path name;
    for (size_t i = 0; i < n; i++) {
        const struct tarball_file *file = tarball_find(l->tar, oci_blob_path(&name, &blobs[i].digest));
        if (file == NULL || !text_is(file->path, name.text))
            return is_missing(l, name.text, e);
    }
    return true;
}

bool layout_put(struct layout *l, const struct oci_descriptor *blobs, size_t n, struct cache *c, struct err *e)
{
    struct putting p = { l, blobs, n, c };
    if (l->tar != NULL)
        return need_blobs(l, blobs, n, e) && tarball_each(l->tar, put_from_archive, &p, e);
    for (size_t i = 0; i < n; i++)
        if (!put_from_directory(l, &blobs[i], c, e))
            return false;
    return true;
}
