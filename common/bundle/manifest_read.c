/* Reading bundle.json. */
#include "bundle/manifest_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/tar.h"
#include "format/date.h"
#include "format/jread.h"
#include "format/version.h"
#include "stream/chunker.h"

#include "base/banned.h"

enum { MANIFEST_PLATFORMS_MAX = 64, MANIFEST_BLOBS_MAX = 64, VERSION_DIGITS_SHOWN = 20 };

/* --- the text -------------------------------------------------------------------------------------------- */

bool manifest_check_version(const void *bytes, size_t n, struct err *e)
{
    const char *text = bytes;
    size_t at = strlen(BUNDLE_FIRST_BYTES) - 2; /* of the number */
    size_t digits = 0;
    if (n < at || memcmp(text, BUNDLE_FIRST_BYTES, at) != 0)
        return true;
    while (digits < VERSION_DIGITS_SHOWN && at + digits < n && text[at + digits] >= '0' && text[at + digits] <= '9')
        digits++;
    if (digits == 0 || (digits == 1 && text[at] == '1'))
        return true;
    err_set(e, ERR_FORMAT, "bundle.json: format version %s is not supported, expected 1", SHOWN_N(text + at, digits));
    return err_hint(e, "use the archon-load that was delivered with this bundle");
}

static bool check_bytes(const char *text, size_t n, struct err *e)
{
    size_t first = strlen(BUNDLE_FIRST_BYTES);
    if (!manifest_check_version(text, n, e))
        return false;
    if (n < first || memcmp(text, BUNDLE_FIRST_BYTES, first) != 0)
        return err_set(e, ERR_FORMAT, "bundle.json: does not begin with %s", BUNDLE_FIRST_BYTES);
    for (size_t i = 0; i < n; i++)
        if ((text[i] < 0x20 && text[i] != '\n') || text[i] > 0x7E || text[i] == '\\')
            return err_set(e, ERR_FORMAT, "bundle.json: byte %zu is not allowed there", i);
    if (text[n - 1] != '\n')
        return err_set(e, ERR_FORMAT, "bundle.json: last byte is not a newline");
    return true;
}

/* --- its parts ----------------------------------------------------------------------------------------------- */

static void check_stream_name(struct jnode o, const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || name[n] != '\0' || name[0] == '-')
        jread_fail(o, "name", "\"%s\" is not of the form [a-z0-9][a-z0-9-]{0,62}", SHOWN(name));
}

static void read_release(struct manifest *m, struct jnode root)
{
    struct jnode o = jread_object(root, "release");
    struct version v;
    struct err bad = { 0 };
    jread_str(o, "name", m->name, sizeof m->name);
    jread_str(o, "version", m->version, sizeof m->version);
    jread_digest_hex(o, "sha256", &m->release_sha256);
    check_stream_name(o, m->name);
    if (!version_parse(&v, m->version, "version", &bad))
        jread_fail(o, "version", "\"%s\" is not a semantic version", SHOWN(m->version));
    jread_end(o, JREAD_NO_EXTRA);
}

static bool is_platform(const char *p)
{
    unsigned parts = 1;
    bool is_start = true;
    for (; *p != '\0'; p++) {
        bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (*p == '/' && !is_start) {
            parts++;
            is_start = true;
            continue;
        }
        if (!is_plain && (is_start || strchr("._-", *p) == NULL))
            return false;
        is_start = false;
    }
    return !is_start && (parts == 2 || parts == 3);
}

static void read_platforms(struct manifest *m, struct jnode root)
{
    struct jnode list;
    m->n_platforms = jread_array(root, "platforms", MANIFEST_PLATFORMS_MAX, &list);
    m->platforms = mem_new_array(m->n_platforms, sizeof *m->platforms);
    if (m->n_platforms == 0)
        jread_fail(root, "platforms", "is empty");
    for (size_t i = 0; i < m->n_platforms; i++) {
        AUTO(mem_auto) char *text = jread_item_text(list, i, sizeof *m->platforms - 1);
        if (!is_platform(text) || !text_copy(m->platforms[i], sizeof *m->platforms, text))
            jread_fail(root, "platforms", "\"%s\" is not a platform", SHOWN(text));
        for (size_t k = 0; k < i; k++)
            if (text_is(m->platforms[k], m->platforms[i]))
                jread_fail(root, "platforms", "\"%s\" is there twice", SHOWN(text));
    }
}

