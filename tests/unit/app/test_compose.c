/* The compose model: what it sees, what it refuses, what is packed. */
#include "tests/unit/app/cases.h"

#include <stdlib.h>

#include "app/compose.h"
#include "base/mem.h"

static char main_name[] = "compose.yaml", other_name[] = "other.yaml";
static char *one_item[] = { main_name };
static char *two_items[] = { main_name, other_name };
static const struct texts one_file = { .items = one_item, .n = 1 };
static const struct texts two_files = { .items = two_items, .n = 2 };

static struct compose *read_files(const struct origin_file *files, size_t n, const struct texts *names, enum compose_mode mode,
                                  struct findings *f, struct err *e)
{
    AUTO(origin_free_auto) struct origin *src = origin_memory(files, n);
    return compose_read(src, names, mode, f, e);
}

static struct compose *good(const char *text)
{
    struct origin_file file = { .name = "compose.yaml", .bytes = text, .n = strlen(text) };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    struct compose *c = read_files(&file, 1, &one_file, COMPOSE_AUTHOR, &f, &e);
    if (c == NULL || !findings_done(&f, &e))
        fail_msg("%s", e.msg);
    return c;
}

static void refused_at(const char *text, enum err_code code, const char *part, const char *where, int line)
{
    struct origin_file file = { .name = "compose.yaml", .bytes = text, .n = strlen(text) };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(compose_free_auto) struct compose *c = read_files(&file, 1, &one_file, COMPOSE_AUTHOR, &f, &e);
    if (c != NULL && findings_done(&f, &e)) {
        print_error("accepted: %s\n", text);
        _fail(where, line);
    }
    if (e.code != code || strstr(e.msg, part) == NULL) {
        print_error("%s:%d: expected %s \"%s\" in %s \"%s\"\n", where, line, err_name(code), part, err_name(e.code), e.msg);
        _fail(where, line);
    }
}
#define REFUSED(text, code, part) refused_at(text, code, part, __FILE__, __LINE__)

#define SHOP                                                                                                             \
    "version: \"3.8\"\nservices:\n  db:\n    image: ${REG:-registry.example}/shop/db:1.0.0\n    environment:\n"          \
    "      PASSWORD: ${DB_PASSWORD}\n      BARE:\n    volumes:\n      - data:/var/lib/data\n"                            \
    "      - ./config/../config/init.sh:/init.sh:ro\n    healthcheck:\n      test: [CMD, \"true\"]\n"                    \
    "  web:\n    image: nginx\n    profiles: [front]\n    ports: [\"${PORT:-80}:80\"]\n    depends_on:\n      db:\n"     \
    "        condition: service_healthy\n    env_file: [web.env]\n    secrets: [key]\n"                                  \
    "    command: [\"sh\", \"-c\", \"echo $$HOME ${OPTION:+yes}\"]\n"                                                   \
    "volumes:\n  data: {}\nsecrets:\n  key:\n    file: ./secrets/key\n"

static void sees_services_files_and_variables(void **state)
{
    (void)state;
    AUTO(compose_free_auto) struct compose *c = good(SHOP);
    assert_int_equal(c->n_services, 2);
    assert_string_equal(c->services[0].image, "${REG:-registry.example}/shop/db:1.0.0");
    assert_true(c->services[0].has_healthcheck);
    assert_false(c->services[1].has_healthcheck);
    assert_string_equal(c->services[1].profiles.items[0], "front");
    assert_string_equal(c->services[1].needs.items[0], "db");
    assert_int_equal(c->paths.n, 3);
    assert_string_equal(c->paths.items[0], "config/init.sh");
    assert_string_equal(c->paths.items[1], "secrets/key");
    assert_string_equal(c->paths.items[2], "web.env");
    assert_int_equal(c->n_variables, 4);
    assert_string_equal(c->variables[0].name, "BARE");
    assert_string_equal(c->variables[1].name, "DB_PASSWORD");
    assert_false(c->variables[1].is_optional);
    assert_string_equal(c->variables[1].place, "compose.yaml:6:17");
    assert_string_equal(c->variables[2].name, "OPTION");
    assert_true(c->variables[2].is_optional);
    assert_string_equal(c->variables[3].default_value, "80");
    assert_string_equal(c->version_key, "3.8");
    assert_string_equal(c->volumes.items[0], "data");
    assert_string_equal(c->minimum, "2.0"); /* for ${OPTION:+yes} */
}

