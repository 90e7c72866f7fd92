/* Which places follow from rules; and what is received where when images are asked for there. */
#include <limits.h>
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
#include "registry/blobs.h"
#include "registry/manifests.h"
#include "registry/mirrors.h"
#include "tests/support/fake.h"
#include "tests/support/scratch.h"

/* ---- rules ---- */

static void read_text(struct mirrors *m, const char *text)
{
    struct err e = { 0 };
    if (!mirrors_read(m, text, strlen(text), "registries.conf", &e))
        fail_msg("%s", e.msg);
}

/* Rules of one file. */
static struct mirrors *rules(const char *text)
{
    struct mirrors *m = mirrors_new();
    read_text(m, text);
    return m;
}

/* "host/repository host/repository" in their order. */
static char *places(const struct mirrors *m, const char *host, const char *repository, enum mirror_use use)
{
    struct err e = { 0 };
    struct mirror_places found;
    struct buf out = BUF_LIMIT(10000);
    if (!mirrors_find(m, host, repository, use, &found, &e))
        return mem_text(err_name(e.code));
    for (size_t i = 0; i < found.n; i++) {
        buf_addf(&out, "%s%s/%s", i > 0 ? " " : "", found.list[i].host, found.list[i].repository);
        assert_int_equal(found.list[i].is_mirror, i + 1 < found.n);
    }
    return buf_take(&out);
}

static void expect_places(const struct mirrors *m, const char *host, const char *repository, enum mirror_use use, const char *expected)
{
    AUTO(mem_auto) char *found = places(m, host, repository, use);
    assert_string_equal(found, expected);
}

static void without_rules_there_is_the_registry_alone(void **state)
{
    (void)state;
    AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
    expect_places(NULL, "docker.io", "library/nginx", MIRROR_ANY, "docker.io/library/nginx");
    expect_places(m, "docker.io", "library/nginx", MIRROR_ANY, "docker.io/library/nginx");
}

static void mirrors_that_are_added_come_first_in_their_order(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(mirrors_free_auto) struct mirrors *m = rules("[[registry]]\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation = \"third.example:5000\"\n");
    assert_true(mirrors_add(m, "docker.io=first.example/hub", &e));
    assert_true(mirrors_add(m, "docker.io/library=second.example", &e));
    assert_true(mirrors_add(m, "index.docker.io=127.0.0.1:5000", &e));
    expect_places(m, "docker.io", "library/nginx", MIRROR_ANY,
                  "first.example/hub/library/nginx second.example/nginx 127.0.0.1:5000/library/nginx third.example:5000/library/nginx docker.io/library/nginx");
    expect_places(m, "docker.io", "libraryx/nginx", MIRROR_ANY,
                  "first.example/hub/libraryx/nginx 127.0.0.1:5000/libraryx/nginx third.example:5000/libraryx/nginx docker.io/libraryx/nginx");
    expect_places(m, "quay.io", "library/nginx", MIRROR_ANY, "quay.io/library/nginx");
}

static void the_longest_prefix_of_a_file_decides(void **state)
{
    (void)state;
    AUTO(mirrors_free_auto) struct mirrors *m = rules("[[registry]]\nprefix = \"r.example\"\nlocation = \"moved.example/r\"\n"
                                                     "[[registry]]\nprefix = \"r.example/team\"\nlocation = \"r.example/team\"\n[[registry.mirror]]\nlocation = \"m.example\"\n"
                                                     "[[registry]]\nprefix = \"r.example/team/secret\"\nblocked = true\n"
                                                     "[[registry]]\nprefix = \"*.wild.example\"\n[[registry.mirror]]\nlocation = \"w.example/x\"\n");
    expect_places(m, "r.example", "other/app", MIRROR_ANY, "moved.example/r/other/app");
    expect_places(m, "r.example", "team/app", MIRROR_ANY, "m.example/app r.example/team/app");
    expect_places(m, "r.example", "teams/app", MIRROR_ANY, "moved.example/r/teams/app");
    expect_places(m, "r.example", "team/secret", MIRROR_ANY, "POLICY");
    expect_places(m, "r.example", "team/secret/app", MIRROR_ANY, "POLICY");
    expect_places(m, "a.b.wild.example", "app", MIRROR_ANY, "w.example/x/app a.b.wild.example/app");
    expect_places(m, "wild.example", "app", MIRROR_ANY, "wild.example/app");
    expect_places(m, "notwild.example", "app", MIRROR_ANY, "notwild.example/app");
    expect_places(m, "r.example:5000", "team/app", MIRROR_ANY, "r.example:5000/team/app");
}

