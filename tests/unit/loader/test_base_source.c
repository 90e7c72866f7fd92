/* The base of a delta on a host: found in an engine or in a kept bundle, put into files, missing, gone, made into a full bundle again. */
#include "base/text.h"
#include "loader/base_source.h"
#include "loader/consolidate.h"
#include "sys/work.h"
#include "tests/support/tar_text.h"
#include "tests/unit/bundle/bundles.h"
#include "tests/unit/engine/world.h"

enum { PIECE = 4096, PIECES = 8, N_OLD = 2, N_NEW = 3 };

/* The base has two layers. The release keeps the first as it is, changes a piece of the second, and has a third of its own. */
static const uint64_t old_pieces[N_OLD][PIECES] = { { 1, 2, 3, 4, 5, 6, 7, 8 }, { 11, 12, 13, 14, 15, 16, 17, 18 } };
static const uint64_t new_pieces[N_NEW][PIECES] = { { 1, 2, 3, 4, 5, 6, 7, 8 },
                                                    { 11, 12, 13, 99, 15, 16, 17, 18 },
                                                    { 31, 32, 33, 34, 35, 36, 37, 38 } };

static struct world world;

struct scene {
    struct place *place;
    char base_path[160], delta_path[160], full_path[160];
    struct digest old_ids[N_OLD], new_ids[N_NEW];
    struct bundle *delta;
    struct chunk_cache *cache;
    struct base_source *source;
};

static void layer_bytes(const uint64_t pieces[PIECES], uint8_t out[PIECES * PIECE])
{
    memset(out, 0, PIECES * PIECE);
    for (size_t i = 0; i < PIECES; i++)
        num_put_le64(out + i * PIECE, pieces[i]);
}

static void piece_hash(uint64_t number, struct digest *out)
{
    uint8_t bytes[PIECE] = { 0 };
    num_put_le64(bytes, number);
    sha256_of(out, bytes, sizeof bytes);
}

static void layer_id(const uint64_t pieces[PIECES], struct digest *out)
{
    uint8_t bytes[PIECES * PIECE];
    layer_bytes(pieces, bytes);
    sha256_of(out, bytes, sizeof bytes);
}

/* ---- the two bundles ---- */

static struct writer *open_writer(const char *path, const char *version, const char *base_version, size_t n_layers)
{
    struct err e = { 0 };
    char platform[1][65] = { "linux/amd64" };
    AUTO(mem_auto) char *release = mem_format("{\"archon_release\":1,\"name\":\"t\",\"version\":\"%s\"}\n", version);
    struct manifest head = { .name = "t",
                             .n_platforms = 1,
                             .platforms = platform,
                             .average = 4096,
                             .builder_program = "test",
                             .builder_version = "1",
                             .has_base = base_version != NULL,
                             .has_base_release = base_version != NULL };
    assert_true(text_copy(head.version, sizeof head.version, version));
    if (base_version != NULL) {
        assert_true(text_copy(head.base_version, sizeof head.base_version, base_version));
        sha256_of(&head.base_release_sha256, base_version, strlen(base_version));
    }
    sha256_of(&head.release_sha256, release, strlen(release));
    struct writer_spec spec = { .path = path,
                                .head = &head,
                                .n_layers = n_layers,
                                .n_blobs = n_layers,
                                .n_members = 3,
                                .raw_estimate = 1 << 20,
                                .level = 1,
                                .jobs = 2,
                                .n_base_layers = base_version == NULL ? 0 : N_OLD };
    struct writer *w = writer_open(&spec, &e);
    if (w == NULL || !writer_add_member(w, "release.json", release, strlen(release), false, &e) ||
        !writer_add_member(w, "app/run", "x", 1, true, &e))
        fail_msg("%s", e.msg);
    return w;
}

