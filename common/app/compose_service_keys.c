/* The keys of a service: which pass, which are read, which are refused (compose_keys.c). */
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* ---- refused ---- */

static void deny_unless_false(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!compose_is_text(node, "false"))
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
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
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
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
        bool is_fine = compose_is_text(item, "no-new-privileges") || compose_is_text(item, "no-new-privileges:true") ||
                       compose_is_text(item, "no-new-privileges=true");
        if (!is_fine)
            compose_deny(r, item, key, COMPOSE_DENY_REASON);
    }
}

static void deploy(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    const struct ynode *devices = ynode_get(ynode_get(ynode_get(node, "resources"), "reservations"), "devices");
    if (devices != NULL && !compose_is_empty(devices))
        compose_deny(r, devices, key, COMPOSE_DENY_REASON);
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
            is_known = is_known || (text_is(name, "condition") && compose_is_text(node->items[i], conditions[k]));
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
            else if (required == NULL || !compose_is_text(required, "false"))
                compose_read_path(r, path, key);
            else
                compose_bad(r, required, key, "a file that may be missing cannot be packed; leave required out");
        } else {
            compose_read_path(r, item, key);
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
    s->has_healthcheck = disable == NULL || !compose_is_text(disable, "true");
}

static void configs(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    (void)key;
    if (!compose_is_empty(node))
        compose_need(r->c, "2.0"); /* compose 1 leaves them out with no more than a warning */
}

/* What the service says itself wins; its keys are read after these. */
static void extends(struct compose_reader *r, struct compose_service *s, const struct ynode *node)
{
    struct compose_reader there = *r;
    const struct ynode *base = compose_extended(r, node, &there);
    if (base == NULL)
        return;
    struct texts profiles_before = s->profiles;
    s->profiles = (struct texts){ 0 };
    compose_read_keys(&there, s, base);
    texts_clear(&s->profiles);
    s->profiles = profiles_before;
}

static const struct compose_key service_keys[] = {
    { "annotations", NULL, "2.17" },     { "attach", NULL, "2.20" },          { "blkio_config", NULL, NULL },
    { "build", build, NULL },            { "cap_add", compose_key_deny, NULL },           { "cap_drop", NULL, NULL },
    { "cgroup", own_namespace, "2.6" },  { "cgroup_parent", compose_key_deny, NULL },     { "command", NULL, NULL },
    { "configs", configs, NULL },        { "container_name", NULL, NULL },    { "cpu_count", NULL, NULL },
    { "cpu_percent", NULL, NULL },       { "cpu_period", NULL, NULL },        { "cpu_quota", NULL, NULL },
    { "cpu_rt_period", NULL, NULL },     { "cpu_rt_runtime", NULL, NULL },    { "cpu_shares", NULL, NULL },
    { "cpus", NULL, NULL },              { "cpuset", NULL, NULL },            { "credential_spec", compose_key_deny, NULL },
    { "depends_on", needs, NULL },       { "deploy", deploy, NULL },          { "develop", compose_key_deny, "2.22" },
    { "device_cgroup_rules", compose_key_deny, NULL }, { "devices", compose_key_deny, NULL },         { "dns", NULL, NULL },
    { "dns_opt", NULL, NULL },           { "dns_search", NULL, NULL },        { "domainname", NULL, NULL },
    { "entrypoint", NULL, NULL },        { "env_file", paths, NULL },         { "environment", NULL, NULL },
    { "expose", NULL, NULL },            { "extends", NULL, NULL },        { "external_links", compose_key_deny, NULL },
    { "extra_hosts", NULL, NULL },       { "gpus", compose_key_deny, "2.30" },            { "group_add", NULL, NULL },
    { "healthcheck", healthcheck, NULL }, { "hostname", NULL, NULL },         { "image", image, NULL },
    { "init", NULL, NULL },              { "ipc", own_namespace, NULL },      { "isolation", NULL, NULL },
    { "label_file", paths, "2.32" },     { "labels", compose_key_labels, NULL },          { "links", needs, NULL },
    { "logging", NULL, NULL },           { "mac_address", NULL, NULL },       { "mem_limit", NULL, NULL },
    { "mem_reservation", NULL, NULL },   { "mem_swappiness", NULL, NULL },    { "memswap_limit", NULL, NULL },
    { "models", compose_key_deny, "2.38" },          { "network_mode", own_namespace, NULL }, { "networks", NULL, NULL },
    { "oom_kill_disable", NULL, NULL },  { "oom_score_adj", NULL, NULL },     { "pid", own_namespace, NULL },
    { "pids_limit", NULL, NULL },        { "platform", NULL, NULL },          { "ports", NULL, NULL },
    { "post_start", compose_key_deny, "2.30" },      { "pre_start", compose_key_deny, "2.30" },       { "pre_stop", compose_key_deny, "2.30" },
    { "privileged", deny_unless_false, NULL }, { "profiles", profiles, NULL }, { "provider", compose_key_deny, "2.36" },
    { "pull_policy", pull_policy, NULL }, { "read_only", NULL, NULL },        { "restart", NULL, NULL },
    { "runtime", compose_key_deny, NULL },           { "scale", NULL, NULL },             { "secrets", NULL, NULL },
    { "security_opt", security_opt, NULL }, { "shm_size", NULL, NULL },       { "stdin_open", NULL, NULL },
    { "stop_grace_period", NULL, NULL }, { "stop_signal", NULL, NULL },       { "storage_opt", NULL, NULL },
    { "sysctls", compose_key_deny, NULL },           { "tmpfs", NULL, NULL },             { "tty", NULL, NULL },
    { "ulimits", NULL, NULL },           { "use_api_socket", deny_unless_false, "2.38" }, { "user", NULL, NULL },
    { "userns_mode", own_namespace, NULL }, { "uts", own_namespace, "2.0" },  { "volumes", volumes, NULL },
    { "volumes_from", compose_key_deny, NULL },      { "working_dir", NULL, NULL },
};

void compose_read_keys(struct compose_reader *r, struct compose_service *s, const struct ynode *node)
{
    const struct ynode *base = ynode_get(node, "extends");
    if (base != NULL)
        extends(r, s, base);
    compose_read_map(r, service_keys, ARRAY_LEN(service_keys), s, node);
}

