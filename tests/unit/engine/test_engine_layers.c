/* Which layers are left out, what happens when the engine turns out to lack one, and the names layers have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/chains.h"
#include "engine/load_parts.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

static void has_layer(const char *load, const struct image *i, size_t layer, bool yes)
{
    AUTO(mem_auto) char *entry = mem_format("[\"blobs/sha256/%s\"", DIGEST_HEX(&i->layers[layer].diff_id));
    if ((strstr(load, entry) != NULL) != yes)
        fail_msg("layer %zu was %s", layer, yes ? "left out" : "sent");
}

static void loads(struct world *w, const struct image *i, struct load_known *k)
{
    struct err e = { 0 };
    if (!load_image(w->g, &i->load, k, NULL, &e))
        fail_msg("%s", e.msg);
}

/* --- names of layers ---------------------------------------------------------------------------------------------- */

static void chain_ids_are_those_of_the_specification(void **state)
{
    (void)state;
    static const char *const diff_ids[] = { "sha256:1111111111111111111111111111111111111111111111111111111111111111",
                                            "sha256:2222222222222222222222222222222222222222222222222222222222222222",
                                            "sha256:3333333333333333333333333333333333333333333333333333333333333333" };
    /* printf 'sha256:1... sha256:2...' | sha256sum, and so on */
    static const char *const chains[] = { "sha256:1111111111111111111111111111111111111111111111111111111111111111", 
                                          "sha256:9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5",
                                          "sha256:50127c0d6b338be78246434b4bce23ecf75e505158ea0bbd15effeb162fbf3ec" };
    struct digest chain = { { 0 } };
    for (size_t n = 0; n < ARRAY_LEN(chains); n++) {
        struct err e = { 0 };
        struct digest d;
        assert_true(digest_parse(&d, diff_ids[n], "diff id", &e));
        chain_next(&chain, &d, n == 0);
        assert_string_equal(DIGEST_SHOWN(&chain), chains[n]);
    }
}

static void a_layer_is_known_only_on_top_of_the_same_layers(void **state)
{
    (void)state;
    struct digest_set set = { 0 };
    struct digest a = { { 1 } }, b = { { 2 } }, c = { { 3 } };
    const struct digest there[] = { a, b };
    const struct digest upside_down[] = { b, a };
    const struct digest longer[] = { a, b, c };
    const struct digest other[] = { a, c, b };
    assert_int_equal(chains_depth(&set, there, 2), 0);
    chains_add(&set, there, 2);
    assert_int_equal(chains_depth(&set, there, 2), 2);
    assert_int_equal(chains_depth(&set, upside_down, 2), 0);
    assert_int_equal(chains_depth(&set, longer, 3), 2);
    assert_int_equal(chains_depth(&set, other, 3), 1);
    assert_int_equal(chains_depth(&set, NULL, 0), 0);
    digest_set_clear(&set);
}

static void a_set_holds_what_was_put_into_it(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct digest_set set = { 0 };
    struct digest d, nothing = { { 0 } };
    assert_false(digest_set_has(&set, &nothing));
    for (uint32_t n = 0; n < MANY; n += 2) {
        sha256_of(&d, &n, sizeof n);
        digest_set_add(&set, &d);
        digest_set_add(&set, &d);
    }
    assert_int_equal(set.n, MANY / 2);
    for (uint32_t n = 0; n < MANY; n++) {
        sha256_of(&d, &n, sizeof n);
        assert_int_equal(digest_set_has(&set, &d), n % 2 == 0);
    }
    struct digest clash = d;
    clash.bytes[31] ^= 1; /* the same slot */
    digest_set_add(&set, &clash);
    assert_true(digest_set_has(&set, &clash));
    assert_false(digest_set_has(&set, &nothing));
    digest_set_clear(&set);
}

static void a_layer_that_stands_twice_in_an_image_is_sent_once(void **state)
{
    (void)state;
    struct image i;
    bool needed[4];
    image_make(&i, "1", 4);
    image_set_layer(&i, 2, "layer 0\n", 8);
    load_choose_layers(&i.load, NULL, needed);
    assert_true(needed[0] && needed[1] && !needed[2] && needed[3]);
    struct load_known k = { .what = LOAD_KNOWS_CHAINS };
    const struct digest base[] = { i.layers[0].diff_id, i.layers[1].diff_id };
    chains_add(&k.layers, base, 2);
    load_choose_layers(&i.load, &k, needed);
    assert_true(!needed[0] && !needed[1] && needed[2] && needed[3]); /* on top it is another chain */
    assert_int_equal(load_image_bytes(NULL, &i.load, &k), 16);
    assert_int_equal(load_image_bytes(NULL, &i.load, NULL), 24);
    load_known_clear(&k);
    image_drop(&i);
}

