/* What each key of a compose file means to a bundle. Most pass; some name files, services or profiles; some reach the host and are refused
 * (HOSTILE.md 5.4). A key that is in no table is a mistake or newer than this program, and refused too: compose must not find anything in
 * a file that was not looked at. */
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

typedef void (*key_fn)(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key);
struct key {
    const char *name;
    key_fn read;       /* null: passes */
    const char *needs; /* compose version; null: 1.29 knows it */
};

#define DENY_REASON "reaches the host, which only a site's policy could allow, and this version has no such policy"

static bool is_empty(const struct ynode *node)
{
    return node->kind == YNODE_SCALAR ? ynode_is_null(node) : node->n == 0;
}

static bool is_text(const struct ynode *node, const char *text)
{
    return node->kind == YNODE_SCALAR && text_is(node->text, text);
}

/* ---- refused ---- */

static void deny(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!is_empty(node))
        compose_deny(r, node, key, DENY_REASON);
}

static void deny_unless_false(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!is_text(node, "false"))
        compose_deny(r, node, key, DENY_REASON);
}

/* network_mode, pid, ipc, uts, userns_mode, cgroup: a namespace of its own, or one of another service of this application. */
static void own_namespace(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    const char *text = compose_literal(r, node, key);
    if (text == NULL)
        return;
    static const char *const fine[] = { "", "none", "bridge", "default", "private", "shareable" };
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (text_is(text, fine[i]))
            return;
    if (text_starts(text, "service:"))
        texts_add(&s->needs, text + strlen("service:"));
    else
        compose_deny(r, node, key, DENY_REASON);
}

static void security_opt(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (node->kind != YNODE_LIST) {
        compose_bad(r, node, key, "expected a list");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct ynode *item = node->items[i];
        if (!is_text(item, "no-new-privileges") && !is_text(item, "no-new-privileges:true") && !is_text(item, "no-new-privileges=true"))
            compose_deny(r, item, key, DENY_REASON);
    }
}

static void deploy(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    const struct ynode *devices = ynode_get(ynode_get(ynode_get(node, "resources"), "reservations"), "devices");
    if (devices != NULL && !is_empty(devices))
        compose_deny(r, devices, key, DENY_REASON);
}

/* ---- read ---- */

static void image(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    if (node->kind != YNODE_SCALAR || ynode_is_null(node)) {
        compose_bad(r, node, key, "expected an image reference");
        return;
    }
    mem_free(s->image);
    s->image = mem_text(node->text);
}

static void build(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (r->mode == COMPOSE_PACKED)
        compose_deny(r, node, key, "nothing is built on a host");
}

static void pull_policy(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    static const char *const fine[] = { "never", "missing", "if_not_present", "always" };
    const char *text = compose_literal(r, node, key);
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(fine); i++)
        if (text_is(text, fine[i]))
            return;
    if (text != NULL)
        compose_bad(r, node, key, "\"%s\" is not possible: images come from the bundle", SHOWN(text));
}

static void add_need(struct compose_service *s, const char *name, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n(name, n);
    if (!texts_have(&s->needs, text) && s->needs.n < LIMIT_SERVICES)
        texts_add(&s->needs, text);
}

static void read_condition(struct compose_reader *r, const struct ynode *node, const char *key)
{
    static const char *const conditions[] = { "service_started", "service_healthy", "service_completed_successfully" };
    for (size_t i = 0; node->kind == YNODE_MAP && i < node->n; i++) {
        const char *name = node->keys[i]->text;
        bool is_known = false;
        if (text_is(name, "required") || text_is(name, "restart")) {
            compose_need(r->c, text_is(name, "required") ? "2.20" : "2.17");
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(conditions); k++)
            is_known = is_known || (text_is(name, "condition") && is_text(node->items[i], conditions[k]));
        if (!is_known)
            compose_bad(r, node->keys[i], key, "expected condition: service_started, service_healthy or service_completed_successfully");
    }
}