static void what_is_blocked_is_blocked_at_mirrors_too(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct mirror_places found;
    AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
    assert_true(mirrors_add(m, "r.example=m.example", &e));
    read_text(m, "[[registry]]\nlocation = \"r.example\"\n\nblocked = true\n");
    assert_false(mirrors_find(m, "r.example", "app", MIRROR_ANY, &found, &e));
    assert_int_equal(e.code, ERR_POLICY);
    assert_non_null(strstr(e.msg, "registries.conf:1"));
}

static void mirrors_are_for_tags_digests_or_both(void **state)
{
    (void)state;
    AUTO(mirrors_free_auto) struct mirrors *m = rules("[[registry]]\nlocation = \"r.example\"\n"
                                                     "[[registry.mirror]]\nlocation = \"all.example\"\npull-from-mirror = \"all\"\n"
                                                     "[[registry.mirror]]\nlocation = \"tag.example\"\npull-from-mirror = \"tag-only\"\n"
                                                     "[[registry.mirror]]\nlocation = \"digest.example\"\npull-from-mirror = \"digest-only\"\n"
                                                     "[[registry]]\nlocation = \"old.example\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.example\"\n");
    expect_places(m, "r.example", "a", MIRROR_TAG, "all.example/a tag.example/a r.example/a");
    expect_places(m, "r.example", "a", MIRROR_DIGEST, "all.example/a digest.example/a r.example/a");
    expect_places(m, "r.example", "a", MIRROR_ANY, "all.example/a tag.example/a digest.example/a r.example/a");
    expect_places(m, "old.example", "a", MIRROR_TAG, "old.example/a");
    expect_places(m, "old.example", "a", MIRROR_DIGEST, "m.example/a old.example/a");
}

static void a_later_file_replaces_the_rule_of_a_prefix(void **state)
{
    (void)state;
    AUTO(mirrors_free_auto) struct mirrors *m = rules("[[registry]]\nlocation = \"r.example\"\nblocked = true\n");
    read_text(m, "[[registry]]\nprefix = \"r.example\"\nlocation = \"s.example\"\ninsecure = true\n");
    expect_places(m, "r.example", "a", MIRROR_ANY, "s.example/a");
    assert_true(mirrors_is_insecure(m, "s.example"));
    assert_false(mirrors_is_insecure(m, "r.example"));
    assert_false(mirrors_is_insecure(NULL, "r.example"));
}

static void files_that_are_not_understood_are_refused_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "[[registry]]\nblocked = true\n", "registries.conf:1: a registry without a prefix or location" },
        { "[[registry]]\nlocation = \"r.example\"\nblocked = \"yes\"\n", "registries.conf:3: blocked: expected true or false" },
        { "[[registry]]\nlocation = 5\n", "registries.conf:2: location: expected a text" },
        { "[[registry]]\nlocation = \"*.example.com\"\n", "is not HOST or HOST/PATH" },
        { "[[registry]]\nlocation = \"https://r.example\"\n", "location" },
        { "[[registry]]\nprefix = \"r.example/app:1\"\nblocked = true\n", "names a tag or digest" },
        { "[[registry]]\nprefix = \"r.example/app@sha256:00\"\n", "names a tag or digest" },
        { "[[registry]]\nprefix = \"app\"\n", "is not HOST or HOST/PATH" },
        { "[[registry]]\nlocation = \"r.example\"\n[[registry.mirror]]\ninsecure = true\n", "registries.conf:3: a mirror without a location" },
        { "[[registry]]\nlocation = \"r.example\"\n[[registry.mirror]]\nlocation = \"m.example\"\npull-from-mirror = \"never\"\n", "expected all, digest-only or tag-only" },
        { "[[registry]]\nlocation = \"r.example\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.example\"\npull-from-mirror = \"all\"\n", "expected one of them" },
        { "[registry]\nlocation = \"r.example\"\n", "expected [[registry]]" },
        { "[registries.block]\nregistries = [\"r.example\"]\n", "version 1" },
        { "[[registry]]\nlocation = \"r.example\"\nmirror = \"m.example\"\n", "expected [[registry.mirror]]" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
        if (mirrors_read(m, cases[i].text, strlen(cases[i].text), "registries.conf", &e))
            fail_msg("taken: %s", cases[i].text);
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, cases[i].part) == NULL)
            fail_msg("expected \"%s\" in: %s", cases[i].part, e.msg);
    }
}