static void add_layer(struct writer *w, const uint64_t pieces[PIECES])
{
    struct err e = { 0 };
    AUTO(sha256_free_auto) struct sha256 *hash = sha256_new();
    bool ok = writer_begin_layer(w, &e);
    for (size_t i = 0; i < PIECES; i++)
        ok = ok && add_piece(w, hash, pieces[i], PIECE, &e);
    if (!ok || !end_layer(w, hash, &e))
        fail_msg("%s", e.msg);
}

static void finish(struct writer *w)
{
    struct err e = { 0 };
    if (!writer_add_member(w, "reports/late", "report", 6, false, &e) || !writer_finish(w, NULL, NULL, &e) || !writer_publish(w, false, &e))
        fail_msg("%s", e.msg);
    writer_drop(w);
}

static void make_base(const struct scene *s, size_t n_layers)
{
    struct writer *w = open_writer(s->base_path, "1.0.0", NULL, n_layers);
    for (size_t i = 0; i < n_layers; i++)
        add_layer(w, old_pieces[i]);
    finish(w);
}

static void make_delta(const struct scene *s)
{
    struct err e = { 0 };
    struct writer *w = open_writer(s->delta_path, "1.1.0", "1.0.0", N_NEW);
    struct manifest_blob blob = { .media_type = "application/vnd.oci.image.layer.v1.tar", .size = 1, .digest = s->new_ids[0] };
    struct manifest_layer whole = { .diff_id = s->new_ids[0], .n_blobs = 1, .blobs = &blob };
    for (size_t i = 0; i < N_OLD; i++) {
        writer_begin_base(w, &s->old_ids[i]);
        for (size_t k = 0; k < PIECES; k++) {
            struct digest d;
            piece_hash(old_pieces[i][k], &d);
            writer_add_base_piece(w, d.bytes, PIECE);
        }
    }
    if (!writer_add_whole(w, &whole, PIECES * PIECE, &e))
        fail_msg("%s", e.msg);
    add_layer(w, new_pieces[1]);
    add_layer(w, new_pieces[2]);
    finish(w);
}

/* ---- a scene ---- */

static int begin(void **state)
{
    struct err e = { 0 };
    struct scene *s = mem_new(sizeof *s);
    void *place = NULL;
    place_make(&place);
    s->place = place;
    snprintf(s->base_path, sizeof s->base_path, "%s/base.bundle.tar.zst", s->place->dir);
    snprintf(s->delta_path, sizeof s->delta_path, "%s/delta.bundle.tar.zst", s->place->dir);
    snprintf(s->full_path, sizeof s->full_path, "%s/full.bundle.tar.zst", s->place->dir);
    for (size_t i = 0; i < N_OLD; i++)
        layer_id(old_pieces[i], &s->old_ids[i]);
    for (size_t i = 0; i < N_NEW; i++)
        layer_id(new_pieces[i], &s->new_ids[i]);
    make_base(s, N_OLD);
    make_delta(s);
    s->delta = verify_own(s->delta_path, &e);
    if (s->delta == NULL)
        fail_msg("%s", e.msg);
    s->cache = chunk_cache_new(bundle_index(s->delta), 16 << 20);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    void *place = s->place;
    if (s->source != NULL)
        base_source_free(s->source);
    chunk_cache_free(s->cache);
    bundle_close(s->delta);
    place_remove(&place);
    mem_free(s);
    return 0;
}

static void use(struct scene *s, bool has_kept, const char *engine)
{
    struct err e = { 0 };
    struct base_where where = { .kept = has_kept ? verify_own(s->base_path, &e) : NULL, .engine = engine };
    if (has_kept && where.kept == NULL)
        fail_msg("%s", e.msg);
    s->source = base_source_new(s->delta, s->cache, &where);
}

/* Images of the engine: each has some of the old layers, and gives away what it has. */
struct given {
    const char *name;
    bool has[N_OLD];
    const char *how; /* more for the rule of its archive */
};

static void add_hex(struct buf *out, const struct buf *bytes)
{
    for (size_t i = 0; i < bytes->len; i++)
        buf_addf(out, "%02x", bytes->data[i]);
}

