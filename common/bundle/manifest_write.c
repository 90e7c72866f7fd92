/* Writing bundle.json: always in the same order, so that the same values are the same bytes. */
#include "bundle/manifest.h"

#include "base/text.h"
#include "format/date.h"
#include "format/jwrite.h"

#include "base/banned.h"

static void write_head(const struct manifest *m, struct jwrite *w)
{
    char created[DATE_TEXT_BYTES];
    jwrite_object(w, "release");
    jwrite_str(w, "name", m->name);
    jwrite_str(w, "version", m->version);
    jwrite_digest_hex(w, "sha256", &m->release_sha256);
    jwrite_end(w);
    date_format(created, m->created);
    jwrite_str(w, "created", created);
    jwrite_array(w, "platforms");
    for (size_t i = 0; i < m->n_platforms; i++)
        jwrite_str(w, NULL, m->platforms[i]);
    jwrite_end(w);
    jwrite_str(w, "layers_mode", manifest_mode_text(m->mode));
    if (m->mode == MANIFEST_DEDUP)
        jwrite_u64(w, "average", m->average);
    jwrite_u64(w, "header_len", m->header_len);
    jwrite_u64(w, "total_len", m->total_len);
    jwrite_object(w, "chunks");
    jwrite_u64(w, "count", m->n_chunks);
    jwrite_u64(w, "raw_len", m->raw_len);
    jwrite_digest_hex(w, "sha256", &m->chunks_sha256);
    jwrite_end(w);
}

static void write_members(const struct manifest *m, struct jwrite *w)
{
    jwrite_array(w, "members");
    for (size_t i = 0; i < m->n_members; i++) {
        const struct manifest_member *x = &m->members[i];
        jwrite_object(w, NULL);
        jwrite_str(w, "name", x->name);
        jwrite_u64(w, "size", x->size);
        if (x->is_executable)
            jwrite_u64(w, "x", 1);
        if (x->has_sha256)
            jwrite_digest_hex(w, "sha256", &x->sha256);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_layers(const struct manifest *m, struct jwrite *w)
{
    jwrite_array(w, "layers");
    for (size_t i = 0; i < m->n_layers; i++) {
        const struct manifest_layer *l = &m->layers[i];
        jwrite_object(w, NULL);
        jwrite_digest(w, "diff_id", &l->diff_id);
        if (m->mode == MANIFEST_DEDUP)
            jwrite_u64(w, "size", l->size);
        jwrite_array(w, "blobs");
        for (size_t k = 0; k < l->n_blobs; k++) {
            jwrite_object(w, NULL);
            jwrite_digest(w, "digest", &l->blobs[k].digest);
            jwrite_str(w, "media_type", l->blobs[k].media_type);
            jwrite_u64(w, "size", l->blobs[k].size);
            jwrite_end(w);
        }
        jwrite_end(w);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void write_base(const struct manifest *m, struct jwrite *w)
{
    if (!m->has_base)
        return;
    jwrite_object(w, "base");
    if (m->has_base_release) {
        jwrite_digest_hex(w, "release_sha256", &m->base_release_sha256);
        jwrite_str(w, "version", m->base_version);
    }
    jwrite_array(w, "layers");
    for (size_t i = 0; i < m->n_base_layers; i++) {
        jwrite_object(w, NULL);
        jwrite_digest(w, "diff_id", &m->base_layers[i].diff_id);
        jwrite_u64(w, "size", m->base_layers[i].size);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_end(w);
}

uint64_t manifest_bound(size_t n_members, size_t n_layers, size_t n_blobs, size_t n_platforms, size_t n_base_layers)
{
    return 2048 + (uint64_t)n_members * (LIMIT_NAME_BYTES + 128) + (uint64_t)n_layers * 160 + (uint64_t)n_blobs * 240 +
           (uint64_t)n_platforms * 70 + (uint64_t)n_base_layers * 120 + (n_base_layers > 0 ? LIMIT_VERSION_BYTES + 128 : 0);
}

bool manifest_write(const struct manifest *m, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_MANIFEST_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "archon_bundle", 1);
    write_head(m, w);
    write_members(m, w);
    write_layers(m, w);
    write_base(m, w);
    jwrite_object(w, "builder");
    jwrite_str(w, "program", m->builder_program);
    jwrite_str(w, "version", m->builder_version);
    jwrite_end(w);
    jwrite_end(w);
    if (!jwrite_done(w, out, MEMBER_MANIFEST, e))
        return false;
    BUG_IF(!text_starts(buf_text(out), BUNDLE_FIRST_BYTES));
    return true;
}
