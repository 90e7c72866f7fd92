/* The JSON door. The text is scanned first (jscan.c), then cJSON builds its tree, then one flat table of values is laid over
 * it: the children of a value stand side by side, so the i-th item costs nothing, a path can be told from the parents, and
 * each value remembers whether it was read. cJSON's list walks (linear per item) and its numbers (double, locale) decide
 * nothing. */
#include "format/jread.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jscan.h"

#include "base/banned.h"

enum { PATH_SHOWN_BYTES = 320, ASKED_MAX = 24, ASKED_BYTES = 32, FOUND_BYTES = TEXT_SHOWN_BYTES + 2 };

struct value {
    cJSON *at;
    uint32_t parent;
    uint32_t first; /* child */
    uint32_t n;     /* children */
    bool is_consumed;
    bool is_odd; /* a number that is not whole, signed or too large */
};

struct jread {
    char *what;
    enum jread_mode mode;
    struct err err;
    cJSON *tree;
    size_t n;
    size_t cap;
    struct value *values; /* [0] is the root */
    /* Keys that were asked for and not there, of one object: an unknown key may be one of them, misspelt. */
    uint32_t asked_of;
    size_t n_asked;
    char asked[ASKED_MAX][ASKED_BYTES];
};

static const struct jnode no_node;

static int type_of(const struct value *v)
{
    return v->at->type & 0xFF;
}

/* ---- where and what, for messages ---- */

static void add_step(struct buf *b, const struct jread *r, uint32_t i)
{
    const struct value *parent = &r->values[r->values[i].parent];
    if (type_of(parent) == cJSON_Array)
        buf_addf(b, "[%u]", (unsigned)(i - parent->first));
    else
        buf_addf(b, "%s%s", b->len > 0 ? "." : "", SHOWN(r->values[i].at->string));
}

static void add_path(struct buf *b, const struct jread *r, uint32_t i)
{
    uint32_t chain[LIMIT_JSON_DEPTH + 1];
    size_t n = 0;
    for (; i != 0; i = r->values[i].parent)
        chain[n++] = i;
    while (n > 0)
        add_step(b, r, chain[--n]);
}

void jread_fail(struct jnode o, const char *key, const char *fmt, ...)
{
    struct jread *r = o.doc;
    if (r == NULL || r->err.code != ERR_NONE)
        return;
    AUTO(buf_clear_auto) struct buf path = BUF_LIMIT(PATH_SHOWN_BYTES);
    char why[sizeof r->err.msg];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (o.at != NULL)
        add_path(&path, r, o.path);
    if (key != NULL)
        buf_addf(&path, "%s%s", path.len > 0 ? "." : "", SHOWN(key));
    err_set(&r->err, ERR_FORMAT, "%s: %s%s%s", r->what, buf_text(&path), path.len > 0 ? ": " : "", why);
}

static const char *describe(char out[FOUND_BYTES], const struct value *v)
{
    switch (type_of(v)) {
    case cJSON_String:
        snprintf(out, FOUND_BYTES, "\"%s\"", SHOWN(v->at->valuestring));
        return out;
    case cJSON_Number:
        snprintf(out, FOUND_BYTES, "%.17g", v->at->valuedouble);
        return out;
    case cJSON_Object:
        return "an object";
    case cJSON_Array:
        return "an array";
    case cJSON_NULL:
        return "null";
    default:
        return type_of(v) == cJSON_True ? "true" : "false";
    }
}

static void wrong(struct jnode o, const char *key, const struct value *v, const char *wanted)
{
    char found[FOUND_BYTES];
    jread_fail(o, key, "expected %s, found %s", wanted, describe(found, v));
}

/* ---- opening ---- */

struct odd_cursor {
    const struct jscan *scan;
    size_t n_numbers; /* met so far, in the order of the text */
    size_t next;
};

static bool is_next_odd(struct odd_cursor *c)
{
    size_t which = c->n_numbers++;
    if (c->next == c->scan->n_odd || c->scan->odd[c->next] != which)
        return false;
    c->next++;
    return true;
}

/* Lays the children of value i side by side, then those of each child. Depth was limited by the scanner. False when there
 * are more values than the scanner saw. */
