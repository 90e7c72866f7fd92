/* The YAML door. libyaml's event parser drives one loop that builds nodes with a stack of open containers; nothing recurses.
 * Anchored nodes are shared, not copied; what an alias would add if it were written out is counted, so a document of a
 * kilobyte that stands for a billion nodes is refused while it is read. */
#include "format/yread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* A node with what only the reader needs. The public node is the first member. */
struct node {
    struct ynode y;
    char *anchor;
    size_t cap_items;
    size_t cap_keys;
    size_t weight; /* nodes of the subtree, aliases written out */
    size_t height; /* containers inside each other; 0 for a scalar */
    struct node *merge; /* the value of "<<" until the map ends */
    struct node *next;  /* every node of the document, for freeing */
};

struct yread {
    char *name;
    struct node *all;
    struct node *root;
};

struct level {
    struct node *container;
    struct node *key; /* of a map: a key that waits for its value */
};

struct build {
    struct yread *y;
    enum yread_mode mode;
    yaml_parser_t parser;
    size_t depth;
    struct level levels[LIMIT_YAML_DEPTH];
    size_t weight; /* nodes so far, aliases written out */
    size_t n_anchors;
    size_t cap_anchors;
    struct node **anchors;
    struct err *e;
};

/* ---- failing ---- */

