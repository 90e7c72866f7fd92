/* Where images come from, as authors write it. */
#include "tests/unit/app/cases.h"

#include "app/image_place.h"
#include "base/mem.h"
#include "base/text.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void every_prefix_leads_to_its_kind_of_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        enum place_kind kind;
        const char *path, *inside;
    } cases[] = {
        { "busybox", "docker.io/library/busybox:latest", PLACE_REGISTRY, NULL, NULL },
        { "docker://r.example/a:1", "r.example/a:1", PLACE_REGISTRY, NULL, NULL },
        { "b:2=docker://r.example/a:1@sha256:" HEX64, "docker.io/library/b:2", PLACE_REGISTRY, NULL, NULL },
        { "docker-daemon:web:dev", "docker.io/library/web:dev", PLACE_ENGINE, NULL, NULL },
        { "r.example/web:1=docker-daemon:web:dev", "r.example/web:1", PLACE_ENGINE, NULL, NULL },
        { "oci:images/web", NULL, PLACE_OCI, "here/images/web", NULL },
        { "web:1=oci:images/web:dev", "docker.io/library/web:1", PLACE_OCI, "here/images/web", "dev" },
        { "oci:/srv/x:r.example/web:1", NULL, PLACE_OCI, "/srv/x", "r.example/web:1" },
        { "oci:x:sha256:" HEX64, NULL, PLACE_OCI, "here/x", "sha256:" HEX64 },
        { "oci-archive:x=y.tar", NULL, PLACE_OCI_ARCHIVE, "here/x=y.tar", NULL },
        { "a=oci-archive:x=y.tar", "docker.io/library/a:latest", PLACE_OCI_ARCHIVE, "here/x=y.tar", NULL },
        { "docker-archive:x.tar:@1", NULL, PLACE_DOCKER_ARCHIVE, "here/x.tar", "@1" },
        { "docker-archive:../x.tar:a/b:1", NULL, PLACE_DOCKER_ARCHIVE, "here/../x.tar", "a/b:1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct ref name;
        bool has_name = false;
        AUTO(image_place_clear_auto) struct image_place p = { 0 };
        if (!image_place_parse(&p, &name, &has_name, cases[i].text, "here", &e))
            fail_msg("%s: %s", cases[i].text, e.msg);
        assert_int_equal(p.kind, cases[i].kind);
        assert_int_equal(has_name, cases[i].name != NULL);
        if (has_name)
            assert_string_equal(REF_SHOWN(&name), cases[i].name);
        if (!text_is(p.path, cases[i].path) || !text_is(p.inside, cases[i].inside))
            fail_msg("%s: %s, %s", cases[i].text, p.path, p.inside);
        assert_int_equal(image_place_is_file(&p), cases[i].path != NULL);
    }
}

static void what_is_asked_for_may_be_called_otherwise(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct ref name;
    bool has_name;
    AUTO(image_place_clear_auto) struct image_place p = { 0 };
    assert_true(image_place_parse(&p, &name, &has_name, "shop/web:1=docker://staging.example/web:rc", NULL, &e));
    assert_string_equal(REF_SHOWN(&name), "docker.io/shop/web:1");
    assert_string_equal(REF_SHOWN(&p.ref), "staging.example/web:rc");
    assert_string_equal(p.written, "docker://staging.example/web:rc");
}

static void what_is_no_place_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "oci:", "expected a path" },
        { "oci-archive::tag", "expected a path" },
        { "oci:x:", "nothing stands behind" },
        { "a=", "expected docker://" },
        { "a=b", "expected docker://" },
        { "=oci:x", "reference" },
        { "A=oci:x", "reference" },
        { "a=b=oci:x", "expected docker://" },
        { "dir:/x", "dir: is not a place" },
        { "containers-storage:x", "containers-storage: is not a place" },
        { "a=containers-storage:x", "containers-storage: is not a place" },
        { "https://r.example/a", "https:// is not a place" },
        { "docker-daemon:web@sha256:" HEX64, "name and tag" },
        { "docker://", "reference" },
        { "docker-daemon:", "reference" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct ref name;
        bool has_name = false;
        struct image_place p = { 0 };
        if (image_place_parse(&p, &name, &has_name, cases[i].text, NULL, &e))
            fail_msg("%s was taken", cases[i].text);
        assert_int_equal(e.code, ERR_USAGE);
        ASSERT_HAS(e.msg, cases[i].part);
        assert_null(p.written);
    }
}

static void a_path_that_no_system_has_is_refused(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct ref name;
    bool has_name = false;
    struct image_place p = { 0 };
    AUTO(mem_auto) char *text = mem_format("oci:%05000d", 0);
    assert_false(image_place_parse(&p, &name, &has_name, text, NULL, &e));
    ASSERT_HAS(e.msg, "at most 4095 bytes");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_leads_to_its_kind_of_place),
        cmocka_unit_test(what_is_asked_for_may_be_called_otherwise),
        cmocka_unit_test(what_is_no_place_is_refused_with_the_reason),
        cmocka_unit_test(a_path_that_no_system_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
