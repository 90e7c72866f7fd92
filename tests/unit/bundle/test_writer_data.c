/* The data stream at its borders: between data members, and where the window rule stops references. */
#include "bundles.h"

static struct bundle *finish_and_verify(struct writer *w, const char *path)
{
    struct err e = { 0 };
    if (!writer_finish(w, NULL, NULL, &e) || !writer_publish(w, true, &e))
        fail_msg("%s", e.msg);
    struct bundle *b = verify_own(path, &e);
    if (b == NULL || !bundle_verify_layers(b, 8 << 20, NULL, &e))
        fail_msg("%s", e.msg);
    return b;
}

/* Pieces of 100 000 bytes do not end where a data member does. */
static void data_goes_on_in_the_next_member(void **state)
{
    const struct place *p = *state;
    enum { PIECES = 300, PIECE = 100000 };
    static const uint64_t sizes[] = { 4 << 20, 8 << 20 };
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct err e = { 0 };
        AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 2, sizes[s], &e);
        AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
        for (size_t layer = 0; layer < 2; layer++) {
            assert_true(writer_begin_layer(w, &e));
            for (uint64_t i = 0; i < PIECES; i++)
                assert_true(add_piece(w, h, layer == 0 ? i : PIECES - 1 - i, PIECE, &e));
            assert_true(end_layer(w, h, &e));
        }
        AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
        const struct manifest *m = bundle_manifest(b);
        size_t n_data = (PIECES * (size_t)PIECE + sizes[s] - 1) / sizes[s];
        assert_int_equal(m->n_members, 2 + n_data);
        assert_int_equal(bundle_data_map(b)->total, PIECES * PIECE);
        for (size_t i = 1; i < n_data; i++)
            assert_int_equal(m->members[i].size, sizes[s]);
        assert_string_equal(m->members[3].name, "data/00002.bin");
    }
}

/* A data stream that ends exactly with its member opens no empty one. */
static void a_member_that_is_just_full_is_the_last(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 1, 4 << 20, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e));
    for (uint64_t i = 0; i < 16; i++)
        assert_true(add_piece(w, h, i, 1 << 19, &e));
    assert_true(end_layer(w, h, &e));
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    assert_int_equal(bundle_manifest(b)->n_members, 2 + 2);
}

/* More extents than a reader holds at once, in an order that merges none. */
static void a_layer_of_thousands_of_extents_comes_back(void **state)
{
    const struct place *p = *state;
    enum { PIECES = 3000 };
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 2, 0, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    for (size_t layer = 0; layer < 2; layer++) {
        assert_true(writer_begin_layer(w, &e));
        for (uint64_t i = 0; i < PIECES; i++)
            assert_true(add_piece(w, h, layer == 0 ? i : PIECES - 1 - i, 1000 + (uint32_t)(layer == 0 ? i : PIECES - 1 - i) % 7, &e));
        assert_true(end_layer(w, h, &e));
    }
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    assert_int_equal(bundle_recipes(b)->layers[0].n, 1);
    assert_int_equal(bundle_recipes(b)->layers[1].n, PIECES);
}

/* 100 small pieces, each in a chunk of its own, wanted side by side: what is beyond the limit is stored again, and read from there from then on. */
static void pieces_from_too_many_chunks_are_stored_again(void **state)
{
    const struct place *p = *state;
    enum { SMALL = 100, BIG = 1 << 19, BETWEEN = 8 };
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 3, 0, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    uint64_t number = SMALL;
    assert_true(writer_begin_layer(w, &e));
    for (uint64_t i = 0; i < SMALL; i++) {
        assert_true(add_piece(w, h, i, 4096, &e));
        for (size_t k = 0; k < BETWEEN; k++)
            assert_true(add_piece(w, h, number++, BIG, &e));
    }
    assert_true(end_layer(w, h, &e));
    uint64_t before = writer_new_bytes(w);
    uint64_t after[2];
    for (size_t layer = 0; layer < 2; layer++) {
        assert_true(writer_begin_layer(w, &e));
        assert_true(add_piece(w, h, 1000000 + layer, 2000, &e)); /* or the two would be one layer */
        for (uint64_t i = 0; i < SMALL; i++)
            assert_true(add_piece(w, h, i, 4096, &e));
        assert_true(end_layer(w, h, &e));
        after[layer] = writer_new_bytes(w);
    }
    assert_true(after[0] > before + 2000 + 36 * 4096);
    assert_true(after[0] < before + 2000 + 50 * 4096);
    assert_int_equal(after[1], after[0] + 2000);
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    assert_int_equal(bundle_manifest(b)->n_layers, 3);
}

static void a_bundle_without_layers_has_no_data(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 0, 0, &e);
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    assert_int_equal(bundle_manifest(b)->n_members, 2);
    assert_int_equal(bundle_data_map(b)->total, 0);
}

/* Reports on layers are known when the layers are: their place is between the data and the recipes. */
static void members_made_from_layers_stand_behind_the_data(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 1, 4 << 20, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_add_member(w, "reports/before.json", "{}", 2, false, &e));
    assert_true(writer_begin_layer(w, &e));
    for (uint64_t i = 0; i < 10; i++)
        assert_true(add_piece(w, h, i, 1000003, &e));
    assert_true(end_layer(w, h, &e));
    assert_true(writer_add_member(w, "reports/after.json", "[1]", 3, false, &e));
    assert_true(writer_add_member(w, "reports/last.json", "[]", 2, false, &e));
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    static const char *const names[] = { "release.json", "reports/before.json", "data/00000.bin", "data/00001.bin", "data/00002.bin", "reports/after.json", "reports/last.json",
                                         "layers.bin" };
    const struct manifest *m = bundle_manifest(b);
    assert_int_equal(m->n_members, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(m->members[i].name, names[i]);
    assert_int_equal(bundle_data_map(b)->total, 10 * 1000003);
}

/* Nothing new in any layer: there is no data member to close. */
static void members_made_from_layers_need_no_data(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 1, 0, &e);
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    assert_true(writer_begin_layer(w, &e));
    assert_true(end_layer(w, h, &e));
    assert_true(writer_add_member(w, "reports/after.json", "[1]", 3, false, &e));
    AUTO(bundle_close_auto) struct bundle *b = finish_and_verify(w, p->path);
    assert_string_equal(bundle_manifest(b)->members[1].name, "reports/after.json");
    assert_int_equal(bundle_manifest(b)->n_members, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_goes_on_in_the_next_member),
        cmocka_unit_test(a_member_that_is_just_full_is_the_last),
        cmocka_unit_test(a_layer_of_thousands_of_extents_comes_back),
        cmocka_unit_test(pieces_from_too_many_chunks_are_stored_again),
        cmocka_unit_test(a_bundle_without_layers_has_no_data),
        cmocka_unit_test(members_made_from_layers_stand_behind_the_data),
        cmocka_unit_test(members_made_from_layers_need_no_data),
    };
    return cmocka_run_group_tests(tests, place_make, place_remove);
}