static bool fail_at(const struct build *b, yaml_mark_t mark, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool fail_at(const struct build *b, yaml_mark_t mark, const char *fmt, ...)
{
    char why[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(b->e, ERR_CONFIG, "%s:%zu:%zu: %s", b->y->name, mark.line + 1, mark.column + 1, why);
}

bool yread_fail(const struct yread *y, const struct ynode *at, struct err *e, const char *fmt, ...)
{
    char why[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (at == NULL)
        return err_set(e, ERR_CONFIG, "%s: %s", y->name, why);
    return err_set(e, ERR_CONFIG, "%s:%u:%u: %s", y->name, at->line, at->column, why);
}

/* ---- nodes ---- */

static struct node *new_node(struct build *b, enum ynode_kind kind, yaml_mark_t mark)
{
    struct node *n = mem_new(sizeof *n);
    n->y.kind = kind;
    n->y.line = (unsigned)mark.line + 1;
    n->y.column = (unsigned)mark.column + 1;
    n->weight = 1;
    n->height = kind == YNODE_SCALAR ? 0 : 1;
    n->next = b->y->all;
    b->y->all = n;
    return n;
}

static void free_nodes(struct node *n)
{
    while (n != NULL) {
        struct node *next = n->next;
        mem_free(n->y.text);
        mem_free(n->y.items);
        mem_free(n->y.keys);
        mem_free(n->anchor);
        mem_free(n);
        n = next;
    }
}

static struct node *node_of(struct ynode *y)
{
    return (struct node *)y; /* its first member */
}

static void push_pair(struct node *map, struct ynode *key, struct ynode *value)
{
    size_t n = map->y.n;
    map->y.keys = mem_grow(map->y.keys, n, &map->cap_keys, sizeof(struct ynode *));
    map->y.items = mem_grow(map->y.items, n, &map->cap_items, sizeof(struct ynode *));
    map->y.keys[n] = key;
    map->y.items[n] = value;
    map->y.n++;
}

static bool spend(struct build *b, size_t weight, yaml_mark_t mark)
{
    if (weight > LIMIT_YAML_NODES - b->weight)
        return fail_at(b, mark, "more than %d values when anchors are written out", LIMIT_YAML_NODES);
    b->weight += weight;
    return true;
}

/* ---- merge keys (compose files) ---- */

struct pair {
    struct ynode *key;
    struct ynode *value;
    size_t order; /* the map's own keys first, then source by source: the first of equal keys wins */
};

struct pairs {
    struct pair *items;
    size_t n;
    size_t cap;
};

static void collect(struct pairs *p, const struct node *map)
{
    for (size_t i = 0; i < map->y.n; i++) {
        struct pair pair = { map->y.keys[i], map->y.items[i], p->n };
        MEM_PUSH(p->items, p->n, p->cap) = pair;
    }
}

static bool collect_source(const struct build *b, struct pairs *p, const struct node *from, yaml_mark_t mark)
{
    if (from->y.kind != YNODE_MAP)
        return fail_at(b, mark, "\"<<\" takes a map or a list of maps");
    collect(p, from);
    return true;
}

static bool collect_sources(const struct build *b, struct pairs *p, const struct node *from, yaml_mark_t mark)
{
    if (from->y.kind != YNODE_LIST)
        return collect_source(b, p, from, mark);
    for (size_t i = 0; i < from->y.n; i++)
        if (!collect_source(b, p, node_of(from->y.items[i]), mark))
            return false;
    return true;
}

static int compare_order(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_pair(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    int order = strcmp(x->key->text, y->key->text);
    return order != 0 ? order : compare_order(a, b);
}

static void keep_first_of_equals(struct pairs *p)
{
    size_t kept = 0;
    qsort(p->items, p->n, sizeof *p->items, compare_pair);
    for (size_t i = 0; i < p->n; i++)
        if (kept == 0 || strcmp(p->items[kept - 1].key->text, p->items[i].key->text) != 0)
            p->items[kept++] = p->items[i];
    p->n = kept;
    qsort(p->items, p->n, sizeof *p->items, compare_order);
}

/* What comes from elsewhere is added behind the map's own pairs, which are unchanged. */
static bool add_merged(struct build *b, struct node *map, const struct pairs *p, yaml_mark_t mark)
{
    for (size_t i = map->y.n; i < p->n; i++) {
        size_t weight = node_of(p->items[i].value)->weight + 1;
        if (!spend(b, weight, mark))
            return false;
        map->weight += weight;
        push_pair(map, p->items[i].key, p->items[i].value);
    }
    return true;
}

static bool merge(struct build *b, struct node *map, yaml_mark_t mark)
{
    const struct node *from = TAKE(map->merge);
    if (from == NULL)
        return true;
    struct pairs p = { 0 };
    collect(&p, map);
    bool ok = collect_sources(b, &p, from, mark);
    if (ok && p.n > 0) {
        keep_first_of_equals(&p);
        ok = add_merged(b, map, &p, mark);
    }
    mem_free(p.items);
    return ok;
}

/* ---- placing a finished node ---- */

static bool is_merge_key(const struct node *key)
{
    return key->y.is_plain && strcmp(key->y.text, "<<") == 0;
}

static bool place_key(struct build *b, struct level *at, struct node *key, yaml_mark_t mark)
{
    if (key->y.kind != YNODE_SCALAR)
        return fail_at(b, mark, "a key must be text, not a list or a map");
    if (is_merge_key(key) && b->mode != YREAD_COMPOSE)
        return fail_at(b, mark, "merge keys (<<) are not supported here");
    if (is_merge_key(key) && at->container->merge != NULL)
        return fail_at(b, mark, "duplicate key \"<<\"");
    at->key = key;
    return true;
}

static bool place(struct build *b, struct node *n, yaml_mark_t mark)
{
    if (b->depth == 0) {
        b->y->root = n;
        return true;
    }
    struct level *at = &b->levels[b->depth - 1];
    struct node *in = at->container;
    if (in->y.kind == YNODE_MAP && at->key == NULL)
        return place_key(b, at, n, mark);
    if (in->height < n->height + 1)
        in->height = n->height + 1;
    in->weight += n->weight + (at->key != NULL);
    if (at->key != NULL && is_merge_key(at->key)) {
        in->merge = n;
    } else if (at->key != NULL) {
        push_pair(in, &at->key->y, &n->y);
    } else {
        in->y.items = mem_grow(in->y.items, in->y.n, &in->cap_items, sizeof(struct ynode *));
        in->y.items[in->y.n++] = &n->y;
    }
    at->key = NULL;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct ynode *const *x = a;
    const struct ynode *const *y = b;
    int order = strcmp((*x)->text, (*y)->text);
    if (order != 0)
        return order;
    return (*x)->line != (*y)->line ? ((*x)->line < (*y)->line ? -1 : 1) : ((*x)->column < (*y)->column ? -1 : (*x)->column > (*y)->column);
}

static bool check_keys(const struct build *b, const struct node *map)
{
    if (map->y.n < 2)
        return true;
    AUTO(mem_auto) struct ynode **sorted = mem_copy(map->y.keys, map->y.n * sizeof(struct ynode *));
    qsort(sorted, map->y.n, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < map->y.n; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            return yread_fail(b->y, sorted[i], b->e, "duplicate key \"%s\", first at line %u", SHOWN(sorted[i]->text), sorted[i - 1]->line);
    return true;
}

/* ---- events ---- */

static bool remember_anchor(struct build *b, struct node *n, yaml_mark_t mark)
{
    if (n->anchor == NULL)
        return true;
    if (b->n_anchors == LIMIT_YAML_ANCHORS)
        return fail_at(b, mark, "more than %d anchors", LIMIT_YAML_ANCHORS);
    MEM_PUSH(b->anchors, b->n_anchors, b->cap_anchors) = n;
    return true;
}

/* "!!str" and the bare "!" say that a scalar is text; maps and lists may be called what they are. */
static bool check_tag(const struct build *b, const yaml_event_t *event, const yaml_char_t *tag, const char *own, bool *is_text)
{
    *is_text = false;
    if (tag == NULL)
        return true;
    const char *text = (const char *)tag;
    *is_text = strcmp(text, "!") == 0 || strcmp(text, YAML_STR_TAG) == 0;
    if (strcmp(text, "!") == 0 || strcmp(text, own) == 0)
        return true;
    return fail_at(b, event->start_mark, "tag %s is not supported", SHOWN(text));
}

static bool on_scalar(struct build *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    bool is_text;
    if (!check_tag(b, event, event->data.scalar.tag, YAML_STR_TAG, &is_text) || !spend(b, 1, event->start_mark))
        return false;
    if (memchr(text, '\0', n) != NULL)
        return fail_at(b, event->start_mark, "NUL in a text");
    struct node *s = new_node(b, YNODE_SCALAR, event->start_mark);
    s->y.text = mem_text_n(text, n);
    s->y.is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_text;
    s->anchor = mem_text((const char *)event->data.scalar.anchor);
    return remember_anchor(b, s, event->start_mark) && place(b, s, event->start_mark);
}

static bool open_container(struct build *b, const yaml_event_t *event, enum ynode_kind kind, const yaml_char_t *anchor)
{
    if (b->depth == LIMIT_YAML_DEPTH)
        return fail_at(b, event->start_mark, "nesting deeper than %d", LIMIT_YAML_DEPTH);
    if (!spend(b, 1, event->start_mark))
        return false;
    struct node *n = new_node(b, kind, event->start_mark);
    n->anchor = mem_text((const char *)anchor);
    b->levels[b->depth++] = (struct level){ .container = n };
    return true;
}

static bool on_list(struct build *b, const yaml_event_t *event)
{
    bool is_text;
    return check_tag(b, event, event->data.sequence_start.tag, YAML_SEQ_TAG, &is_text) &&
           open_container(b, event, YNODE_LIST, event->data.sequence_start.anchor);
}

static bool on_map(struct build *b, const yaml_event_t *event)
{
    bool is_text;
    return check_tag(b, event, event->data.mapping_start.tag, YAML_MAP_TAG, &is_text) &&
           open_container(b, event, YNODE_MAP, event->data.mapping_start.anchor);
}

static bool on_end(struct build *b, const yaml_event_t *event)
{
    struct node *n = b->levels[--b->depth].container;
    yaml_mark_t mark = { .line = n->y.line - 1, .column = n->y.column - 1 };
    if (n->y.kind == YNODE_MAP && (!check_keys(b, n) || !merge(b, n, mark)))
        return false;
    return remember_anchor(b, n, mark) && place(b, n, event->start_mark);
}

/* The newest node of that name: an anchor may be set again. */
static bool on_alias(struct build *b, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = b->n_anchors; i > 0; i--) {
        struct node *n = b->anchors[i - 1];
        if (strcmp(n->anchor, name) != 0)
            continue;
        if (n->height > LIMIT_YAML_DEPTH - b->depth)
            return fail_at(b, event->start_mark, "nesting deeper than %d", LIMIT_YAML_DEPTH);
        return spend(b, n->weight, event->start_mark) && place(b, n, event->start_mark);
    }
    return fail_at(b, event->start_mark, "alias *%s refers to nothing before it", SHOWN(name));
}

static bool on_document(struct build *b, const yaml_event_t *event)
{
    return b->y->root == NULL || fail_at(b, event->start_mark, "a second document, expected one");
}

static bool on_event(struct build *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_list(b, event);
    case YAML_MAPPING_START_EVENT:
        return on_map(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(b, event);
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, event);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

static bool fail_of_parser(const struct build *b)
{
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem == NULL ? "malformed" : p->problem;
    if (p->error == YAML_READER_ERROR)
        return err_set(b->e, ERR_CONFIG, "%s: byte %zu: %s", b->y->name, p->problem_offset, problem);
    return fail_at(b, p->problem_mark, "%s%s%s", problem, p->context == NULL ? "" : ", ", p->context == NULL ? "" : p->context);
}

static bool run(struct build *b)
{
    for (;;) {
        yaml_event_t event;
        if (yaml_parser_parse(&b->parser, &event) != 1)
            return fail_of_parser(b);
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        bool ok = on_event(b, &event);
        yaml_event_delete(&event);
        if (!ok || is_end)
            return ok;
    }
}

static size_t count(const char *text, size_t n, const char *word)
{
    size_t found = 0;
    size_t len = strlen(word);
    for (const char *p = text; n > 0 && (p = memmem(p, n - (size_t)(p - text), word, len)) != NULL; p += len)
        found++;
    return found;
}

static bool check_text(const char *text, size_t n, const char *what, struct err *e)
{
    if (n > LIMIT_CONFIG_FILE_BYTES)
        return err_set(e, ERR_CONFIG, "%s: %zu bytes, at most %llu", what, n, (unsigned long long)LIMIT_CONFIG_FILE_BYTES);
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return err_set(e, ERR_CONFIG, "%s:1:1: byte order mark, expected plain UTF-8", what);
    if (!text_is_utf8(text, n))
        return err_set(e, ERR_CONFIG, "%s: not UTF-8", what);
    if (count(text, n, "%TAG") > LIMIT_YAML_TAG_DIRECTIVES)
        return err_set(e, ERR_CONFIG, "%s: more than %d %%TAG directives", what, LIMIT_YAML_TAG_DIRECTIVES);
    return true;
}

static bool parse(struct yread *y, const char *text, size_t n, enum yread_mode mode, struct err *e)
{
    struct build *b = mem_new(sizeof *b);
    b->y = y;
    b->mode = mode;
    b->e = e;
    BUG_IF(yaml_parser_initialize(&b->parser) != 1);
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, n);
    bool ok = run(b);
    yaml_parser_delete(&b->parser);
    mem_free(b->anchors);
    mem_free(b);
    return ok && (y->root != NULL || err_set(e, ERR_CONFIG, "%s:1:1: the file is empty", y->name));
}

/* ---- the interface ---- */

struct yread *yread_open(const char *text, size_t n, const char *what, enum yread_mode mode, struct err *e)
{
    AUTO(yread_free_auto) struct yread *y = mem_new(sizeof *y);
    y->name = mem_text(what);
    if (!check_text(text, n, what, e) || !parse(y, text, n, mode, e))
        return NULL;
    return TAKE(y);
}

const struct ynode *yread_root(const struct yread *y)
{
    return &y->root->y;
}

const char *yread_name(const struct yread *y)
{
    return y->name;
}

void yread_free(struct yread *y)
{
    if (y == NULL)
        return;
    free_nodes(y->all);
    mem_free(y->name);
    mem_free(y);
}

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    if (map == NULL || map->kind != YNODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

bool ynode_is_null(const struct ynode *n)
{
    return n != NULL && n->kind == YNODE_SCALAR && n->is_plain &&
           (n->text[0] == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}
