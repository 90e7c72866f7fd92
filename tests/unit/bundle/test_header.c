/* The header region: what we build we read, and one wrong byte anywhere is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/header.h"
#include "bundle/tar.h"
#include "format/digest.h"
#include "sys/file.h"

enum { H = 131072 };

static struct header make(size_t manifest, size_t table)
{
    struct header h = { .manifest = mem_new(manifest), .manifest_bytes = manifest, .table = mem_new(table), .table_bytes = table };
    memset(h.manifest, 'm', manifest);
    memset(h.table, 't', table);
    return h;
}

static void sign(struct header *h, const char *name, size_t n)
{
    static const uint8_t bytes[LIMIT_CMS_BYTES] = { 1, 2, 3 };
    struct err e = { 0 };
    assert_true(header_add_signature(h, name, bytes, n, &e));
}

static struct bundle_file *file_of(int fd, const void *bytes, size_t n)
{
    struct err e = { 0 };
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    struct bundle_file *f = bundle_file_of(fd, "header", &e);
    assert_non_null(f);
    return f;
}

static void what_is_built_is_read(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(header_clear_auto) struct header h = make(700, 80);
    sign(&h, "signatures/ffffffffffffffff.sig", 64);
    sign(&h, "signatures/0.p7s", 1000);
    sign(&h, "signatures/0000000000000000.sig", 72);
    sign(&h, "signatures/0000000000000000.sig", 70); /* replaces */
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(H);
    assert_true(header_build(&h, H, &out, &e));
    assert_int_equal(out.len, H);
    AUTO(fd_auto) int fd = memfd_create("header", MFD_CLOEXEC);
    AUTO(bundle_file_close_auto) struct bundle_file *f = file_of(fd, out.data, out.len);
    AUTO(header_clear_auto) struct header found = { 0 };
    assert_true(header_read(&found, f, &e));
    assert_true(header_check_padding(&found, f, H, &e));
    assert_int_equal(found.manifest_bytes, 700);
    assert_int_equal(found.n_signatures, 3);
    assert_string_equal(found.signatures[0].name, "signatures/0000000000000000.sig");
    assert_int_equal(found.signatures[0].n, 70);
    assert_string_equal(found.signatures[2].name, "signatures/0.p7s");
}

/* Content bytes (manifest, table, signatures) are proven by digests and signatures; everything else must not bend at all. */
static void every_other_byte_matters(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(header_clear_auto) struct header h = make(1000, 40);
    sign(&h, "signatures/00000000000000aa.sig", 64);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(H);
    assert_true(header_build(&h, 8192, &out, &e)); /* a bundle's padding is longer, and every byte of it costs a reading */
    AUTO(fd_auto) int fd = memfd_create("header", MFD_CLOEXEC);
    AUTO(bundle_file_close_auto) struct bundle_file *f = file_of(fd, out.data, out.len);
    size_t n_refused = 0;
    size_t n_content = 0;
    for (size_t i = 0; i < out.len; i++) {
        char other = (char)(out.data[i] ^ 0x10);
        struct err bad = { 0 };
        assert_int_equal(pwrite(fd, &other, 1, (off_t)i), 1);
        AUTO(header_clear_auto) struct header found = { 0 };
        bool ok = header_read(&found, f, &bad) && header_check_padding(&found, f, out.len, &bad);
        n_refused += !ok;
        n_content += ok;
        assert_true(ok || bad.code == ERR_FORMAT || bad.code == ERR_INTEGRITY);
        assert_int_equal(pwrite(fd, &out.data[i], 1, (off_t)i), 1);
    }
    /* contents, and the hex digits of the signature's name whose change leaves the checksum of the header wrong: refused */
    assert_int_equal(n_content, 1000 + 40 + 64);
    assert_int_equal(n_refused, out.len - n_content);
}

static void a_header_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(header_clear_auto) struct header h = make(500, 40);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(H);
    assert_true(header_build(&h, 65536, &out, &e));
    for (size_t n = 0; n < 13 + 3 + 2048; n++) {
        struct err bad = { 0 };
        AUTO(fd_auto) int fd = memfd_create("header", MFD_CLOEXEC);
        AUTO(bundle_file_close_auto) struct bundle_file *f = file_of(fd, out.data, n);
        AUTO(header_clear_auto) struct header found = { 0 };
        assert_false(header_read(&found, f, &bad));
        assert_int_equal(bad.code, ERR_FORMAT);
    }
}

