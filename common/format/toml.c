/* By hand, in one pass: lines are tables, arrays of tables or pairs; values nest. */
#include "format/toml.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/toml_parts.h"

#include "base/banned.h"

enum { DEPTH_MAX = 16, VALUES_MAX = 20000, KEYS_MAX = 2000 /* of one table: each is compared with all others */, KEY_BYTES = 512 };

struct entry { /* beside the public value */
    struct toml_value value;
    size_t cap_items, cap_keys;
    bool is_closed;   /* written as a value, so that no header adds to it */
    bool has_header;  /* [it] stood there */
    bool is_of_tables; /* an array that [[it]] makes */
};

struct toml {
    struct entry *root;
};

struct reader {
    struct toml_scan scan;
    size_t n_values;
    unsigned depth;
};

static struct entry *entry_of(const struct toml_value *v)
{
    return (struct entry *)(uintptr_t)v;
}

/* ---- values ---- */

static struct entry *new_value(struct reader *r, enum toml_kind kind)
{
    struct entry *v = mem_new(sizeof *v);
    r->n_values++;
    v->value.kind = kind;
    v->value.line = r->scan.line;
    return v;
}

static void free_value(struct toml_value *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n; i++) {
        free_value(v->items[i]);
        if (v->keys != NULL)
            mem_free(v->keys[i]);
    }
    mem_free(v->items);
    mem_free(v->keys);
    mem_free(v->text);
    mem_free(v);
}

static void push_item(struct entry *to, struct entry *item)
{
    MEM_PUSH(to->value.items, to->value.n, to->cap_items) = &item->value;
}

static void push_pair(struct entry *to, const char *key, struct entry *item)
{
    size_t n = to->value.n;
    MEM_PUSH(to->value.keys, n, to->cap_keys) = mem_text(key);
    push_item(to, item);
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
    for (size_t i = 0; table != NULL && table->kind == TOML_TABLE && i < table->n; i++)
        if (text_is(table->keys[i], key))
            return table->items[i];
    return NULL;
}

/* The table below a key, made where there is none; of an array of tables its last one. */
static struct entry *descend(struct reader *r, struct entry *table, const char *key)
{
    const struct toml_value *found = toml_get(&table->value, key);
    if (found == NULL) {
        if (table->value.n >= KEYS_MAX) {
            toml_refuse(&r->scan, "a table has too many keys");
            return NULL;
        }
        struct entry *made = new_value(r, TOML_TABLE);
        push_pair(table, key, made);
        return made;
    }
    if (found->kind == TOML_ARRAY && entry_of(found)->is_of_tables)
        found = found->items[found->n - 1];
    if (found->kind == TOML_TABLE && !entry_of(found)->is_closed)
        return entry_of(found);
    toml_refuse(&r->scan, "a key is given twice, or is no table");
    return NULL;
}

/* All but the last part of a dotted key; the last one is in *key. */
static struct entry *walk(struct reader *r, struct entry *from, struct buf *key)
{
    unsigned parts = 1;
    if (!toml_read_key(&r->scan, key))
        return NULL;
    while (from != NULL && toml_take(&r->scan, '.')) {
        if (++parts > DEPTH_MAX) {
            toml_refuse(&r->scan, "a key has too many parts");
            return NULL;
        }
        from = descend(r, from, buf_text(key));
        if (from != NULL && !toml_read_key(&r->scan, key))
            return NULL;
    }
    return from;
}

/* ---- pairs and values ---- */

static struct entry *read_value(struct reader *r);

static bool read_pair(struct reader *r, struct entry *table)
{
    AUTO(buf_clear_auto) struct buf key = BUF_LIMIT(KEY_BYTES);
    struct entry *in = walk(r, table, &key);
    if (in == NULL)
        return false;
    if (!toml_take(&r->scan, '='))
        return toml_refuse(&r->scan, "expected =");
    if (toml_get(&in->value, buf_text(&key)) != NULL)
        return toml_refuse(&r->scan, "a key is given twice");
    if (in->value.n >= KEYS_MAX)
        return toml_refuse(&r->scan, "a table has too many keys");
    struct entry *value = read_value(r);
    if (value != NULL)
        push_pair(in, buf_text(&key), value);
    return value != NULL;
}

static bool read_items(struct reader *r, struct entry *array)
{
    for (toml_skip_lines(&r->scan); !toml_take(&r->scan, ']'); toml_skip_lines(&r->scan)) {
        struct entry *item = read_value(r);
        if (item == NULL)
            return false;
        push_item(array, item);
        toml_skip_lines(&r->scan);
        if (!toml_take(&r->scan, ',') && !toml_is_at(&r->scan, ']'))
            return toml_refuse(&r->scan, "expected , or ] in an array");
    }
    return true;
}

static bool read_pairs(struct reader *r, struct entry *table)
{
    toml_skip_blanks(&r->scan);
    if (toml_take(&r->scan, '}'))
        return true;
    do {
        if (!read_pair(r, table))
            return false;
        toml_skip_blanks(&r->scan);
    } while (toml_take(&r->scan, ','));
    return toml_take(&r->scan, '}') || toml_refuse(&r->scan, "expected , or } in an inline table");
}