static void words_after_mirror_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "docker.io", "=m.example", "docker.io=", "docker.io=nohost", "docker.io=http://m.example", "docker.io=m.example/a:1",
                                       "docker.io=m.example=x", "docker.io=*.example", "docker.io=M.example/Upper" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
        if (mirrors_add(m, bad[i], &e))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.msg, "--mirror"));
    }
}

/* ---- files ---- */

/* The places of r.example/a by the files of this environment. */
static void expect_files(const char *expected)
{
    struct err e = { 0 };
    AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
    if (!mirrors_read_files(m, &e))
        fail_msg("%s", e.msg);
    expect_places(m, "r.example", "a", MIRROR_ANY, expected);
}

static void files_are_refused(const char *part)
{
    struct err e = { 0 };
    AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
    assert_false(mirrors_read_files(m, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, part));
}

static void files_are_found_and_a_broken_one_is_not_passed_over(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *dir = mem_format("%s/.config/containers/registries.conf.d", s->dir);
    AUTO(mem_auto) char *named = mem_text(scratch_text(s, "named.conf", "[[registry]]\nlocation = \"r.example\"\n[[registry.mirror]]\nlocation = \"named.example\"\n", 0644));
    assert_true(path_make_dirs(dir, 0700, &e));
    setenv("HOME", s->dir, 1);
    unsetenv("CONTAINERS_REGISTRIES_CONF");
    scratch_text(s, ".config/containers/registries.conf", "[[registry]]\nlocation = \"r.example\"\n[[registry.mirror]]\nlocation = \"own.example\"\n", 0644);
    expect_files("own.example/a r.example/a");
    setenv("CONTAINERS_REGISTRIES_CONF", named, 1);
    expect_files("named.example/a r.example/a");
    scratch_text(s, ".config/containers/registries.conf.d/10.conf", "[[registry]]\nlocation = \"r.example\"\nblocked = true\n", 0644);
    scratch_text(s, ".config/containers/registries.conf.d/20.not", "rubbish", 0644);
    expect_files("POLICY");
    scratch_text(s, ".config/containers/registries.conf.d/30.conf", "blocked = true\nrubbish", 0644);
    files_are_refused("30.conf:2");
    setenv("CONTAINERS_REGISTRIES_CONF", scratch_at(s, "none.conf"), 1);
    files_are_refused("none.conf");
    unsetenv("CONTAINERS_REGISTRIES_CONF");
}

/* ---- asking ---- */

#define TYPE "application/vnd.oci.image.index.v1+json"
#define MANIFEST "\"headers\": [[\"Content-Type\", \"" TYPE "\"]], \"body\": \"{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"" TYPE "\\\",\\\"manifests\\\":[]}\""

struct setting { /* port 0: the registry; 1 and 2: mirrors */
    struct fake f;
    struct mirrors *mirrors;
    struct credentials *credentials;
    struct registry *r;
    struct ref ref;
    char hosts[3][32];
};

static void begin(struct setting *s, const char *script, bool has_login)
{
    struct err e = { 0 };
    *s = (struct setting){ .mirrors = mirrors_new() };
    fake_start(&s->f, script);
    for (size_t i = 0; i < 3; i++)
        snprintf(s->hosts[i], sizeof s->hosts[i], "127.0.0.1:%u", s->f.ports[i]);
    for (size_t i = 1; i < 3; i++) {
        AUTO(mem_auto) char *rule = mem_format("%s=%s/hub", s->hosts[0], s->hosts[i]);
        assert_true(mirrors_add(s->mirrors, rule, &e));
    }
    snprintf(s->ref.host, sizeof s->ref.host, "%s", s->hosts[0]);
    snprintf(s->ref.repository, sizeof s->ref.repository, "team/app");
    s->ref.tag[0] = '1';
    if (has_login) {
        AUTO(mem_auto) char *path = mem_text(fake_path(&s->f, "auth.json"));
        AUTO(mem_auto) char *text = mem_format("{\"auths\":{\"%s\":{\"auth\":\"dXNlcjpwYXNz\"}}}", s->hosts[0]);
        assert_true(file_publish(path, text, strlen(text), 0600, &e));
        struct credentials_options o = { .authfile = path };
        s->credentials = credentials_open(&o, &e);
        assert_non_null(s->credentials);
    }
    struct registry_options o = { .tries = 2, .first_wait_ms = 10, .stall_timeout_ms = 5000, .connect_timeout_ms = 2000, .mirrors = s->mirrors,
                                  .credentials = s->credentials };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void end(struct setting *s)
{
    registry_free(s->r);
    mirrors_free(s->mirrors);
    if (s->credentials != NULL)
        credentials_free(s->credentials);
    fake_stop(&s->f);
}

static bool get(struct setting *s, struct err *e)
{
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    return registry_manifest(s->r, &s->ref, NULL, &d, e);
}

/* How many manifests were asked for at a port. */
static int asked(struct setting *s, int port)
{
    AUTO(mem_auto) char *log = mem_text(fake_log(&s->f));
    int n = 0;
    char *rest = log;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        AUTO(mem_auto) char *mark = mem_format("\"port\": %d", port);
        n += strstr(line, mark) != NULL && strstr(line, "/manifests/") != NULL;
    }
    return n;
}