static const char *lookup(void *ctx, const char *name, struct err *e)
{
    (void)e;
    (void)ctx;
    return strcmp(name, "TAG") == 0 ? "7" : NULL;
}

#define HEX64 "9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e9f2c5b1e"

static struct compose *frozen(const char *text)
{
    struct compose *c = good(text);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    if (!compose_freeze(c, lookup, NULL, &f, &e) || !findings_done(&f, &e))
        fail_msg("%s", e.msg);
    return c;
}

static void freezes_references_and_leaves_every_other_byte(void **state)
{
    (void)state;
    static const char text[] =
        "# \xc3\xbcmlaut\nx-img: &img  \"repo:${TAG}\"   # comment\nservices:\n  a:\n    image: *img\n"
        "  b: {image: 'x/y', environment: {\"\xc3\xa4\": \"${V:-1}\"}}\n  c:\n    # who\n    image:   busybox:1.36  # pin\n"
        "  d: { \"image\" : host.example:5000/p/q@sha256:" HEX64 " }\n  e:\n    image: &anchored r:2@sha256:" HEX64 "\n"
        "  f:\n    image: *anchored\n  g:\n    image: >-\n      folded\n";
    static const char *const before_g = "  g:";
    char ok[1000];
    snprintf(ok, sizeof ok, "%.*s", (int)(strstr(text, before_g) - text), text);
    AUTO(compose_free_auto) struct compose *c = frozen(ok);
    static const char want[] =
        "# \xc3\xbcmlaut\nx-img: &img  \"docker.io/library/repo:7\"   # comment\nservices:\n  a:\n    image: *img\n"
        "  b: {image: 'docker.io/x/y:latest', environment: {\"\xc3\xa4\": \"${V:-1}\"}}\n  c:\n    # who\n"
        "    image:   docker.io/library/busybox:1.36  # pin\n"
        "  d: { \"image\" : host.example:5000/p/q:sha256-9f2c5b1e9f2c }\n  e:\n    image: &anchored docker.io/library/r:2\n"
        "  f:\n    image: *anchored\n";
    assert_string_equal(c->files[0].text, want);
    assert_int_equal(c->n_services, 6);
    assert_true(c->services[3].original.has_digest);
    assert_false(c->services[3].ref.has_digest);
    assert_string_equal(c->services[3].ref.tag, "sha256-9f2c5b1e9f2c");

    AUTO(compose_free_auto) struct compose *folded = good(text);
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    assert_true(compose_freeze(folded, lookup, NULL, &f, &e));
    assert_false(findings_done(&f, &e));
    ASSERT_HAS(e.msg, "on one line");
}

static void cuts_build_sections_out(void **state)
{
    (void)state;
    static const char text[] = "services:\n  a:\n    build:\n      context: ./a\n      # in it\n      args: [X]\n\n    # after it\n    image: a:1\n"
                               "  b:\n    image: b:1\n    build: ./b\n  c:\n    build: {\n      context: c\n      }\n    image: c:1\n";
    AUTO(compose_free_auto) struct compose *c = frozen(text);
    assert_string_equal(c->files[0].text, "services:\n  a:\n\n    # after it\n    image: docker.io/library/a:1\n"
                                          "  b:\n    image: docker.io/library/b:1\n  c:\n    image: docker.io/library/c:1\n");
    AUTO(compose_free_auto) struct compose *flow = good("services: { a: { image: a, build: . } }\n");
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    assert_true(compose_freeze(flow, lookup, NULL, &f, &e));
    assert_false(findings_done(&f, &e));
    ASSERT_HAS(e.msg, "lines of its own");
}

static void a_reference_without_a_value_is_a_finding(void **state)
{
    (void)state;
    AUTO(compose_free_auto) struct compose *c = good("services:\n  a:\n    image: repo:${VERSION}\n");
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    assert_true(compose_freeze(c, lookup, NULL, &f, &e));
    assert_false(findings_done(&f, &e));
    assert_string_equal(e.msg, "compose.yaml:3:12: image: VERSION has no value");
}

