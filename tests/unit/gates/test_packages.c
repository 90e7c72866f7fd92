/* Packages of an image: databases in layers, what upper layers take away or put over them, and what package URLs they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "gates/layer_files_parts.h"
#include "gates/packages.h"
#include "gates/sbom.h"
#include "tests/support/tar_text.h"

enum { LAYERS_MAX = 4 };

struct fixture {
    struct spool *spool;
    struct layer_files layers[LAYERS_MAX];
    size_t n;
    struct packages packages;
    struct err e;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    f->spool = spool_open("/tmp", &f->e);
    assert_non_null(f->spool);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->n; i++)
        layer_files_clear(&f->layers[i]);
    packages_clear(&f->packages);
    spool_close(f->spool);
    mem_free(f);
    return 0;
}

/* In pieces of an odd size, as inflating makes them. */
static bool put_layer(struct fixture *f, const struct buf *tar)
{
    enum { PIECE = 700 };
    AUTO(sink_drop_auto) struct sink *to = layer_files_sink(f->spool, &f->layers[f->n++], "layer");
    for (size_t at = 0; at < tar->len; at += PIECE)
        assert_true(sink_write(to, tar->data + at, tar->len - at < PIECE ? tar->len - at : PIECE, &f->e));
    return sink_finish(to, &f->e);
}

struct entry {
    const char *path;
    char type;
    const char *text; /* content, or what a link leads to */
};

static void layer(struct fixture *f, const struct entry *entries, size_t n)
{
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(8 << 20);
    for (size_t i = 0; i < n; i++)
        if (entries[i].type == '0')
            tar_text_file(&tar, entries[i].path, entries[i].text);
        else
            tar_text_add(&tar, entries[i].type, entries[i].path, entries[i].text, "", 0);
    tar_text_end(&tar);
    if (!put_layer(f, &tar))
        fail_msg("%s", f->e.msg);
}
#define LAYER(f, ...) \
    layer((f), (const struct entry[]){ __VA_ARGS__ }, sizeof((const struct entry[]){ __VA_ARGS__ }) / sizeof(struct entry))

static bool try_read(struct fixture *f)
{
    const struct layer_files *layers[LAYERS_MAX];
    AUTO(layer_files_clear_auto) struct layer_files merged = { 0 };
    for (size_t i = 0; i < f->n; i++)
        layers[i] = &f->layers[i];
    packages_clear(&f->packages);
    return layer_files_merge(&merged, layers, f->n, &f->e) && packages_read(&f->packages, &merged, f->spool, &f->e);
}

static void read_image(struct fixture *f)
{
    if (!try_read(f))
        fail_msg("%s", f->e.msg);
}

static void has_names(const struct fixture *f, const char *names)
{
    AUTO(buf_clear_auto) struct buf found = BUF_LIMIT(4096);
    for (size_t i = 0; i < f->packages.n; i++)
        buf_addf(&found, "%s%s", i > 0 ? " " : "", f->packages.items[i].name);
    assert_string_equal(buf_text(&found), names);
}

#define STATUS(name) "Package: " name "\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
#define DEBIAN "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n"

static void dpkg_says_what_is_installed(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "usr/lib/os-release", '0', DEBIAN }, { "etc/os-release", '2', "../usr/lib/os-release" },
          { "./var/lib/dpkg/status", '0',
            "Package: libstdc++6\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: "
            "1:12.2.0-14+deb12u1~x\nDescription: text\n more: text\n .\n"
            "Conffiles:\n /etc/x 0123\n\n"
            "package: removed\nstatus: deinstall ok config-files\nversion: 2\n\n"
            "Package: never\nStatus: unknown ok not-installed\n\n"
            "Package: broken\nStatus: install reinstreq half-installed\nVersion: 3\nArchitecture: all\n" });
    read_image(f);
    assert_int_equal(f->packages.n, 2);
    assert_string_equal(f->packages.items[0].purl, "pkg:deb/debian/broken@3?arch=all&distro=debian-12");
    assert_string_equal(f->packages.items[1].purl, "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x?arch=amd64&distro=debian-12");
    assert_string_equal(f->packages.items[1].version, "1:12.2.0-14+deb12u1~x");
    assert_string_equal(f->packages.distro, "debian-12");
    assert_int_equal(f->packages.found, REPORTS_DPKG);
    assert_int_equal(f->packages.unread, 0);
}

