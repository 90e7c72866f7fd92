/* Finding an engine and learning what it is, with sockets and answers that are wrong in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/facts.h"
#include "tests/support/scratch.h"
#include "tests/unit/engine/world.h"

#include "base/banned.h"

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void refuses_socket(const char *path, enum err_code code, const char *part)
{
    struct err e = { 0 };
    assert_null(engine_open(path, &e));
    assert_int_equal(e.code, code);
    has(e.msg, part);
}

/* An engine that answers one call in another way is refused with this. */
static void refuses(const char *rule, const char *part)
{
    struct world w;
    struct err e = { 0 };
    world_start_closed(&w, WORLD_CLASSIC, rule);
    assert_null(world_open(&w, true, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    has(e.msg, part);
    world_stop(&w);
}

static void kinds_of_engines_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        enum world_kind world;
        enum engine_kind kind;
        enum engine_store store;
        const char *version;
        unsigned newest;
    } cases[] = { { WORLD_CLASSIC, ENGINE_DOCKER, ENGINE_STORE_CLASSIC, "20.10.24", 141 },
                  { WORLD_CONTAINERD, ENGINE_DOCKER, ENGINE_STORE_CONTAINERD, "26.1.5+dfsg1", 145 },
                  { WORLD_PODMAN, ENGINE_PODMAN, ENGINE_STORE_CLASSIC, "5.8.6", 141 } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_start(&w, cases[i].world, "");
        const struct engine_facts *f = engine_facts(w.g);
        assert_int_equal(f->kind, cases[i].kind);
        assert_int_equal(f->store, cases[i].store);
        assert_string_equal(f->version.text, cases[i].version);
        assert_int_equal(f->api_newest, cases[i].newest);
        assert_string_equal(f->api, "1.41");
        assert_string_equal(f->platform.architecture, "amd64"); /* it said x86_64 */
        assert_string_equal(f->root_dir, "/var/lib/docker");
        assert_false(f->is_rootless);
        world_stop(&w);
    }
}

static void what_is_no_socket_is_named_with_the_reason(void **state)
{
    struct scratch *s = *state;
    refuses_socket("engine.sock", ERR_USAGE, "expected the absolute path of a unix socket");
    refuses_socket("tcp://127.0.0.1:2375", ERR_USAGE, "tcp://127.0.0.1:2375");
    refuses_socket(scratch_at(s, "missing"), ERR_ENGINE, "No such file or directory");
    refuses_socket(scratch_text(s, "file", "x", 0600), ERR_ENGINE, "is not a socket");
    char far[200];
    memset(far, 'x', sizeof far);
    far[0] = '/';
    far[sizeof far - 1] = '\0';
    refuses_socket(far, ERR_USAGE, "at most 107 bytes");
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(text_copy(address.sun_path, sizeof address.sun_path, path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void a_socket_that_nobody_listens_on_is_refused(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "sock"));
    close(listen_at(path));
    refuses_socket(path, ERR_ENGINE, "Connection refused");
}

static void a_socket_that_may_not_be_used_is_refused_with_a_hint(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "sock"));
    int fd = listen_at(path);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(s->dir, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = { 0 };
        bool is_lowly = geteuid() != 0 || setuid(65534) == 0;
        struct engine *g = is_lowly ? engine_open(path, &e) : NULL;
        _exit(is_lowly && g == NULL && e.code == ERR_ENGINE && strstr(e.msg, "Permission denied") != NULL && strstr(e.hint, "group") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fd);
}

static void a_silent_socket_ends(void **state)
{
    struct scratch *s = *state;
    AUTO(mem_auto) char *path = mem_text(scratch_at(s, "sock"));
    int fd = listen_at(path);
    const struct engine_times times = { .call_ms = 300, .slow_ms = 300, .stall_ms = 60000, .silence_ms = 300 };
    struct err e = { 0 };
    assert_null(engine_open_timed(path, &times, &e));
    assert_int_equal(e.code, ERR_ENGINE);
    has(e.msg, "GET /version");
    has(e.msg, "timed out");
    close(fd);
    refuses("{\"call\": \"GET /info\", \"delay\": 3600},", "GET /info");
}