/* --- a classic store ---------------------------------------------------------------------------------------------- */

/* An engine that has the image base, and takes i. */
static void start_with_base(struct world *w, const struct image *base, const struct image *i, const char *rules)
{
    AUTO(mem_auto) char *document = inspect_document(base, &base->load.config_digest, base->load.n_layers, "amd64");
    AUTO(mem_auto) char *good = rules_for(i, WORLD_CLASSIC);
    AUTO(mem_auto) char *all = mem_format("%s{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"%s\"}]},"
                                          "{\"call\": \"GET /images/%s/json\", \"json\": %s},%s",
                                          rules, DIGEST_SHOWN(&base->load.config_digest), DIGEST_SHOWN(&base->load.config_digest), document, good);
    world_start(w, WORLD_CLASSIC, all);
}

struct pair {
    struct world w;
    struct image base, i;
    struct load_known k;
};

/* base has two layers of the three of i. */
static void pair_make(struct pair *p, const char *rules)
{
    struct err e = { 0 };
    image_make(&p->base, "base", 2);
    image_make(&p->i, "1", 3);
    start_with_base(&p->w, &p->base, &p->i, rules);
    if (!load_known_read(p->w.g, &p->k, &e))
        fail_msg("%s", e.msg);
}

static void pair_drop(struct pair *p)
{
    load_known_clear(&p->k);
    world_stop(&p->w);
    image_drop(&p->base);
    image_drop(&p->i);
}

static void layers_below_a_known_chain_are_left_out(void **state)
{
    (void)state;
    struct pair p;
    pair_make(&p, "");
    assert_int_equal(load_image_bytes(p.w.g, &p.i.load, &p.k), 8);
    loads(&p.w, &p.i, &p.k);
    AUTO(mem_auto) char *load = world_load(&p.w, 0);
    has_layer(load, &p.i, 0, false);
    has_layer(load, &p.i, 1, false);
    has_layer(load, &p.i, 2, true);
    assert_int_equal(p.i.n_opened[0] + p.i.n_opened[1], 0);
    assert_int_equal(load_image_bytes(p.w.g, &p.i.load, &p.k), 0); /* known from now on */
    pair_drop(&p);
}

static void layers_on_another_base_are_sent(void **state)
{
    (void)state;
    struct pair p;
    pair_make(&p, "");
    image_set_layer(&p.i, 0, "another base", 12);
    assert_int_equal(load_image_bytes(p.w.g, &p.i.load, &p.k), 12 + 8 + 8);
    pair_drop(&p);
}

static void a_layer_file_that_turns_out_missing_makes_it_send_everything(void **state)
{
    (void)state;
    static const char *const complaints[] = {
        "open /var/lib/docker/tmp/docker-import-1/blobs/sha256/x: no such file or directory",
        "failed to resolve layers: layer \\\"x\\\" not found",
    };
    for (size_t n = 0; n < ARRAY_LEN(complaints); n++) {
        struct pair p;
        AUTO(mem_auto) char *rule = mem_format("{\"call\": \"POST /images/load.*\", \"times\": 1, \"lines\": [{\"error\": \"%s\"}]},", complaints[n]);
        pair_make(&p, rule);
        loads(&p.w, &p.i, &p.k);
        AUTO(mem_auto) char *first = world_load(&p.w, 0);
        AUTO(mem_auto) char *second = world_load(&p.w, 1);
        has_layer(first, &p.i, 0, false);
        for (size_t layer = 0; layer < 3; layer++)
            has_layer(second, &p.i, layer, true);
        assert_int_equal(world_calls(&p.w, "POST /images/load"), 2);
        pair_drop(&p);
    }
}