static void add_image(const struct scene *s, const struct given *g, struct buf *list, struct buf *rules)
{
    struct digest id;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    const char *comma = "";
    sha256_of(&id, g->name, strlen(g->name));
    buf_addf(list, "%s{\"Id\": \"%s\"}", list->len > 0 ? "," : "", DIGEST_SHOWN(&id));
    buf_addf(rules,
             "{\"call\": \"GET /images/%s/json\", \"json\": {\"Id\": \"%s\", \"Os\": \"linux\", \"Architecture\": \"amd64\", \"RootFS\": "
             "{\"Layers\": [",
             DIGEST_SHOWN(&id), DIGEST_SHOWN(&id));
    for (size_t i = 0; i < N_OLD; i++)
        if (g->has[i]) {
            uint8_t bytes[PIECES * PIECE];
            char path[32];
            buf_addf(rules, "%s\"%s\"", comma, DIGEST_SHOWN(&s->old_ids[i]));
            comma = ",";
            layer_bytes(old_pieces[i], bytes);
            snprintf(path, sizeof path, "l%zu/layer.tar", i);
            tar_text_add(&tar, '0', path, NULL, bytes, sizeof bytes);
        }
    tar_text_end(&tar);
    buf_addf(rules, "]}}},{\"call\": \"GET /images/%s/get\", %s \"body_hex\": \"", DIGEST_SHOWN(&id), g->how == NULL ? "" : g->how);
    add_hex(rules, &tar);
    buf_adds(rules, "\"},");
}

static const char *engine_with(const struct scene *s, const struct given *given, size_t n)
{
    AUTO(buf_clear_auto) struct buf list = BUF_LIMIT(1 << 16);
    AUTO(buf_clear_auto) struct buf rules = BUF_LIMIT(8 << 20);
    for (size_t i = 0; i < n; i++)
        add_image(s, &given[i], &list, &rules);
    buf_addf(&rules, "{\"call\": \"GET /images/json\", \"json\": [%s]},", buf_text(&list));
    world_again(&world, WORLD_CLASSIC, buf_text(&rules));
    return fake_path(&world.fake, "engine.sock");
}

static void reads(struct scene *s, size_t layer)
{
    struct err e = { 0 };
    uint8_t found[PIECES * PIECE + 1], wanted[PIECES * PIECE];
    size_t n = 0;
    AUTO(source_free_auto) struct source *tar = layer_reader_open(s->delta, s->cache, layer, &e);
    for (size_t got = 1; tar != NULL && got > 0; n += got)
        if (!source_read(tar, found + n, sizeof found - n, &got, &e))
            break;
    if (e.code != ERR_NONE)
        fail_msg("%s", e.msg);
    layer_bytes(new_pieces[layer], wanted);
    assert_int_equal(n, sizeof wanted);
    assert_memory_equal(found, wanted, sizeof wanted);
}

static const bool all[N_NEW] = { true, true, true };

static void found_and_fetched(struct scene *s)
{
    struct err e = { 0 };
    if (!base_source_find(s->source, all, &e) || !base_source_fetch(s->source, &e))
        fail_msg("%s (%s)", e.msg, e.hint);
    assert_int_equal(base_source_count(s->source), 0);
    for (size_t i = 0; i < N_NEW; i++)
        reads(s, i);
}

static void fails(struct scene *s, enum err_code code, const char *text)
{
    struct err e = { 0 };
    assert_false(base_source_find(s->source, all, &e) && base_source_fetch(s->source, &e));
    assert_int_equal(e.code, code);
    if (strstr(e.msg, text) == NULL && strstr(e.hint, text) == NULL)
        fail_msg("%s (%s)", e.msg, e.hint);
}

/* ---- where layers come from ---- */

static void the_engine_has_them(void **state)
{
    struct scene *s = *state;
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, NULL } }, 1));
    found_and_fetched(s);
    assert_int_equal(world_calls(&world, "GET /images/sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed/get"),
                     1); /* once for both */
}