static void later_files_win_and_lists_join(void **state)
{
    (void)state;
    static const struct origin_file files[] = {
        NAME("compose.yaml", "services:\n  a:\n    image: a:1\n    env_file: one.env\n  b:\n    image: b:1\n"),
        NAME("other.yaml", "services:\n  a:\n    image: a:2\n    env_file: two.env\n    profiles: [x]\n"),
    };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(compose_free_auto) struct compose *c = read_files(files, 2, &two_files, COMPOSE_AUTHOR, &f, &e);
    assert_non_null(c);
    assert_true(findings_done(&f, &e));
    assert_string_equal(c->services[0].image, "a:2");
    assert_int_equal(c->paths.n, 2);
    assert_int_equal(c->services[0].profiles.n, 1);
}

static void extends_reaches_other_files_of_the_definition(void **state)
{
    (void)state;
    static const struct origin_file files[] = {
        NAME("compose.yaml", "services:\n  a:\n    extends: { file: sub/base.yaml, service: base }\n  b:\n    extends: a\n    image: b:1\n"),
        NAME("sub/base.yaml", "services:\n  base:\n    image: base:${TAG}\n    env_file: base.env\n  unused:\n    privileged: true\n"),
    };
    AUTO(findings_clear_auto) struct findings f = { 0 };
    struct err e = { 0 };
    AUTO(compose_free_auto) struct compose *c = read_files(files, 2, &one_file, COMPOSE_AUTHOR, &f, &e);
    assert_non_null(c);
    if (!findings_done(&f, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(c->n_files, 2);
    assert_false(c->files[1].is_main);
    assert_string_equal(c->services[0].image, "base:${TAG}");
    assert_string_equal(c->services[1].image, "b:1");
    assert_string_equal(c->paths.items[0], "sub/base.env");
    assert_true(compose_freeze(c, lookup, NULL, &f, &e));
    if (!findings_done(&f, &e))
        fail_msg("%s", e.msg);
    ASSERT_HAS(c->files[1].text, "image: docker.io/library/base:7\n");
}

static void refuses_extends_from_elsewhere_and_in_circles(void **state)
{
    (void)state;
    REFUSED("services:\n  a:\n    image: x\n    extends: { file: ../up.yaml, service: b }\n", ERR_CONFIG, "compose.yaml:4:22: services.a.extends");
    REFUSED("services:\n  a:\n    image: x\n    extends: { file: /etc/x.yaml, service: b }\n", ERR_CONFIG, "not a file below");
    REFUSED("services:\n  a:\n    image: x\n    extends: { file: gone.yaml, service: b }\n", ERR_CONFIG, "gone.yaml: no such file");
    REFUSED("services:\n  a:\n    image: x\n    extends: { file: \"${F}\", service: b }\n", ERR_CONFIG, "no variables here");
    REFUSED("services:\n  a:\n    image: x\n    extends: b\n", ERR_CONFIG, "has no service \"b\"");
    REFUSED("services:\n  a:\n    image: x\n    extends: b\n  b:\n    image: x\n    extends: a\n", ERR_CONFIG, "in a circle");
    REFUSED("services:\n  a:\n    image: x\n    extends: { file: compose.yaml }\n", ERR_CONFIG, "expected service");
}

/* Each denied key once. */
static void refuses_every_key_that_reaches_the_host(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "privileged: true", "privileged: ${P}", "privileged: yes", "cap_add: [NET_ADMIN]", "devices: [/dev/sda]", "device_cgroup_rules: [\"c 1:3 r\"]",
        "security_opt: [\"seccomp:unconfined\"]", "security_opt: [\"no-new-privileges:false\"]", "network_mode: host",
        "network_mode: \"container:x\"", "pid: host", "ipc: host", "ipc: \"container:x\"", "uts: host", "userns_mode: host", "cgroup: host",
        "cgroup_parent: x", "sysctls: { net.core.somaxconn: 1 }", "runtime: nvidia", "gpus: all", "volumes_from: [b]", "use_api_socket: true",
        "provider: { type: x }", "develop: { watch: [] }", "credential_spec: { file: x }", "external_links: [x]", "models: [x]",
        "post_start: [{ command: x }]", "pre_stop: [{ command: x }]", "pre_start: [{ command: x }]",
        "deploy: { resources: { reservations: { devices: [{ capabilities: [gpu] }] } } }",
        "volumes: [\"/:/host\"]", "volumes: [\"/etc:/etc:ro\"]", "volumes: [\"/var/run/docker.sock:/s:ro\"]", "volumes: [\"~/x:/x:ro\"]",
        "volumes: [\"${D}:/x:ro\"]", "volumes: [\"${D:-./x}:/x:ro\"]", "volumes: [\"./${D}:/x:ro\"]", "volumes: [\"C:\\\\x:/x:ro\"]",
        "volumes: [{ type: bind, source: /etc, target: /x, read_only: true }]", "volumes: [{ type: npipe, source: x, target: /x }]",
        "volumes: [{ type: \"bin\", source: /x, target: /x }]",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char text[300];
        snprintf(text, sizeof text, "services:\n  a:\n    image: x\n    %s\n", keys[i]);
        REFUSED(text, ERR_POLICY, "compose.yaml:4:");
    }
}

static void refuses_sections_that_reach_the_host(void **state)
{
    (void)state;
    static const char *const sections[] = {
        "include: [x.yaml]", "include: [\"oci://x\"]", "models: { m: {} }", "volumes: { v: { driver_opts: { type: none, o: bind, device: /etc } } }",
        "networks: { n: { driver: host } }", "networks: { n: { driver: macvlan } }", "networks: { n: { name: host } }",
        "networks: { host: { external: true } }", "networks: { n: { external: { name: host } } }", "networks: { n: { name: \"${N}\" } }",
        "secrets: { s: { driver: x } }",
    };
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        char text[300];
        snprintf(text, sizeof text, "services:\n  a:\n    image: x\n%s\n", sections[i]);
        REFUSED(text, ERR_POLICY, "compose.yaml:4:");
    }
}