#define RULE(port, answer) "{\"port\": " #port ", " answer "}"
#define PING(port) RULE(port, "\"path\": \"/v2/\", \"status\": 200")
#define SCRIPT(rules) "{\"ports\": 3, \"rules\": [" PING(0) ", " PING(1) ", " PING(2) ", " rules "]}"

static void the_first_mirror_that_has_it_is_enough(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, SCRIPT(RULE(1, "\"path\": \"/v2/hub/team/app/manifests/1\", " MANIFEST)), false);
    if (!get(&s, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(asked(&s, 1), 1);
    assert_int_equal(asked(&s, 2), 0);
    assert_int_equal(asked(&s, 0), 0);
    end(&s);
}

/* One tag for each trouble; the one that lasts comes last, as the mirrors are not asked after it. */
static void trouble_at_a_mirror_leads_to_the_next_place(void **state)
{
    (void)state;
    static const char *const troubles[] = { "\"status\": 404", "\"status\": 403", "\"status\": 401", "\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]",
                                            "\"status\": 302, \"headers\": [[\"Location\", \"ftp://x/\"]]", "\"body\": \"no manifest\"",
                                            "\"status\": 500" };
    struct setting s;
    AUTO(buf_clear_auto) struct buf script = BUF_LIMIT(100000);
    buf_adds(&script, "{\"ports\": 3, \"rules\": [" PING(0) ", " PING(1) ", " PING(2) ", " RULE(0, MANIFEST));
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
        buf_addf(&script, ", {\"path\": \"/v2/hub/team/app/manifests/%zu\", %s}", i, troubles[i]);
    buf_adds(&script, "]}");
    begin(&s, buf_text(&script), false);
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        struct err e = { 0 };
        int before[] = { asked(&s, 0), asked(&s, 1), asked(&s, 2) };
        snprintf(s.ref.tag, sizeof s.ref.tag, "%zu", i);
        if (!get(&s, &e))
            fail_msg("%s: %s", troubles[i], e.msg);
        assert_true(asked(&s, 1) > before[1] && asked(&s, 2) > before[2]);
        assert_int_equal(asked(&s, 0), before[0] + 1);
    }
    end(&s);
}

static void the_last_error_tells_of_all_places(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, SCRIPT(RULE(1, "\"status\": 403") ", " RULE(2, "\"status\": 404") ", " RULE(0, "\"status\": 404")), false);
    assert_false(get(&s, &e));
    assert_int_equal(e.code, ERR_REGISTRY);
    const char *first = strstr(e.msg, s.hosts[0]);
    const char *second = strstr(e.msg, "answered 403");
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(strstr(e.msg, s.hosts[1]));
    assert_non_null(strstr(e.msg, s.hosts[2]));
    end(&s);
}