/* depends_on and links: a list of names ("db", "db:alias"), or a map. */
static void needs(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    if (node->kind == YNODE_SCALAR) {
        if (!ynode_is_null(node))
            compose_bad(r, node, key, "expected a list or a map of services");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct ynode *name = node->kind == YNODE_MAP ? node->keys[i] : node->items[i];
        const char *text = compose_literal(r, name, key);
        if (text != NULL)
            add_need(s, text, strcspn(text, ":"));
        if (node->kind == YNODE_MAP)
            read_condition(r, node->items[i], key);
    }
}

static void profiles(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    if (node->kind != YNODE_LIST || node->n > LIMIT_SERVICES) {
        compose_bad(r, node, key, "expected a list of names");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const char *text = compose_literal(r, node->items[i], key);
        if (text != NULL && !compose_name_ok(text))
            compose_bad(r, node->items[i], key, "\"%s\" is no name of a profile", SHOWN(text));
        else if (text != NULL && !texts_have(&s->profiles, text))
            texts_add(&s->profiles, text);
    }
}

static void read_path(const struct compose_reader *r, const struct ynode *node, const char *key)
{
    const char *text = compose_literal(r, node, key);
    if (text != NULL)
        compose_path(r, node, key, text);
}

/* env_file and label_file: a path, a list of paths, or of { path, required, format }. */
static void paths(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    for (size_t i = 0; i < (node->kind == YNODE_LIST ? node->n : 1); i++) {
        const struct ynode *item = node->kind == YNODE_LIST ? node->items[i] : node;
        if (item->kind == YNODE_MAP) {
            compose_need(r->c, "2.24");
            const struct ynode *path = ynode_get(item, "path");
            const struct ynode *required = ynode_get(item, "required");
            if (path == NULL)
                compose_bad(r, item, key, "expected path");
            else if (required == NULL || !is_text(required, "false"))
                read_path(r, path, key);
            else
                compose_bad(r, required, key, "a file that may be missing cannot be packed; leave required out");
        } else {
            read_path(r, item, key);
        }
    }
}

static void volumes(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    (void)key;
    compose_read_volumes(r, node);
}

static void healthcheck(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    static const char *const known[] = { "test", "interval", "timeout", "retries", "start_period", "disable" };
    if (node->kind != YNODE_MAP) {
        compose_bad(r, node, key, "expected a map");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        bool is_known = text_starts(node->keys[i]->text, "x-");
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            is_known = is_known || text_is(known[k], node->keys[i]->text);
        if (text_is(node->keys[i]->text, "start_interval"))
            compose_need(r->c, "2.20");
        else if (!is_known)
            compose_bad(r, node->keys[i], key, "unknown key \"%s\"", SHOWN(node->keys[i]->text));
    }
    const struct ynode *disable = ynode_get(node, "disable");
    s->has_healthcheck = disable == NULL || !is_text(disable, "true");
}

static void configs(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    (void)key;
    if (!is_empty(node))
        compose_need(r->c, "2.0"); /* compose 1 leaves them out with no more than a warning */
}

static void labels(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    for (size_t i = 0; node->kind != YNODE_SCALAR && i < node->n; i++) {
        const struct ynode *name = node->kind == YNODE_MAP ? node->keys[i] : node->items[i];
        if (name->kind == YNODE_SCALAR && (text_starts(name->text, "com.docker.compose.") || text_starts(name->text, "containerd.io/")))
            compose_bad(r, name, key, "\"%s\" belongs to compose and the engine", SHOWN(name->text));
    }
}

static void extends(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)key;
    struct compose_reader there = *r;
    const struct ynode *base = compose_extended(r, node, &there);
    if (base == NULL)
        return;
    /* What the service says itself wins; its keys are read after these. */
    struct texts profiles_before = s->profiles;
    s->profiles = (struct texts){ 0 };
    compose_read_keys(&there, s, base);
    texts_clear(&s->profiles);
    s->profiles = profiles_before;
}

/* ---- the tables ---- */

