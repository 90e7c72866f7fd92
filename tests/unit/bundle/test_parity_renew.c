/* A signature changes the header, and the parity file follows: in the rows of the header only, and never for a bundle that is damaged. */
#include <fcntl.h>

#include "bundles.h"
#include "bundle/parity_renew.h"
#include "bundle/repair.h"
#include "bundle/seal.h"

struct pair {
    struct buf bundle;
    struct buf par;
};

static void pair_read(struct pair *x, const struct place *p)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *par = parity_path(p->path);
    *x = (struct pair){ BUF_LIMIT(64 << 20), BUF_LIMIT(64 << 20) };
    assert_true(file_read(p->path, FILE_PLAIN, 64 << 20, &x->bundle, &e) && file_read(par, FILE_PLAIN, 64 << 20, &x->par, &e));
}

static void pair_clear(struct pair *x)
{
    buf_clear(&x->bundle);
    buf_clear(&x->par);
}

/* A bundle of some hundred KB, and its parity file as create makes it. */
static void make_both(const struct place *p, uint8_t seed)
{
    struct err e = { 0 };
    AUTO(writer_drop_auto) struct writer *w = writer_for(p->path, 1, 0, &e);
    AUTO(sha256_free_auto) struct sha256 *layer = sha256_new();
    AUTO(mem_auto) uint8_t *bytes = mem_new(1 << 20);
    AUTO(mem_auto) char *par = parity_path(p->path);
    uint32_t x = seed;
    for (size_t i = 0; i < 1 << 20; i++)
        bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    assert_true(w != NULL && writer_begin_layer(w, &e));
    for (size_t at = 0; at < 1 << 20; at += 4096) {
        struct digest d;
        sha256_of(&d, bytes + at, 4096);
        sha256_add(layer, bytes + at, 4096);
        assert_true(writer_add_piece(w, d.bytes, bytes + at, 4096, &e));
    }
    assert_true(end_layer(w, layer, &e) && writer_finish(w, NULL, NULL, &e) && writer_publish(w, true, &e));

    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open(p->path, NULL, &e);
    AUTO(header_clear_auto) struct header h = { 0 };
    struct parity_source from = { parity_read_bundle, f };
    struct parity_how how = { .jobs = 2 };
    struct parity_shape s;
    struct digest id;
    assert_true(f != NULL && header_read(&h, f, &e));
    sha256_of(&id, h.manifest, h.manifest_bytes);
    assert_true(parity_shape_for(&s, bundle_file_bytes(f), &id, 10, &e));
    AUTO(publish_drop_auto) struct publish *to = publish_open(par, 0644, &e);
    assert_true(to != NULL && parity_write(publish_fd(to), par, &s, &from, 0, s.rows, &how, &e) && publish_commit(to, PUBLISH_REPLACE, &e));
}

static bool add_signature(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    (void)ctx;
    (void)manifest;
    return n > 0 && header_add_signature(h, "signatures/00000000000000aa.sig", "0123456789", 10, e);
}

static enum parity_renewal renew(const struct place *p)
{
    struct err e = { 0 };
    struct parity_how how = { .jobs = 2 };
    enum parity_renewal what;
    if (!parity_renew(p->path, &how, &what, &e))
        fail_msg("%s", e.msg);
    return what;
}

static void sign(const struct place *p)
{
    struct err e = { 0 };
    assert_true(seal_sign(p->path, add_signature, NULL, NULL, &e));
}

static void damage(const char *path, uint64_t at)
{
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fd_pwrite_all(fd, "\xA5\x5A\xA5\x5A", 4, at, path, &e));
}

