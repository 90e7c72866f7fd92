/* Several images at once: what is sent in which request, what waits for what, and what is left when one of them fails. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/load_set_parts.h"
#include "sys/file.h"
#include "sys/start.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

enum { N_IMAGES = 3 };
#define LARGE (4 * MIB) /* enough for a request of its own */

/* Three images on one base: a layer that all of them share, and one of their own. */
struct family {
    struct world w;
    struct image images[N_IMAGES];
    struct load_image base;
    struct buf base_config;
    struct load_known k;
    size_t n_before;            /* calls of before */
    int base_questions;         /* about the base, when the first layer of an image on it was opened */
    struct source *(*open)(void *ctx, size_t layer, struct err *e);
};

static struct family *family; /* for open_watched, whose ctx is the image */

static void set_layer(struct image *i, size_t layer, char fill, size_t bytes)
{
    AUTO(mem_auto) char *content = mem_new(bytes);
    memset(content, fill, bytes);
    image_set_layer(i, layer, content, bytes);
}

static int base_questions(struct family *f)
{
    AUTO(mem_auto) char *call = mem_format("GET /images/%s/json", DIGEST_SHOWN(&f->base.config_digest));
    return world_calls(&f->w, call);
}

static struct source *open_watched(void *ctx, size_t layer, struct err *e)
{
    if (family->base_questions < 0) {
        struct err ignored = { 0 };
        family->base_questions = base_questions(family);
        assert_true(file_publish(fake_path(&family->w.fake, "opened"), "", 0, 0600, &ignored));
    }
    return family->open(ctx, layer, e);
}

static char *all_rules(struct family *f, enum world_kind kind, const char *rules)
{
    struct buf text = BUF_LIMIT(1 << 20);
    const char *id = DIGEST_SHOWN(&f->base.config_digest);
    AUTO(mem_auto) char *base = inspect_document(&f->images[0], &f->base.config_digest, 1, "amd64");
    buf_addf(&text, "%s{\"call\": \"GET /images/%s/json\", \"times\": 1, \"status\": 404},{\"call\": \"GET /images/%s/json\", \"json\": %s},", rules, id, id,
             base);
    buf_addf(&text, "{\"call\": \"GET /images/json.*filters=.*true.*\", \"json\": [{\"Id\": \"%s\"}, {\"Id\": \"%s\"}, {\"Id\": \"%s\"}]},",
             DIGEST_SHOWN(image_id(&f->images[0], kind)), DIGEST_SHOWN(image_id(&f->images[1], kind)), DIGEST_SHOWN(image_id(&f->images[2], kind)));
    for (size_t i = 0; i < N_IMAGES; i++) {
        AUTO(mem_auto) char *own = rules_for(&f->images[i], kind);
        buf_adds(&text, own);
    }
    return buf_take(&text);
}

