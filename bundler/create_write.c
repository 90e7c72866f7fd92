/* The file: room for it, its head, members and layers, signatures; and the proof that it can be read. */
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/verify.h"
#include "bundler/create.h"
#include "bundler/following.h"
#include "bundler/passing.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

/* What is read back right after it was written is in the page cache: this one need not be large. */
#define PROVE_CACHE_BYTES (40 * MIB)

enum {
    HEADER_RESERVE = 2, /* layers may be so much larger than they were guessed, before the payload must be moved: 20 KB for each GiB */
    PASSING_TRIES = 3,  /* of a blob, each from its first byte; broken connections within each go on where they broke */
};

/* docs/FORMAT.md section 3.3 */
static uint32_t average_for(uint64_t raw_bytes)
{
    uint32_t average = 4096;
    for (uint64_t limit = 8 * GIB; raw_bytes > limit && average < 65536; limit *= 2)
        average *= 2;
    return average;
}

/* Zstandard does about as well as what the registry had; a layer without compression becomes a third. An estimate: a disk that fills up all the same
 * ends the run, and nothing is left. */
static uint64_t expected_bytes(const struct create *c, uint64_t member_bytes)
{
    uint64_t bytes = member_bytes;
    size_t n_blobs;
    if (create_is_exact(c)) {
        create_measure_exact(c, &n_blobs, &bytes);
        return member_bytes + bytes;
    }
    for (size_t i = 0; i < c->n_layers; i++)
        bytes += c->layers[i].is_on_host ? 0 : c->layers[i].forms[0].compression == OCI_RAW ? c->layers[i].blobs[0].size / 3 : c->layers[i].blobs[0].size;
    return bytes;
}

/* Layers that are still to come take room, too, where the cache is on the same disk. */
static uint64_t arriving_bytes(const struct create *c, const char *dir)
{
    struct stat here;
    struct stat there;
    if (c->arrivals == NULL || stat(dir, &here) != 0 || stat(cache_dir(c->registries.cache), &there) != 0)
        return 0;
    return here.st_dev == there.st_dev ? c->fetched.missing_bytes : 0;
}

static bool check_space(const struct create *c, uint64_t member_bytes, struct err *e)
{
    char a[24];
    char b[24];
    uint64_t room = 0;
    uint64_t need = expected_bytes(c, member_bytes);
    need += create_parity_bytes(c, need);
    AUTO(mem_auto) char *dir = path_dir(c->path);
    if (!file_free_bytes(dir, &room, e))
        return false;
    uint64_t arriving = arriving_bytes(c, dir);
    room = room > arriving ? room - arriving : 0;
    log_info("%s will need about %s, %s are free", SHOWN(path_base(c->path)), text_bytes(a, need), text_bytes(b, room));
    if (room >= need)
        return true;
    err_set(e, ERR_SPACE, "%s: about %s are needed for the bundle, %s are free", SHOWN(dir), text_bytes(a, need), text_bytes(b, room));
    return err_hint(e, "write it elsewhere: -o FILE");
}

static void fill_head(const struct create *c, struct manifest *head)
{
    size_t n_base;
    const struct definition *d = &c->app->definition;
    head->release_sha256 = c->release_sha256;
    head->created = c->created;
    head->mode = create_is_exact(c) ? MANIFEST_EXACT : MANIFEST_DEDUP;
    head->average = average_for(c->layer_bytes + base_raw_bytes(&c->base, &n_base)); /* the index has room for the pieces of both */
    base_fill_head(&c->base, head);
    head->n_platforms = d->n_platforms;
    head->platforms = mem_new_array(d->n_platforms, sizeof *head->platforms);
    BUG_IF(!text_copy(head->name, sizeof head->name, d->name) || !text_copy(head->version, sizeof head->version, d->version.text) ||
           !text_copy(head->builder_program, sizeof head->builder_program, "archon-bundle") ||
           !text_copy(head->builder_version, sizeof head->builder_version, ARCHON_VERSION));
}

static bool name_platforms(const struct create *c, struct manifest *head, struct err *e)
{
    for (size_t i = 0; i < head->n_platforms; i++) {
        struct platform_text text;
        if (!text_copy(head->platforms[i], sizeof head->platforms[i], platform_format(&text, &c->app->definition.platforms[i])))
            return err_set(e, ERR_CONFIG, "platform %s: its name is too long", text.text);
    }
    return true;
}

