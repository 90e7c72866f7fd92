/* Exported images in every shape that engines give them, and in shapes that none should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/export.h"
#include "stream/untar.h"
#include "sys/file.h"
#include "tests/support/tar_text.h"

#define FIRST "content of the first layer"
#define SECOND "content of the second layer, which is longer"

struct shape {
    struct buf tar;
    struct digest diff_ids[2];
};

static void start(struct shape *s)
{
    *s = (struct shape){ .tar = BUF_LIMIT(1 << 20) };
    sha256_of(&s->diff_ids[0], FIRST, strlen(FIRST));
    sha256_of(&s->diff_ids[1], SECOND, strlen(SECOND));
}

static void add_config(struct shape *s, const char *name, const struct digest *a, const struct digest *b)
{
    AUTO(mem_auto) char *text = mem_format("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}",
                                           DIGEST_SHOWN(a), DIGEST_SHOWN(b));
    tar_text_file(&s->tar, name, text);
}

static void add_manifest(struct shape *s, const char *config, const char *first, const char *second)
{
    AUTO(mem_auto) char *text = mem_format("[{\"Config\":\"%s\",\"RepoTags\":null,\"Layers\":[\"%s\",\"%s\"]}]", config, first, second);
    tar_text_file(&s->tar, "manifest.json", text);
}

static int file_of(const struct buf *tar)
{
    struct err e = { 0 };
    int fd = memfd_create("export", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(fd_write_all(fd, tar->data, tar->len, "memory", &e));
    return fd;
}

static struct export *open_shape(struct shape *s, struct err *e)
{
    tar_text_end(&s->tar);
    struct export *x = export_of(tarball_open(file_of(&s->tar), "exported image", e), ERR_ENGINE, e);
    buf_clear(&s->tar);
    return x;
}

static void refused(struct shape *s, const char *text)
{
    struct err e = { 0 };
    AUTO(export_close_auto) struct export *x = open_shape(s, &e);
    assert_null(x);
    assert_int_equal(e.code, ERR_ENGINE);
    if (strstr(e.msg, text) == NULL)
        fail_msg("%s", e.msg);
}

struct taken {
    size_t n;
    size_t layer[4];
    struct buf text[4];
};

static bool take(void *ctx, size_t layer, struct source *content, struct err *e)
{
    struct taken *t = ctx;
    assert_true(t->n < 4);
    t->text[t->n] = (struct buf)BUF_LIMIT(1000);
    AUTO(sink_drop_auto) struct sink *to = sink_buf(&t->text[t->n], "layer");
    t->layer[t->n++] = layer;
    return pump(content, to, e) && sink_finish(to, e);
}

static void has_both_layers(struct shape *s)
{
    struct err e = { 0 };
    struct taken t = { 0 };
    AUTO(export_close_auto) struct export *x = open_shape(s, &e);
    if (x == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(export_n_images(x), 1);
    assert_int_equal(export_image(x, 0)->n_layers, 2);
    assert_int_equal(export_image(x, 0)->layers[0].size, strlen(FIRST));
    assert_true(export_layers(x, export_image(x, 0), take, &t, &e));
    assert_int_equal(t.n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(buf_text(&t.text[i]), t.layer[i] == 0 ? FIRST : SECOND);
        buf_clear(&t.text[i]);
    }
}

/* ---- shapes that exist ---- */

static void a_folder_for_each_layer_and_the_manifest_last(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_add(&s.tar, '5', "aaaa/", NULL, "", 0);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    tar_text_file(&s.tar, "bbbb/layer.tar", SECOND);
    add_config(&s, "cccc.json", &s.diff_ids[0], &s.diff_ids[1]);
    add_manifest(&s, "cccc.json", "aaaa/layer.tar", "bbbb/layer.tar");
    has_both_layers(&s);
}

static void files_named_by_their_digest(void **state)
{
    (void)state;
    struct shape s;
    struct err e = { 0 };
    start(&s);
    AUTO(mem_auto) char *first = mem_format("blobs/sha256/%s", DIGEST_HEX(&s.diff_ids[0]));
    AUTO(mem_auto) char *second = mem_format("blobs/sha256/%s", DIGEST_HEX(&s.diff_ids[1]));
    tar_text_file(&s.tar, first, FIRST);
    tar_text_file(&s.tar, second, SECOND);
    add_config(&s, "blobs/sha256/config", &s.diff_ids[1], &s.diff_ids[0]); /* compressed blobs: the names are not the diff_ids */
    add_manifest(&s, "blobs/sha256/config", first, second);
    AUTO(export_close_auto) struct export *x = open_shape(&s, &e);
    assert_non_null(x);
    assert_true(export_image(x, 0)->layers[0].has_digest);
    assert_true(digest_equal(&export_image(x, 0)->layers[0].digest, &s.diff_ids[0]));
}

