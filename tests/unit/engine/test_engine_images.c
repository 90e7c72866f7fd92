/* Images of an engine: documents, names, and the engine's own words in messages. */
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
#include "engine/images.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

#define ID "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static bool reads(const char *text, struct engine_image *out, struct err *e)
{
    return image_read(out, text, strlen(text), e);
}

static void an_image_is_read_with_its_layers(void **state)
{
    (void)state;
    AUTO(engine_image_clear_auto) struct engine_image i = { 0 };
    struct err e = { 0 };
    assert_true(reads("{\"Id\": \"" ID "\", \"Os\": \"linux\", \"Architecture\": \"arm64\", \"Variant\": \"v8\", \"Size\": -1, \"Extra\": {\"a\": 1.5},"
                      " \"RootFS\": {\"Type\": \"layers\", \"Layers\": [\"" OTHER "\"]}}",
                      &i, &e));
    assert_true(i.is_found);
    assert_string_equal(DIGEST_SHOWN(&i.id), ID);
    assert_string_equal(i.platform.architecture, "arm64");
    assert_string_equal(i.platform.variant, ""); /* v8 is what arm64 means */
    assert_int_equal(i.n_diff_ids, 1);
    assert_string_equal(DIGEST_SHOWN(&i.diff_ids[0]), OTHER);
}

static void what_the_engine_has_lost_is_empty(void **state)
{
    (void)state;
    static const char *const documents[] = { "{\"Id\": \"" ID "\"}", "{\"Id\": \"" ID "\", \"Os\": \"\", \"Architecture\": \"\", \"RootFS\": {}}",
                                             "{\"Id\": \"" ID "\", \"Os\": null, \"RootFS\": {\"Type\": \"layers\", \"Layers\": null}}" };
    for (size_t n = 0; n < ARRAY_LEN(documents); n++) {
        AUTO(engine_image_clear_auto) struct engine_image i = { 0 };
        struct err e = { 0 };
        assert_true(reads(documents[n], &i, &e));
        assert_int_equal(i.n_diff_ids, 0);
        assert_string_equal(i.platform.os, "");
    }
}

static void documents_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "", "null", "[]", "{}", "{\"Id\": null}", "{\"Id\": 7}", "{\"Id\": \"1111\"}", "{\"Id\": \"md5:11\"}",
        "{\"Id\": \"" ID "\", \"Id\": \"" OTHER "\"}",
        "{\"Id\": \"" ID "\", \"Os\": 7}",
        "{\"Id\": \"" ID "\", \"Architecture\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
        "{\"Id\": \"" ID "\", \"RootFS\": []}",
        "{\"Id\": \"" ID "\", \"RootFS\": {\"Layers\": {}}}",
        "{\"Id\": \"" ID "\", \"RootFS\": {\"Layers\": [7]}}",
        "{\"Id\": \"" ID "\", \"RootFS\": {\"Layers\": [\"sha256:../../x\"]}}",
        "{\"Id\": \"" ID "\"} {}",
    };
    for (size_t n = 0; n < ARRAY_LEN(documents); n++) {
        AUTO(engine_image_clear_auto) struct engine_image i = { 0 };
        struct err e = { 0 };
        if (reads(documents[n], &i, &e))
            fail_msg("accepted: %s", documents[n]);
        assert_int_equal(e.code, ERR_ENGINE);
        assert_false(i.is_found);
        assert_null(i.diff_ids);
    }
}

static void more_layers_than_an_image_can_have_are_refused(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 << 20);
        AUTO(engine_image_clear_auto) struct engine_image i = { 0 };
        struct err e = { 0 };
        buf_adds(&text, "{\"Id\": \"" ID "\", \"RootFS\": {\"Layers\": [\"" ID "\"");
        for (size_t n = 1; n < LIMIT_LAYERS_PER_IMAGE + extra; n++)
            buf_adds(&text, ",\"" ID "\"");
        buf_adds(&text, "]}}");
        assert_int_equal(reads(buf_text(&text), &i, &e), extra == 0);
    }
}

static void complete_images_are_told_from_others(void **state)
{
    (void)state;
    static const char list[] = "[{\"Id\": \"" ID "\", \"RepoTags\": []}, {\"Id\": \"" OTHER "\", \"Manifests\": [{\"ID\": \"" ID "\", \"Available\": true},"
                               " {\"ID\": \"" OTHER "\", \"Available\": false}]}]";
    struct digest_set set = { 0 };
    struct digest id, other;
    struct err e = { 0 };
    assert_true(digest_parse(&id, ID, "id", &e) && digest_parse(&other, OTHER, "id", &e));
    assert_true(image_read_complete(&set, list, sizeof list - 1, &e));
    assert_true(digest_set_has(&set, &id));
    assert_false(digest_set_has(&set, &other));
    static const char *const bad[] = { "{}", "[7]", "[{}]", "[{\"Id\": \"" ID "\", \"Manifests\": {}}]", "[{\"Id\": \"" ID "\", \"Manifests\": [{}]}]",
                                       "[{\"Id\": \"" ID "\", \"Manifests\": [{\"ID\": \"" ID "\", \"Available\": 1}]}]" };
    for (size_t n = 0; n < ARRAY_LEN(bad); n++) {
        struct err f = { 0 };
        assert_false(image_read_complete(&set, bad[n], strlen(bad[n]), &f));
        assert_int_equal(f.code, ERR_ENGINE);
    }
    digest_set_clear(&set);
}

