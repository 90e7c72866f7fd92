/* Mounts. A named volume is data of the site; a bind mount is a file of the bundle, read-only, below the definition; nothing else of
 * the host is mounted. The side of the host is never a variable: what is checked here must be what is mounted there. */
#include <string.h>

#include "app/compose_parts.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static void bind_mount(const struct compose_reader *r, const struct ynode *at, const char *source, bool is_read_only)
{
    if (source[0] == '/' || source[0] == '~' || strchr(source, '\\') != NULL) {
        compose_deny(r, at, "volumes", "a path of the host, which only a site's policy could allow, and this version has no such policy");
        findings_hint(r->f, "files of the application: a relative path below the definition; data: a named volume");
        return;
    }
    if (!is_read_only) {
        compose_bad(r, at, "volumes", "%s is mounted to be written to", SHOWN(source));
        findings_hint(r->f, "files of the bundle are mounted with :ro (read_only: true); for data use a named volume");
        return;
    }
    compose_path(r, at, "volumes", source);
}

/* As compose tells them apart. */
static bool is_path(const char *source)
{
    return source[0] == '.' || source[0] == '/' || source[0] == '~' || strchr(source, '\\') != NULL;
}

/* A name of one letter is a drive to compose ("c:/x"). */
static void named_volume(const struct compose_reader *r, const struct ynode *at, const char *source)
{
    if (compose_name_ok(source) && source[1] != '\0')
        return;
    compose_bad(r, at, "volumes", "\"%s\" is no name of a volume", SHOWN(source));
    if (strchr(source, '/') != NULL)
        findings_hint(r->f, "a path begins with ./");
}

/* rest: ":TARGET:MODE[,MODE]"; a variable among the modes is none. */
static bool has_mode_ro(const char *rest)
{
    const char *mode = strrchr(rest, ':');
    if (mode == rest || strpbrk(mode, "$}") != NULL)
        return false;
    for (const char *p = mode; *p != '\0'; p += strcspn(p, ",")) {
        p++;
        if (strcspn(p, ",") == 2 && memcmp(p, "ro", 2) == 0)
            return true;
    }
    return false;
}

/* "SOURCE:TARGET[:MODE[,MODE]]" or "TARGET". */
static void short_mount(const struct compose_reader *r, const struct ynode *at)
{
    const char *colon = strchr(at->text, ':');
    const char *dollar = strchr(at->text, '$');
    if (dollar != NULL && (colon == NULL || dollar < colon)) {
        compose_deny(r, at, "volumes", "the side of the host is a variable; write the path or the volume's name");
        return;
    }
    if (strchr(at->text, '\\') != NULL) {
        compose_deny(r, at, "volumes", "a path of another system");
        return;
    }
    if (colon == NULL)
        return; /* an anonymous volume */
    AUTO(mem_auto) char *source = mem_text_n(at->text, (size_t)(colon - at->text));
    if (is_path(source))
        bind_mount(r, at, source, has_mode_ro(colon));
    else
        named_volume(r, at, source);
}

static void long_mount(const struct compose_reader *r, const struct ynode *at)
{
    const struct ynode *type = ynode_get(at, "type");
    const struct ynode *source = ynode_get(at, "source") != NULL ? ynode_get(at, "source") : ynode_get(at, "src");
    const struct ynode *read_only = ynode_get(at, "read_only");
    const char *kind = type == NULL ? "" : compose_literal(r, type, "volumes");
    const char *from = source == NULL ? "" : compose_literal(r, source, "volumes");
    if (kind == NULL || from == NULL)
        return;
    bool is_read_only = read_only != NULL && read_only->kind == YNODE_SCALAR && text_is(read_only->text, "true");
    if (text_is(kind, "bind"))
        bind_mount(r, source == NULL ? at : source, from, is_read_only);
    else if (text_is(kind, "volume") && from[0] != '\0')
        named_volume(r, source, from);
    else if (!text_is(kind, "tmpfs") && !text_is(kind, "volume"))
        compose_deny(r, at, "volumes", "expected type: bind, volume or tmpfs");
}

void compose_read_volumes(const struct compose_reader *r, const struct ynode *node)
{
    if (node->kind != YNODE_LIST) {
        if (!ynode_is_null(node))
            compose_bad(r, node, "volumes", "expected a list");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind == YNODE_SCALAR)
            short_mount(r, node->items[i]);
        else if (node->items[i]->kind == YNODE_MAP)
            long_mount(r, node->items[i]);
        else
            compose_bad(r, node->items[i], "volumes", "expected a text or a map");
    }
}