static void refuses_what_cannot_be_packed(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "volumes: [\"./data:/x\"]", "volumes: [\"./data:/x:rw\"]", "volumes: [\"../up:/x:ro\"]", "volumes: [\"./a/../../b:/x:ro\"]",
        "volumes: [\"sub/x:/x\"]", "volumes: [{ type: bind, source: ./x, target: /x }]", "volumes: [{ type: bind, source: \"${X}\", target: /x, read_only: true }]",
        "volumes: [\".:/x:ro\"]", "volumes: [\"v:/x\"]", "volumes: [\"./x:/y:${M:-ro}\"]", "volumes: [\"./x:/y:${M},ro\"]", "volumes: [[x]]", "volumes: x",
        "env_file: ../x.env", "env_file: /etc/x.env", "env_file: ${F}", "env_file: [{ path: x.env, required: false }]", "env_file: [{}]",
        "pull_policy: build", "pull_policy: ${P}", "healthcheck: { tets: x }", "depends_on: { b: { condition: service_happy } }", "depends_on: [zz]",
        "depends_on: x", "profiles: x", "profiles: [\"*\"]", "profiles: [\"${P}\"]", "imagee: x", "image: [x]", "image: ", "command: \"$(id)\"",
        "labels: { com.docker.compose.project: x }", "labels: [\"containerd.io/restart.loguri=binary:///x\"]", "network_mode: ${M}",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char text[300];
        snprintf(text, sizeof text, "services:\n  a:\n    %s%s\n", strncmp(keys[i], "image", 5) == 0 ? "" : "image: x\n    ", keys[i]);
        REFUSED(text, ERR_CONFIG, "compose.yaml:");
    }
    REFUSED("services:\n  a:\n    build: .\n", ERR_CONFIG, "services.a has no image");
    REFUSED("services:\n  -x:\n    image: a\n", ERR_CONFIG, "no name of a service");
    REFUSED("services: [a]\n", ERR_CONFIG, "services: expected a map");
    REFUSED("servces: {}\n", ERR_CONFIG, "unknown key \"servces\"");
    REFUSED("services: {}\n", ERR_CONFIG, "no services");
    REFUSED("- a\n", ERR_CONFIG, "expected a map");
    REFUSED("services:\n  a:\n    image: x\nsecrets: { s: { external: true } }\n", ERR_CONFIG, "is not carried");
    REFUSED("services:\n  a:\n    image: x\nsecrets: { s: { file: /etc/passwd } }\n", ERR_CONFIG, "no path that a bundle can carry");
    REFUSED("services:\n  a:\n    image: x\nname: \"${N}\"\n", ERR_CONFIG, "without variables");
}