static void two_images_have_one_each(void **state)
{
    struct scene *s = *state;
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, false }, NULL }, { "two", { false, true }, NULL } }, 2));
    found_and_fetched(s);
}

static void a_kept_bundle_has_them_and_no_engine_is_asked(void **state)
{
    struct scene *s = *state;
    use(s, true, "/nowhere/engine.sock");
    found_and_fetched(s);
}

static void a_kept_bundle_has_some_and_the_engine_the_rest(void **state)
{
    struct scene *s = *state;
    assert_int_equal(unlink(s->base_path), 0);
    make_base(s, 1);
    use(s, true, engine_with(s, (struct given[]){ { "two", { false, true }, NULL } }, 1));
    found_and_fetched(s);
}

static void only_what_is_read_becomes_a_file(void **state)
{
    struct scene *s = *state;
    struct err e = { 0 };
    static const bool second[N_NEW] = { false, true, false };
    static const bool third[N_NEW] = { false, false, true };
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, NULL } }, 1));
    assert_true(base_source_find(s->source, third, &e));
    assert_int_equal(base_source_count(s->source), 0);
    assert_int_equal(base_source_bytes(s->source), 0);
    assert_true(base_source_find(s->source, second, &e));
    assert_int_equal(base_source_count(s->source), 1);
    assert_int_equal(base_source_bytes(s->source), PIECES * PIECE);
    assert_true(base_source_fetch(s->source, &e));
    assert_int_equal(base_source_bytes(s->source), 0);
    reads(s, 1);
}

static void what_nobody_looked_for_is_fetched_when_it_is_read(void **state)
{
    struct scene *s = *state;
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, NULL } }, 1));
    reads(s, 0);
    reads(s, 1);
}

struct asking {
    const struct base_layers *base;
    uint8_t found[PIECE];
};

static bool ask_for_second(void *ctx, struct err *e)
{
    struct asking *a = ctx;
    return a->base->read(a->base->ctx, 1, PIECE, a->found, PIECE,
                         e); /* base layers are numbered as the delta uses them: this one is the second */
}

static void several_threads_may_ask_for_one_layer(void **state)
{
    struct scene *s = *state;
    struct err e = { 0 };
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, NULL } }, 1));
    struct asking asked[3];
    struct work_thread *threads[3];
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        asked[i].base = bundle_base(s->delta);
        threads[i] = work_thread_start(ask_for_second, &asked[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        if (!work_thread_join(&threads[i], &e))
            fail_msg("%s", e.msg);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        assert_int_equal(num_le64(asked[i].found), old_pieces[1][1]);
    assert_int_equal(world_calls(&world, "GET /images/sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed/get"), 1);
}

/* ---- where they do not ---- */

static void a_missing_base_is_named_with_the_way_out(void **state)
{
    struct scene *s = *state;
    AUTO(mem_auto) char *layer = mem_format(" %.12s", DIGEST_HEX(&s->old_ids[1]));
    const char *engine = engine_with(s, (struct given[]){ { "one", { true, false }, NULL } }, 1);
    const char *const texts[] = { "release 1.0.0", "1 of the 2 layers that are needed of it is missing", layer, "--base BUNDLE",
                                  "the full bundle of t 1.1.0" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        use(s, false, engine);
        fails(s, ERR_POLICY, texts[i]);
        assert_int_equal(world_calls(&world, "GET /images/sha256.*/get"), 0); /* nothing was fetched */
        base_source_free(TAKE(s->source));
    }
}

static void an_engine_that_lists_what_it_does_not_find_is_not_asked_for_ever(void **state)
{
    struct scene *s = *state;
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, "\"status\": 404, " } }, 1));
    fails(s, ERR_ENGINE, "lists it, but does not find it");
}