static void an_image_that_reads_back_differently_is_sent_in_full(void **state)
{
    (void)state;
    struct pair p;
    struct image i;
    image_make(&i, "1", 3);
    AUTO(mem_auto) char *id = mem_text(DIGEST_SHOWN(&i.load.config_digest));
    /* not there, then (after the delta) with fewer layers, then right */
    AUTO(mem_auto) char *fewer = inspect_document(&i, &i.load.config_digest, 1, "amd64");
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/%s/json\", \"times\": 1, \"status\": 404},"
                                            "{\"call\": \"GET /images/%s/json\", \"times\": 1, \"json\": %s},",
                                            id, id, fewer);
    AUTO(mem_auto) char *good = inspect_document(&i, &i.load.config_digest, 3, "amd64");
    AUTO(mem_auto) char *all = mem_format("%s{\"call\": \"GET /images/%s/json\", \"json\": %s},", rules, id, good);
    pair_make(&p, all);
    loads(&p.w, &p.i, &p.k);
    assert_int_equal(world_calls(&p.w, "POST /images/load"), 2);
    pair_drop(&p);
    image_drop(&i);
}

static void what_fails_in_full_too_is_told_with_its_last_reason(void **state)
{
    (void)state;
    struct pair p;
    struct err e = { 0 };
    pair_make(&p, "{\"call\": \"POST /images/load.*\", \"times\": 1, \"lines\": [{\"error\": \"no such file or directory\"}]},"
                  "{\"call\": \"POST /images/load.*\", \"lines\": [{\"error\": \"invalid diffID for layer 1\"}]},");
    assert_false(load_image(p.w.g, &p.i.load, &p.k, NULL, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    assert_string_equal(e.msg, "image registry.example:5000/shop/api:1: engine: invalid diffID for layer 1");
    assert_int_equal(world_calls(&p.w, "POST /images/load"), 2);
    assert_int_equal(load_image_bytes(p.w.g, &p.i.load, &p.k), 8); /* it is not known now */
    pair_drop(&p);
}

/* Sending more would not help: a full disk, a broken connection, a bad layer. */
static void other_failures_of_a_delta_are_final(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        enum err_code code;
        enum layer_how how;
    } cases[] = {
        { "{\"call\": \"POST /images/load.*\", \"lines\": [{\"error\": \"write x: no space left on device\"}]},", ERR_SPACE, LAYER_GOOD },
        { "{\"call\": \"POST /images/load.*\", \"drop\": true},", ERR_ENGINE, LAYER_GOOD },
        { "", ERR_INTEGRITY, LAYER_FAILS_AT_END },
    };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct pair p;
        struct err e = { 0 };
        pair_make(&p, cases[n].rule);
        p.i.how[2] = cases[n].how;
        assert_false(load_image(p.w.g, &p.i.load, &p.k, NULL, &e));
        assert_int_equal(e.code, cases[n].code);
        mem_free(world_load(&p.w, 0)); /* it was written down */
        assert_int_equal(world_calls(&p.w, "POST /images/load"), 1);
        pair_drop(&p);
    }
}

static void images_that_cannot_be_looked_at_are_nothing_to_build_on(void **state)
{
    (void)state;
    struct pair p;
    AUTO(mem_auto) char *rule = mem_format(
        "{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"sha256:%064d\"}, {\"Id\": \"sha256:%064d\"}, {\"Id\": \"sha256:%064d\"}]},"
        "{\"call\": \"GET /images/sha256:0*1/json\", \"status\": 500, \"json\": {\"message\": \"layer does not exist\"}},"
        "{\"call\": \"GET /images/sha256:0*2/json\", \"json\": {\"Id\": 7}},",
        1, 2, 3);
    pair_make(&p, rule);
    assert_int_equal(load_image_bytes(p.w.g, &p.i.load, &p.k), 24);
    pair_drop(&p);
}

static void a_list_of_images_that_makes_no_sense_is_a_failure(void **state)
{
    (void)state;
    static const char *const rules[] = { "{\"call\": \"GET /images/json\", \"json\": {}},", "{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"x\"}]},",
                                         "{\"call\": \"GET /images/json\", \"status\": 500, \"json\": {\"message\": \"tea only\"}},",
                                         "{\"call\": \"GET /images/json\", \"drop\": true}," };
    for (size_t n = 0; n < ARRAY_LEN(rules); n++) {
        struct world w;
        struct load_known k;
        struct err e = { 0 };
        world_start(&w, WORLD_CLASSIC, rules[n]);
        assert_false(load_known_read(w.g, &k, &e));
        assert_int_equal(e.code, ERR_ENGINE);
        world_stop(&w);
    }
}

/* --- containerd's store ------------------------------------------------------------------------------------------- */