static void what_is_not_what_was_promised_is_not_passed_over(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, SCRIPT(RULE(1, MANIFEST) ", " RULE(0, MANIFEST)), false);
    s.ref.has_digest = true;
    memset(s.ref.digest.bytes, 7, sizeof s.ref.digest.bytes);
    assert_false(get(&s, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
    assert_non_null(strstr(e.msg, s.hosts[1]));
    assert_int_equal(asked(&s, 0), 0);
    end(&s);
}

static void the_login_of_a_registry_is_for_no_mirror(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, SCRIPT(RULE(1, "\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]") ", " RULE(2, "\"status\": 404") ", "
                     RULE(0, "\"has\": \"Authorization: Basic dXNlcjpwYXNz\", " MANIFEST) ", "
                     RULE(0, "\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]")), true);
    if (!get(&s, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *log = mem_text(fake_log(&s.f));
    char *rest = log;
    int n = 0;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        bool has_login = strstr(line, "dXNlcjpwYXNz") != NULL;
        n += has_login;
        if (has_login && strstr(line, "\"port\": 0") == NULL)
            fail_msg("a mirror was given the registry's login: %s", line);
    }
    assert_true(n > 0);
    end(&s);
}

static void a_mirror_that_does_not_answer_is_asked_once_in_a_run(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, "{\"ports\": 3, \"rules\": [" PING(0) ", " PING(2) ", " RULE(1, "\"drop\": true") ", " RULE(2, "\"drop\": true") ", " RULE(0, MANIFEST) "]}", false);
    assert_true(get(&s, &e));
    int before = fake_count(&s.f, "\"port\": 1");
    assert_true(get(&s, &e));
    assert_int_equal(fake_count(&s.f, "\"port\": 1"), before);
    assert_int_equal(asked(&s, 2), 1);
    assert_int_equal(asked(&s, 0), 2);
    end(&s);
}

static void what_need_not_be_there_is_missing_when_a_mirror_says_so_and_nobody_else_answers(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    bool is_there = true;
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    begin(&s, SCRIPT(RULE(1, "\"status\": 404") ", " RULE(2, "\"status\": 404") ", " RULE(0, "\"drop\": true")), false);
    if (!registry_manifest_find(s.r, &s.ref, "sig", &d, &is_there, &e))
        fail_msg("%s", e.msg);
    assert_false(is_there);
    end(&s);
    begin(&s, SCRIPT(RULE(1, "\"status\": 404") ", " RULE(2, "\"status\": 404") ", " RULE(0, MANIFEST)), false);
    assert_true(registry_manifest_find(s.r, &s.ref, "sig", &d, &is_there, &e));
    assert_true(is_there);
    end(&s);
}

static void a_blob_is_taken_up_at_the_registry_where_a_mirror_left_it(void **state)
{
    struct scratch *scratch = *state;
    struct setting s;
    struct err e = { 0 };
    struct digest d;
    static const char content[] = "0123456789abcdef0123456789abcdef";
    sha256_of(&d, content, 32);
    begin(&s, SCRIPT(RULE(1, "\"status\": 404") ", " RULE(2, "\"times\": 1, \"body\": \"0123456789abcdef0123456789abcdef\", \"cut\": 10") ", " RULE(2, "\"status\": 404") ", "
                     RULE(0, "\"range\": true, \"body\": \"0123456789abcdef0123456789abcdef\"")), false);
    int fd = open(scratch_at(scratch, "blob"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct blob_request q = { .host = s.ref.host, .repository = s.ref.repository, .digest = d, .size = 32, .fd = fd };
    struct blob *b = blob_new(s.r, &q);
    struct http_transfer *all[] = { blob_transfer(b) };
    if (!http_run_all(registry_http(s.r), all, 1, 1, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(blob_bytes_fetched(b), 32);
    AUTO(mem_auto) char *got = scratch_content(scratch, "blob");
    assert_memory_equal(got, content, 32);
    blob_free(b);
    close(fd);
    end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_there_is_the_registry_alone),
        cmocka_unit_test(mirrors_that_are_added_come_first_in_their_order),
        cmocka_unit_test(the_longest_prefix_of_a_file_decides),
        cmocka_unit_test(what_is_blocked_is_blocked_at_mirrors_too),
        cmocka_unit_test(mirrors_are_for_tags_digests_or_both),
        cmocka_unit_test(a_later_file_replaces_the_rule_of_a_prefix),
        cmocka_unit_test(files_that_are_not_understood_are_refused_with_the_line),
        cmocka_unit_test(words_after_mirror_that_are_none_are_refused),
        SCRATCH_TEST(files_are_found_and_a_broken_one_is_not_passed_over),
        cmocka_unit_test(the_first_mirror_that_has_it_is_enough),
        cmocka_unit_test(trouble_at_a_mirror_leads_to_the_next_place),
        cmocka_unit_test(the_last_error_tells_of_all_places),
        cmocka_unit_test(what_is_not_what_was_promised_is_not_passed_over),
        cmocka_unit_test(the_login_of_a_registry_is_for_no_mirror),
        cmocka_unit_test(a_mirror_that_does_not_answer_is_asked_once_in_a_run),
        cmocka_unit_test(what_need_not_be_there_is_missing_when_a_mirror_says_so_and_nobody_else_answers),
        SCRATCH_TEST(a_blob_is_taken_up_at_the_registry_where_a_mirror_left_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
