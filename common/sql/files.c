/* Names, headers and order of migration files. */
#include "sql/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sql/header.h"

#include "base/banned.h"

enum { ORDER_DIGITS = 4 };

/* --- names --------------------------------------------------------------------------------------------------------- */

static bool is_plain(const char *p, size_t n)
{
    bool ok = n > 0 && p[0] != '-';
    for (size_t i = 0; i < n; i++)
        ok = ok && ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '_' ||
                    p[i] == '-');
    return ok;
}

static bool wrong_name(const struct sql_file *f, const char *name, struct err *e)
{
    err_set(e, ERR_CONFIG, "%s: not a name for a %s file", SHOWN(name), f->kind == SQL_ORDINARY ? "migration" : "bootstrap");
    if (f->kind == SQL_ORDINARY)
        return err_hint(e, "name it NNNN_name.sql or NNNN_name.down.sql, with letters, digits, _ and -; like 0001_init.sql");
    return err_hint(e, "name it name.sql, with letters, digits, _ and -");
}

static bool read_order(struct sql_file *f, const char *name, size_t *prefix)
{
    uint64_t order = 0;
    *prefix = ORDER_DIGITS + 1;
    if (strlen(name) <= *prefix || name[ORDER_DIGITS] != '_')
        return false;
    for (size_t i = 0; i < ORDER_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        order = order * 10 + (uint64_t)(name[i] - '0');
    }
    f->order = (unsigned)order;
    return true;
}

static bool read_name(struct sql_file *f, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t prefix = 0;
    if (!text_ends(name, ".sql") || !text_copy(f->name, sizeof f->name, name))
        return wrong_name(f, name, e);
    if (f->kind == SQL_ORDINARY && !read_order(f, name, &prefix))
        return wrong_name(f, name, e);
    f->is_down = f->kind == SQL_ORDINARY && text_ends(name, ".down.sql");
    size_t suffix = strlen(f->is_down ? ".down.sql" : ".sql");
    size_t n = strlen(name);
    if (n < prefix + suffix || !is_plain(name + prefix, n - prefix - suffix))
        return wrong_name(f, name, e);
    return true;
}

/* --- one file ------------------------------------------------------------------------------------------------------ */

static bool read_headers(struct sql_file *f, const struct sql_split *split, struct err *e)
{
    struct sql_header h = { 0 };
    for (size_t i = 0; i < split->n_headers; i++) {
        const struct sql_header_line *l = &split->headers[i];
        if (!sql_header_read(&h, f->text + l->at, l->n, f->name, l->line, e))
            return false;
    }
    f->timeout_ms = h.timeout_ms;
    f->lock_timeout_ms = h.lock_timeout_ms;
    return true;
}

/* The header is looked at even when a statement is refused: "not in this version: mode "single"" explains the refusal better. */
static bool read_text(struct sql_file *f, struct err *e)
{
    AUTO(sql_split_clear_auto) struct sql_split split = { 0 };
    struct err refused = { 0 };
    bool ok = sql_split_read(&split, f->kind, f->text, f->n, f->name, &refused);
    if (!read_headers(f, &split, e))
        return false;
    if (!ok) {
        *e = refused;
        return false;
    }
    f->n_statements = split.n_statements;
    f->statements = TAKE(split.statements);
    return true;
}

bool sql_file_read(struct sql_file *out, enum sql_kind kind, const char *name, const void *bytes, size_t n, struct err *e)
{
    *out = (struct sql_file){ .kind = kind, .text = bytes, .n = n };
    if (!read_name(out, name, e) || !read_text(out, e))
        return false;
    sha256_of(&out->sha256, bytes, n);
    return true;
}

void sql_file_clear(struct sql_file *f)
{
    mem_free(f->statements);
    *f = (struct sql_file){ 0 };
}

void sql_file_clear_auto(struct sql_file *f)
{
    sql_file_clear(f);
}

/* --- a set --------------------------------------------------------------------------------------------------------- */

bool sql_set_add(struct sql_set *s, enum sql_kind kind, const char *name, const void *bytes, size_t n, struct err *e)
{
    AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
    if (s->n == LIMIT_SQL_FILES)
        return err_set(e, ERR_CONFIG, "more than %d SQL files", LIMIT_SQL_FILES);
    if (!sql_file_read(&f, kind, name, bytes, n, e))
        return false;
    MEM_PUSH(s->files, s->n, s->cap) = f;
    f = (struct sql_file){ 0 };
    return true;
}

/* By number, the down file behind its up file; bootstrap files (all 0) by name. */
static int compare(const void *a, const void *b)
{
    const struct sql_file *x = a;
    const struct sql_file *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (x->is_down != y->is_down)
        return x->is_down ? 1 : -1;
    return strcmp(x->name, y->name);
}

static bool is_pair(const struct sql_file *up, const struct sql_file *down)
{
    size_t n = strlen(up->name) - strlen(".sql");
    return !up->is_down && strncmp(up->name, down->name, n) == 0 && text_is(down->name + n, ".down.sql");
}

static bool check_neighbours(const struct sql_file *before, const struct sql_file *f, struct err *e)
{
    bool is_same = before != NULL && before->order == f->order;
    if (f->is_down) {
        if (is_same && is_pair(before, f))
            return true;
        err_set(e, ERR_CONFIG, "%s: has no up file", f->name);
        return err_hint(e, "a down file goes with the migration of the same number and name");
    }
    if (is_same)
        return err_set(e, ERR_CONFIG, "%s and %s have the same number", before->name, f->name);
    if (before != NULL && f->order != before->order + 1) {
        err_set(e, ERR_CONFIG, "number %04u is missing between %s and %s", before->order + 1, before->name, f->name);
        return err_hint(e, "numbers follow each other without gaps, so that a forgotten file is noticed");
    }
    return true;
}

bool sql_set_check(struct sql_set *s, struct err *e)
{
    if (s->n > 1)
        qsort(s->files, s->n, sizeof *s->files, compare);
    for (size_t i = 0; i < s->n; i++) {
        const struct sql_file *before = i > 0 ? &s->files[i - 1] : NULL;
        if (s->files[i].kind == SQL_ORDINARY && !check_neighbours(before, &s->files[i], e))
            return false;
        if (s->files[i].kind == SQL_BOOTSTRAP && before != NULL && text_is(before->name, s->files[i].name))
            return err_set(e, ERR_CONFIG, "%s: there are two files of this name", s->files[i].name);
    }
    return true;
}

void sql_set_clear(struct sql_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        sql_file_clear(&s->files[i]);
    mem_free(s->files);
    *s = (struct sql_set){ 0 };
}

void sql_set_clear_auto(struct sql_set *s)
{
    sql_set_clear(s);
}
