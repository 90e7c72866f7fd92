/* What each key of a compose file means to a bundle. Most pass; some name files, services or profiles; some reach the host and are refused
 * (docs/SECURITY.md). A key that is in no table is a mistake or newer than this program, and refused too: compose must not find anything in
 * a file that was not looked at.
 *
 * Here: reading by a table, what several tables share, and the sections beside services. */
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

bool compose_is_empty(const struct ynode *node)
{
    return node->kind == YNODE_SCALAR ? ynode_is_null(node) : node->n == 0;
}

bool compose_is_text(const struct ynode *node, const char *text)
{
    return node->kind == YNODE_SCALAR && text_is(node->text, text);
}

void compose_key_deny(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!compose_is_empty(node))
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
}

void compose_read_path(const struct compose_reader *r, const struct ynode *node, const char *key)
{
    const char *text = compose_literal(r, node, key);
    if (text != NULL)
        compose_path(r, node, key, text);
}

void compose_key_labels(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    for (size_t i = 0; node->kind != YNODE_SCALAR && i < node->n; i++) {
        const struct ynode *name = node->kind == YNODE_MAP ? node->keys[i] : node->items[i];
        if (name->kind == YNODE_SCALAR && (text_starts(name->text, "com.docker.compose.") || text_starts(name->text, "containerd.io/")))
            compose_bad(r, name, key, "\"%s\" belongs to compose and the engine", SHOWN(name->text));
    }
}

static const struct compose_key *find_key(const struct compose_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static void unknown_key(const struct compose_reader *r, const struct compose_key *keys, size_t n, const struct ynode *key)
{
    AUTO(mem_auto) const char **names = mem_new_array(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = keys[i].name;
    const char *near = text_nearest(key->text, names, n);
    findings_at(r->f, ERR_CONFIG, r->file->doc, key, "unknown key \"%s\" in %s.%s", SHOWN(key->text), r->section, SHOWN(r->name));
    if (near != NULL)
        findings_hint(r->f, "did you mean \"%s\"?", near);
}

void compose_read_map(struct compose_reader *r, const struct compose_key *keys, size_t n, struct compose_service *s,
                      const struct ynode *node)
{
    if (node->kind != YNODE_MAP) {
        if (!compose_is_empty(node) || s != NULL)
            findings_at(r->f, ERR_CONFIG, r->file->doc, node, "%s.%s: expected a map", r->section, SHOWN(r->name));
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct ynode *name = node->keys[i];
        const struct compose_key *key = find_key(keys, n, name->text);
        if (text_starts(name->text, "x-"))
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

/* A network of the host's own interface is the host's network. */
static void network_driver(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    const char *text = compose_literal(r, node, key);
    if (text != NULL && !text_is(text, "bridge") && !text_is(text, "overlay") && !text_is(text, "default") && !text_is(text, ""))
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
}

static void network_name(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (compose_is_text(node, "host") || (node->kind == YNODE_SCALAR && template_has_variables(node->text)))
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
}

static void network_external(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    const struct ynode *name = ynode_get(node, "name");
    if (name != NULL)
        network_name(r, s, name, key);
    else if (text_is(r->name, "host") && !compose_is_text(node, "false"))
        compose_deny(r, node, key, COMPOSE_DENY_REASON);
}

static void file_path(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    compose_read_path(r, node, key);
}

static void not_carried(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key)
{
    (void)s;
    if (!compose_is_text(node, "false"))
        compose_bad(r, node, key, "is not carried by a bundle: use file: with a path below the definition");
}

static const struct compose_key network_keys[] = {
    { "attachable", NULL, NULL }, { "driver", network_driver, NULL }, { "driver_opts", NULL, NULL }, { "enable_ipv4", NULL, "2.33" },
    { "enable_ipv6", NULL, NULL }, { "external", network_external, NULL }, { "internal", NULL, NULL }, { "ipam", NULL, NULL },
    { "labels", compose_key_labels, NULL }, { "name", network_name, NULL },
};
static const struct compose_key volume_keys[] = {
    { "driver", NULL, NULL }, { "driver_opts", compose_key_deny, NULL }, { "external", NULL, NULL },
    { "labels", compose_key_labels, NULL }, { "name", NULL, NULL },
};
static const struct compose_key secret_keys[] = {
    { "driver", compose_key_deny, NULL }, { "driver_opts", compose_key_deny, NULL }, { "environment", NULL, "2.6" },
    { "external", not_carried, NULL }, { "file", file_path, NULL }, { "labels", compose_key_labels, NULL },
    { "name", NULL, NULL }, { "template_driver", compose_key_deny, NULL },
};
static const struct compose_key config_keys[] = {
    { "content", NULL, "2.23" }, { "environment", NULL, "2.23" }, { "external", not_carried, NULL }, { "file", file_path, NULL },
    { "labels", compose_key_labels, NULL }, { "name", NULL, NULL }, { "template_driver", compose_key_deny, NULL },
};

void compose_read_section(struct compose_reader *r, const char *section, const struct ynode *node)
{
    static const struct {
        const char *name;
        const struct compose_key *keys;
        size_t n;
    } sections[] = {
        { "networks", network_keys, ARRAY_LEN(network_keys) }, { "volumes", volume_keys, ARRAY_LEN(volume_keys) },
        { "secrets", secret_keys, ARRAY_LEN(secret_keys) }, { "configs", config_keys, ARRAY_LEN(config_keys) },
    };
    r->section = section;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        for (size_t k = 0; text_is(sections[i].name, section) && node->kind == YNODE_MAP && k < node->n; k++) {
            r->name = node->keys[k]->text;
            compose_read_map(r, sections[i].keys, sections[i].n, NULL, node->items[k]);
        }
}
