/* Every ${VAR} in the text of all compose files, but in image references and build sections, which are gone when files are packed. */
#include <stdlib.h>
#include <string.h>

#include "app/compose_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct finder {
    struct compose *c;
    struct findings *f;
    const struct compose_file *file;
    const struct ynode *at;
};

static struct compose_variable *variable_of(struct finder *w, const char *name)
{
    struct compose *c = w->c;
    for (size_t i = 0; i < c->n_variables; i++)
        if (text_is(c->variables[i].name, name))
            return &c->variables[i];
    struct compose_variable v = { .name = mem_text(name), .is_optional = true };
    v.place = mem_format("%s:%u:%u", w->file->path, w->at->line, w->at->column);
    MEM_PUSH(c->variables, c->n_variables, c->cap_variables) = v;
    return &c->variables[c->n_variables - 1];
}

static bool has_default(enum template_op op)
{
    return op == TEMPLATE_DEFAULT || op == TEMPLATE_DEFAULT_UNSET;
}

static bool note_use(void *ctx, const struct template_use *use, struct err *e)
{
    struct finder *w = ctx;
    if (w->c->n_variables >= LIMIT_VARIABLES)
        return err_set(e, ERR_CONFIG, "%s: more than %d variables", w->file->path, LIMIT_VARIABLES);
    AUTO(mem_auto) char *name = mem_text_n(use->name.p, use->name.n);
    struct compose_variable *v = variable_of(w, name);
    bool is_other = use->op == TEMPLATE_OTHER || use->op == TEMPLATE_OTHER_SET;
    bool has_inner = memchr(use->argument.p, '$', use->argument.n) != NULL;
    if (!has_default(use->op) && !is_other)
        v->is_optional = false;
    if (has_default(use->op) && v->default_value == NULL && !has_inner)
        v->default_value = mem_text_n(use->argument.p, use->argument.n);
    if (is_other || has_inner || use->depth > 0)
        compose_need(w->c, "2.0"); /* compose 1 knows neither */
    return true;
}

static void find_in_scalar(struct finder *w, const struct ynode *node)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *what = mem_format("%s:%u:%u", w->file->path, node->line, node->column);
    w->at = node;
    if (!template_uses(node->text, what, note_use, w, &e))
        findings_take(w->f, &e);
}

static void find_in(struct finder *w, const struct ynode *node)
{
    if (node->kind == YNODE_SCALAR) {
        find_in_scalar(w, node);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        find_in(w, node->items[i]);
}

/* environment: [NAME] or NAME: without a value takes NAME from the values. */
static void find_bare_names(struct finder *w, const struct ynode *environment)
{
    for (size_t i = 0; environment != NULL && environment->kind != YNODE_SCALAR && i < environment->n; i++) {
        bool is_map = environment->kind == YNODE_MAP;
        const struct ynode *name = is_map ? environment->keys[i] : environment->items[i];
        bool is_bare = is_map ? ynode_is_null(environment->items[i]) : name->kind == YNODE_SCALAR && strchr(name->text, '=') == NULL;
        if (!is_bare || name->kind != YNODE_SCALAR || name->text[0] == '\0')
            continue;
        w->at = name;
        variable_of(w, name->text);
    }
}

static void find_in_service(struct finder *w, const struct ynode *service)
{
    for (size_t i = 0; service->kind == YNODE_MAP && i < service->n; i++) {
        const char *key = service->keys[i]->text;
        if (text_is(key, "image") || text_is(key, "build"))
            continue;
        if (text_is(key, "environment"))
            find_bare_names(w, service->items[i]);
        find_in(w, service->items[i]);
    }
}

/* secrets and configs: environment: NAME */
static void find_named(struct finder *w, const struct ynode *section)
{
    for (size_t i = 0; section != NULL && section->kind == YNODE_MAP && i < section->n; i++) {
        const struct ynode *name = ynode_get(section->items[i], "environment");
        if (name == NULL || name->kind != YNODE_SCALAR)
            continue;
        w->at = name;
        variable_of(w, name->text)->is_optional = false;
    }
}

static void find_in_file(struct finder *w)
{
    const struct ynode *root = yread_root(w->file->doc);
    for (size_t i = 0; root->kind == YNODE_MAP && i < root->n; i++) {
        const struct ynode *node = root->items[i];
        bool is_services = text_is(root->keys[i]->text, "services");
        for (size_t k = 0; is_services && node->kind == YNODE_MAP && k < node->n; k++)
            find_in_service(w, node->items[k]);
        if (!is_services && !text_starts(root->keys[i]->text, "x-"))
            find_in(w, node);
    }
    find_named(w, ynode_get(root, "secrets"));
    find_named(w, ynode_get(root, "configs"));
}

static int compare_variables(const void *a, const void *b)
{
    const struct compose_variable *x = a;
    const struct compose_variable *y = b;
    return strcmp(x->name, y->name);
}

void compose_find_variables(struct compose *c, struct findings *f)
{
    struct finder w = { .c = c, .f = f };
    for (size_t i = 0; i < c->n_files; i++) {
        w.file = &c->files[i];
        find_in_file(&w);
    }
    if (c->n_variables > 0)
        qsort(c->variables, c->n_variables, sizeof *c->variables, compare_variables);
}