static void distroless_images_have_a_file_for_each_package(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status.d/", '5', NULL },
          { "var/lib/dpkg/status.d/base", '0', "Package: base-files\nVersion: 12\nArchitecture: amd64\n" },
          { "var/lib/dpkg/status.d/base.md5sums", '0', "0123  etc/debian_version\n" },
          { "var/lib/dpkg/status.d/tzdata", '0', "Package: tzdata\nVersion: 2024a\nArchitecture: all\n" });
    LAYER(f, { "var/lib/dpkg/status.d/.wh.base", '0', "" },
          { "var/lib/dpkg/status.d/netbase", '0', "Package: netbase\nVersion: 6.4\nArchitecture: all\n" });
    read_image(f);
    has_names(f, "netbase tzdata");
}

static void apk_says_what_is_installed(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "etc/os-release", '0', "ID=alpine\nVERSION_ID=3.19.1\n" },
          { "lib/apk/db/installed", '0',
            "C:Q1abc=\nP:musl\nV:1.2.4_git20230717-r4\nA:x86_64\nL:MIT\nF:lib\nR:libc.so\n\nP:busybox\nV:1.36.1-r15\nA:x86_64\n\n" });
    read_image(f);
    assert_string_equal(f->packages.items[0].purl, "pkg:apk/alpine/busybox@1.36.1-r15?arch=x86_64&distro=alpine-3.19.1");
    has_names(f, "busybox musl");
    assert_int_equal(f->packages.found, REPORTS_APK);
}

static void the_topmost_database_counts(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") });
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") STATUS("b") });
    LAYER(f, { "srv/other", '0', "x" });
    read_image(f);
    has_names(f, "a b");
}

static void a_whiteout_takes_a_database_away(void **state)
{
    static const char *const whiteouts[] = { "var/lib/dpkg/.wh.status",   "var/lib/.wh.dpkg", "var/.wh.lib", ".wh.var",
                                             "var/lib/dpkg/.wh..wh..opq", ".wh..wh..opq" };
    for (size_t i = 0; i < ARRAY_LEN(whiteouts); i++) {
        struct fixture *f = *state;
        LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") });
        LAYER(f, { whiteouts[i], '0', "" });
        read_image(f);
        has_names(f, "");
        assert_int_equal(f->packages.found, 0);
        tear_down(state);
        set_up(state);
    }
}

/* What is put there by the same layer stays, wherever in the tar the whiteout stands. */
static void a_whiteout_is_for_lower_layers(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") });
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("b") }, { "var/lib/dpkg/.wh..wh..opq", '0', "" }, { "var/lib/.wh..wh.aufs", '0', "" });
    read_image(f);
    has_names(f, "b");
}

static void what_stands_where_a_folder_was_hides_it(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") });
    LAYER(f, { "var/lib/dpkg", '2', "/srv/dpkg" });
    read_image(f);
    has_names(f, "");
}

static void of_two_entries_of_one_name_the_later_is_the_file(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("a") }, { "./var//lib/dpkg/status", '0', STATUS("b") });
    read_image(f);
    has_names(f, "b");
}

static void a_link_to_a_kept_file_is_that_file(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "usr/lib/apk/db/installed", '0', "P:musl\nV:1\nA:x86_64\n" }, { "lib/apk/db/installed", '1', "usr/lib/apk/db/installed" });
    read_image(f);
    has_names(f, "musl");
    assert_int_equal(f->packages.unread, 0);
}

static void a_database_that_is_a_link_elsewhere_is_not_read_and_said(void **state)
{
    struct fixture *f = *state;
    LAYER(f, { "var/lib/dpkg/status", '2', "/opt/dpkg/status" });
    read_image(f);
    assert_int_equal(f->packages.unread, REPORTS_DPKG);
    assert_int_equal(f->packages.found, 0);
}

