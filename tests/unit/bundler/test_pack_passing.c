/* Layers that are brought: whatever goes wrong on their way, what is written is the same as from files; and there is an end to trying. */
#include <fcntl.h>

#include "base/text.h"
#include "tests/unit/bundler/layers.h"

enum { LAYER_BYTES = 900 * 1000, TRIES = 4, AVERAGE = 4096 };

static int set_up(void **state)
{
    return layers_make(state, LAYER_BYTES);
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 16) % n;
}

/* ---- a line that does what it is told ---- */

enum mishap { NONE, CUT, CHANGED, NOISE, LONGER, REFUSED, N_MISHAPS };

struct line {
    const struct fixture *f;
    uint64_t chance;
    bool is_by_chance;    /* mishaps come as they come, but not the last time */
    enum mishap always;   /* otherwise; of layer `layer` */
    size_t layer;
    size_t n_brought[N_LAYERS];
};

static bool send(struct line *l, const uint8_t *bytes, size_t n, struct sink *to, struct err *e)
{
    for (size_t at = 0; at < n;) {
        size_t len = 1 + (size_t)below(&l->chance, 200000);
        len = len < n - at ? len : n - at;
        if (!sink_write(to, bytes + at, len, e))
            return false;
        at += len;
    }
    return true;
}

static void spoil(struct line *l, enum mishap how, struct buf *blob)
{
    size_t at = (size_t)below(&l->chance, blob->len);
    if (how == CUT)
        blob->len = at;
    if (how == CHANGED)
        blob->data[at] ^= 0x10;
    if (how == NOISE)
        random_bytes((uint8_t *)blob->data + at, blob->len - at, l->chance);
    if (how == LONGER)
        buf_add(blob, "more", 4);
}

static size_t index_of(const struct line *l, const struct pack_layer *layer)
{
    return (size_t)(layer - l->f->layers);
}

static bool bring(void *ctx, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e)
{
    static const enum err_code codes[N_MISHAPS] = { [CUT] = ERR_NET, [CHANGED] = ERR_INTEGRITY, [NOISE] = ERR_INTEGRITY, [LONGER] = ERR_INTEGRITY, [REFUSED] = ERR_AUTH };
    struct line *l = ctx;
    AUTO(mem_auto) char *path = mem_format("%s/%s", l->f->dir, DIGEST_HEX(&layer->blobs[form].digest));
    AUTO(buf_clear_auto) struct buf blob = BUF_LIMIT(64 << 20);
    size_t n = ++l->n_brought[index_of(l, layer)];
    assert_true(file_read(path, FILE_PLAIN, 64 << 20, &blob, e));
    enum mishap how = l->is_by_chance ? (n < TRIES ? (enum mishap)below(&l->chance, REFUSED) : NONE) : index_of(l, layer) == l->layer ? l->always : NONE;
    spoil(l, how, &blob);
    if (!send(l, (const uint8_t *)blob.data, blob.len, to, e))
        return false;
    *is_worth_trying = how != REFUSED;
    return how == NONE || err_set(e, codes[how], "mishap %d", how);
}

/* Files by digest, and none of the layers has one of its own. */
static void only_by_digest(struct fixture *f)
{
    for (size_t i = 0; i < N_LAYERS; i++) {
        AUTO(mem_auto) char *by_digest = mem_format("%s/%s", f->dir, DIGEST_HEX(&f->blobs[i].digest));
        assert_int_equal(rename(f->forms[i].path, by_digest), 0);
        mem_free(TAKE(f->forms[i].path));
    }
}

static struct writer *open_small(const struct fixture *f)
{
    struct err e = { 0 };
    char platform[1][65] = { "linux/amd64" };
    struct manifest head = { .name = "t", .version = "1.0.0", .n_platforms = 1, .platforms = platform, .average = AVERAGE,
                             .builder_program = "test", .builder_version = "1" };
    sha256_of(&head.release_sha256, release, sizeof release - 1);
    struct writer_spec spec = { .path = f->path, .head = &head, .n_layers = N_LAYERS, .n_blobs = N_LAYERS, .n_members = 1,
                                .raw_estimate = f->raw_bytes, .level = 1, .jobs = 2, .data_member_bytes = 4 << 20 };
    struct writer *w = writer_open(&spec, &e);
    assert_non_null(w);
    assert_true(writer_add_member(w, "release.json", release, sizeof release - 1, false, &e));
    return w;
}

