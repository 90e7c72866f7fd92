/* OCI layouts made of texts: blobs get their digests here; the whole is written as a directory or as a tar archive. */
#ifndef TESTS_LAYOUT_TEXT_H
#define TESTS_LAYOUT_TEXT_H

#include "format/digest.h"
#include "format/oci.h"
#include "tests/support/scratch.h"
#include "tests/support/tar_text.h"

struct layout_file {
    char name[128];
    char *bytes;
    size_t n;
};
struct layout_text {
    struct layout_file files[32];
    size_t n;
};

static inline void layout_text_add(struct layout_text *l, const char *name, const char *bytes, size_t n)
{
    struct layout_file *f = &l->files[l->n++];
    snprintf(f->name, sizeof f->name, "%s", name);
    f->bytes = mem_copy(bytes, n > 0 ? n : 1);
    f->n = n;
}

static inline void layout_text_file(struct layout_text *l, const char *name, const char *text)
{
    layout_text_add(l, name, text, strlen(text));
}

static inline struct layout_file *layout_text_find(struct layout_text *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->files[i].name, name) == 0)
            return &l->files[i];
    return NULL;
}

/* Replaces what stands in a file. */
static inline void layout_text_set(struct layout_text *l, const char *name, const char *text)
{
    struct layout_file *f = layout_text_find(l, name);
    mem_free(f->bytes);
    f->bytes = mem_text(text);
    f->n = strlen(text);
}

/* A blob that is a text; a descriptor of it for other documents (mem_free). */
static inline char *layout_text_blob(struct layout_text *l, const char *type, const char *text)
{
    struct digest d;
    char name[128];
    sha256_of(&d, text, strlen(text));
    snprintf(name, sizeof name, "blobs/sha256/%s", DIGEST_HEX(&d));
    if (layout_text_find(l, name) == NULL)
        layout_text_file(l, name, text);
    return mem_format("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu", type, DIGEST_SHOWN(&d), strlen(text));
}

/* An image of one uncompressed layer; its descriptor, still without its closing brace. */
static inline char *layout_text_image(struct layout_text *l, const char *architecture, const char *content)
{
    struct digest diff_id;
    sha256_of(&diff_id, content, strlen(content));
    char *config_text = mem_format("{\"architecture\":\"%s\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}", architecture, DIGEST_SHOWN(&diff_id));
    char *config = layout_text_blob(l, OCI_TYPE_CONFIG, config_text);
    char *layer = layout_text_blob(l, OCI_TYPE_LAYER, content);
    char *manifest = mem_format("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":%s},\"layers\":[%s}]}", config, layer);
    char *descriptor = layout_text_blob(l, OCI_TYPE_MANIFEST, manifest);
    mem_free(config_text);
    mem_free(config);
    mem_free(layer);
    mem_free(manifest);
    return descriptor;
}

static inline void layout_text_index(struct layout_text *l, const char *entries)
{
    char *text = mem_format("{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
    layout_text_file(l, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    layout_text_file(l, "index.json", text);
    mem_free(text);
}

static inline void layout_text_clear(struct layout_text *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->files[i].bytes);
    *l = (struct layout_text){ 0 };
}

/* As a directory below the scratch; its path (mem_free). */
static inline char *layout_text_dir(const struct layout_text *l, struct scratch *s, const char *dir)
{
    struct err e = { 0 };
    char *path = mem_format("%s/%s", s->dir, dir);
    char *blobs = mem_format("%s/blobs/sha256", path);
    if (!path_make_dirs(blobs, 0700, &e))
        abort();
    mem_free(blobs);
    for (size_t i = 0; i < l->n; i++) {
        char *name = mem_format("%s/%s", dir, l->files[i].name);
        scratch_file(s, name, l->files[i].bytes, l->files[i].n, 0600);
        mem_free(name);
    }
    return path;
}

static inline void layout_text_tar(const struct layout_text *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++)
        tar_text_add(out, '0', l->files[i].name, NULL, l->files[i].bytes, l->files[i].n);
    tar_text_end(out);
}

/* As an archive below the scratch; its path (mem_free). */
static inline char *layout_text_archive(const struct layout_text *l, struct scratch *s, const char *name)
{
    struct buf tar = BUF_LIMIT(16 << 20);
    layout_text_tar(l, &tar);
    char *path = mem_text(scratch_file(s, name, tar.data, tar.len, 0600));
    buf_clear(&tar);
    return path;
}

#endif
