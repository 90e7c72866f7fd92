/* What release.json names is in the bundle, or verification says what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "show/contents.h"
#include "tests/unit/show/golden.h"

struct world {
    struct bundle *bundle;
    struct release release;
};

static int start(void **state)
{
    struct world *w = mem_new(sizeof *w);
    struct err e = { 0 };
    struct verdict verdict = { 0 };
    struct verify_how how = { .jobs = 1 };
    size_t n;
    AUTO(mem_auto) char *path = golden_path("golden.bundle.tar.zst");
    AUTO(keyring_free_auto) struct keyring *keys = golden_keys();
    struct bundle_file *f = bundle_file_open(path, NULL, &e);
    w->bundle = f == NULL ? NULL : bundle_verify(f, keys, &how, &verdict, &e);
    if (w->bundle == NULL)
        return -1;
    const char *text = bundle_release_text(w->bundle, &n);
    *state = w;
    return release_read(&w->release, text, n, &e) ? 0 : -1;
}

static int stop(void **state)
{
    struct world *w = *state;
    release_clear(&w->release);
    bundle_close(w->bundle);
    mem_free(w);
    return 0;
}

static void refused(const struct world *w, const char *why)
{
    struct err e = { 0 };
    assert_false(show_check_contents(bundle_manifest(w->bundle), &w->release, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.msg, why));
    assert_ptr_equal(strstr(e.msg, "release.json: "), e.msg);
}

static void a_bundle_has_what_it_should(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    assert_true(show_check_contents(bundle_manifest(w->bundle), &w->release, &e));
}

static void each_document_of_an_image_is_looked_for(void **state)
{
    struct world *w = *state;
    struct release_image *x = &w->release.images[1];
    x->platforms[0].config.bytes[3] ^= 1;
    refused(w, "image golden.example/api:1.0.0: configuration sha256:");
    x->platforms[0].config.bytes[3] ^= 1;
    x->platforms[0].manifest.bytes[3] ^= 1;
    refused(w, "manifest sha256:");
    x->platforms[0].manifest.bytes[3] ^= 1;
    x->has_index = true;
    refused(w, "index sha256:");
}

static void a_document_counts_only_below_images(void **state)
{
    struct world *w = *state;
    w->release.images[0].platforms[0].config = w->release.files[0].sha256;
    refused(w, "image golden.example/web:1.0.0: configuration sha256:");
}

static void each_layer_is_looked_for(void **state)
{
    struct world *w = *state;
    w->release.images[1].platforms[0].diff_ids[1].bytes[0] ^= 1;
    refused(w, "image golden.example/api:1.0.0: layer sha256:");
}

static void each_file_is_there_as_the_release_says(void **state)
{
    struct world *w = *state;
    struct release_file *f = &w->release.files[0];
    f->size++;
    refused(w, "app/compose.yaml is not the file of the release");
    f->size--;
    f->is_executable = true;
    refused(w, "app/compose.yaml is not the file of the release");
    f->is_executable = false;
    f->sha256.bytes[0] ^= 1;
    refused(w, "app/compose.yaml is not the file of the release");
    f->path[0] = 'x';
    refused(w, "app/xompose.yaml is not in the bundle");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
    static const struct CMUnitTest tests[] = {
        T(a_bundle_has_what_it_should), T(each_document_of_an_image_is_looked_for), T(a_document_counts_only_below_images),
        T(each_layer_is_looked_for),    T(each_file_is_there_as_the_release_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