static const struct key service_keys[] = {
    { "annotations", NULL, "2.17" },     { "attach", NULL, "2.20" },          { "blkio_config", NULL, NULL },
    { "build", build, NULL },            { "cap_add", deny, NULL },           { "cap_drop", NULL, NULL },
    { "cgroup", own_namespace, "2.6" },  { "cgroup_parent", deny, NULL },     { "command", NULL, NULL },
    { "configs", configs, NULL },        { "container_name", NULL, NULL },    { "cpu_count", NULL, NULL },
    { "cpu_percent", NULL, NULL },       { "cpu_period", NULL, NULL },        { "cpu_quota", NULL, NULL },
    { "cpu_rt_period", NULL, NULL },     { "cpu_rt_runtime", NULL, NULL },    { "cpu_shares", NULL, NULL },
    { "cpus", NULL, NULL },              { "cpuset", NULL, NULL },            { "credential_spec", deny, NULL },
    { "depends_on", needs, NULL },       { "deploy", deploy, NULL },          { "develop", deny, "2.22" },
    { "device_cgroup_rules", deny, NULL }, { "devices", deny, NULL },         { "dns", NULL, NULL },
    { "dns_opt", NULL, NULL },           { "dns_search", NULL, NULL },        { "domainname", NULL, NULL },
    { "entrypoint", NULL, NULL },        { "env_file", paths, NULL },         { "environment", NULL, NULL },
    { "expose", NULL, NULL },            { "extends", extends, NULL },        { "external_links", deny, NULL },
    { "extra_hosts", NULL, NULL },       { "gpus", deny, "2.30" },            { "group_add", NULL, NULL },
    { "healthcheck", healthcheck, NULL }, { "hostname", NULL, NULL },         { "image", image, NULL },
    { "init", NULL, NULL },              { "ipc", own_namespace, NULL },      { "isolation", NULL, NULL },
    { "label_file", paths, "2.32" },     { "labels", labels, NULL },          { "links", needs, NULL },
    { "logging", NULL, NULL },           { "mac_address", NULL, NULL },       { "mem_limit", NULL, NULL },
    { "mem_reservation", NULL, NULL },   { "mem_swappiness", NULL, NULL },    { "memswap_limit", NULL, NULL },
    { "models", deny, "2.38" },          { "network_mode", own_namespace, NULL }, { "networks", NULL, NULL },
    { "oom_kill_disable", NULL, NULL },  { "oom_score_adj", NULL, NULL },     { "pid", own_namespace, NULL },
    { "pids_limit", NULL, NULL },        { "platform", NULL, NULL },          { "ports", NULL, NULL },
    { "post_start", deny, "2.30" },      { "pre_start", deny, "2.30" },       { "pre_stop", deny, "2.30" },
    { "privileged", deny_unless_false, NULL }, { "profiles", profiles, NULL }, { "provider", deny, "2.36" },
    { "pull_policy", pull_policy, NULL }, { "read_only", NULL, NULL },        { "restart", NULL, NULL },
    { "runtime", deny, NULL },           { "scale", NULL, NULL },             { "secrets", NULL, NULL },
    { "security_opt", security_opt, NULL }, { "shm_size", NULL, NULL },       { "stdin_open", NULL, NULL },
    { "stop_grace_period", NULL, NULL }, { "stop_signal", NULL, NULL },       { "storage_opt", NULL, NULL },
    { "sysctls", deny, NULL },           { "tmpfs", NULL, NULL },             { "tty", NULL, NULL },
    { "ulimits", NULL, NULL },           { "use_api_socket", deny_unless_false, "2.38" }, { "user", NULL, NULL },
    { "userns_mode", own_namespace, NULL }, { "uts", own_namespace, "2.0" },  { "volumes", volumes, NULL },
    { "volumes_from", deny, NULL },      { "working_dir", NULL, NULL },
};

/* A network of the host's own interface is the host's network. */
static void network_driver(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    const char *text = compose_literal(r, node, key);
    if (text != NULL && !text_is(text, "bridge") && !text_is(text, "overlay") && !text_is(text, "default") && !text_is(text, ""))
        compose_deny(r, node, key, DENY_REASON);
}

static void network_name(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (is_text(node, "host") || (node->kind == YNODE_SCALAR && template_has_variables(node->text)))
        compose_deny(r, node, key, DENY_REASON);
}

static void network_external(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    const struct ynode *name = ynode_get(node, "name");
    if (name != NULL)
        network_name(r, s, name, key);
    else if (text_is(r->name, "host") && !is_text(node, "false"))
        compose_deny(r, node, key, DENY_REASON);
}