static void versions_of_the_api_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *version, *part;
    } cases[] = {
        { "{\"ApiVersion\": \"1.39\", \"Version\": \"18.09\"}", "API version 1.39, at least 1.40 is needed" },
        { "{\"ApiVersion\": \"1.99\", \"MinAPIVersion\": \"1.90\", \"Version\": \"40.0\"}", "1.90 or newer is asked for" },
        { "{\"ApiVersion\": \"1.41\", \"MinAPIVersion\": \"1.44\", \"Version\": \"20.10\"}", "make no sense" },
        { "{\"ApiVersion\": \"one\", \"Version\": \"20.10\"}", "make no sense" },
        { "{\"ApiVersion\": \"1.41\", \"MinAPIVersion\": \"x\", \"Version\": \"20.10\"}", "make no sense" },
        { "{\"ApiVersion\": \"1.41\", \"Version\": \"new\"}", "/version: Version" },
        { "{\"ApiVersion\": \"1.41\"}", "Version" },
        { "{\"Version\": \"20.10\"}", "ApiVersion" },
        { "{\"ApiVersion\": 1.41, \"Version\": \"20.10\"}", "ApiVersion" },
        { "{\"ApiVersion\": \"1.41\", \"Version\": \"20.10\", \"Components\": [7]}", "Components" },
        { "[]", "/version" },
        { "{\"ApiVersion\"", "/version" },
        { "", "/version" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct engine_facts f = { 0 };
        assert_false(facts_read_version(&f, cases[i].version, strlen(cases[i].version), &e));
        assert_int_equal(e.code, ERR_ENGINE);
        has(e.msg, cases[i].part);
    }
}

static void the_version_spoken_lies_between_what_both_know(void **state)
{
    (void)state;
    static const struct {
        const char *version, *spoken;
    } cases[] = {
        { "{\"ApiVersion\": \"1.40\", \"MinAPIVersion\": \"1.12\", \"Version\": \"19.03.15\"}", "1.40" },
        { "{\"ApiVersion\": \"1.41\", \"Version\": \"20.10.24\", \"MinAPIVersion\": null}", "1.41" },
        { "{\"ApiVersion\": \"1.52\", \"MinAPIVersion\": \"1.44\", \"Version\": \"29.0.1\"}", "1.44" },
        { "{\"ApiVersion\": \"1.99\", \"MinAPIVersion\": \"1.55\", \"Version\": \"31\"}", "1.55" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct engine_facts f = { 0 };
        assert_true(facts_read_version(&f, cases[i].version, strlen(cases[i].version), &e));
        assert_string_equal(f.api, cases[i].spoken);
    }
}

static void an_info_without_what_is_needed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "{}", "{\"OSType\": \"linux\"}", "{\"Architecture\": \"x86_64\"}", "null", "",
                                       "{\"OSType\": \"linux\", \"Architecture\": 64}",
                                       "{\"OSType\": \"linux\", \"Architecture\": \"x86_64\", \"DriverStatus\": [7]}",
                                       "{\"OSType\": \"linux\", \"Architecture\": \"x86_64\", \"DriverStatus\": \"no rows\"}",
                                       "{\"OSType\": \"linux\", \"Architecture\": \"x86_64\", \"SecurityOptions\": {}}" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = { 0 };
        struct engine_facts f = { 0 };
        assert_false(facts_read_info(&f, bad[i], strlen(bad[i]), &e));
        assert_int_equal(e.code, ERR_ENGINE);
        has(e.msg, "/info");
    }
    static const char odd[] = "{\"OSType\": \"linux\", \"Architecture\": \"aarch64\", \"DriverStatus\": [[], [\"a\"], [\"a\", \"b\", \"c\"]],"
                              " \"SecurityOptions\": [\"name=seccomp\", \"name=rootless\"], \"MemTotal\": 1e30}";
    struct err e = { 0 };
    struct engine_facts f = { 0 };
    assert_true(facts_read_info(&f, odd, sizeof odd - 1, &e));
    assert_true(f.is_rootless);
    assert_int_equal(f.store, ENGINE_STORE_CLASSIC);
    assert_string_equal(f.platform.architecture, "arm64");
}