static bool index_children(struct jread *r, uint32_t i, struct odd_cursor *odd)
{
    uint32_t first = (uint32_t)r->n;
    for (cJSON *child = r->values[i].at->child; child != NULL; child = child->next) {
        if (r->n == r->cap)
            return false;
        r->values[r->n++] = (struct value){ .at = child, .parent = i };
    }
    r->values[i].first = first;
    r->values[i].n = (uint32_t)r->n - first;
    for (uint32_t c = first; c < first + r->values[i].n; c++) {
        if (type_of(&r->values[c]) == cJSON_Number)
            r->values[c].is_odd = is_next_odd(odd);
        else if (!index_children(r, c, odd))
            return false;
    }
    return true;
}

static bool build(struct jread *r, const char *text, size_t n, const struct jscan *scan, struct err *e)
{
    struct odd_cursor odd = { .scan = scan };
    r->tree = cJSON_ParseWithLength(text, n);
    r->cap = scan->n_values;
    r->values = mem_new_array(r->cap, sizeof *r->values);
    r->values[r->n++] = (struct value){ .at = r->tree };
    if (r->tree == NULL || r->cap == 0)
        return err_set(e, ERR_FORMAT, "%s: the JSON library gave up", r->what);
    if (type_of(&r->values[0]) == cJSON_Number)
        r->values[0].is_odd = is_next_odd(&odd);
    if (!index_children(r, 0, &odd) || r->n != r->cap)
        return err_set(e, ERR_FORMAT, "%s: two readers disagree about the number of values", r->what);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

/* Sorting keeps this fast for an object of a hundred thousand keys. Keys are compared as they will be read: unescaped. */
static void refuse_duplicates(struct jread *r, uint32_t i, const char **keys)
{
    const struct value *v = &r->values[i];
    for (uint32_t c = 0; c < v->n; c++)
        keys[c] = r->values[v->first + c].at->string;
    qsort(keys, v->n, sizeof *keys, compare_keys);
    for (uint32_t c = 1; c < v->n; c++)
        if (strcmp(keys[c - 1], keys[c]) == 0) {
            const struct jnode where = { r, v->at, i };
            jread_fail(where, NULL, "duplicate key \"%s\"", SHOWN(keys[c]));
        }
}

static bool check_keys(struct jread *r, struct err *e)
{
    AUTO(mem_auto) const char **keys = mem_new_array(r->n, sizeof *keys);
    for (uint32_t i = 0; i < r->n && r->err.code == ERR_NONE; i++)
        if (type_of(&r->values[i]) == cJSON_Object && r->values[i].n > 1)
            refuse_duplicates(r, i, keys);
    return jread_done(r, e);
}

struct jread *jread_open(const char *text, size_t n, const char *what, enum jread_mode mode, struct err *e)
{
    struct jscan scan = { 0 };
    AUTO(jread_free_auto) struct jread *r = mem_new(sizeof *r);
    r->what = mem_text(what);
    r->mode = mode;
    bool ok = jscan_text(&scan, text, n, what, mode, e) && build(r, text, n, &scan, e) && check_keys(r, e);
    jscan_clear(&scan);
    return ok ? TAKE(r) : NULL;
}

void jread_free(struct jread *r)
{
    if (r == NULL)
        return;
    cJSON_Delete(r->tree);
    mem_free(r->values);
    mem_free(r->what);
    mem_free(r);
}

struct jnode jread_root(struct jread *r)
{
    return r == NULL ? no_node : (struct jnode){ r, r->tree, 0 };
}

bool jread_done(struct jread *r, struct err *e)
{
    if (r == NULL) /* was not opened: that failure is in e */
        return false;
    if (r->err.code == ERR_NONE)
        return true;
    err_set(e, r->err.code, "%s", r->err.msg);
    if (r->err.hint[0] != '\0')
        err_hint(e, "%s", r->err.hint);
    return false;
}

/* ---- finding ---- */

static bool is_usable(struct jnode o)
{
    return o.doc != NULL && o.at != NULL && o.doc->err.code == ERR_NONE;
}

static struct jnode node_of(struct jread *r, const struct value *v)
{
    return (struct jnode){ r, v->at, (uint32_t)(v - r->values) };
}

static struct value *container(struct jnode o, int type, const char *wanted)
{
    if (!is_usable(o))
        return NULL;
    struct value *v = &o.doc->values[o.path];
    if (type_of(v) == type)
        return v;
    wrong(o, NULL, v, wanted);
    return NULL;
}

static void remember_asked(struct jread *r, uint32_t of, const char *key)
{
    if (r->asked_of != of)
        r->n_asked = 0;
    r->asked_of = of;
    if (r->n_asked < ASKED_MAX && text_copy(r->asked[r->n_asked], ASKED_BYTES, key))
        r->n_asked++;
}

/* The value of a key, or null: not there, or the cursor has failed. */
static struct value *find(struct jnode o, const char *key)
{
    struct value *object = container(o, cJSON_Object, "an object");
    for (uint32_t i = 0; object != NULL && i < object->n; i++) {
        struct value *v = &o.doc->values[object->first + i];
        if (strcmp(v->at->string, key) == 0)
            return v;
    }
    if (object != NULL)
        remember_asked(o.doc, o.path, key);
    return NULL;
}

/* The value of a key that must be there, of a type, now consumed; or null and the cursor has failed. */
static struct value *need(struct jnode o, const char *key, int type, const char *wanted)
{
    struct value *v = find(o, key);
    if (v == NULL) {
        if (is_usable(o))
            jread_fail(o, key, "missing, expected %s", wanted);
        return NULL;
    }
    v->is_consumed = true;
    if ((type_of(v) & type) != 0)
        return v;
    wrong(o, key, v, wanted);
    return NULL;
}

static struct value *child_at(struct jnode o, int type, const char *wanted, size_t i)
{
    struct value *parent = container(o, type, wanted);
    if (parent == NULL)
        return NULL;
    BUG_IF(i >= parent->n);
    struct value *v = &o.doc->values[parent->first + i];
    v->is_consumed = true;
    return v;
}

/* ---- reading by key ---- */

void jread_str(struct jnode o, const char *key, char *out, size_t size)
{
    out[0] = '\0';
    const struct value *v = need(o, key, cJSON_String, "text");
    if (v != NULL && !text_copy(out, size, v->at->valuestring))
        jread_fail(o, key, "%zu bytes, at most %zu", strlen(v->at->valuestring), size - 1);
}

/* A copy of a text value; empty when there is none or it is too long. */
static char *text_of(struct jnode o, const char *key, const struct value *v, size_t max_bytes)
{
    if (v == NULL)
        return mem_text("");
    size_t n = strlen(v->at->valuestring);
    if (n <= max_bytes)
        return mem_copy(v->at->valuestring, n + 1);
    jread_fail(o, key, "%zu bytes, at most %zu", n, max_bytes);
    return mem_text("");
}

char *jread_text(struct jnode o, const char *key, size_t max_bytes)
{
    return text_of(o, key, need(o, key, cJSON_String, "text"), max_bytes);
}

void jread_u64(struct jnode o, const char *key, uint64_t max, uint64_t *out)
{
    char wanted[64];
    char found[FOUND_BYTES];
    *out = 0;
    snprintf(wanted, sizeof wanted, "a whole number up to %" PRIu64, max < LIMIT_JSON_NUMBER ? max : LIMIT_JSON_NUMBER);
    const struct value *v = need(o, key, cJSON_Number, wanted);
    if (v == NULL)
        return;
    if (!v->is_odd && (uint64_t)v->at->valuedouble <= max)
        *out = (uint64_t)v->at->valuedouble;
    else
        jread_fail(o, key, "expected %s, found %s", wanted, describe(found, v));
}

void jread_bool(struct jnode o, const char *key, bool *out)
{
    const struct value *v = need(o, key, cJSON_True | cJSON_False, "true or false");
    *out = v != NULL && type_of(v) == cJSON_True;
}

/* A digest's own message is about the text; the path comes from here. */
static void digest_of(struct jnode o, const char *key, const struct value *v, bool is_hex, struct digest *out)
{
    struct err why = { 0 };
    *out = (struct digest){ { 0 } };
    if (v == NULL)
        return;
    if (is_hex ? digest_parse_hex(out, v->at->valuestring, "", &why) : digest_parse(out, v->at->valuestring, "", &why))
        return;
    jread_fail(o, key, "%s", why.msg + strlen(": "));
}

void jread_digest(struct jnode o, const char *key, struct digest *out)
{
    digest_of(o, key, need(o, key, cJSON_String, "a digest"), false, out);
}

void jread_digest_hex(struct jnode o, const char *key, struct digest *out)
{
    digest_of(o, key, need(o, key, cJSON_String, "64 hex digits"), true, out);
}

struct jnode jread_object(struct jnode o, const char *key)
{
    const struct value *v = need(o, key, cJSON_Object, "an object");
    struct jnode none = { .doc = o.doc };
    return v == NULL ? none : node_of(o.doc, v);
}

size_t jread_array(struct jnode o, const char *key, size_t max_items, struct jnode *out)
{
    *out = (struct jnode){ .doc = o.doc };
    const struct value *v = need(o, key, cJSON_Array, "an array");
    if (v == NULL)
        return 0;
    if (v->n > max_items) {
        jread_fail(o, key, "%u items, at most %zu", (unsigned)v->n, max_items);
        return 0;
    }
    *out = node_of(o.doc, v);
    return v->n;
}

bool jread_has(struct jnode o, const char *key)
{
    const struct value *v = find(o, key);
    return v != NULL && type_of(v) != cJSON_NULL;
}

bool jread_is_null(struct jnode o, const char *key)
{
    struct value *v = find(o, key);
    if (v == NULL || type_of(v) != cJSON_NULL)
        return false;
    v->is_consumed = true;
    return true;
}

bool jread_is_text(struct jnode o, const char *key)
{
    const struct value *v = find(o, key);
    return v != NULL && type_of(v) == cJSON_String;
}

bool jread_is_negative(struct jnode o, const char *key)
{
    const struct value *v = find(o, key);
    return v != NULL && type_of(v) == cJSON_Number && v->at->valuedouble < 0;
}

void jread_skip(struct jnode o, const char *key)
{
    struct value *v = find(o, key);
    if (v != NULL)
        v->is_consumed = true;
}

/* ---- items and members ---- */

size_t jread_count(struct jnode array)
{
    const struct value *v = container(array, cJSON_Array, "an array");
    return v == NULL ? 0 : v->n;
}

struct jnode jread_item(struct jnode array, size_t i)
{
    const struct value *v = child_at(array, cJSON_Array, "an array", i);
    struct jnode none = { .doc = array.doc };
    return v == NULL ? none : node_of(array.doc, v);
}

static const struct value *text_child(struct jnode o, int type, const char *wanted, size_t i)
{
    const struct value *v = child_at(o, type, wanted, i);
    if (v == NULL || type_of(v) == cJSON_String)
        return v;
    wrong(node_of(o.doc, v), NULL, v, "text");
    return NULL;
}

char *jread_item_text(struct jnode array, size_t i, size_t max_bytes)
{
    const struct value *v = text_child(array, cJSON_Array, "an array", i);
    return text_of(v == NULL ? array : node_of(array.doc, v), NULL, v, max_bytes);
}

void jread_item_digest(struct jnode array, size_t i, struct digest *out)
{
    const struct value *v = text_child(array, cJSON_Array, "an array", i);
    digest_of(v == NULL ? array : node_of(array.doc, v), NULL, v, false, out);
}

size_t jread_members(struct jnode object)
{
    const struct value *v = container(object, cJSON_Object, "an object");
    return v == NULL ? 0 : v->n;
}

const char *jread_member_key(struct jnode object, size_t i)
{
    const struct value *v = container(object, cJSON_Object, "an object");
    if (v == NULL)
        return "";
    BUG_IF(i >= v->n);
    return object.doc->values[v->first + i].at->string;
}

struct jnode jread_member(struct jnode object, size_t i)
{
    const struct value *v = child_at(object, cJSON_Object, "an object", i);
    const struct jnode none = { .doc = object.doc };
    return v == NULL ? none : node_of(object.doc, v);
}

char *jread_member_text(struct jnode object, size_t i, size_t max_bytes)
{
    const struct value *v = text_child(object, cJSON_Object, "an object", i);
    return text_of(v == NULL ? object : node_of(object.doc, v), NULL, v, max_bytes);
}

/* ---- the end ---- */

static void refuse_extra(struct jnode object, const struct value *extra)
{
    struct jread *r = object.doc;
    const char *names[ASKED_MAX];
    const char *key = extra->at->string;
    size_t n = r->asked_of == object.path ? r->n_asked : 0;
    for (size_t i = 0; i < n; i++)
        names[i] = r->asked[i];
    if (type_of(extra) == cJSON_NULL) /* may well be known, but then as something else */
        jread_fail(object, key, "null is not expected here");
    else
        jread_fail(object, NULL, "unknown key \"%s\"", SHOWN(key));
    const char *nearest = text_nearest(key, names, n);
    if (nearest != NULL)
        err_hint(&r->err, "did you mean \"%s\"?", nearest);
}

void jread_end(struct jnode object, enum jread_extra extra)
{
    const struct value *v = container(object, cJSON_Object, "an object");
    for (uint32_t i = 0; v != NULL && extra == JREAD_NO_EXTRA && i < v->n; i++) {
        const struct value *child = &object.doc->values[v->first + i];
        if (!child->is_consumed) {
            refuse_extra(object, child);
            return;
        }
    }
}