static void file_path(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    read_path(r, node, key);
}

static void not_carried(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!is_text(node, "false"))
        compose_bad(r, node, key, "is not carried by a bundle: use file: with a path below the definition");
}

static const struct key network_keys[] = {
    { "attachable", NULL, NULL }, { "driver", network_driver, NULL }, { "driver_opts", NULL, NULL }, { "enable_ipv4", NULL, "2.33" },
    { "enable_ipv6", NULL, NULL }, { "external", network_external, NULL }, { "internal", NULL, NULL }, { "ipam", NULL, NULL },
    { "labels", labels, NULL }, { "name", network_name, NULL },
};
static const struct key volume_keys[] = {
    { "driver", NULL, NULL }, { "driver_opts", deny, NULL }, { "external", NULL, NULL }, { "labels", labels, NULL }, { "name", NULL, NULL },
};
static const struct key secret_keys[] = {
    { "driver", deny, NULL }, { "driver_opts", deny, NULL }, { "environment", NULL, "2.6" }, { "external", not_carried, NULL },
    { "file", file_path, NULL }, { "labels", labels, NULL }, { "name", NULL, NULL }, { "template_driver", deny, NULL },
};
static const struct key config_keys[] = {
    { "content", NULL, "2.23" }, { "environment", NULL, "2.23" }, { "external", not_carried, NULL }, { "file", file_path, NULL },
    { "labels", labels, NULL }, { "name", NULL, NULL }, { "template_driver", deny, NULL },
};

static const struct key *find_key(const struct key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static void unknown_key(const struct compose_reader *r, const struct key *keys, size_t n, const struct ynode *key)
{
    AUTO(mem_auto) const char **names = mem_new_array(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = keys[i].name;
    const char *near = text_nearest(key->text, names, n);
    findings_at(r->f, ERR_CONFIG, r->file->doc, key, "unknown key \"%s\" in %s.%s", SHOWN(key->text), r->section, SHOWN(r->name));
    if (near != NULL)
        findings_hint(r->f, "did you mean \"%s\"?", near);
}

static void read_map(struct compose_reader *r, const struct key *keys, size_t n, struct compose_service *s, const struct ynode *node)
{
    if (node->kind != YNODE_MAP) {
        if (!is_empty(node) || s != NULL)
            findings_at(r->f, ERR_CONFIG, r->file->doc, node, "%s.%s: expected a map", r->section, SHOWN(r->name));
        return;
    }
    const struct ynode *base = s == NULL ? NULL : ynode_get(node, "extends");
    if (base != NULL)
        extends(r, s, base, "extends");
    for (size_t i = 0; i < node->n; i++) {
        const struct ynode *name = node->keys[i];
        const struct key *key = find_key(keys, n, name->text);
        if (text_starts(name->text, "x-") || node->items[i] == base)
            continue;
        if (key == NULL) {
            unknown_key(r, keys, n, name);
            continue;
        }
        if (key->needs != NULL)
            compose_need(r->c, key->needs);
        if (key->read != NULL)
            key->read(r, s, node->items[i], key->name);
    }
}

void compose_read_keys(struct compose_reader *r, struct compose_service *s, const struct ynode *node)
{
    read_map(r, service_keys, ARRAY_LEN(service_keys), s, node);
}

void compose_read_section(struct compose_reader *r, const char *section, const struct ynode *node)
{
    static const struct {
        const char *name;
        const struct key *keys;
        size_t n;
    } sections[] = {
        { "networks", network_keys, ARRAY_LEN(network_keys) }, { "volumes", volume_keys, ARRAY_LEN(volume_keys) },
        { "secrets", secret_keys, ARRAY_LEN(secret_keys) }, { "configs", config_keys, ARRAY_LEN(config_keys) },
    };
    r->section = section;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        for (size_t k = 0; text_is(sections[i].name, section) && node->kind == YNODE_MAP && k < node->n; k++) {
            r->name = node->keys[k]->text;
            read_map(r, sections[i].keys, sections[i].n, NULL, node->items[k]);
        }
}
