/* What bundle.json of an exact bundle must say (docs/FORMAT.md section 3.7): every blob is there that a layer or a document of an image names, under its digest, and no other. */
#include "bundle/manifest_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/oci_layout.h"

#include "base/banned.h"

enum { LAST_MEMBERS = 3, LAYOUT_FILE_MAX = 1024 };

/* The documents of the layout stand at the end. */
static const struct last_member {
    const char *name;
    uint64_t max;
} last_members[LAST_MEMBERS] = {
    { OCI_LAYOUT_MEMBER, LAYOUT_FILE_MAX },
    { OCI_INDEX_MEMBER, LIMIT_LAYOUT_BYTES },
    { DOCKER_MANIFEST_MEMBER, LIMIT_LAYOUT_BYTES },
};

static const struct last_member *last_member(const char *name)
{
    for (size_t k = 0; k < LAST_MEMBERS; k++)
        if (text_is(name, last_members[k].name))
            return &last_members[k];
    return NULL;
}

static bool is_at_its_place(const struct manifest_member *x, size_t i, size_t n)
{
    const struct last_member *last = last_member(x->name);
    size_t from_end = n - i; /* 1: the last one */
    bool is_end = from_end <= LAST_MEMBERS;
    return (i == 0) == text_is(x->name, MEMBER_RELEASE) && is_end == (last != NULL) &&
           (last == NULL || last == &last_members[LAST_MEMBERS - from_end]);
}

void manifest_exact_member(struct jnode o, const struct manifest_member *x, size_t i, size_t n)
{
    const struct last_member *last = last_member(x->name);
    if (!is_at_its_place(x, i, n))
        jread_fail(o, "name", "\"%s\" at this place: release.json must be first; oci-layout, index.json, manifest.json last", SHOWN(x->name));
    if (i == 0)
        manifest_check_size(o, x->size, 1, LIMIT_RELEASE_BYTES);
    else if (last != NULL)
        manifest_check_size(o, x->size, 1, last->max);
    else if (!manifest_is_blob(x) && !manifest_has_folder(x->name))
        jread_fail(o, "name", "\"%s\" is not a member of an exact bundle", SHOWN(x->name));
    if (!x->has_sha256)
        jread_fail(o, "sha256", "must be there for all members");
    if (manifest_is_blob(x) && !text_is(x->name, OCI_BLOB_PATH(&x->sha256)))
        jread_fail(o, "name", "\"%s\" is not the name of a blob with sha256 %s", SHOWN(x->name), DIGEST_HEX(&x->sha256));
    if (manifest_is_blob(x) && x->is_executable)
        jread_fail(o, "x", "must not be there for a blob");
}

/* Finds the blob, checks its size, and notes that somebody needs it. */
static void need_blob(const struct manifest *m, struct jnode root, const struct digest *d, uint64_t size, bool *needed)
{
    size_t i = manifest_find_member(m, OCI_BLOB_PATH(d));
    if (i == SIZE_MAX) {
        jread_fail(root, "members", "blob %s is missing", DIGEST_SHOWN(d));
        return;
    }
    if (m->members[i].size != size)
        jread_fail(root, "members", "blob %s has size %llu, expected %llu", DIGEST_SHOWN(d), (unsigned long long)m->members[i].size, (unsigned long long)size);
    needed[i] = true;
}

static void check_layer(const struct manifest *m, struct jnode root, const struct manifest_layer *l, bool *needed)
{
    for (size_t k = 0; k < l->n_blobs; k++) {
        struct err bad = { 0 };
        enum oci_compression ignored;
        if (!oci_layer_compression(l->blobs[k].media_type, &ignored, &bad))
            jread_fail(root, "layers", "%s", bad.msg);
        need_blob(m, root, &l->blobs[k].digest, l->blobs[k].size, needed);
    }
}

void manifest_exact_check(const struct manifest *m, struct jnode root)
{
    AUTO(mem_auto) bool *needed = mem_new_array(m->n_members, sizeof *needed);
    if (m->has_base)
        jread_fail(root, "base", "must not be there in an exact bundle");
    for (size_t i = 0; i < m->n_layers; i++)
        check_layer(m, root, &m->layers[i], needed);
    for (size_t i = 0; i < m->n_members; i++)
        if (text_starts(m->members[i].name, FOLDER_IMAGES))
            need_blob(m, root, &m->members[i].sha256, m->members[i].size, needed);
    for (size_t i = 0; i < m->n_members; i++)
        if (manifest_is_blob(&m->members[i]) && !needed[i])
            jread_fail(root, "members", "\"%s\" belongs to no layer and no document", SHOWN(m->members[i].name));
}