static void harmless_values_of_those_keys_pass(void **state)
{
    (void)state;
    AUTO(compose_free_auto) struct compose *c =
        good("services:\n  a:\n    image: x\n    privileged: false\n    security_opt: [\"no-new-privileges:true\"]\n    cap_add: []\n"
             "    cap_drop: [ALL]\n    network_mode: none\n    ipc: private\n    x-note: y\n    volumes:\n      - /var/cache\n      - vol:/v\n"
             "      - { type: tmpfs, target: /t }\n      - { type: volume, source: vol, target: /w }\n      - { type: volume, target: /u }\n"
             "      - { type: bind, source: ./c, target: /c, read_only: true }\n      - ./d:/d:z,ro\n"
             "  b:\n    image: x\n    network_mode: \"service:a\"\n"
             "volumes:\n  vol:\nnetworks:\n  n: { driver: bridge, ipam: { config: [{ subnet: \"${S}\" }] } }\n");
    assert_int_equal(c->n_services, 2);
    assert_string_equal(c->services[1].needs.items[0], "a");
    assert_int_equal(c->paths.n, 2);
}

static void newer_syntax_raises_the_compose_that_is_needed(void **state)
{
    (void)state;
    static const struct {
        const char *key, *minimum;
    } cases[] = { { "init: true", "1.27" }, { "env_file: [{ path: x }]", "2.24" }, { "depends_on: { a: { condition: service_started, required: false } }", "2.20" },
                  { "configs: [x]", "2.0" }, { "command: \"${A:-${B:-c}}\"", "2.0" }, { "healthcheck: { start_interval: 1s }", "2.20" },
                  { "annotations: { a: b }", "2.17" }, { "command: \"${A:-b}\"", "1.27" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[300];
        snprintf(text, sizeof text, "services:\n  a:\n    image: x\n    %s\n", cases[i].key);
        AUTO(compose_free_auto) struct compose *c = good(text);
        assert_string_equal(c->minimum, cases[i].minimum);
    }
}

static void packed_files_are_final(void **state)
{
    (void)state;
    static const char *const texts[] = { "services:\n  a:\n    image: x:${TAG}\n", "services:\n  a:\n    image: x:1@sha256:" HEX64 "\n",
                                         "services:\n  a:\n    image: x:1\n    build: .\n" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct origin_file file = { .name = "compose.yaml", .bytes = texts[i], .n = strlen(texts[i]) };
        AUTO(findings_clear_auto) struct findings f = { 0 };
        struct err e = { 0 };
        AUTO(compose_free_auto) struct compose *c = read_files(&file, 1, &one_file, COMPOSE_PACKED, &f, &e);
        assert_non_null(c);
        assert_false(findings_done(&f, &e));
    }
}

static void anchors_that_grow_are_stopped(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    buf_adds(&text, "x-0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++)
        buf_addf(&text, "x-%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    buf_adds(&text, "services:\n  a:\n    image: x\n    command: *a11\n");
    REFUSED(buf_text(&text), ERR_CONFIG, "compose.yaml:");
}

static void names_from_outside_are_printed_safely(void **state)
{
    (void)state;
    REFUSED("services:\n  a:\n    image: x\n    \"\\e[2J\": y\n", ERR_CONFIG, "\\x1b[2J");
    REFUSED("services:\n  a:\n    image: x\n    volumes: [\"/\\e[2J:/x\"]\n", ERR_POLICY, "services.a.volumes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_services_files_and_variables),
        cmocka_unit_test(freezes_references_and_leaves_every_other_byte),
        cmocka_unit_test(cuts_build_sections_out),
        cmocka_unit_test(a_reference_without_a_value_is_a_finding),
        cmocka_unit_test(later_files_win_and_lists_join),
        cmocka_unit_test(extends_reaches_other_files_of_the_definition),
        cmocka_unit_test(refuses_extends_from_elsewhere_and_in_circles),
        cmocka_unit_test(refuses_every_key_that_reaches_the_host),
        cmocka_unit_test(refuses_sections_that_reach_the_host),
        cmocka_unit_test(refuses_what_cannot_be_packed),
        cmocka_unit_test(harmless_values_of_those_keys_pass),
        cmocka_unit_test(newer_syntax_raises_the_compose_that_is_needed),
        cmocka_unit_test(packed_files_are_final),
        cmocka_unit_test(anchors_that_grow_are_stopped),
        cmocka_unit_test(names_from_outside_are_printed_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
