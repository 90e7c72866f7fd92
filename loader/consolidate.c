/* One layer at a time: a thread puts it together, cuts and hashes it, this one decides what is new and writes. */
#include "loader/consolidate.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/cutter.h"
#include "bundle/writer.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/start.h"

#include "base/banned.h"

#define PROVE_CACHE_BYTES (128 * MIB)
enum { BATCHES_AHEAD = 4, MEMBER_BLOCK = 256 * 1024 };

struct consolidation {
    const struct consolidate_spec *spec;
    const struct manifest *from;
    struct writer *writer;
    struct progress_fact fact; /* of "pack" */
    struct digest manifest_sha256;
};

/* --- room --------------------------------------------------------------------------------------------------------- */

static bool check_room(const char *dir, uint64_t need, struct err *e)
{
    char a[24], b[24];
    uint64_t room = 0;
    if (!file_free_bytes(dir, &room, e))
        return false;
    return need <= room || err_set(e, ERR_SPACE, "%s: about %s are needed for the full bundle, %s are free", SHOWN(dir), text_bytes(a, need),
                                   text_bytes(b, room));
}

static bool find_base(const struct consolidation *c, struct err *e)
{
    size_t n = c->from->n_layers;
    AUTO(mem_auto) bool *all = mem_new_array(n, sizeof *all);
    AUTO(mem_auto) char *dir = path_dir(c->spec->path);
    for (size_t i = 0; i < n; i++)
        all[i] = true;
    return base_source_find(c->spec->base, all, e) && check_room(dir, c->spec->expected_bytes, e) &&
           base_source_check_room(c->spec->base, e) && base_source_fetch(c->spec->base, e);
}

/* --- head and members --------------------------------------------------------------------------------------------- */

static bool is_copied(const struct manifest_member *m)
{
    return !manifest_is_data(m) && !text_is(m->name, MEMBER_LAYERS);
}

static bool open_writer(struct consolidation *c, struct err *e)
{
    struct manifest head = { .release_sha256 = c->from->release_sha256,
                             .created = c->from->created,
                             .average = c->from->average,
                             .n_platforms = c->from->n_platforms,
                             .platforms = c->from->platforms };
    struct writer_spec spec = { .path = c->spec->path,
                                .head = &head,
                                .n_layers = c->from->n_layers,
                                .expected_bytes = c->spec->expected_bytes,
                                .level = c->spec->level,
                                .jobs = c->spec->jobs };
    BUG_IF(!text_copy(head.name, sizeof head.name, c->from->name) || !text_copy(head.version, sizeof head.version, c->from->version) ||
           !text_copy(head.builder_program, sizeof head.builder_program, "archon-load") ||
           !text_copy(head.builder_version, sizeof head.builder_version, ARCHON_VERSION));
    for (size_t i = 0; i < c->from->n_layers; i++) {
        spec.n_blobs += c->from->layers[i].n_blobs;
        spec.raw_estimate += c->from->layers[i].size;
    }
    for (size_t i = 0; i < c->from->n_members; i++)
        if (is_copied(&c->from->members[i])) {
            spec.n_members++;
            spec.raw_estimate += c->from->members[i].size;
        }
    c->fact.phase = "pack";
    c->fact.total = spec.raw_estimate;
    c->writer = writer_open(&spec, e);
    return c->writer != NULL;
}

static bool tell(struct consolidation *c, uint64_t more, struct err *e)
{
    c->fact.done += more;
    return start_check(e) && (progress_tell(c->spec->progress, &c->fact) || err_set(e, ERR_INTERRUPTED, "packing was stopped"));
}

static bool copy_member(struct consolidation *c, size_t i, struct err *e)
{
    const struct manifest_member *m = &c->from->members[i];
    AUTO(mem_auto) uint8_t *block = mem_new(MEMBER_BLOCK);
    AUTO(source_free_auto) struct source *from = member_reader_open(bundle_index(c->spec->delta), c->spec->cache, i, e);
    if (from == NULL || !writer_begin_member(c->writer, m->name, m->size, m->is_executable, e))
        return false;
    for (size_t got = MEMBER_BLOCK; got > 0;)
        if (!source_read(from, block, MEMBER_BLOCK, &got, e) || (got > 0 && !writer_put_member(c->writer, block, got, e)) ||
            !tell(c, got, e))
            return err_in(e, "%s", m->name);
    return writer_end_member(c->writer, NULL, e);
}