static void every_status_but_200_is_shown(void **state)
{
    (void)state;
    static const int statuses[] = { 500, 503, 409, 404, 301 };
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        char rule[200], part[80];
        snprintf(rule, sizeof rule, "{\"call\": \"GET /version\", \"status\": %d, \"json\": {\"message\": \"tea\\u001b[31m only\"}},", statuses[i]);
        snprintf(part, sizeof part, "engine answered %d: tea\\x1b[31m only", statuses[i]);
        refuses(rule, part);
    }
    refuses("{\"call\": \"GET /version\", \"raw\": \"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: tcp\\r\\n\\r\\n\"},",
            "engine answered 101");
}

static void answers_of_two_lengths_or_endless_heads_are_refused(void **state)
{
    (void)state;
    refuses("{\"call\": \"GET /version\", \"raw\": \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nContent-Length: 3\\r\\n\\r\\n{} \"},", "GET /version");
    refuses("{\"call\": \"GET /version\", \"raw\": \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
            "2\\r\\n{}\\r\\n0\\r\\n\\r\\n\"},",
            "states its length 2 times");
    enum { MANY = 1 << 20 };
    AUTO(mem_auto) char *filler = mem_new(MANY);
    memset(filler, 'x', MANY - 1);
    AUTO(mem_auto) char *rule = mem_format("{\"call\": \"GET /version\", \"headers\": [[\"X-Long\", \"%s\"]]},", filler);
    refuses(rule, "GET /version");
    refuses("{\"call\": \"GET /version\", \"raw\": \"SSH-2.0-OpenSSH_9.2\\r\\n\"},", "GET /version");
    refuses("{\"call\": \"GET /version\", \"drop\": true},", "GET /version");
}

static void an_answer_that_is_too_long_is_not_kept(void **state)
{
    (void)state;
    refuses("{\"call\": \"GET /version\", \"flood\": [\"{\\\"a\\\": 1},,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\", 1000000]},", "longer than the allowed");
    refuses("{\"call\": \"GET /version\", \"body_fill\": [\"{\", 100000]},", "/version");
}

static void older_engines_than_asked_for_are_refused(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, WORLD_CLASSIC, "");
    struct err e = { 0 };
    assert_true(engine_require(w.g, NULL, &e));
    assert_true(engine_require(w.g, "20.10", &e));
    assert_false(engine_require(w.g, "23.0", &e));
    assert_int_equal(e.code, ERR_POLICY);
    assert_string_equal(e.msg, "engine 20.10.24 found, 23.0 needed");
    world_stop(&w);
}

static void a_platform_fits_or_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *host, *wanted;
        bool fits;
    } cases[] = { { "linux/amd64", "linux/amd64", true },   { "linux/amd64", "linux/amd64/v3", true }, { "linux/amd64", "linux/386", true },
                  { "linux/arm64", "linux/arm/v7", true },  { "linux/arm64", "linux/amd64", false },   { "linux/386", "linux/amd64", false },
                  { "linux/amd64", "windows/amd64", false } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = { 0 };
        struct engine g = { 0 };
        struct platform wanted;
        assert_true(platform_parse(&g.facts.platform, cases[i].host, &e) && platform_parse(&wanted, cases[i].wanted, &e));
        assert_int_equal(engine_require_platform(&g, &wanted, &e), cases[i].fits);
        assert_int_equal(e.code, cases[i].fits ? ERR_NONE : ERR_POLICY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_engines_are_told_apart),
        SCRATCH_TEST(what_is_no_socket_is_named_with_the_reason),
        SCRATCH_TEST(a_socket_that_nobody_listens_on_is_refused),
        SCRATCH_TEST(a_socket_that_may_not_be_used_is_refused_with_a_hint),
        SCRATCH_TEST(a_silent_socket_ends),
        cmocka_unit_test(versions_of_the_api_that_do_not_fit_are_refused),
        cmocka_unit_test(the_version_spoken_lies_between_what_both_know),
        cmocka_unit_test(an_info_without_what_is_needed_is_refused),
        cmocka_unit_test(every_status_but_200_is_shown),
        cmocka_unit_test(answers_of_two_lengths_or_endless_heads_are_refused),
        cmocka_unit_test(an_answer_that_is_too_long_is_not_kept),
        cmocka_unit_test(older_engines_than_asked_for_are_refused),
        cmocka_unit_test(a_platform_fits_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