static void refused(struct fixture *f, const char *why)
{
    assert_false(try_read(f));
    assert_int_equal(f->e.code, ERR_REGISTRY);
    if (strstr(f->e.msg, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, f->e.msg);
}

static void a_broken_database_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *path, *text, *why;
    } table[] = {
        { "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n\nStatus: install ok installed\nVersion: 1\n",
          "line 5: a package without a name" },
        { "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\n", "line 1: a package without a version" },
        { "var/lib/dpkg/status", "Package: a\nVersion: 1\n", "line 1: a package without a status" },
        { "var/lib/dpkg/status",
          "\x7f"
          "ELF",
          "line 1: expected a field" },
        { "var/lib/dpkg/status", "Package: a b\nStatus: install ok installed\nVersion: 1\n", "is no name and version" },
        { "var/lib/dpkg/status", "Package: a\x1b[2J\nStatus: install ok installed\nVersion: 1\n", "is no name and version" },
        { "lib/apk/db/installed", "P:musl\n\n", "line 1: a package without a version" },
        { "lib/apk/db/installed", "nothing\n", "expected a field" },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fixture *f = *state;
        LAYER(f, { table[i].path, '0', table[i].text });
        refused(f, table[i].why);
        tear_down(state);
        set_up(state);
    }
}

static void a_tar_that_cannot_be_read_is_an_error(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_file(&tar, "var/lib/dpkg/status", STATUS("a"));
    tar_text_end(&tar);
    tar.len = 600; /* in the middle of the content */
    assert_false(put_layer(f, &tar));
    assert_int_equal(f->e.code, ERR_REGISTRY);
    assert_int_equal(f->layers[0].n_files, 0);
    f->e = (struct err){ 0 };
    buf_reset(&tar);
    for (size_t i = 0; i < 3000; i++)
        buf_addc(&tar, 'x');
    assert_false(put_layer(f, &tar));
    assert_int_equal(f->e.code, ERR_REGISTRY);
}

/* As if the layer had brought much already. */
static void a_file_that_is_repeated_does_not_fill_the_disk(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_file(&tar, "var/lib/dpkg/status", STATUS("a"));
    tar_text_file(&tar, "var/lib/dpkg/status", STATUS("a"));
    tar_text_end(&tar);
    for (int over = 0; over < 2; over++) {
        AUTO(layer_files_clear_auto)
        struct layer_files out = { .bytes = LIMIT_LAYER_KEPT_BYTES - 2 * strlen(STATUS("a")) + (uint64_t)over };
        assert_int_equal(layer_read(&out, f->spool, source_memory(tar.data, tar.len), "layer", &f->e), over == 0);
    }
    assert_int_equal(f->e.code, ERR_REGISTRY);
    assert_string_equal(f->e.msg, "layer: its package databases have more than 2147483648 bytes");
}

static void layers_do_not_fill_the_disk_together(void **state)
{
    struct fixture *f = *state;
    uint64_t at = 1;
    assert_true(spool_reserve(f->spool, LIMIT_SPOOL_BYTES - 1, &at, &f->e));
    assert_int_equal(at, 0);
    assert_true(spool_reserve(f->spool, 1, &at, &f->e));
    assert_false(spool_reserve(f->spool, 1, &at, &f->e));
    assert_int_equal(f->e.code, ERR_REGISTRY);
}

static void links_do_not_multiply_what_is_read(void **state)
{
    enum { BIG = 1 << 20, LINKS = 300 };
    struct fixture *f = *state;
    char name[64];
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(8 << 20);
    AUTO(mem_auto) char *lines = mem_new(BIG);
    memset(lines, '\n', BIG);
    tar_text_add(&tar, '0', "var/lib/dpkg/status.d/a", NULL, lines, BIG);
    for (int i = 0; i < LINKS; i++) {
        snprintf(name, sizeof name, "var/lib/dpkg/status.d/l%d", i);
        tar_text_add(&tar, '1', name, "var/lib/dpkg/status.d/a", "", 0);
    }
    tar_text_end(&tar);
    assert_true(put_layer(f, &tar));
    refused(f, "bytes of package databases, at most 268435456");
}

