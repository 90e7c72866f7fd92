/* What a base lets a delta leave out, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundler/base.h"
#include "tests/unit/show/golden.h"

static void open_golden(struct base *b, const char *name)
{
    struct err e = { 0 };
    struct verdict verdict = { 0 };
    struct verify_how how = { .jobs = 1 };
    AUTO(mem_auto) char *path = golden_path(name);
    AUTO(keyring_free_auto) struct keyring *keys = golden_keys();
    struct bundle_file *f = bundle_file_open(path, NULL, &e);
    *b = (struct base){ .bundle = f == NULL ? NULL : bundle_verify(f, keys, &how, &verdict, &e) };
    if (b->bundle == NULL)
        fail_msg("%s", e.msg);
}

static bool is_proven(const struct base *b, size_t layer, const struct manifest_blob *blob)
{
    return base_has_proven(b, &bundle_manifest(b->bundle)->layers[layer].diff_id, &blob->digest, blob->size);
}

static void a_blob_that_the_base_names_is_its_layer(void **state)
{
    (void)state;
    struct base b;
    open_golden(&b, "golden.bundle.tar.zst");
    const struct manifest *m = bundle_manifest(b.bundle);
    struct manifest_blob blob = m->layers[0].blobs[0];
    assert_true(is_proven(&b, 0, &blob));
    assert_false(is_proven(&b, 1, &blob));
    blob.size++;
    assert_false(is_proven(&b, 0, &blob));
    blob.size--;
    blob.digest.bytes[0] ^= 1;
    assert_false(is_proven(&b, 0, &blob));
    base_close(&b);
}

static void of_an_exact_base_only_the_blob_that_is_put_together_is_proven(void **state)
{
    (void)state;
    struct base b;
    open_golden(&b, "golden-exact.bundle.tar.zst");
    const struct manifest_layer *l = &bundle_manifest(b.bundle)->layers[0];
    assert_int_equal(l->n_blobs, 2);
    assert_true(is_proven(&b, 0, &l->blobs[0]));
    assert_false(is_proven(&b, 0, &l->blobs[1]));
    base_close(&b);
}

static void what_the_host_lost_is_not_left_out(void **state)
{
    (void)state;
    struct base b;
    open_golden(&b, "golden.bundle.tar.zst");
    const struct manifest *m = bundle_manifest(b.bundle);
    b.has_inventory = true;
    inventory_add_layer(&b.inventory, &m->layers[1].diff_id);
    assert_false(is_proven(&b, 0, &m->layers[0].blobs[0]));
    assert_true(is_proven(&b, 1, &m->layers[1].blobs[0]));
    base_close(&b);
}

static void an_inventory_alone_proves_nothing(void **state)
{
    (void)state;
    struct digest d = { { 1 } };
    struct base b = { .has_inventory = true };
    inventory_add_layer(&b.inventory, &d);
    assert_true(base_has_layer(&b, &d));
    assert_false(base_has_proven(&b, &d, &d, 1));
    base_close(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_that_the_base_names_is_its_layer),
        cmocka_unit_test(of_an_exact_base_only_the_blob_that_is_put_together_is_proven),
        cmocka_unit_test(what_the_host_lost_is_not_left_out),
        cmocka_unit_test(an_inventory_alone_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