static bool pass(const struct fixture *f, struct line *l, struct err *e)
{
    struct pack_source source = { .bring = bring, .ctx = l, .tries = TRIES };
    struct pack_how how = { .average = AVERAGE, .jobs = 2, .source = l == NULL ? NULL : &source };
    AUTO(writer_drop_auto) struct writer *w = open_small(f);
    return pack_layers(w, f->layers, N_LAYERS, &how, e) && writer_finish(w, NULL, NULL, e) && writer_publish(w, true, e);
}

static void read_file(const struct fixture *f, struct buf *out)
{
    struct err e = { 0 };
    *out = (struct buf)BUF_LIMIT(64 << 20);
    assert_true(file_read(f->path, FILE_PLAIN, out->max, out, &e));
}

/* ---- tests ---- */

static void mishaps_leave_no_trace(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    size_t n_retries = 0;
    AUTO(buf_clear_auto) struct buf from_files = { 0 };
    assert_true(pass(f, NULL, &e));
    read_file(f, &from_files);
    only_by_digest(f);
    for (uint64_t seed = 0; seed < 6; seed++) {
        AUTO(buf_clear_auto) struct buf found = { 0 };
        struct line l = { .f = f, .chance = 77 + seed * 1000003, .is_by_chance = seed > 0, .layer = N_LAYERS };
        if (!pass(f, &l, &e))
            fail_msg("seed %d: %s", (int)seed, e.msg);
        read_file(f, &found);
        if (found.len != from_files.len || memcmp(found.data, from_files.data, found.len) != 0)
            fail_msg("seed %d: another file", (int)seed);
        for (size_t i = 0; i < N_LAYERS; i++)
            n_retries += l.n_brought[i] - 1;
    }
    assert_true(n_retries > 4 * N_LAYERS);
}

static void fails(struct fixture *f, enum mishap how, size_t n_tries, enum err_code code, const char *says)
{
    unlink(f->path);
    struct err e = { 0 };
    struct line l = { .f = f, .chance = 4711, .always = how, .layer = 3 };
    assert_false(pass(f, &l, &e));
    if (e.code != code || strstr(e.msg, says) == NULL || strstr(e.msg, DIGEST_SHOWN(&f->blobs[3].digest)) == NULL)
        fail_msg("%s: %s", err_name(e.code), e.msg);
    assert_int_equal(l.n_brought[3], n_tries);
    assert_int_equal(l.n_brought[4], 0); /* one at a time */
    no_file_has_appeared(f);
}

static void there_is_an_end_to_trying(void **state)
{
    fails(*state, CUT, TRIES, ERR_NET, "mishap");
    fails(*state, CHANGED, TRIES, ERR_INTEGRITY, "mishap");
    fails(*state, NOISE, TRIES, ERR_INTEGRITY, "mishap");
    fails(*state, LONGER, TRIES, ERR_INTEGRITY, "mishap");
    fails(*state, REFUSED, 1, ERR_AUTH, "mishap");
}

/* The bytes are the right ones: bringing them again would change nothing. */
static void a_layer_that_is_like_that_is_brought_once(void **state)
{
    struct fixture *f = *state;
    f->layers[3].diff_id.bytes[0] ^= 1;
    fails(f, NONE, 1, ERR_INTEGRITY, "diff_id");
    f->layers[3].diff_id.bytes[0] ^= 1;
    f->forms[3].compression = OCI_ZSTD;
    fails(f, NONE, 1, ERR_REGISTRY, "not zstd");
    f->forms[3].compression = OCI_RAW;
}

/* ---- several forms ---- */

/* Layer 3 exists as it is, as gzip, and as zstd of `third`. */
static void add_forms(struct fixture *f, struct manifest_blob blobs[3], struct pack_form forms[3], const char *third)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf raw = BUF_LIMIT(64 << 20), gzip = BUF_LIMIT(64 << 20), zstd = BUF_LIMIT(64 << 20);
    AUTO(mem_auto) char *path = mem_format("%s/%s", f->dir, DIGEST_HEX(&f->blobs[3].digest));
    assert_true(file_read(path, FILE_PLAIN, 64 << 20, &raw, &e));
    add_gzip(&gzip, (const uint8_t *)raw.data, raw.len);
    add_zstd(&zstd, (const uint8_t *)(third == NULL ? raw.data : third), third == NULL ? raw.len : strlen(third));
    const struct buf *const all[3] = { &raw, &gzip, &zstd };
    for (size_t i = 0; i < 3; i++) {
        blobs[i] = (struct manifest_blob){ .media_type = "application/vnd.oci.image.layer.v1.tar", .size = all[i]->len };
        sha256_of(&blobs[i].digest, all[i]->data, all[i]->len);
        AUTO(mem_auto) char *to = mem_format("%s/%s", f->dir, DIGEST_HEX(&blobs[i].digest));
        assert_true(file_publish(to, all[i]->data, all[i]->len, 0600, &e));
        forms[i].compression = i == 0 ? OCI_RAW : i == 1 ? OCI_GZIP : OCI_ZSTD;
    }
    f->layers[3].blobs = blobs;
    f->layers[3].forms = forms;
    f->layers[3].n_blobs = 3;
}