static void sizes_at_the_block_border_work(void **state)
{
    (void)state;
    for (size_t n = 131072 - 1600; n <= 131072 + 1024; n += 37) {
        struct err e = { 0 };
        AUTO(header_clear_auto) struct header h = make(n, 40);
        AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(LAYOUT_HEADER_MAX);
        uint64_t len = header_len_for(n, 40);
        assert_true(header_build(&h, len, &out, &e));
        AUTO(fd_auto) int fd = memfd_create("header", MFD_CLOEXEC);
        AUTO(bundle_file_close_auto) struct bundle_file *f = file_of(fd, out.data, out.len);
        AUTO(header_clear_auto) struct header found = { 0 };
        assert_true(header_read(&found, f, &e));
        assert_int_equal(found.manifest_bytes, n);
    }
}

static void seventeen_signatures_are_too_many(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(header_clear_auto) struct header h = make(100, 40);
    char name[64];
    for (int i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "signatures/%016x.sig", i);
        sign(&h, name, 64);
    }
    assert_false(header_add_signature(&h, "signatures/00000000000000ff.sig", "x", 1, &e));
    assert_int_equal(e.code, ERR_FORMAT);
}

static void other_files_are_named_for_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *says;
    } rows[] = { { "\x1f\x8b\x08 gzip gzip gzip", "found gzip" }, { "\x7f" "ELF and the rest of it", "ELF" }, { "abc", "3 bytes" },
                 { "\x28\xB5\x2F\xFD\x64 zstd but not ours", "ordinary zstd" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(header_clear_auto) struct header h = { 0 };
        AUTO(fd_auto) int fd = memfd_create("header", MFD_CLOEXEC);
        AUTO(bundle_file_close_auto) struct bundle_file *f = file_of(fd, rows[i].bytes, strlen(rows[i].bytes));
        assert_false(header_read(&h, f, &e));
        assert_int_equal(e.code, ERR_FORMAT);
        assert_non_null(strstr(e.msg, rows[i].says));
    }
}

static void tar_headers_match_the_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t size;
        bool x;
        const char *sha256;
    } rows[] = { /* docs/FORMAT.md section 10 */
        { "bundle.json", 1, false, "86a47a858448d9cba8b95e89d25053c038406b849e0e10a258b8116d9f4de031" },
        { "bin/archon-load-linux-amd64", 5242880, true, "d5ba5f8eafc11bb6fc35523e824310902fad069f477adc5cc557ae64e83ea41e" },
        { "data/00000.bin", 4294967296, false, "7804976d576833a2e9abf51a9fd0923f6a04bbb19f2c6341cd45c7feb7c9179e" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t header[LAYOUT_TAR_BLOCK];
        struct digest d;
        uint64_t size;
        tar_header(header, rows[i].name, rows[i].size, rows[i].x);
        sha256_of(&d, header, sizeof header);
        assert_string_equal(DIGEST_HEX(&d), rows[i].sha256);
        assert_true(tar_header_size(header, &size));
        assert_int_equal(size, rows[i].size);
    }
}

static void names_that_leave_the_folder_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "/abs", "a//b", "./a", "a/..", "a/../b", "a/", "a\\b", "a b", "a\nb", "1/2/3/4/5/6/7/8/9", "\xc3\xa4" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        assert_false(tar_name_check(bad[i], &e));
        assert_int_equal(e.code, ERR_FORMAT);
    }
    struct err e = { 0 };
    assert_true(tar_name_check("app/sql/0001_a+b@c.sql", &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_is_read),
        cmocka_unit_test(every_other_byte_matters),
        cmocka_unit_test(a_header_cut_anywhere_is_refused),
        cmocka_unit_test(sizes_at_the_block_border_work),
        cmocka_unit_test(seventeen_signatures_are_too_many),
        cmocka_unit_test(other_files_are_named_for_what_they_are),
        cmocka_unit_test(tar_headers_match_the_vectors),
        cmocka_unit_test(names_that_leave_the_folder_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