static void an_image_that_is_gone_when_it_is_fetched_is_a_missing_base(void **state)
{
    struct scene *s = *state;
    struct err e = { 0 };
    use(s, false, engine_with(s, (struct given[]){ { "one", { true, true }, NULL } }, 1));
    assert_true(base_source_find(s->source, all, &e));
    world_again(&world, WORLD_CLASSIC, "{\"call\": \"GET /images/.*/get\", \"status\": 404},"); /* removed meanwhile */
    assert_false(base_source_fetch(s->source, &e));
    assert_int_equal(e.code, ERR_POLICY);
}

/* ---- a full bundle again ---- */

static bool make_full(struct scene *s, const struct key_private *key, struct err *e)
{
    struct consolidate_result r;
    struct consolidate_spec spec = {
        .delta = s->delta, .cache = s->cache, .base = s->source, .key = key, .path = s->full_path, .level = 3, .jobs = 2
    };
    return consolidate(&spec, &r, e);
}

static void base_and_delta_become_a_full_bundle_of_the_same_release(void **state)
{
    struct scene *s = *state;
    struct err e = { 0 };
    AUTO(key_private_free_auto) struct key_private *key = key_private_generate(KEY_ED25519, &e);
    use(s, true, NULL);
    if (!make_full(s, key, &e))
        fail_msg("%s", e.msg);
    AUTO(bundle_close_auto) struct bundle *b = verify_own(s->full_path, &e);
    assert_non_null(b);
    const struct manifest *full = bundle_manifest(b);
    const struct manifest *delta = bundle_manifest(s->delta);
    assert_false(full->has_base);
    assert_true(digest_equal(&full->release_sha256, &delta->release_sha256));
    assert_int_equal(full->n_layers, delta->n_layers);
    for (size_t i = 0; i < full->n_layers; i++) {
        assert_true(digest_equal(&full->layers[i].diff_id, &delta->layers[i].diff_id));
        assert_true(digest_equal(&full->layers[i].blobs[0].digest, &delta->layers[i].blobs[0].digest));
    }
    assert_true(bundle_verify_layers(b, 16 << 20, NULL, &e)); /* without any base */
    size_t late = manifest_find_member(full, "reports/late");
    assert_true(late != SIZE_MAX && manifest_is_data(&full->members[late - 1]));
    size_t run = manifest_find_member(full, "app/run");
    assert_true(run != SIZE_MAX && full->members[run].is_executable);
}

static void without_the_base_there_is_no_file(void **state)
{
    struct scene *s = *state;
    struct err e = { 0 };
    bool exists = true;
    AUTO(key_private_free_auto) struct key_private *key = key_private_generate(KEY_ED25519, &e);
    use(s, false, engine_with(s, NULL, 0));
    assert_false(make_full(s, key, &e));
    assert_int_equal(e.code, ERR_POLICY);
    struct err none = { 0 };
    assert_true(file_exists(s->full_path, &exists, &none) && !exists);
}

static int set_up(void **state)
{
    (void)state;
    world_start(&world, WORLD_CLASSIC, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    static const struct CMUnitTest tests[] = {
        SCENE_TEST(the_engine_has_them),
        SCENE_TEST(two_images_have_one_each),
        SCENE_TEST(a_kept_bundle_has_them_and_no_engine_is_asked),
        SCENE_TEST(a_kept_bundle_has_some_and_the_engine_the_rest),
        SCENE_TEST(only_what_is_read_becomes_a_file),
        SCENE_TEST(what_nobody_looked_for_is_fetched_when_it_is_read),
        SCENE_TEST(several_threads_may_ask_for_one_layer),
        SCENE_TEST(a_missing_base_is_named_with_the_way_out),
        SCENE_TEST(an_engine_that_lists_what_it_does_not_find_is_not_asked_for_ever),
        SCENE_TEST(an_image_that_is_gone_when_it_is_fetched_is_a_missing_base),
        SCENE_TEST(base_and_delta_become_a_full_bundle_of_the_same_release),
        SCENE_TEST(without_the_base_there_is_no_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
