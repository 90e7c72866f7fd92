/* The files of a compose model: those that are given, and those they extend. */
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/path.h"

#include "base/banned.h"

static bool open_file(struct compose *c, const struct origin *src, const char *path, bool is_main, struct err *e)
{
    if (c->n_files >= LIMIT_COMPOSE_FILES)
        return err_set(e, ERR_CONFIG, "more than %d compose files", LIMIT_COMPOSE_FILES);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (!origin_read(src, path, &text, e))
        return false;
    struct yread *doc = yread_open(buf_text(&text), text.len, path, YREAD_COMPOSE, e);
    if (doc == NULL)
        return false;
    size_t n = text.len;
    MEM_PUSH(c->files, c->n_files, c->cap_files) =
        (struct compose_file){ .path = mem_text(path), .text = buf_take(&text), .n = n, .is_main = is_main, .doc = doc };
    return true;
}

static const struct compose_file *find_file(const struct compose *c, const char *path)
{
    for (size_t i = 0; i < c->n_files; i++)
        if (text_is(c->files[i].path, path))
            return &c->files[i];
    return NULL;
}

/* Points the reader at a file; the pointer lives until the next open_file. */
void compose_enter_file(struct compose_reader *r, const struct compose_file *file)
{
    r->file = file;
    r->section = "services";
}

/* ---- extends ---- */

static bool find_base_file(struct compose_reader *r, const struct ynode *extends, const char **path, char **owned)
{
    const struct ynode *file = extends->kind == YNODE_MAP ? ynode_get(extends, "file") : NULL;
    *path = r->file->path;
    if (file == NULL)
        return true;
    const char *text = compose_literal(r, file, "extends");
    if (text == NULL)
        return false;
    *owned = path_normalise(r->folder, text);
    *path = *owned;
    return *owned != NULL ||
           compose_bad(r, file, "extends", "\"%s\" is not a file below the definition", SHOWN(text));
}

const struct ynode *compose_extended(struct compose_reader *r, const struct ynode *extends, struct compose_reader *there)
{
    const struct ynode *name = extends->kind == YNODE_MAP ? ynode_get(extends, "service") : extends;
    const char *service = name == NULL ? NULL : compose_literal(r, name, "extends");
    const char *path = NULL;
    AUTO(mem_auto) char *owned = NULL;
    if (service == NULL) {
        if (name == NULL)
            compose_bad(r, extends, "extends", "expected service");
        return NULL;
    }
    if (r->depth >= LIMIT_EXTENDS_DEPTH) {
        compose_bad(r, extends, "extends", "more than %d deep, or in a circle", LIMIT_EXTENDS_DEPTH);
        return NULL;
    }
    if (!find_base_file(r, extends, &path, &owned))
        return NULL;
    const struct compose_file *file = find_file(r->c, path);
    BUG_IF(file == NULL); /* open_extended opened it */
    there->depth = r->depth + 1;
    compose_enter_file(there, file);
    if (owned != NULL)
        there->folder = file->folder;
    const struct ynode *base = ynode_get(compose_services(file), service);
    if (base == NULL)
        compose_bad(r, name, "extends", "%s has no service \"%s\"", SHOWN(path), SHOWN(service));
    return base;
}

/* Files named by extends are opened before anything is read, so that nothing moves while services are read. */
static bool open_extended(struct compose *c, const struct origin *src, size_t file, const char *folder, struct err *e)
{
    const struct ynode *services = compose_services(&c->files[file]);
    for (size_t i = 0; services != NULL && services->kind == YNODE_MAP && i < services->n; i++) {
        const struct ynode *named = ynode_get(ynode_get(services->items[i], "extends"), "file");
        if (named == NULL || named->kind != YNODE_SCALAR || template_has_variables(named->text))
            continue; /* complained about when the service is read */
        AUTO(mem_auto) char *path = path_normalise(folder, named->text);
        if (path != NULL && find_file(c, path) == NULL && !open_file(c, src, path, false, e))
            return yread_fail(c->files[file].doc, named, e, "extends");
    }
    return true;
}

/* Main files start at the folder of the first one, a file of an extends at its own. */
bool compose_open_files(struct compose *c, const struct origin *src, const struct texts *files, struct err *e)
{
    for (size_t i = 0; i < files->n; i++)
        if (!open_file(c, src, files->items[i], true, e))
            return false;
    for (size_t i = 0; i < c->n_files; i++) {
        c->files[i].folder = path_dir(c->files[i].is_main ? c->files[0].path : c->files[i].path);
        if (!open_extended(c, src, i, c->files[i].folder, e))
            return false;
    }
    return true;
}