static void the_header_of_a_signed_bundle_can_be_repaired(void **state)
{
    const struct place *p = *state;
    struct pair before;
    struct pair after;
    struct err e = { 0 };
    struct parity_how how = { .jobs = 1 };
    char out[160];
    snprintf(out, sizeof out, "%s/out", p->dir);
    make_both(p, 1);
    pair_read(&before, p);
    sign(p);
    assert_int_equal(renew(p), PARITY_RENEWED);
    pair_read(&after, p);
    assert_int_equal(before.par.len, after.par.len);
    assert_memory_not_equal(before.par.data, after.par.data, after.par.len);

    for (uint64_t at = 0; at < 65536; at += 4096)
        damage(p->path, at);
    AUTO(mem_auto) char *par = parity_path(p->path);
    AUTO(fd_auto) int to = open(out, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    AUTO(repair_free_auto) struct repair *r = repair_open(&(struct bundle_where){ .path = p->path }, par, &e);
    assert_true(r != NULL && repair_copy(r, to, "out", &how, &e));
    assert_int_equal(repair_facts(r)->n_damaged, 16);
    assert_int_equal(repair_facts(r)->n_parity_lost, 0);
    assert_true(repair_solve(r, to, "out", &how, &e));
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(64 << 20);
    assert_true(file_read(out, FILE_PLAIN, 64 << 20, &text, &e));
    assert_int_equal(text.len, after.bundle.len);
    assert_memory_equal(text.data, after.bundle.data, text.len);
    pair_clear(&before);
    pair_clear(&after);
}

static void renewing_gives_what_making_it_anew_would(void **state)
{
    const struct place *p = *state;
    struct pair renewed;
    struct pair again;
    make_both(p, 1);
    sign(p);
    assert_int_equal(renew(p), PARITY_RENEWED);
    pair_read(&renewed, p);
    assert_int_equal(renew(p), PARITY_RENEWED);
    pair_read(&again, p);
    assert_int_equal(again.par.len, renewed.par.len);
    assert_memory_equal(again.par.data, renewed.par.data, again.par.len);
    pair_clear(&renewed);
    pair_clear(&again);
}

static void a_damaged_bundle_is_not_taken_for_what_was_meant(void **state)
{
    const struct place *p = *state;
    struct pair before;
    struct pair after;
    struct err e = { 0 };
    struct parity_how how = { .jobs = 1 };
    enum parity_renewal what;
    make_both(p, 1);
    sign(p);
    pair_read(&before, p);
    damage(p->path, before.bundle.len - 20000);
    assert_false(parity_renew(p->path, &how, &what, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, "at offset"));
    pair_read(&after, p);
    assert_memory_equal(before.par.data, after.par.data, after.par.len);
    pair_clear(&before);
    pair_clear(&after);
}

static void the_parity_file_of_another_bundle_is_left_alone(void **state)
{
    const struct place *p = *state;
    struct pair other;
    struct pair after;
    struct err e = { 0 };
    AUTO(mem_auto) char *par = parity_path(p->path);
    make_both(p, 2);
    pair_read(&other, p);
    make_both(p, 1);
    assert_true(file_publish(par, other.par.data, other.par.len, 0644, &e));
    sign(p);
    assert_int_equal(renew(p), PARITY_FOREIGN);
    pair_read(&after, p);
    assert_memory_equal(other.par.data, after.par.data, after.par.len);
    assert_true(file_publish(par, "x", 1, 0644, &e));
    assert_int_equal(renew(p), PARITY_FOREIGN);
    assert_true(file_remove(par, &e));
    assert_int_equal(renew(p), PARITY_NONE);
    pair_clear(&other);
    pair_clear(&after);
}

static void beside_a_link_there_is_no_parity_file_but_beside_what_it_leads_to(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    struct parity_how how = { .jobs = 1 };
    enum parity_renewal what = PARITY_NONE;
    char link[160];
    snprintf(link, sizeof link, "%s/link", p->dir);
    make_both(p, 1);
    assert_int_equal(symlink(p->path, link), 0);
    assert_true(seal_sign(link, add_signature, NULL, NULL, &e) && parity_renew(link, &how, &what, &e));
    assert_int_equal(what, PARITY_RENEWED);
}

static void while_another_run_signs_nothing_is_renewed(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    struct parity_how how = { .jobs = 1 };
    enum parity_renewal what = PARITY_NONE;
    make_both(p, 1);
    AUTO(bundle_file_close_auto) struct bundle_file *other = bundle_file_open_writable(p->path, &e);
    assert_non_null(other);
    assert_false(parity_renew(p->path, &how, &what, &e));
    assert_int_equal(e.code, ERR_LOCKED);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(the_header_of_a_signed_bundle_can_be_repaired),
        IN_A_PLACE(renewing_gives_what_making_it_anew_would),
        IN_A_PLACE(a_damaged_bundle_is_not_taken_for_what_was_meant),
        IN_A_PLACE(the_parity_file_of_another_bundle_is_left_alone),
        IN_A_PLACE(beside_a_link_there_is_no_parity_file_but_beside_what_it_leads_to),
        IN_A_PLACE(while_another_run_signs_nothing_is_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