/* Reports that were made from layers stand behind the data, the others before it; without data all are in front. */
static bool copy_members(struct consolidation *c, bool is_behind, struct err *e)
{
    bool was_data = false;
    for (size_t i = 0; i < c->from->n_members; i++) {
        const struct manifest_member *m = &c->from->members[i];
        was_data = was_data || manifest_is_data(m);
        if (is_copied(m) && was_data == is_behind && !copy_member(c, i, e))
            return false;
    }
    return true;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

struct cutting {
    struct consolidation *c;
    size_t layer;
    struct work_queue *batches;
};

/* The reader proves the layer's digest with its last read. */
static bool cut_layer(void *ctx, struct err *e)
{
    const struct cutting *t = ctx;
    AUTO(sink_drop_auto) struct sink *to = cutter_new(t->c->from->average, t->batches);
    AUTO(source_free_auto) struct source *tar = layer_reader_open(t->c->spec->delta, t->c->spec->cache, t->layer, e);
    bool ok = tar != NULL && pump(tar, to, e) && sink_finish(to, e);
    work_queue_close(t->batches);
    return ok;
}

static bool write_batch(struct consolidation *c, const struct cut_batch *b, struct err *e)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n_pieces; at += b->pieces[i++].n)
        if (!writer_add_piece(c->writer, b->pieces[i].hash, b->bytes + at, b->pieces[i].n, e))
            return false;
    return tell(c, at, e);
}

static bool write_pieces(struct consolidation *c, struct work_queue *batches, struct err *e)
{
    bool ok = true;
    for (struct cut_batch *b; (b = work_queue_pop(batches)) != NULL; cut_batch_free(b)) {
        ok = ok && write_batch(c, b, e);
        if (!ok)
            work_queue_close(batches);
    }
    return ok;
}

static bool pack_layer(struct consolidation *c, size_t i, struct err *e)
{
    struct err cut = { 0 };
    AUTO(work_queue_free_auto) struct work_queue *batches = work_queue_new(BATCHES_AHEAD);
    struct cutting cutting = { c, i, batches };
    if (!writer_begin_layer(c->writer, e))
        return false;
    struct work_thread *thread = work_thread_start(cut_layer, &cutting);
    if (!work_thread_is_running(thread))
        work_queue_close(batches);
    bool ok = write_pieces(c, batches, e);
    bool is_cut = work_thread_join(&thread, &cut); /* when writing failed, it says that nobody reads any more */
    if (ok && !is_cut)
        *e = cut;
    return ok && is_cut && writer_end_layer(c->writer, &c->from->layers[i], e);
}

static bool pack_layers(struct consolidation *c, struct err *e)
{
    for (size_t i = 0; i < c->from->n_layers; i++)
        if (!pack_layer(c, i, e))
            return err_in(e, "layer %s", DIGEST_SHOWN(&c->from->layers[i].diff_id));
    c->fact.is_finished = true;
    return tell(c, 0, e);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static bool sign(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    struct consolidation *c = ctx;
    sha256_of(&c->manifest_sha256, manifest, n);
    return header_sign(h, c->spec->key, manifest, n, e);
}

static bool prove(struct consolidation *c, struct err *e)
{
    struct verify_how how = { .jobs = c->spec->jobs, .progress = c->spec->progress, .sums = writer_sums(c->writer) };
    struct bundle_file *f = output_file(writer_output(c->writer), e);
    AUTO(bundle_close_auto) struct bundle *b = f == NULL ? NULL : bundle_verify_own(f, &c->manifest_sha256, &how, e);
    return (b != NULL && bundle_verify_layers(b, PROVE_CACHE_BYTES, c->spec->progress, e)) || err_in(e, "reading back");
}

bool consolidate(const struct consolidate_spec *s, struct consolidate_result *out, struct err *e)
{
    struct consolidation c = { .spec = s, .from = bundle_manifest(s->delta) };
    bool ok = find_base(&c, e) && open_writer(&c, e) && copy_members(&c, false, e) && pack_layers(&c, e) && copy_members(&c, true, e) &&
              writer_finish(c.writer, sign, &c, e) && prove(&c, e);
    if (ok)
        *out = (struct consolidate_result){ writer_manifest(c.writer)->total_len, c.manifest_sha256 };
    ok = ok && writer_publish(c.writer, false, e);
    if (c.writer != NULL)
        writer_drop(c.writer);
    return ok;
}