static void read_created(struct manifest *m, struct jnode root)
{
    char text[DATE_TEXT_BYTES + 8];
    struct err bad = { 0 };
    jread_str(root, "created", text, sizeof text);
    if (!date_parse(&m->created, text, "created", &bad) || m->created < 0)
        jread_fail(root, "created", "\"%s\" is not a date of the form YYYY-MM-DDThh:mm:ssZ", SHOWN(text));
}

static void read_mode(struct manifest *m, struct jnode root)
{
    char mode[16];
    uint64_t average = 0;
    jread_str(root, "layers_mode", mode, sizeof mode);
    m->mode = text_is(mode, "exact") ? MANIFEST_EXACT : MANIFEST_DEDUP;
    if (!text_is(mode, manifest_mode_text(m->mode)))
        jread_fail(root, "layers_mode", "\"%s\" is not supported, expected \"dedup\" or \"exact\"", SHOWN(mode));
    if (m->mode == MANIFEST_EXACT)
        return;
    jread_u64(root, "average", 65536, &average);
    if (!chunker_average_is_valid(average))
        jread_fail(root, "average", "%llu is not one of 4096, 8192, 16384, 32768, 65536", (unsigned long long)average);
    m->average = (uint32_t)average;
}

static void read_lengths(struct manifest *m, struct jnode root)
{
    jread_u64(root, "header_len", LAYOUT_HEADER_MAX, &m->header_len);
    if (m->header_len == 0 || m->header_len % LAYOUT_HEADER_UNIT != 0)
        jread_fail(root, "header_len", "%llu is not a multiple of %d", (unsigned long long)m->header_len, LAYOUT_HEADER_UNIT);
    jread_u64(root, "total_len", (UINT64_C(1) << 53) - 1, &m->total_len);
    struct jnode chunks = jread_object(root, "chunks");
    jread_u64(chunks, "count", LIMIT_CHUNKS, &m->n_chunks);
    jread_u64(chunks, "raw_len", LIMIT_CHUNKS * LIMIT_CHUNK_BYTES, &m->raw_len);
    jread_digest_hex(chunks, "sha256", &m->chunks_sha256);
    if (m->n_chunks == 0)
        jread_fail(chunks, "count", "is 0");
    if (m->total_len <= m->header_len)
        jread_fail(root, "total_len", "is not greater than header_len");
    jread_end(chunks, JREAD_NO_EXTRA);
}

void manifest_check_size(struct jnode o, uint64_t size, uint64_t min, uint64_t max)
{
    if (size < min || size > max)
        jread_fail(o, "size", "%llu is not between %llu and %llu", (unsigned long long)size, (unsigned long long)min, (unsigned long long)max);
}

bool manifest_has_folder(const char *name)
{
    static const char *const folders[] = { "app/", "images/", "docs/", "bin/", "reports/" };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (text_starts(name, folders[i]))
            return true;
    return false;
}

static void check_member(struct jnode o, const struct manifest_member *x, size_t i, size_t n, unsigned *n_data)
{
    char want_data[32];
    uint64_t max = LIMIT_MEMBER_BYTES;
    uint64_t min = 0;
    bool is_last = i + 1 == n;
    if ((i == 0) != text_is(x->name, MEMBER_RELEASE) || is_last != text_is(x->name, MEMBER_LAYERS))
        jread_fail(o, "name", "\"%s\" at this place: release.json must be first, layers.bin last", SHOWN(x->name));
    if (i == 0) {
        min = 1;
        max = LIMIT_RELEASE_BYTES;
    } else if (is_last) {
        min = 12;
        max = LAYOUT_LAYERS_BIN_MAX;
    } else if (manifest_is_data(x)) {
        snprintf(want_data, sizeof want_data, FOLDER_DATA "%05u.bin", (*n_data)++);
        if (!text_is(x->name, want_data))
            jread_fail(o, "name", "\"%s\", expected \"%s\"", SHOWN(x->name), want_data);
        min = 1;
        max = LAYOUT_DATA_MEMBER;
    } else if (!manifest_has_folder(x->name)) {
        jread_fail(o, "name", "\"%s\" is not a member of a bundle", SHOWN(x->name));
    }
    manifest_check_size(o, x->size, min, max);
    if (x->has_sha256 == manifest_is_data(x))
        jread_fail(o, "sha256", "must be there for all members but data");
}