static void equal_layers_that_are_links(void **state)
{
    (void)state;
    static const char types[] = { '1', '2' };
    for (size_t i = 0; i < sizeof types; i++) {
        struct shape s;
        struct err e = { 0 };
        struct taken t = { 0 };
        start(&s);
        tar_text_file(&s.tar, "./aaaa/layer.tar", FIRST);
        tar_text_add(&s.tar, types[i], "bbbb/layer.tar", types[i] == '1' ? "aaaa/layer.tar" : "../aaaa/layer.tar", "", 0);
        add_config(&s, "cccc.json", &s.diff_ids[0], &s.diff_ids[0]);
        add_manifest(&s, "cccc.json", "aaaa/layer.tar", "bbbb/layer.tar");
        AUTO(export_close_auto) struct export *x = open_shape(&s, &e);
        assert_non_null(x);
        assert_int_equal(export_image(x, 0)->layers[1].size, strlen(FIRST));
        assert_true(export_layers(x, export_image(x, 0), take, &t, &e));
        assert_int_equal(t.n, 1);
        assert_int_equal(t.layer[0], 0);
        buf_clear(&t.text[0]);
    }
}

/* ---- shapes that do not ---- */

static void no_manifest(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_file(&s.tar, "index.json", "{}");
    refused(&s, "manifest.json");
}

static void a_layer_that_is_not_there(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    add_config(&s, "cccc.json", &s.diff_ids[0], &s.diff_ids[1]);
    add_manifest(&s, "cccc.json", "aaaa/layer.tar", "bbbb/layer.tar");
    refused(&s, "bbbb/layer.tar");
}

static void links_in_a_circle_and_links_to_the_outside(void **state)
{
    (void)state;
    static const char *const targets[][2] = { { "../bbbb/layer.tar", "../aaaa/layer.tar" }, { "../../etc/passwd", "x" }, { "/etc/passwd", "x" } };
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct shape s;
        start(&s);
        tar_text_add(&s.tar, '2', "aaaa/layer.tar", targets[i][0], "", 0);
        tar_text_add(&s.tar, '2', "bbbb/layer.tar", targets[i][1], "", 0);
        add_config(&s, "cccc.json", &s.diff_ids[0], &s.diff_ids[1]);
        add_manifest(&s, "cccc.json", "aaaa/layer.tar", "bbbb/layer.tar");
        refused(&s, "has no file");
    }
}

static void two_files_of_one_name(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    tar_text_file(&s.tar, "./aaaa//layer.tar", SECOND);
    add_config(&s, "cccc.json", &s.diff_ids[0], &s.diff_ids[1]);
    add_manifest(&s, "cccc.json", "aaaa/layer.tar", "aaaa/layer.tar");
    refused(&s, "twice");
}

static void a_name_that_leads_out(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_file(&s.tar, "../outside", FIRST);
    refused(&s, "no usable name");
}

static void another_number_of_layers_than_the_configuration_has(void **state)
{
    (void)state;
    struct shape s;
    start(&s);
    tar_text_file(&s.tar, "a", FIRST);
    add_config(&s, "c.json", &s.diff_ids[0], &s.diff_ids[1]);
    tar_text_file(&s.tar, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"a\"]}]");
    refused(&s, "1 layers, the configuration 2");
}

static void documents_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "{}", "[]", "[{}]", "[{\"Config\":7,\"Layers\":[]}]", "[{\"Config\":\"c.json\",\"Layers\":\"a\"}]", "[{\"Config\":\"c.json\"" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct shape s;
        start(&s);
        add_config(&s, "c.json", &s.diff_ids[0], &s.diff_ids[1]);
        tar_text_file(&s.tar, "manifest.json", texts[i]);
        refused(&s, "");
    }
}

static void an_archive_that_was_cut(void **state)
{
    (void)state;
    struct shape s;
    struct err e = { 0 };
    start(&s);
    add_config(&s, "c.json", &s.diff_ids[0], &s.diff_ids[1]);
    tar_text_file(&s.tar, "aaaa/layer.tar", FIRST);
    add_manifest(&s, "c.json", "aaaa/layer.tar", "aaaa/layer.tar");
    for (size_t n = 0; n < s.tar.len; n += 100) {
        struct err cut = { 0 };
        struct buf part = s.tar;
        part.len = n;
        AUTO(export_close_auto) struct export *x = export_of(tarball_open(file_of(&part), "exported image", &cut), ERR_ENGINE, &cut);
        assert_null(x);
        assert_int_equal(cut.code, ERR_ENGINE);
    }
    tar_text_end(&s.tar);
    AUTO(export_close_auto) struct export *whole = export_of(tarball_open(file_of(&s.tar), "exported image", &e), ERR_ENGINE, &e);
    assert_non_null(whole);
    buf_clear(&s.tar);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_for_each_layer_and_the_manifest_last),
        cmocka_unit_test(files_named_by_their_digest),
        cmocka_unit_test(equal_layers_that_are_links),
        cmocka_unit_test(no_manifest),
        cmocka_unit_test(a_layer_that_is_not_there),
        cmocka_unit_test(links_in_a_circle_and_links_to_the_outside),
        cmocka_unit_test(two_files_of_one_name),
        cmocka_unit_test(a_name_that_leads_out),
        cmocka_unit_test(another_number_of_layers_than_the_configuration_has),
        cmocka_unit_test(documents_that_are_none),
        cmocka_unit_test(an_archive_that_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