static bool open_writer(struct create *c, const struct manifest *head, struct err *e)
{
    size_t n_members;
    size_t n_base;
    uint64_t member_bytes;
    create_measure_members(c, &n_members, &member_bytes);
    base_raw_bytes(&c->base, &n_base);
    struct writer_spec spec = { .path = c->path, .part_bytes = c->o->part_bytes, .head = head, .n_layers = c->n_layers, .n_blobs = c->n_blobs, .n_members = n_members,
                                .n_base_layers = base_is_given(&c->base) ? n_base + c->n_layers : 0,
                                .raw_estimate = HEADER_RESERVE * c->layer_bytes + member_bytes, .expected_bytes = expected_bytes(c, member_bytes),
                                .level = (int)c->o->level, .jobs = c->jobs };
    if (create_is_exact(c)) {
        size_t n_blobs;
        create_measure_exact(c, &n_blobs, &spec.raw_estimate);
        spec.n_members += n_blobs;
        spec.raw_estimate += member_bytes + 2 * n_blobs * LIMIT_CHUNK_BYTES; /* most blobs have chunks of their own */
    }
    if (!check_space(c, member_bytes, e))
        return false;
    c->writer = writer_open(&spec, e);
    return c->writer != NULL;
}

/* One thing is told at a time: while layers still arrive, that. When all are packed, whoever brought the last one is about to end. */
static bool tell_packing(void *ctx, const struct progress_fact *fact)
{
    const struct create *c = ctx;
    if (c->arrivals != NULL && fact->is_finished && fact->item == NULL)
        arrivals_wait_end(c->arrivals);
    return (c->arrivals != NULL && !arrivals_are_over(c->arrivals)) || progress_tell(&c->ctx->progress, fact);
}

static bool pack(struct create *c, uint32_t average, struct err *e)
{
    const struct progress progress = { tell_packing, c };
    const struct pack_source registry = { .bring = passing_bring, .ctx = c->registries.registry, .tries = c->o->registries.retries == 0 ? 1 : PASSING_TRIES };
    /* Where layers are inflated and compressed that is what takes the time, and following would only take memory. */
    const struct pack_source arriving = { .bring = following_bring, .tries = FOLLOWING_TRIES };
    struct pack_how how = { .average = average, .jobs = c->jobs, .is_delta = base_is_given(&c->base), .progress = &progress,
                            .source = cache_is_passing(c->registries.cache) ? &registry : create_is_exact(c) ? &arriving : NULL };
    if (create_is_exact(c) ? create_pack_exact(c, &how, e)
                           : base_add_pieces(&c->base, c->layers, c->n_layers, c->writer, &how, e) && pack_layers(c->writer, c->layers, c->n_layers, &how, e))
        return true;
    if (e->code == ERR_INTEGRITY || e->code == ERR_REGISTRY)
        create_drop_damaged(c, e);
    return false;
}

static bool open_sbom(struct create *c, struct err *e)
{
    if (!c->o->gates.is_with_sbom)
        return true;
    AUTO(mem_auto) char *dir = path_dir(c->path);
    c->sbom = sbom_run_open(dir, c->layers, c->n_layers, e);
    return c->sbom != NULL;
}

/* Reports that are made from layers. */
static bool write_reports(struct create *c, struct err *e)
{
    const struct sbom_release release = { .app = c->app, .images = c->images, .sha256 = &c->release_sha256, .created = c->created };
    if (c->sbom != NULL && !sbom_run_write(c->sbom, &release, &c->gates.reports, c->writer, e))
        return err_in(e, "--sbom");
    return gates_write_summary(&c->gates, c->writer, e);
}

static bool sign(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    struct create *c = ctx;
    sha256_of(&c->manifest_sha256, manifest, n);
    return seal_add_signatures(&c->keys, manifest, n, h, e);
}

bool create_write(struct create *c, struct err *e)
{
    AUTO(manifest_clear_auto) struct manifest head = { 0 };
    fill_head(c, &head);
    return name_platforms(c, &head, e) && create_make_layout(c, e) && open_writer(c, &head, e) && open_sbom(c, e) && create_write_members(c, e) &&
           pack(c, head.average, e) && write_reports(c, e) && create_write_layout(c, e) && writer_finish(c->writer, sign, c, e);
}

bool create_prove(struct create *c, struct err *e)
{
    struct verify_how how = { .jobs = c->jobs, .progress = &c->ctx->progress, .sums = writer_sums(c->writer), .is_data_later = true };
    struct bundle_file *f = output_file(writer_output(c->writer), e);
    AUTO(bundle_close_auto) struct bundle *b = f == NULL ? NULL : bundle_verify_own(f, &c->manifest_sha256, &how, e);
    if (b == NULL) {
        if (e->code == ERR_INTEGRITY && create_is_exact(c))
            create_drop_damaged(c, e);
        return err_in(e, "reading back");
    }
    if (create_is_exact(c)) /* every blob has its digest: nothing is there to be rebuilt */
        return true;
    AUTO(mem_auto) char *dir = path_dir(c->path);
    if (!base_lend(&c->base, b, false, dir, e) || !bundle_verify_layers(b, PROVE_CACHE_BYTES, &c->ctx->progress, e))
        return err_in(e, "reading back");
    return true;
}