/* true, false, and what is neither quoted nor nested: a number or a date. */
static bool read_word(struct reader *r, struct entry *v)
{
    AUTO(buf_clear_auto) struct buf word = BUF_LIMIT(64);
    for (; r->scan.at < r->scan.end && (toml_is_bare(*r->scan.at) || *r->scan.at == '+' || *r->scan.at == '.' || *r->scan.at == ':'); r->scan.at++)
        buf_addc(&word, *r->scan.at);
    const char *text = buf_text(&word);
    v->value.yes = text_is(text, "true");
    v->value.kind = v->value.yes || text_is(text, "false") ? TOML_BOOL : TOML_WORD;
    v->value.text = mem_text(text);
    bool is_number = text[0] != '\0' && (strchr("+-0123456789", text[0]) != NULL || text_is(text, "inf") || text_is(text, "nan"));
    return v->value.kind == TOML_BOOL || (is_number && !word.over) || toml_refuse(&r->scan, "expected a value: a text in quotes, true, false, a number, a list");
}

static bool read_text(struct reader *r, struct entry *v, char quote)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (!toml_read_string(&r->scan, quote, &text))
        return false;
    v->value.text = buf_take(&text);
    return true;
}

static struct entry *read_value(struct reader *r)
{
    toml_skip_blanks(&r->scan);
    if (r->depth >= DEPTH_MAX || r->n_values >= VALUES_MAX) {
        toml_refuse(&r->scan, "values are nested too deep, or too many");
        return NULL;
    }
    char c = r->scan.at < r->scan.end ? *r->scan.at : '\0';
    enum toml_kind kind = c == '[' ? TOML_ARRAY : c == '{' ? TOML_TABLE : TOML_TEXT;
    struct entry *v = new_value(r, kind);
    bool ok;
    r->depth++;
    r->scan.at += c == '[' || c == '{' || c == '"' || c == '\'';
    if (kind == TOML_ARRAY)
        ok = read_items(r, v);
    else if (kind == TOML_TABLE)
        ok = read_pairs(r, v);
    else
        ok = c == '"' || c == '\'' ? read_text(r, v, c) : read_word(r, v);
    r->depth--;
    v->is_closed = true;
    if (ok)
        return v;
    free_value(&v->value);
    return NULL;
}

/* ---- headers ---- */

static struct entry *add_of_tables(struct reader *r, struct entry *in, const char *key)
{
    const struct toml_value *found = toml_get(&in->value, key);
    if (found == NULL) {
        struct entry *array = new_value(r, TOML_ARRAY);
        array->is_of_tables = true;
        push_pair(in, key, array);
        found = &array->value;
    }
    if (found->kind != TOML_ARRAY || !entry_of(found)->is_of_tables) {
        toml_refuse(&r->scan, "a key is given twice, once as [[...]] and once otherwise");
        return NULL;
    }
    struct entry *table = new_value(r, TOML_TABLE);
    push_item(entry_of(found), table);
    return table;
}

static struct entry *open_table(struct reader *r, struct entry *in, const char *key)
{
    const struct toml_value *there = toml_get(&in->value, key);
    struct entry *table = there != NULL && there->kind == TOML_ARRAY ? NULL : descend(r, in, key);
    if (table == NULL || table->has_header) {
        toml_refuse(&r->scan, "a table is given twice");
        return NULL;
    }
    table->has_header = true;
    return table;
}

/* "[a.b]" or "[[a.b]]": the table that the lines below belong to. */
static struct entry *read_header(struct reader *r, struct entry *root)
{
    AUTO(buf_clear_auto) struct buf key = BUF_LIMIT(KEY_BYTES);
    bool is_of_tables = toml_take(&r->scan, '[') && toml_take(&r->scan, '[');
    struct entry *in = walk(r, root, &key);
    if (in == NULL)
        return NULL;
    if (!toml_take(&r->scan, ']') || (is_of_tables && !toml_take(&r->scan, ']'))) {
        toml_refuse(&r->scan, "expected ] behind the name of a table");
        return NULL;
    }
    struct entry *table = is_of_tables ? add_of_tables(r, in, buf_text(&key)) : open_table(r, in, buf_text(&key));
    return table != NULL && r->scan.e->code == ERR_NONE && toml_end_line(&r->scan) ? table : NULL;
}

static bool read_lines(struct reader *r, struct entry *root)
{
    struct entry *table = root;
    for (toml_skip_lines(&r->scan); r->scan.at < r->scan.end; toml_skip_lines(&r->scan)) {
        if (r->n_values >= VALUES_MAX)
            return toml_refuse(&r->scan, "too many values");
        if (toml_is_at(&r->scan, '['))
            table = read_header(r, root);
        else if (!read_pair(r, table) || !toml_end_line(&r->scan))
            return false;
        if (table == NULL)
            return false;
    }
    return true;
}

struct toml *toml_open(const char *text, size_t n, const char *what, struct err *e)
{
    if (n > LIMIT_CONFIG_FILE_BYTES || memchr(text, '\0', n) != NULL || !text_is_utf8(text, n)) {
        err_set(e, ERR_CONFIG, "%s: expected at most %ju bytes of text in UTF-8", SHOWN(what), (uintmax_t)LIMIT_CONFIG_FILE_BYTES);
        return NULL;
    }
    struct reader r = { .scan = { .at = text, .end = text + n, .line = 1, .what = what, .e = e } };
    AUTO(toml_free_auto) struct toml *t = mem_new(sizeof *t);
    t->root = new_value(&r, TOML_TABLE);
    return read_lines(&r, t->root) ? TAKE(t) : NULL;
}

void toml_free(struct toml *t)
{
    free_value(&t->root->value);
    mem_free(t);
}

const struct toml_value *toml_root(const struct toml *t)
{
    return &t->root->value;
}