static void blobs_that_this_run_has_sent_are_not_sent_again(void **state)
{
    (void)state;
    struct world w;
    struct image a, b;
    struct load_known k;
    struct err e = { 0 };
    image_make(&a, "a", 2);
    image_make(&b, "b", 3);
    image_set_layer(&b, 0, "another base", 12); /* blobs are known wherever they stand */
    AUTO(mem_auto) char *rules_a = rules_for(&a, WORLD_CONTAINERD);
    AUTO(mem_auto) char *rules_b = rules_for(&b, WORLD_CONTAINERD);
    AUTO(mem_auto) char *both = mem_format("{\"call\": \"GET /images/json.filters=.*true.*\", \"json\": [{\"Id\": \"%s\"}, {\"Id\": \"%s\"}]},%s%s",
                                           DIGEST_SHOWN(&a.id_containerd), DIGEST_SHOWN(&b.id_containerd), rules_a, rules_b);
    world_start(&w, WORLD_CONTAINERD, both);
    assert_true(load_known_read(w.g, &k, &e));
    loads(&w, &a, &k);
    loads(&w, &b, &k);
    AUTO(mem_auto) char *load = world_load(&w, 1);
    has_layer(load, &b, 0, true);
    has_layer(load, &b, 1, false);
    has_layer(load, &b, 2, true);
    load_known_clear(&k);
    world_stop(&w);
    image_drop(&a);
    image_drop(&b);
}

/* How much of i is sent when the engine shows an earlier image like this. */
static uint64_t sent_with_earlier(enum world_kind kind, const char *list, const char *document)
{
    struct world w;
    struct image earlier, i;
    struct load_known k;
    struct err e = { 0 };
    image_make(&earlier, "earlier", 2);
    image_make(&i, "1", 3);
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/json.*\", \"json\": %s}, {\"call\": \"GET /images/%s/json\", %s},", list,
                                            DIGEST_SHOWN(&earlier.id_containerd), document);
    world_start(&w, kind, rules);
    assert_true(load_known_read(w.g, &k, &e));
    if (!load_known_add_image(w.g, &k, &earlier.load, &e))
        fail_msg("%s", e.msg);
    uint64_t bytes = load_image_bytes(w.g, &i.load, &k);
    load_known_clear(&k);
    world_stop(&w);
    image_drop(&earlier);
    image_drop(&i);
    return bytes;
}

static void layers_of_an_earlier_image_are_left_out_while_it_is_whole(void **state)
{
    (void)state;
    struct image earlier;
    image_make(&earlier, "earlier", 2);
    const char *id = DIGEST_SHOWN(&earlier.id_containerd);
    AUTO(mem_auto) char *document = inspect_document(&earlier, &earlier.id_containerd, 2, "amd64");
    AUTO(mem_auto) char *shown = mem_format("\"json\": %s", document);
    AUTO(mem_auto) char *lost = inspect_document(&earlier, &earlier.id_containerd, 0, "amd64");
    AUTO(mem_auto) char *shown_lost = mem_format("\"json\": %s", lost);
    AUTO(mem_auto) char *list = mem_format("[{\"Id\": \"%s\"}]", id);
    AUTO(mem_auto) char *available = mem_format("[{\"Id\": \"%s\", \"Manifests\": [{\"ID\": \"%s\", \"Available\": true}]}]", id, id);
    AUTO(mem_auto) char *broken = mem_format("[{\"Id\": \"%s\", \"Manifests\": [{\"ID\": \"%s\", \"Available\": false}]}]", id, id);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD, list, shown), 8);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD_27, available, shown), 8);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD, "[]", shown), 24);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD_27, broken, shown), 24);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD, list, shown_lost), 24);
    assert_int_equal(sent_with_earlier(WORLD_CONTAINERD, list, "\"status\": 404"), 24);
    image_drop(&earlier);
}

/* How much of i is sent when this image stands under a name whose layers we remember. */
static uint64_t sent_with_name(const char *list, const struct image *shown, size_t n_shown)
{
    struct world w;
    struct image named, i;
    struct load_known k;
    struct err e = { 0 };
    image_make(&named, "named", 2);
    image_make(&i, "1", 3);
    const struct digest ids[] = { named.layers[0].diff_id, named.layers[1].diff_id };
    AUTO(mem_auto) char *document = inspect_document(shown, &shown->id_containerd, n_shown, "amd64");
    AUTO(mem_auto) char *rules = mem_format("{\"call\": \"GET /images/json.*\", \"json\": %s},"
                                            "{\"call\": \"GET /images/registry.example:5000/shop/api:named/json\", \"json\": %s},", list, document);
    world_start(&w, WORLD_CONTAINERD, rules);
    assert_true(load_known_read(w.g, &k, &e));
    assert_true(load_known_add_name(w.g, &k, &i.load.name, ids, 2, &e)); /* another name: not there */
    assert_int_equal(load_image_bytes(w.g, &i.load, &k), 24);
    assert_true(load_known_add_name(w.g, &k, &named.load.name, ids, 2, &e));
    uint64_t bytes = load_image_bytes(w.g, &i.load, &k);
    load_known_clear(&k);
    world_stop(&w);
    image_drop(&named);
    image_drop(&i);
    return bytes;
}