static void family_start(struct family *f, enum world_kind kind, size_t layer_bytes, const char *rules)
{
    static const char *const tags[N_IMAGES] = { "a", "b", "c" };
    struct err e = { 0 };
    *f = (struct family){ .base_questions = -1 };
    family = f;
    for (size_t i = 0; i < N_IMAGES; i++) {
        image_make(&f->images[i], tags[i], 2);
        set_layer(&f->images[i], 0, '0', layer_bytes);
        set_layer(&f->images[i], 1, tags[i][0], layer_bytes + i); /* a is the smallest */
        f->open = f->images[i].layers[1].open;
        f->images[i].layers[1].open = open_watched;
    }
    if (!load_base_make(&f->base, &f->base_config, &f->images[0].load, 1, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *all = all_rules(f, kind, rules);
    world_start(&f->w, kind, all);
    if (!load_known_read(f->w.g, &f->k, &e))
        fail_msg("%s", e.msg);
}

static void family_stop(struct family *f)
{
    load_known_clear(&f->k);
    buf_clear(&f->base_config);
    world_stop(&f->w);
    for (size_t i = 0; i < N_IMAGES; i++)
        image_drop(&f->images[i]);
}

static struct load_set *set_of(struct family *f)
{
    struct err e = { 0 };
    const struct load_image *all[N_IMAGES];
    for (size_t i = 0; i < N_IMAGES; i++)
        all[i] = &f->images[i].load;
    struct load_set *s = load_set_new(f->w.g, all, N_IMAGES, &f->k, &e);
    if (s == NULL)
        fail_msg("%s", e.msg);
    return s;
}

static bool count_before(void *ctx, const struct load_image *i, struct err *e)
{
    (void)e;
    struct family *f = ctx;
    assert_false(i->is_unnamed);
    f->n_before++;
    return true;
}

static bool run(struct family *f, unsigned connections, struct err *e)
{
    AUTO(load_set_free_auto) struct load_set *s = set_of(f);
    struct load_set_how how = { .connections = connections, .before = count_before, .ctx = f };
    return load_set_run(s, &how, &f->k, e);
}

static void runs(struct family *f, unsigned connections)
{
    struct err e = { 0 };
    if (!run(f, connections, &e))
        fail_msg("%s", e.msg);
}

static bool has_layer(const char *load, const struct digest *diff_id)
{
    AUTO(mem_auto) char *entry = mem_format("[\"blobs/sha256/%s\"", DIGEST_HEX(diff_id));
    return strstr(load, entry) != NULL;
}

/* In how many of the first n loads is the layer? */
static int times_sent(struct family *f, int n, const struct digest *diff_id)
{
    int sent = 0;
    for (int i = 0; i < n; i++) {
        AUTO(mem_auto) char *load = world_load(&f->w, i);
        sent += has_layer(load, diff_id);
    }
    return sent;
}

static int count_committed(struct family *f, int n)
{
    int committed = 0;
    for (int i = 0; i < n; i++) {
        AUTO(mem_auto) char *load = world_load(&f->w, i);
        committed += strstr(load, "\"has_end_mark\": true") != NULL;
    }
    return committed;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void a_shared_layer_is_an_image_of_its_own_and_sent_once(void **state)
{
    (void)state;
    for (unsigned connections = 1; connections <= 4; connections++) {
        struct family f;
        family_start(&f, WORLD_CLASSIC, LARGE, "");
        runs(&f, connections);
        assert_int_equal(world_calls(&f.w, "POST /images/load"), N_IMAGES + 1);
        AUTO(mem_auto) char *first = world_load(&f.w, 0);
        assert_true(has_layer(first, &f.images[0].layers[0].diff_id));
        assert_non_null(strstr(first, DIGEST_HEX(&f.base.config_digest)));
        assert_int_equal(times_sent(&f, N_IMAGES + 1, &f.images[0].layers[0].diff_id), 1);
        for (size_t i = 0; i < N_IMAGES; i++)
            assert_int_equal(times_sent(&f, N_IMAGES + 1, &f.images[i].layers[1].diff_id), 1);
        assert_int_equal(f.n_before, N_IMAGES);
        assert_int_equal(world_calls(&f.w, "POST /images/sha256:"), N_IMAGES); /* names: none for the base */
        family_stop(&f);
    }
}

static void a_small_shared_layer_comes_with_the_smallest_image(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CLASSIC, 1000, "");
    runs(&f, 2);
    assert_int_equal(world_calls(&f.w, "POST /images/load"), N_IMAGES);
    AUTO(mem_auto) char *first = world_load(&f.w, 0);
    assert_true(has_layer(first, &f.images[0].layers[0].diff_id) && has_layer(first, &f.images[0].layers[1].diff_id));
    assert_int_equal(times_sent(&f, N_IMAGES, &f.images[0].layers[0].diff_id), 1);
    family_stop(&f);
}

static void a_blob_is_sent_once_to_containerds_store(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CONTAINERD, LARGE, "");
    runs(&f, 3);
    assert_int_equal(world_calls(&f.w, "POST /images/load"), N_IMAGES);
    AUTO(mem_auto) char *first = world_load(&f.w, 0);
    assert_true(has_layer(first, &f.images[0].layers[0].diff_id));
    assert_int_equal(times_sent(&f, N_IMAGES, &f.images[0].layers[0].diff_id), 1);
    family_stop(&f);
}

/* Compressed blobs of an exact bundle are told apart by their own digests: the same tar in two compressions is two blobs. */
static void blobs_are_told_apart_by_what_is_sent(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CONTAINERD, LARGE, "");
    sha256_of(&f.images[1].layers[0].blob, "compressed", 10);
    f.images[1].layers[0].media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    assert_int_equal(load_set_bytes(s), 5 * LARGE + 3);
    f.images[2].layers[0].blob = f.images[1].layers[0].blob;
    f.images[2].layers[0].media_type = f.images[1].layers[0].media_type;
    AUTO(load_set_free_auto) struct load_set *again = set_of(&f);
    assert_int_equal(load_set_bytes(again), 5 * LARGE + 3);
    family_stop(&f);
}

static void podman_gets_whole_images_one_after_another(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_PODMAN, LARGE, "");
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    assert_int_equal(load_set_connections(s, UINT64_MAX), 1);
    runs(&f, 1);
    assert_int_equal(times_sent(&f, N_IMAGES, &f.images[0].layers[0].diff_id), N_IMAGES);
    family_stop(&f);
}