static void take_forms_away(struct fixture *f)
{
    f->layers[3].blobs = &f->blobs[3];
    f->layers[3].forms = &f->forms[3];
    f->layers[3].n_blobs = 1;
}

static void every_form_is_proven_and_one_is_stored(void **state)
{
    struct fixture *f = *state;
    struct manifest_blob blobs[3];
    struct pack_form forms[3] = { { 0 } };
    struct err e = { 0 };
    struct line l = { .f = f, .chance = 99, .layer = N_LAYERS };
    AUTO(buf_clear_auto) struct buf one = { 0 }, three = { 0 };
    assert_true(pass(f, &l, &e));
    read_file(f, &one);
    add_forms(f, blobs, forms, NULL);
    l = (struct line){ .f = f, .chance = 99, .is_by_chance = true };
    if (!pass(f, &l, &e))
        fail_msg("%s", e.msg);
    read_file(f, &three);
    assert_true(l.n_brought[3] >= 3);
    assert_int_equal(one.len, three.len); /* the manifest names them; it lies in the header, which has room */
    add_forms(f, blobs, forms, "something else");
    l = (struct line){ .f = f, .chance = 99, .layer = N_LAYERS };
    assert_false(pass(f, &l, &e));
    if (e.code != ERR_INTEGRITY || strstr(e.msg, "diff_id") == NULL || strstr(e.msg, DIGEST_SHOWN(&blobs[2].digest)) == NULL)
        fail_msg("%s: %s", err_name(e.code), e.msg);
    assert_int_equal(l.n_brought[3], 3);
    take_forms_away(f);
}

/* The same with a cache. */
static void every_form_in_a_file_is_proven(void **state)
{
    struct fixture *f = *state;
    struct manifest_blob blobs[3];
    struct pack_form forms[3] = { { 0 } };
    struct err e = { 0 };
    add_forms(f, blobs, forms, "something else");
    for (size_t i = 0; i < N_LAYERS; i++)
        for (size_t k = 0; k < f->layers[i].n_blobs; k++)
            f->layers[i].forms[k].path = mem_format("%s/%s", f->dir, DIGEST_HEX(&f->layers[i].blobs[k].digest));
    assert_false(pass(f, NULL, &e));
    if (e.code != ERR_INTEGRITY || strstr(e.msg, "diff_id") == NULL || strstr(e.msg, DIGEST_SHOWN(&blobs[2].digest)) == NULL)
        fail_msg("%s: %s", err_name(e.code), e.msg);
    f->layers[3].n_blobs = 2;
    e = (struct err){ 0 };
    assert_true(pass(f, NULL, &e));
    for (size_t i = 0; i < N_LAYERS; i++)
        mem_free(TAKE(f->layers[i].forms[0].path));
    mem_free(forms[1].path);
    mem_free(forms[2].path);
    take_forms_away(f);
}

/* ---- the other end ---- */

static void a_full_disk_is_no_reason_to_try_again(void **state)
{
    struct fixture *f = *state;
    struct err e = { 0 };
    struct line l = { .f = f, .chance = 5, .layer = N_LAYERS };
    struct pack_source source = { .bring = bring, .ctx = &l, .tries = TRIES };
    struct pack_how how = { .average = AVERAGE, .jobs = 2, .source = &source };
    AUTO(writer_drop_auto) struct writer *w = open_small(f);
    AUTO(fd_auto) int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(full >= 0 && dup2(full, output_fd(writer_output(w), 0)) >= 0);
    assert_false(pack_layers(w, f->layers, N_LAYERS, &how, &e) && writer_finish(w, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_SPACE);
    for (size_t i = 0; i < N_LAYERS; i++)
        assert_true(l.n_brought[i] <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mishaps_leave_no_trace),
        cmocka_unit_test(there_is_an_end_to_trying),
        cmocka_unit_test(a_layer_that_is_like_that_is_brought_once),
        cmocka_unit_test(every_form_is_proven_and_one_is_stored),
        cmocka_unit_test(every_form_in_a_file_is_proven),
        cmocka_unit_test(a_full_disk_is_no_reason_to_try_again),
    };
    return cmocka_run_group_tests(tests, set_up, layers_remove);
}