static void layers_under_a_name_are_left_out_while_they_are_the_same(void **state)
{
    (void)state;
    struct image same, other;
    image_make(&same, "any", 2);
    image_make(&other, "other", 2);
    image_set_layer(&other, 1, "moved", 5);
    AUTO(mem_auto) char *list = mem_format("[{\"Id\": \"%s\"}, {\"Id\": \"%s\"}]", DIGEST_SHOWN(&same.id_containerd), DIGEST_SHOWN(&other.id_containerd));
    assert_int_equal(sent_with_name(list, &same, 2), 8);
    assert_int_equal(sent_with_name(list, &same, 1), 24);
    assert_int_equal(sent_with_name(list, &other, 2), 24);
    assert_int_equal(sent_with_name("[]", &same, 2), 24);
    image_drop(&same);
    image_drop(&other);
}

static void an_engine_that_cannot_say_is_a_failure(void **state)
{
    (void)state;
    struct world w;
    struct image earlier;
    struct load_known k;
    struct err e = { 0 };
    image_make(&earlier, "earlier", 2);
    world_start(&w, WORLD_CONTAINERD, "{\"call\": \"GET /images/.*/json\", \"drop\": true},");
    assert_true(load_known_read(w.g, &k, &e));
    assert_false(load_known_add_image(w.g, &k, &earlier.load, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    struct err f = { 0 };
    assert_false(load_known_add_name(w.g, &k, &earlier.load.name, NULL, 0, &f));
    assert_int_equal(f.code, ERR_ENGINE);
    load_known_clear(&k);
    world_stop(&w);
    image_drop(&earlier);
}

/* --- Podman ------------------------------------------------------------------------------------------------------- */

static void podman_gets_everything_every_time(void **state)
{
    (void)state;
    struct world w;
    struct image i;
    struct load_known k;
    struct err e = { 0 };
    image_make(&i, "1", 2);
    AUTO(mem_auto) char *rules = rules_for(&i, WORLD_PODMAN);
    world_start(&w, WORLD_PODMAN, rules);
    assert_true(load_known_read(w.g, &k, &e));
    loads(&w, &i, &k);
    assert_int_equal(load_image_bytes(w.g, &i.load, &k), 16);
    assert_int_equal(world_calls(&w, "GET /images/json"), 0);
    load_known_clear(&k);
    world_stop(&w);
    image_drop(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_ids_are_those_of_the_specification),
        cmocka_unit_test(a_layer_is_known_only_on_top_of_the_same_layers),
        cmocka_unit_test(a_set_holds_what_was_put_into_it),
        cmocka_unit_test(a_layer_that_stands_twice_in_an_image_is_sent_once),
        cmocka_unit_test(layers_below_a_known_chain_are_left_out),
        cmocka_unit_test(layers_on_another_base_are_sent),
        cmocka_unit_test(a_layer_file_that_turns_out_missing_makes_it_send_everything),
        cmocka_unit_test(an_image_that_reads_back_differently_is_sent_in_full),
        cmocka_unit_test(what_fails_in_full_too_is_told_with_its_last_reason),
        cmocka_unit_test(other_failures_of_a_delta_are_final),
        cmocka_unit_test(images_that_cannot_be_looked_at_are_nothing_to_build_on),
        cmocka_unit_test(a_list_of_images_that_makes_no_sense_is_a_failure),
        cmocka_unit_test(blobs_that_this_run_has_sent_are_not_sent_again),
        cmocka_unit_test(layers_of_an_earlier_image_are_left_out_while_it_is_whole),
        cmocka_unit_test(layers_under_a_name_are_left_out_while_they_are_the_same),
        cmocka_unit_test(an_engine_that_cannot_say_is_a_failure),
        cmocka_unit_test(podman_gets_everything_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