static void nothing_to_load_asks_nothing(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    family_start(&f, WORLD_CLASSIC, 1000, "");
    AUTO(load_set_free_auto) struct load_set *s = load_set_new(f.w.g, NULL, 0, &f.k, &e);
    struct load_set_how how = { .connections = load_set_connections(s, 0) };
    assert_true(load_set_run(s, &how, &f.k, &e));
    assert_int_equal(world_calls(&f.w, "POST"), 0);
    family_stop(&f);
}

/* --- what waits --------------------------------------------------------------------------------------------------- */

/* Where the nth line of the log with this part begins. */
static size_t line_of(struct family *f, const char *part, int n)
{
    const char *log = fake_log(&f->w.fake);
    const char *at = log;
    for (int i = 0; at != NULL && i < n; i++)
        at = strstr(i == 0 ? at : at + 1, part);
    if (at == NULL)
        fail_msg("%s is not in the log %d times", part, n);
    return (size_t)(at - log);
}

static void an_image_is_not_committed_before_its_base_has_answered(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CLASSIC, LARGE, "{\"call\": \"POST /images/load.*\", \"times\": 1, \"until\": \"opened\", \"lines\": [{\"stream\": \"x\"}]},");
    runs(&f, 2);
    mem_free(world_load(&f.w, N_IMAGES));
    AUTO(mem_auto) char *question = mem_format("GET /images/%s/json", DIGEST_SHOWN(&f.base.config_digest));
    size_t read_back = line_of(&f, question, 2);
    assert_true(line_of(&f, "\"load\": {", 1) < read_back);
    assert_true(line_of(&f, "\"load\": {", 2) > read_back);
    /* but its blobs were on their way while the engine registered the base */
    assert_int_equal(f.base_questions, 1);
    family_stop(&f);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void nothing_is_registered_on_a_base_that_is_refused(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    family_start(&f, WORLD_CLASSIC, LARGE,
                 "{\"call\": \"POST /images/load.*\", \"times\": 1, \"delay\": 0.3, \"lines\": [{\"error\": \"no space left on device\"}]},");
    assert_false(run(&f, 2, &e));
    assert_int_equal(e.code, ERR_SPACE);
    assert_non_null(strstr(e.msg, "no space left on device"));
    assert_int_equal(f.n_before, 0);
    assert_int_equal(world_calls(&f.w, "POST /images/sha256:"), 0);
    int n = world_calls(&f.w, "POST /images/load");
    assert_int_equal(count_committed(&f, n), 1);
    family_stop(&f);
}

static void a_layer_that_is_wrong_breaks_its_own_archive_off(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    f.images[2].how[1] = LAYER_FAILS_AT_END;
    assert_false(run(&f, 2, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "shop/api:c"));
    assert_int_equal(f.images[2].n_opened[1], 1);
    for (int i = 0; i < world_calls(&f.w, "POST /images/load"); i++) {
        AUTO(mem_auto) char *load = world_load(&f.w, i);
        assert_true(!has_layer(load, &f.images[2].layers[1].diff_id) || strstr(load, "\"has_end_mark\": false") != NULL);
    }
    family_stop(&f);
}

static void an_image_whose_base_is_gone_is_sent_in_full(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CLASSIC, LARGE,
                 "{\"call\": \"POST /images/load.*\", \"times\": 1, \"lines\": [{\"stream\": \"x\"}]},"
                 "{\"call\": \"POST /images/load.*\", \"times\": 1, \"lines\": [{\"error\": \"open x: no such file or directory\"}]},");
    runs(&f, 2);
    assert_int_equal(world_calls(&f.w, "POST /images/load"), N_IMAGES + 2);
    assert_int_equal(times_sent(&f, N_IMAGES + 2, &f.images[0].layers[0].diff_id), 2);
    assert_int_equal(f.n_before, N_IMAGES);
    family_stop(&f);
}

static bool refuse_before(void *ctx, const struct load_image *i, struct err *e)
{
    (void)ctx, (void)i;
    return err_set(e, ERR_IO, "its name cannot be noted");
}