static void read_members(struct manifest *m, struct jnode root)
{
    struct jnode list;
    unsigned n_data = 0;
    m->n_members = jread_array(root, "members", LIMIT_MEMBERS, &list);
    m->members = mem_new_array(m->n_members, sizeof *m->members);
    if (m->n_members < 2)
        jread_fail(root, "members", "has %zu entries, expected release.json and layers.bin at least", m->n_members);
    for (size_t i = 0; i < m->n_members; i++) {
        struct jnode o = jread_item(list, i);
        struct manifest_member *x = &m->members[i];
        uint64_t flag = 0;
        struct err bad = { 0 };
        jread_str(o, "name", x->name, sizeof x->name);
        jread_u64(o, "size", LIMIT_MEMBER_BYTES, &x->size);
        x->is_executable = jread_has(o, "x");
        if (x->is_executable)
            jread_u64(o, "x", 1, &flag);
        if (x->is_executable && flag != 1)
            jread_fail(o, "x", "is not 1");
        x->has_sha256 = jread_has(o, "sha256");
        if (x->has_sha256)
            jread_digest_hex(o, "sha256", &x->sha256);
        if (!tar_name_check(x->name, &bad))
            jread_fail(o, "name", "%s", bad.msg);
        if (m->mode == MANIFEST_EXACT)
            manifest_exact_member(o, x, i, m->n_members);
        else
            check_member(o, x, i, m->n_members, &n_data);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

static void read_blobs(struct manifest_layer *l, struct jnode o)
{
    struct jnode list;
    l->n_blobs = jread_array(o, "blobs", MANIFEST_BLOBS_MAX, &list);
    l->blobs = mem_new_array(l->n_blobs, sizeof *l->blobs);
    if (l->n_blobs == 0)
        jread_fail(o, "blobs", "is empty");
    for (size_t i = 0; i < l->n_blobs; i++) {
        struct jnode b = jread_item(list, i);
        jread_digest(b, "digest", &l->blobs[i].digest);
        jread_str(b, "media_type", l->blobs[i].media_type, sizeof l->blobs[i].media_type);
        if (l->blobs[i].media_type[0] == '\0')
            jread_fail(b, "media_type", "is empty");
        jread_u64(b, "size", LIMIT_BLOB_BYTES, &l->blobs[i].size);
        jread_end(b, JREAD_NO_EXTRA);
    }
}

static void read_layers(struct manifest *m, struct jnode root)
{
    struct jnode list;
    m->n_layers = jread_array(root, "layers", LIMIT_LAYERS, &list);
    m->layers = mem_new_array(m->n_layers, sizeof *m->layers);
    for (size_t i = 0; i < m->n_layers; i++) {
        struct jnode o = jread_item(list, i);
        jread_digest(o, "diff_id", &m->layers[i].diff_id);
        if (m->mode == MANIFEST_DEDUP)
            jread_u64(o, "size", LIMIT_LAYER_BYTES, &m->layers[i].size);
        read_blobs(&m->layers[i], o);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

/* Release and version come together: without them the layers are those of a host's inventory. */
static void read_base_release(struct manifest *m, struct jnode o)
{
    struct version v;
    struct err bad = { 0 };
    m->has_base_release = jread_has(o, "release_sha256") || jread_has(o, "version");
    if (!m->has_base_release)
        return;
    jread_digest_hex(o, "release_sha256", &m->base_release_sha256);
    jread_str(o, "version", m->base_version, sizeof m->base_version);
    if (!version_parse(&v, m->base_version, "version", &bad))
        jread_fail(o, "version", "\"%s\" is not a semantic version", SHOWN(m->base_version));
    if (digest_equal(&m->base_release_sha256, &m->release_sha256))
        jread_fail(o, "release_sha256", "is this release itself");
}

static void read_base(struct manifest *m, struct jnode root)
{
    m->has_base = jread_has(root, "base");
    if (!m->has_base)
        return;
    struct jnode o = jread_object(root, "base");
    struct jnode list;
    read_base_release(m, o);
    m->n_base_layers = jread_array(o, "layers", LIMIT_LAYERS, &list);
    m->base_layers = mem_new_array(m->n_base_layers, sizeof *m->base_layers);
    if (m->n_base_layers == 0)
        jread_fail(o, "layers", "is empty");
    for (size_t i = 0; i < m->n_base_layers; i++) {
        struct jnode l = jread_item(list, i);
        jread_digest(l, "diff_id", &m->base_layers[i].diff_id);
        jread_u64(l, "size", LIMIT_LAYER_BYTES, &m->base_layers[i].size);
        jread_end(l, JREAD_NO_EXTRA);
    }
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_builder(struct manifest *m, struct jnode root)
{
    struct jnode o = jread_object(root, "builder");
    jread_str(o, "program", m->builder_program, sizeof m->builder_program);
    jread_str(o, "version", m->builder_version, sizeof m->builder_version);
    if (m->builder_program[0] == '\0' || m->builder_version[0] == '\0')
        jread_fail(o, NULL, "program and version must not be empty");
    jread_end(o, JREAD_NO_EXTRA);
}

/* Neighbours in order: two that are equal stand side by side. */
static void check_unique(const struct manifest *m, struct jnode root)
{
    for (size_t i = 1; i < m->n_members; i++) {
        const char *name = m->members[m->members_by_name[i]].name;
        if (strcasecmp(m->members[m->members_by_name[i - 1]].name, name) == 0)
            jread_fail(root, "members", "\"%s\" is there twice", SHOWN(name));
    }
    for (size_t i = 1; i < m->n_layers; i++) {
        const struct digest *id = &m->layers[m->layers_by_id[i]].diff_id;
        if (digest_equal(&m->layers[m->layers_by_id[i - 1]].diff_id, id))
            jread_fail(root, "layers", "%s is there twice", DIGEST_SHOWN(id));
    }
    for (size_t i = 1; i < m->n_base_layers; i++) {
        const struct digest *id = &m->base_layers[m->base_by_id[i]].diff_id;
        if (digest_equal(&m->base_layers[m->base_by_id[i - 1]].diff_id, id))
            jread_fail(root, "base", "layer %s is there twice", DIGEST_SHOWN(id));
    }
}

/* A layer that the base has as it is has one size. */
static void check_base_sizes(const struct manifest *m, struct jnode root)
{
    for (size_t i = 0; i < m->n_base_layers; i++) {
        const struct manifest_base_layer *b = &m->base_layers[i];
        size_t same = manifest_find_layer(m, &b->diff_id);
        if (same != SIZE_MAX && m->layers[same].size != b->size)
            jread_fail(root, "base", "layer %s has size %llu, %llu in layers", DIGEST_SHOWN(&b->diff_id), (unsigned long long)b->size,
                       (unsigned long long)m->layers[same].size);
    }
}

/* What the parts say about each other. */
static void check_together(const struct manifest *m, struct jnode root)
{
    const struct manifest_member *last = m->n_members == 0 ? NULL : &m->members[m->n_members - 1];
    uint64_t raw = LAYOUT_TAR_END + (last == NULL ? 0 : last->raw_offset + tar_member_bytes(last->size));
    if (raw != m->raw_len)
        jread_fail(root, "chunks", "raw_len is %llu, the members add up to %llu", (unsigned long long)m->raw_len, (unsigned long long)raw);
    if (m->n_members > 0 && !digest_equal(&m->members[0].sha256, &m->release_sha256))
        jread_fail(root, "release", "sha256 is not that of release.json in members");
}

bool manifest_read(struct manifest *m, const void *bytes, size_t n, struct err *e)
{
    const char *text = bytes;
    uint64_t version = 0;
    if (!check_bytes(text, n, e))
        return false;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, MEMBER_MANIFEST, JREAD_STRICT, e);
    if (doc == NULL)
        return false;
    struct jnode root = jread_root(doc);
    jread_u64(root, "archon_bundle", 1, &version);
    read_release(m, root);
    read_created(m, root);
    read_platforms(m, root);
    read_mode(m, root);
    read_lengths(m, root);
    read_members(m, root);
    read_layers(m, root);
    read_base(m, root);
    read_builder(m, root);
    manifest_sort(m);
    check_unique(m, root);
    check_base_sizes(m, root);
    if (m->mode == MANIFEST_EXACT)
        manifest_exact_check(m, root);
    check_together(m, root);
    jread_end(root, JREAD_NO_EXTRA);
    return jread_done(doc, e);
}