static void many_layers_do_not_add_up_without_an_end(void **state)
{
    struct fixture *f = *state;
    struct layer_file file = { .path = (char[]){ "var/lib/dpkg/status" }, .kind = LAYER_DPKG };
    struct layer_files merged;
    AUTO(mem_auto) struct layer_file *files = mem_new_array(LIMIT_LAYER_KEPT, sizeof *files);
    const struct layer_files one = { .files = files, .n_files = LIMIT_LAYER_KEPT };
    const struct layer_files *layers[LIMIT_IMAGE_KEPT / LIMIT_LAYER_KEPT + 1];
    for (size_t i = 0; i < LIMIT_LAYER_KEPT; i++)
        files[i] = file;
    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        layers[i] = &one;
    assert_false(layer_files_merge(&merged, layers, ARRAY_LEN(layers), &f->e));
    assert_non_null(strstr(f->e.msg, "110000 package files in 11 layers, at most 100000"));
}

static void an_empty_layer_has_nothing(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    assert_true(put_layer(f, &tar));
    tar_text_end(&tar);
    assert_true(put_layer(f, &tar));
    read_image(f);
    has_names(f, "");
}

static void a_layer_that_is_dropped_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(1 << 20);
    tar_text_file(&tar, "var/lib/dpkg/status", STATUS("a"));
    struct sink *to = layer_files_sink(f->spool, &f->layers[f->n++], "layer");
    assert_true(sink_write(to, tar.data, tar.len, &f->e));
    sink_drop(to);
    assert_int_equal(f->layers[0].n_files, 0);
}

/* ---- the document ---- */

static void write_sbom(const struct fixture *f, struct buf *out)
{
    struct err e = { 0 };
    struct digest d;
    struct packages none = { 0 };
    sha256_of(&d, "x", 1);
    const struct sbom_image images[] = { { "registry.example/a:1", "linux/amd64", &d, &f->packages },
                                         { "registry.example/b:1", "linux/amd64", &d, &f->packages },
                                         { "registry.example/c:1", "linux/arm64", &d, &none } };
    const struct sbom s = {
        .name = "shop", .version = "1.0.0", .release = &d, .created = 86400, .builder_version = "1", .images = images, .n_images = 3
    };
    *out = (struct buf)BUF_LIMIT(1 << 20);
    if (!sbom_write(&s, out, &e))
        fail_msg("%s", e.msg);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void a_package_of_two_images_is_one_component(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_clear_auto) struct buf first = { 0 };
    AUTO(buf_clear_auto) struct buf second = { 0 };
    LAYER(f, { "var/lib/dpkg/status", '0', STATUS("tar") });
    read_image(f);
    write_sbom(f, &first);
    write_sbom(f, &second);
    assert_string_equal(buf_text(&first), buf_text(&second));
    const char *text = buf_text(&first);
    assert_int_equal(count(text, "\"bom-ref\": \"pkg:deb/debian/tar@1.0?arch=amd64\""), 1);
    assert_int_equal(count(text, "\"pkg:deb/debian/tar@1.0?arch=amd64\""), 4); /* name, purl, and two images depend on it */
    assert_int_equal(count(text, "\"type\": \"container\""), 3);
    assert_int_equal(count(text, "\"timestamp\": \"1970-01-02T00:00:00Z\""), 1);
    assert_int_equal(count(text, "\"serialNumber\": \"urn:uuid:"), 1);
    assert_int_equal(count(text, "\"aggregate\": \"unknown\""), 1);
}

#define ON(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(dpkg_says_what_is_installed),
        ON(distroless_images_have_a_file_for_each_package),
        ON(apk_says_what_is_installed),
        ON(the_topmost_database_counts),
        ON(a_whiteout_takes_a_database_away),
        ON(a_whiteout_is_for_lower_layers),
        ON(what_stands_where_a_folder_was_hides_it),
        ON(of_two_entries_of_one_name_the_later_is_the_file),
        ON(a_link_to_a_kept_file_is_that_file),
        ON(a_database_that_is_a_link_elsewhere_is_not_read_and_said),
        ON(a_broken_database_is_refused_with_its_line),
        ON(a_tar_that_cannot_be_read_is_an_error),
        ON(a_file_that_is_repeated_does_not_fill_the_disk),
        ON(layers_do_not_fill_the_disk_together),
        ON(links_do_not_multiply_what_is_read),
        ON(many_layers_do_not_add_up_without_an_end),
        ON(an_empty_layer_has_nothing),
        ON(a_layer_that_is_dropped_leaves_nothing),
        ON(a_package_of_two_images_is_one_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