static void an_image_that_is_not_noted_is_not_registered(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    struct load_set_how how = { .connections = 2, .before = refuse_before };
    assert_false(load_set_run(s, &how, &f.k, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(count_committed(&f, world_calls(&f.w, "POST /images/load")), 1); /* the base */
    family_stop(&f);
}

static bool stop_at_once(void *ctx, const struct progress_fact *fact)
{
    (void)ctx, (void)fact;
    return false;
}

static void who_listens_can_stop_it(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    struct progress progress = { stop_at_once, NULL };
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    struct load_set_how how = { .connections = 2, .progress = &progress };
    assert_false(load_set_run(s, &how, &f.k, &e));
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_int_equal(count_committed(&f, world_calls(&f.w, "POST /images/load")), 0);
    family_stop(&f);
}

/* --- room --------------------------------------------------------------------------------------------------------- */

static void copies_of_requests_that_are_under_way_need_room(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    uint64_t all = 4 * LARGE + 3;
    assert_int_equal(load_set_bytes(s), all);
    assert_int_equal(load_set_room(s, 1), all + LARGE + 2);
    assert_int_equal(load_set_room(s, 2), all + 2 * LARGE + 3);
    assert_in_range(load_set_connections(s, UINT64_MAX), 2, 4);
    assert_int_equal(load_set_connections(s, load_set_room(s, 2)), 2);
    assert_int_equal(load_set_connections(s, load_set_room(s, 2) - 1), 1);
    assert_int_equal(load_set_connections(s, 0), 1);
    family_stop(&f);
}

/* Nobody knows how long the tar in a blob is before it is inflated. */
static void compressed_blobs_need_the_room_of_what_they_become(void **state)
{
    (void)state;
    struct family f;
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    for (size_t i = 0; i < N_IMAGES; i++)
        f.images[i].layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    AUTO(load_set_free_auto) struct load_set *s = set_of(&f);
    uint64_t own = 3 * LARGE + 3;
    assert_int_equal(load_set_room(s, 1), LARGE + 3 * own + LARGE + 2);
    family_stop(&f);
}

/* --- bases -------------------------------------------------------------------------------------------------------- */

static void bases_are_removed_and_nothing_else(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    const struct load_image *all[] = { &f.images[0].load, &f.images[1].load };
    assert_true(load_bases_remove(f.w.g, all, 2, &e));
    assert_int_equal(world_calls(&f.w, "DELETE"), 0);
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"%s\"}, {\"Id\": \"%s\"}]},"
                                            "{\"call\": \"DELETE /images/.*\", \"json\": []},",
                                            DIGEST_SHOWN(&f.images[0].load.config_digest), DIGEST_SHOWN(&f.base.config_digest));
    struct world w;
    world_start(&w, WORLD_CLASSIC, rules);
    assert_true(load_bases_remove(w.g, all, 2, &e));
    AUTO(mem_auto) char *removal = mem_format("DELETE /images/%s", DIGEST_SHOWN(&f.base.config_digest));
    assert_int_equal(world_calls(&w, "DELETE"), 1);
    assert_int_equal(world_calls(&w, removal), 1);
    world_stop(&w);
    family_stop(&f);
}

/* In a process of its own, as no process forgets that it was asked to stop. */
static void bases_are_removed_although_a_signal_asked_for_a_stop(void **state)
{
    (void)state;
    struct family f;
    struct err e = { 0 };
    int status = 0;
    family_start(&f, WORLD_CLASSIC, LARGE, "");
    const struct load_image *all[] = { &f.images[0].load, &f.images[1].load };
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"%s\"}]},"
                                            "{\"call\": \"DELETE /images/.*\", \"json\": []},", DIGEST_SHOWN(&f.base.config_digest));
    struct world w;
    world_start(&w, WORLD_CLASSIC, rules);
    pid_t child = fork();
    if (child == 0) {
        struct engine *usual = start_process(NULL, &e) ? engine_open_again(w.g, &e) : NULL;
        struct engine *tidy = engine_open_to_tidy(w.g, &e);
        if (usual == NULL || tidy == NULL || raise(SIGINT) != 0)
            _exit(3);
        bool is_stopped = !load_bases_remove(usual, all, 2, &e) && e.code == ERR_INTERRUPTED;
        e = (struct err){ 0 };
        _exit(is_stopped && load_bases_remove(tidy, all, 2, &e) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(world_calls(&w, "DELETE"), 1);
    world_stop(&w);
    family_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_layer_is_an_image_of_its_own_and_sent_once),
        cmocka_unit_test(a_small_shared_layer_comes_with_the_smallest_image),
        cmocka_unit_test(a_blob_is_sent_once_to_containerds_store),
        cmocka_unit_test(blobs_are_told_apart_by_what_is_sent),
        cmocka_unit_test(podman_gets_whole_images_one_after_another),
        cmocka_unit_test(nothing_to_load_asks_nothing),
        cmocka_unit_test(an_image_is_not_committed_before_its_base_has_answered),
        cmocka_unit_test(nothing_is_registered_on_a_base_that_is_refused),
        cmocka_unit_test(a_layer_that_is_wrong_breaks_its_own_archive_off),
        cmocka_unit_test(an_image_whose_base_is_gone_is_sent_in_full),
        cmocka_unit_test(an_image_that_is_not_noted_is_not_registered),
        cmocka_unit_test(who_listens_can_stop_it),
        cmocka_unit_test(copies_of_requests_that_are_under_way_need_room),
        cmocka_unit_test(compressed_blobs_need_the_room_of_what_they_become),
        cmocka_unit_test(bases_are_removed_and_nothing_else),
        cmocka_unit_test(bases_are_removed_although_a_signal_asked_for_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
