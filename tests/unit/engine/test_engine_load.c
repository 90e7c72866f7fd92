/* Loading an image into engines that do what they should, and into all the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

enum { LARGE = 8 << 20 }; /* more than sockets and libcurl hold */

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%.2000s\" does not say \"%s\"", text, part);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%.2000s\" says \"%s\"", text, part);
}

static void has_layer(const char *load, const struct image *i, size_t layer, bool yes)
{
    AUTO(mem_auto) char *entry = mem_format("[\"blobs/sha256/%s\"", DIGEST_HEX(&i->layers[layer].diff_id));
    (yes ? has : has_not)(load, entry);
}

static void start_for(struct world *w, enum world_kind kind, const struct image *i, const char *rules)
{
    AUTO(mem_auto) char *good = rules_for(i, kind);
    AUTO(mem_auto) char *all = mem_format("%s%s", rules, good);
    world_start(w, kind, all);
}

static void make_large(struct image *i, size_t layer)
{
    AUTO(mem_auto) char *bytes = mem_new(LARGE);
    memset(bytes, 'a', LARGE);
    image_set_layer(i, layer, bytes, LARGE);
}

/* One load into an engine with these rules fails like this, is sent once, and names nothing. */
static void refuses_image(struct image *i, enum world_kind kind, const char *rules, enum err_code code, const char *part)
{
    struct world w;
    struct err e = { 0 };
    start_for(&w, kind, i, rules);
    assert_false(load_image(w.g, &i->load, NULL, NULL, &e));
    if (e.code != code)
        fail_msg("%s instead of %s: %s", err_name(e.code), err_name(code), e.msg);
    has(e.msg, "image registry.example:5000/shop/api:1: ");
    has(e.msg, part);
    assert_true(world_calls(&w, "POST /images/load") <= 1);
    assert_int_equal(world_calls(&w, "POST /images/sha256"), 0);
    world_stop(&w);
}