static void an_image_that_is_not_there_is_no_error(void **state)
{
    (void)state;
    struct world w;
    struct engine_image i;
    struct err e = { 0 };
    world_start(&w, WORLD_CLASSIC, "{\"call\": \"GET /images/odd/json\", \"status\": 500, \"body\": \"not JSON \\u001b[31m\"},");
    assert_true(image_inspect(w.g, "registry.example:5000/shop/api:1", &i, &e));
    assert_false(i.is_found);
    assert_int_equal(world_calls(&w, "GET /images/registry.example:5000/shop/api:1/json"), 1);
    assert_true(image_inspect(w.g, "a b/c?x#y@" ID, &i, &e)); /* no query, no fragment */
    assert_int_equal(world_calls(&w, "GET /images/a%20b/c%3Fx%23y%40" ID "/json"), 1);
    assert_false(image_inspect(w.g, "odd", &i, &e));
    assert_string_equal(e.msg, "odd: engine answered 500: not JSON \\x1b[31m");
    world_stop(&w);
}

static void removing_tells_whether_it_was_removed(void **state)
{
    (void)state;
    struct world w;
    struct err e = { 0 };
    enum image_removal how;
    world_start(&w, WORLD_CLASSIC, "{\"call\": \"DELETE /images/gone\", \"status\": 404},{\"call\": \"DELETE /images/used\", \"status\": 409},"
                                   "{\"call\": \"DELETE /images/odd\", \"status\": 500, \"json\": {\"message\": \"tea only\"}},"
                                   "{\"call\": \"DELETE /images/there\", \"json\": [{\"Untagged\": \"there\"}]},");
    assert_true(image_remove(w.g, "gone", &how, &e) && how == IMAGE_NOT_THERE);
    assert_true(image_remove(w.g, "used", &how, &e) && how == IMAGE_IN_USE);
    assert_true(image_remove(w.g, "there", &how, &e) && how == IMAGE_REMOVED);
    assert_false(image_remove(w.g, "odd", &how, &e));
    has(e.msg, "tea only");
    world_stop(&w);
}

static bool count_images(void *ctx, const struct engine_image *image, struct err *e)
{
    size_t *n = ctx;
    assert_true(image->is_found);
    return ++*n < 2 || err_set(e, ERR_INTERRUPTED, "enough");
}

static void visiting_ends_when_the_visitor_has_enough(void **state)
{
    (void)state;
    struct world w;
    struct err e = { 0 };
    size_t n = 0;
    world_start(&w, WORLD_CLASSIC, "{\"call\": \"GET /images/json\", \"json\": [{\"Id\": \"" ID "\"}, {\"Id\": \"" OTHER "\"}, {\"Id\": \"" ID "\"}]},"
                                   "{\"call\": \"GET /images/sha256.*/json\", \"json\": {\"Id\": \"" ID "\"}},");
    assert_false(image_visit(w.g, count_images, &n, &e));
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_int_equal(n, 2);
    assert_int_equal(world_calls(&w, "GET /images/sha256"), 2);
    world_stop(&w);
}

static void long_words_keep_their_beginning_and_their_end(void **state)
{
    (void)state;
    static const char tail[] = "no such file or directory";
    for (size_t n = 0; n < 700; n += 7) {
        AUTO(mem_auto) char *words = mem_new(n + sizeof tail + 2);
        for (size_t i = 0; i < n; i++)
            words[i] = "\xc3\xa4"[i % 2]; /* a letter of two bytes */
        memcpy(words + n, tail, sizeof tail - 1);
        memcpy(words + n + sizeof tail - 1, "\r\n", 2);
        const char *shown = API_SHOWN(words);
        assert_true(strlen(shown) <= 320);
        assert_true(text_ends(shown, tail));
        assert_true(text_is_utf8(shown, strlen(shown)));
        if (n % 2 == 0)
            assert_null(strstr(shown, "\\x"));
    }
    assert_string_equal(API_SHOWN(""), "");
    assert_string_equal(API_SHOWN("a\x1b[31mb\n"), "a\\x1b[31mb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_read_with_its_layers),
        cmocka_unit_test(what_the_engine_has_lost_is_empty),
        cmocka_unit_test(documents_that_make_no_sense_are_refused),
        cmocka_unit_test(more_layers_than_an_image_can_have_are_refused),
        cmocka_unit_test(complete_images_are_told_from_others),
        cmocka_unit_test(an_image_that_is_not_there_is_no_error),
        cmocka_unit_test(removing_tells_whether_it_was_removed),
        cmocka_unit_test(visiting_ends_when_the_visitor_has_enough),
        cmocka_unit_test(long_words_keep_their_beginning_and_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