static void refuses(const char *rules, enum err_code code, const char *part)
{
    struct image i;
    image_make(&i, "1", 2);
    refuses_image(&i, WORLD_CLASSIC, rules, code, part);
    image_drop(&i);
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void blobs_come_first_and_what_makes_the_engine_act_last(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    start_for(&w, WORLD_CLASSIC, &i, "");
    if (!load_image(w.g, &i.load, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *load = world_load(&w, 0);
    AUTO(mem_auto) char *order = mem_format("\"entries\": [[\"blobs/sha256/%s\", %zu], [\"blobs/sha256/%s\", %zu], [\"blobs/sha256/%s\", 8],"
                                            " [\"blobs/sha256/%s\", 8], [\"oci-layout\", 30], [\"index.json\"",
                                            DIGEST_HEX(&i.load.config_digest), i.load.config_bytes, DIGEST_HEX(&i.id_containerd), i.manifest_bytes,
                                            DIGEST_HEX(&i.layers[0].diff_id), DIGEST_HEX(&i.layers[1].diff_id));
    has(load, "\"is_complete\": true");
    has(load, order);
    has(load, "\"has_end_mark\": true");
    has(load, "\\\"RepoTags\\\":[],");
    has_not(load, "io.containerd.image.name");
    assert_int_equal(world_calls(&w, "POST /images/load?quiet=0"), 1);
    AUTO(mem_auto) char *tag = mem_format("POST /images/%s/tag?repo=registry.example:5000/shop/api&tag=1\"", DIGEST_SHOWN(&i.load.config_digest));
    assert_int_equal(world_calls(&w, tag), 1);
    world_stop(&w);
    image_drop(&i);
}

static void containerds_store_knows_the_image_by_its_manifest(void **state)
{
    (void)state;
    static const enum world_kind kinds[] = { WORLD_CONTAINERD, WORLD_CONTAINERD_27 };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct world w;
        struct image i;
        struct err e = { 0 };
        image_make(&i, "1", 2);
        start_for(&w, kinds[k], &i, "");
        if (!load_image(w.g, &i.load, NULL, NULL, &e))
            fail_msg("%s", e.msg);
        AUTO(mem_auto) char *load = world_load(&w, 0);
        AUTO(mem_auto) char *tag = mem_format("POST /images/%s/tag", DIGEST_SHOWN(&i.id_containerd));
        has(load, "\"is_complete\": true");
        has_not(load, "io.containerd.image.name");
        assert_int_equal(world_calls(&w, tag), 1);
        world_stop(&w);
        image_drop(&i);
    }
}

static void podman_is_told_the_name_in_the_archive(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    start_for(&w, WORLD_PODMAN, &i, "");
    if (!load_image(w.g, &i.load, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *load = world_load(&w, 0);
    has(load, "\\\"io.containerd.image.name\\\":\\\"registry.example:5000/shop/api:1\\\"");
    has(load, "\\\"RepoTags\\\":[\\\"registry.example:5000/shop/api:1\\\"]");
    world_stop(&w);
    image_drop(&i);
}

static void an_image_that_is_there_is_named_and_not_sent(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    bool yes = false;
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *document = inspect_document(&i, &i.load.config_digest, 2, "amd64");
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/.*/json\", \"json\": %s},", document);
    world_start(&w, WORLD_CLASSIC, rules);
    assert_true(load_image_is_there(w.g, &i.load, &yes, &e));
    assert_true(yes);
    assert_true(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(world_calls(&w, "POST /images/load"), 0);
    assert_int_equal(world_calls(&w, "POST /images/sha256"), 1);
    assert_int_equal(i.n_opened[0], 0);
    world_stop(&w);
    image_drop(&i);
}

struct listener {
    uint64_t last, total;
    int n_load, n_unpack, n_finished;
    uint64_t stop_at;
};

static bool listen(void *ctx, const struct progress_fact *fact)
{
    struct listener *l = ctx;
    assert_string_equal(fact->item, "registry.example:5000/shop/api:1");
    if (text_is(fact->phase, "unpack")) {
        l->n_unpack++;
    } else if (fact->is_finished) {
        l->n_finished++;
    } else {
        assert_string_equal(fact->phase, "load");
        assert_true(fact->done >= l->last && fact->done <= fact->total);
        l->last = fact->done;
        l->total = fact->total;
        l->n_load++;
    }
    return l->stop_at == 0 || fact->done < l->stop_at;
}

static void progress_counts_up_to_the_total(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    struct listener l = { 0 };
    struct progress p = { listen, &l };
    image_make(&i, "1", 2);
    make_large(&i, 1);
    start_for(&w, WORLD_CLASSIC, &i, "");
    assert_true(load_image(w.g, &i.load, NULL, &p, &e));
    assert_true(l.total > LARGE && l.total < LARGE + 4096);
    assert_int_equal(l.last, l.total);
    assert_int_equal(l.n_unpack, 1);
    assert_int_equal(l.n_finished, 1);
    world_stop(&w);
    image_drop(&i);
}

/* --- what we stop ourselves --------------------------------------------------------------------------------------- */

/* The trailer never went out: the engine had nothing to act on. */
static void sends_no_trailer(enum layer_how how, enum err_code code, const char *part)
{
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 3);
    make_large(&i, 1);
    i.how[1] = how;
    start_for(&w, WORLD_CLASSIC, &i, "");
    assert_false(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(e.code, code);
    has(e.msg, part);
    AUTO(mem_auto) char *load = world_load(&w, 0);
    has(load, "\"is_complete\": false");
    has(load, "\"has_end_mark\": false");
    has_layer(load, &i, 0, true);
    has_layer(load, &i, 2, false);
    static const char *const trailer[] = { "[\"oci-layout\"", "[\"index.json\"", "[\"manifest.json\"" };
    for (size_t n = 0; n < ARRAY_LEN(trailer); n++)
        has_not(load, trailer[n]);
    assert_int_equal(i.n_opened[2], 0);
    assert_int_equal(world_calls(&w, "POST /images/load"), 1); /* sending it again would not make it right */
    assert_int_equal(world_calls(&w, "POST /images/sha256"), 0);
    world_stop(&w);
    image_drop(&i);
}

static void a_layer_that_fails_in_its_last_byte_leaves_no_image(void **state)
{
    (void)state;
    sends_no_trailer(LAYER_FAILS_AT_END, ERR_INTEGRITY, "digest is sha256:0, expected sha256:1");
}

static void a_layer_of_another_size_leaves_no_image(void **state)
{
    (void)state;
    sends_no_trailer(LAYER_SHORT, ERR_INTEGRITY, "ends 1 bytes too early");
    sends_no_trailer(LAYER_LONG, ERR_INTEGRITY, "is longer than it should be");
}

static void a_layer_that_cannot_be_opened_leaves_no_image(void **state)
{
    (void)state;
    struct image i;
    image_make(&i, "1", 2);
    i.how[1] = LAYER_FAILS_TO_OPEN;
    refuses_image(&i, WORLD_CLASSIC, "", ERR_IO, "layer 1: the medium is gone");
    image_drop(&i);
}

static void an_operator_who_stops_leaves_no_image(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    struct listener l = { .stop_at = LARGE / 2 };
    struct progress p = { listen, &l };
    image_make(&i, "1", 2);
    make_large(&i, 1);
    start_for(&w, WORLD_CLASSIC, &i, "");
    assert_false(load_image(w.g, &i.load, NULL, &p, &e));
    assert_int_equal(e.code, ERR_INTERRUPTED);
    AUTO(mem_auto) char *load = world_load(&w, 0);
    has(load, "\"is_complete\": false");
    has_not(load, "manifest.json");
    world_stop(&w);
    image_drop(&i);
}

static void what_cannot_be_right_is_not_sent(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    world_start(&w, WORLD_CLASSIC, "");
    image_make(&i, "1", 2);
    struct err e = { 0 };
    i.config[2] = 'A';
    assert_false(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    has(e.msg, "config is sha256:");
    image_drop(&i);
    image_make(&i, "1", 2);
    struct err f = { 0 };
    assert_true(platform_parse(&i.load.platform, "linux/arm64", &f));
    assert_false(load_image(w.g, &i.load, NULL, NULL, &f));
    assert_int_equal(f.code, ERR_POLICY);
    has(f.msg, "is for linux/arm64, the engine runs linux/amd64");
    assert_int_equal(world_calls(&w, "POST"), 0);
    world_stop(&w);
    image_drop(&i);
}

/* --- what the engine says ----------------------------------------------------------------------------------------- */

static void an_error_line_anywhere_is_a_failure(void **state)
{
    (void)state;
#define PROGRESS "{\"status\": \"Loading layer\", \"progressDetail\": {\"current\": 1, \"total\": 2}, \"id\": \"x\"}"
#define ERROR_LINE "{\"errorDetail\": {\"message\": \"tea\\u001b[31m only\"}, \"error\": \"tea\\u001b[31m only\"}"
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [" ERROR_LINE ", " PROGRESS ", {\"stream\": \"Loaded image: x\"}]},", ERR_ENGINE,
            "engine: tea\\x1b[31m only");
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [" PROGRESS ", " ERROR_LINE ", {\"stream\": \"Loaded image: x\"}]},", ERR_ENGINE,
            "engine: tea\\x1b[31m only");
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [" PROGRESS ", {\"stream\": \"Loaded image: x\"}, " ERROR_LINE "]},", ERR_ENGINE,
            "engine: tea\\x1b[31m only");
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [{\"errorDetail\": {\"code\": 1, \"message\": \"tea only\"}}]},", ERR_ENGINE,
            "engine: tea only");
}

static void the_first_of_several_complaints_is_shown(void **state)
{
    (void)state;
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [{\"error\": \"first\"}, {\"error\": \"second\"}]},", ERR_ENGINE, "engine: first");
}

static void an_unpacking_that_failed_is_a_failure_though_it_is_no_error_line(void **state)
{
    (void)state;
    struct image i;
    image_make(&i, "1", 2);
    refuses_image(&i, WORLD_CONTAINERD_27,
                  "{\"call\": \"POST /images/load.*\", \"lines\": [{\"stream\": \"Loaded image: x\\n\"},"
                  " {\"stream\": \"Error unpacking image x: apply layer error\\n\"}]},",
                  ERR_ENGINE, "engine: Error unpacking image x: apply layer error");
    image_drop(&i);
}

static void a_full_disk_is_told_apart(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    make_large(&i, 0);
    start_for(&w, WORLD_CLASSIC, &i,
              "{\"call\": \"POST /images/load.*\", \"early\": true, \"lines\": [{\"error\": \"Error processing tar file(exit status 1): write"
              " /usr/lib/x: no space left on device\"}]},");
    assert_false(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_SPACE);
    has(e.msg, "no space left on device");
    has(e.hint, "/var/lib/docker");
    world_stop(&w);
    image_drop(&i);
}

static void an_answer_that_is_cut_off_is_a_failure(void **state)
{
    (void)state;
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [{\"stream\": \"Loaded image: x\"}], \"unfinished\": true},", ERR_ENGINE, "engine.sock");
    refuses("{\"call\": \"POST /images/load.*\", \"lines\": [\"{\\\"stream\\\": \\\"Loaded im\"]},", ERR_ENGINE, "not understood");
    refuses("{\"call\": \"POST /images/load.*\", \"drop\": true},", ERR_ENGINE, "engine.sock");
}

static void an_answer_that_makes_no_sense_is_a_failure(void **state)
{
    (void)state;
    static const char *const lines[] = { "Loaded image\\n", "[]\\n", "7\\n", "{\\\"error\\\": 7}\\n", "{\\\"errorDetail\\\": {}}\\n",
                                         "{\\\"stream\\\": {}}\\n", "{\\\"a\\\": 1, \\\"a\\\": 2}\\n", "{\\\"error\\\": \\\"\\\"}\\n" };
    for (size_t n = 0; n < ARRAY_LEN(lines); n++) {
        AUTO(mem_auto) char *rule = mem_format("{\"call\": \"POST /images/load.*\", \"lines\": [\"%s\"]},", lines[n]);
        refuses(rule, ERR_ENGINE, n + 1 < ARRAY_LEN(lines) ? "not understood" : "an error without words");
    }
}

/* Sanitizers keep what was freed for a while. */
#if defined(__has_feature) /* clang's way of telling */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(IS_SANITIZED)
enum { PEAK_KIB = 512 * 1024 };
#else
enum { PEAK_KIB = 64 * 1024 };
#endif

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void a_line_without_end_is_not_kept(void **state)
{
    (void)state;
    long before = peak_kib();
    refuses("{\"call\": \"POST /images/load.*\", \"flood\": [\"0123456789abcdef\", 67108864]},", ERR_ENGINE, "a line of more than 1048576 bytes");
    assert_true(peak_kib() - before < PEAK_KIB);
}

static void progress_lines_without_number_are_not_kept(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    long before = peak_kib();
    image_make(&i, "1", 2);
    start_for(&w, WORLD_CLASSIC, &i, "{\"call\": \"POST /images/load.*\", \"flood\": [\"{\\\"status\\\":\\\"Loading layer\\\"}\\r\\n\", 100000]},");
    assert_true(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_true(peak_kib() - before < PEAK_KIB);
    world_stop(&w);
    image_drop(&i);
}

static void every_status_but_200_is_a_failure(void **state)
{
    (void)state;
    static const int statuses[] = { 500, 503, 409, 404, 301, 201 };
    for (size_t n = 0; n < ARRAY_LEN(statuses); n++) {
        AUTO(mem_auto) char *rule = mem_format("{\"call\": \"POST /images/load.*\", \"status\": %d, \"json\": {\"message\": \"tea only\"}},", statuses[n]);
        AUTO(mem_auto) char *part = mem_format("load: engine answered %d: %s", statuses[n], statuses[n] == 201 ? "" : "tea only");
        refuses(rule, ERR_ENGINE, part);
    }
    refuses("{\"call\": \"POST /images/load.*\", \"raw\": \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: tcp\\r\\n\\r\\n\"},", ERR_ENGINE, "answered 101");
}

/* The engine answers and goes away while most of the archive is still here. */
static void refuses_early(const char *rule, enum layer_how how, const char *part)
{
    struct image i;
    image_make(&i, "1", 2);
    make_large(&i, 0);
    i.how[0] = how;
    refuses_image(&i, WORLD_CLASSIC, rule, ERR_ENGINE, part);
    image_drop(&i);
}

#define EARLY "{\"call\": \"POST /images/load.*\", \"early\": true, "
static void an_answer_that_comes_early_is_heard(void **state)
{
    (void)state;
    refuses_early(EARLY "\"lines\": [{\"error\": \"bad manifest\"}]},", LAYER_GOOD, "engine: bad manifest");
    refuses_early(EARLY "\"status\": 503, \"json\": {\"message\": \"busy\"}},", LAYER_GOOD, "engine answered 503: busy");
    refuses_early(EARLY "\"lines\": [{\"stream\": \"Loaded image: x\"}]},", LAYER_GOOD, ": ");
}

/* It answers and is gone while the medium is still being read: the next bytes can only fail. */
static void an_answer_during_a_slow_read_is_heard(void **state)
{
    (void)state;
    refuses_early(EARLY "\"delay\": 0.5, \"lines\": [{\"error\": \"bad manifest\"}]},", LAYER_SLOW, "engine: bad manifest");
    refuses_early(EARLY "\"delay\": 0.5, \"status\": 503, \"json\": {\"message\": \"busy\"}},", LAYER_SLOW, "engine answered 503: busy");
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static void refuses_impatiently(const char *rule, bool is_large, const char *part)
{
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    if (is_large)
        make_large(&i, 0);
    AUTO(mem_auto) char *good = rules_for(&i, WORLD_CLASSIC);
    AUTO(mem_auto) char *all = mem_format("%s%s", rule, good);
    world_start_closed(&w, WORLD_CLASSIC, all);
    const struct engine_times times = { .call_ms = 60000, .slow_ms = 60000, .stall_ms = 1000, .silence_ms = 1 };
    w.g = engine_open_timed(fake_path(&w.fake, "engine.sock"), &times, &e);
    assert_non_null(w.g);
    assert_false(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    has(e.msg, part);
    world_stop(&w);
    image_drop(&i);
}

static void an_engine_that_stops_reading_is_noticed(void **state)
{
    (void)state;
    refuses_impatiently("{\"call\": \"POST /images/load.*\", \"stop_after\": 100000},", true, "too slow");
}

static void an_engine_that_never_comes_back_from_unpacking_is_noticed(void **state)
{
    (void)state;
    refuses_impatiently("{\"call\": \"POST /images/load.*\", \"delay\": 3600},", false, "too slow"); /* a large image has a second more for each MiB */
}

/* libcurl takes six seconds to call a second of nothing too slow. */
static void an_engine_that_unpacks_in_silence_is_waited_for(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *good = rules_for(&i, WORLD_CLASSIC);
    AUTO(mem_auto) char *all = mem_format("{\"call\": \"POST /images/load.*\", \"delay\": 9, \"lines\": [{\"stream\": \"Loaded image: x\"}]},%s", good);
    world_start_closed(&w, WORLD_CLASSIC, all);
    const struct engine_times times = { .call_ms = 60000, .slow_ms = 60000, .stall_ms = 1000, .silence_ms = 60000 };
    w.g = engine_open_timed(fake_path(&w.fake, "engine.sock"), &times, &e);
    assert_non_null(w.g);
    if (!load_image(w.g, &i.load, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    world_stop(&w);
    image_drop(&i);
}

/* --- what can be read back ---------------------------------------------------------------------------------------- */

static void refuses_shown(enum world_kind kind, const char *document, int status, const char *list, const char *part)
{
    struct image i;
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/%s/json\", \"times\": 1, \"status\": 404},"
                                            "{\"call\": \"GET /images/json.*\", \"json\": %s},"
                                            "{\"call\": \"GET /images/.*/json\", \"status\": %d, \"json\": %s},",
                                            DIGEST_SHOWN(image_id(&i, kind)), list, status, document);
    refuses_image(&i, kind, rules, ERR_ENGINE, part);
    image_drop(&i);
}

static void an_image_that_reads_back_differently_gets_no_name(void **state)
{
    (void)state;
    struct image i, other;
    image_make(&i, "1", 2);
    image_make(&other, "2", 2);
    const struct digest *id = &i.load.config_digest;
    AUTO(mem_auto) char *other_id = inspect_document(&i, &other.load.config_digest, 2, "amd64");
    AUTO(mem_auto) char *fewer = inspect_document(&i, id, 1, "amd64");
    AUTO(mem_auto) char *other_platform = inspect_document(&i, id, 2, "arm64");
    image_set_layer(&other, 1, "damaged", 7);
    AUTO(mem_auto) char *other_layers = inspect_document(&other, id, 2, "amd64");
    refuses_shown(WORLD_CLASSIC, "{\"message\": \"No such image\"}", 404, "[]", "reading back shows no image");
    refuses_shown(WORLD_CLASSIC, other_id, 200, "[]", "reading back shows sha256:");
    refuses_shown(WORLD_CLASSIC, fewer, 200, "[]", "with 1 layers");
    refuses_shown(WORLD_CLASSIC, other_layers, 200, "[]", "reading back shows sha256:");
    refuses_shown(WORLD_CLASSIC, other_platform, 200, "[]", "linux/arm64, expected");
    refuses_shown(WORLD_CLASSIC, "{\"message\": \"layer does not exist\"}", 500, "[]", "layer does not exist");
    refuses_shown(WORLD_CLASSIC, "{}", 200, "[]", "Id");
    image_drop(&i);
    image_drop(&other);
}

/* What Docker 26 and 28 show of an image whose layers did not arrive: it can be inspected, and even be named. */
static void a_containerd_image_without_its_content_gets_no_name(void **state)
{
    (void)state;
    struct image i;
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *document = inspect_document(&i, &i.id_containerd, 2, "amd64");
    AUTO(mem_auto) char *unavailable = mem_format("[{\"Id\": \"%s\", \"Manifests\": [{\"ID\": \"%s\", \"Available\": false}]}]",
                                                  DIGEST_SHOWN(&i.id_containerd), DIGEST_SHOWN(&i.id_containerd));
    AUTO(mem_auto) char *other = mem_format("[{\"Id\": \"%s\", \"Manifests\": [{\"ID\": \"%s\", \"Available\": true}]}]",
                                            DIGEST_SHOWN(&i.id_containerd), DIGEST_SHOWN(&i.load.config_digest));
    refuses_shown(WORLD_CONTAINERD, document, 200, "[]", "but not all of its content");
    refuses_shown(WORLD_CONTAINERD_27, document, 200, unavailable, "but not all of its content");
    refuses_shown(WORLD_CONTAINERD_27, document, 200, other, "but not all of its content");
    image_drop(&i);
}

static void a_broken_image_of_an_earlier_load_is_not_taken_for_the_image(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct err e = { 0 };
    bool yes = true;
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *document = inspect_document(&i, &i.id_containerd, 2, "amd64");
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/.*/json\", \"json\": %s},"
                                            "{\"call\": \"GET /images/json.filters=.*true.*\", \"json\": [{\"Id\": \"%s\"}]},",
                                            document, DIGEST_SHOWN(&i.id_containerd));
    world_start(&w, WORLD_CONTAINERD, rules);
    assert_true(load_image_is_there(w.g, &i.load, &yes, &e));
    assert_false(yes);
    assert_true(load_image(w.g, &i.load, NULL, NULL, &e));
    assert_int_equal(world_calls(&w, "POST /images/load"), 1);
    world_stop(&w);
    image_drop(&i);
}

static void a_name_that_another_client_moves_is_noticed(void **state)
{
    (void)state;
    struct world w;
    struct image i, other;
    image_make(&i, "1", 2);
    image_make(&other, "2", 2);
    AUTO(mem_auto) char *document = inspect_document(&other, &other.load.config_digest, 2, "amd64");
    AUTO(mem_auto) char *moved = mem_format("{\"call\": \"GET /images/registry.*/json\", \"json\": %s},", document);
    const struct {
        const char *rules, *part;
    } cases[] = {
        { moved, "after tagging it is sha256:" },
        { "{\"call\": \"GET /images/registry.*/json\", \"status\": 404},", "after tagging it is not there" },
        { "{\"call\": \"POST /images/.*/tag.*\", \"status\": 404, \"json\": {\"message\": \"No such image: x\"}},", "engine answered 404: No such image: x" },
        { "{\"call\": \"POST /images/.*/tag.*\", \"status\": 409, \"json\": {\"message\": \"conflict\"}},", "engine answered 409: conflict" },
    };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct err e = { 0 };
        start_for(&w, WORLD_CLASSIC, &i, cases[n].rules);
        assert_false(load_image(w.g, &i.load, NULL, NULL, &e));
        assert_int_equal(e.code, ERR_ENGINE);
        has(e.msg, cases[n].part);
        world_stop(&w);
    }
    image_drop(&i);
    image_drop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_come_first_and_what_makes_the_engine_act_last),
        cmocka_unit_test(containerds_store_knows_the_image_by_its_manifest),
        cmocka_unit_test(podman_is_told_the_name_in_the_archive),
        cmocka_unit_test(an_image_that_is_there_is_named_and_not_sent),
        cmocka_unit_test(progress_counts_up_to_the_total),
        cmocka_unit_test(a_layer_that_fails_in_its_last_byte_leaves_no_image),
        cmocka_unit_test(a_layer_of_another_size_leaves_no_image),
        cmocka_unit_test(a_layer_that_cannot_be_opened_leaves_no_image),
        cmocka_unit_test(an_operator_who_stops_leaves_no_image),
        cmocka_unit_test(what_cannot_be_right_is_not_sent),
        cmocka_unit_test(an_error_line_anywhere_is_a_failure),
        cmocka_unit_test(the_first_of_several_complaints_is_shown),
        cmocka_unit_test(an_unpacking_that_failed_is_a_failure_though_it_is_no_error_line),
        cmocka_unit_test(a_full_disk_is_told_apart),
        cmocka_unit_test(an_answer_that_is_cut_off_is_a_failure),
        cmocka_unit_test(an_answer_that_makes_no_sense_is_a_failure),
        cmocka_unit_test(a_line_without_end_is_not_kept),
        cmocka_unit_test(progress_lines_without_number_are_not_kept),
        cmocka_unit_test(every_status_but_200_is_a_failure),
        cmocka_unit_test(an_answer_that_comes_early_is_heard),
        cmocka_unit_test(an_answer_during_a_slow_read_is_heard),
        cmocka_unit_test(an_engine_that_stops_reading_is_noticed),
        cmocka_unit_test(an_engine_that_never_comes_back_from_unpacking_is_noticed),
        cmocka_unit_test(an_engine_that_unpacks_in_silence_is_waited_for),
        cmocka_unit_test(an_image_that_reads_back_differently_gets_no_name),
        cmocka_unit_test(a_containerd_image_without_its_content_gets_no_name),
        cmocka_unit_test(a_broken_image_of_an_earlier_load_is_not_taken_for_the_image),
        cmocka_unit_test(a_name_that_another_client_moves_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
