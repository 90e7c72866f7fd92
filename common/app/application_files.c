/* The files of an application: which ones, how long, which digest; and its SQL. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/application_parts.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/path.h"

#include "base/banned.h"

/* ---- SQL ---- */

struct sql_reader {
    struct application *a;
    const struct origin *src;
    const char *folder;
    enum sql_kind kind;
    struct sql_set *set;
    uint64_t total; /* bytes held so far */
};

static bool add_sql(void *ctx, const char *name, struct err *e)
{
    struct sql_reader *r = ctx;
    const char *base = name + strlen(r->folder) + 1;
    if (strchr(base, '/') != NULL || !text_ends(base, ".sql"))
        return true; /* bootstrap may lie inside migrations; notes may lie beside the files */
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_SQL_FILE_BYTES);
    if (!origin_read(r->src, name, &text, e))
        return false;
    r->total += text.len;
    if (r->total > LIMIT_APP_TEXT_BYTES)
        return err_set(e, ERR_CONFIG, "%s: the SQL files have more than %ju bytes together", r->folder, (uintmax_t)LIMIT_APP_TEXT_BYTES);
    size_t n = text.len;
    struct application_sql sql = { .path = mem_text(name), .text = buf_take(&text), .n = n };
    MEM_PUSH(r->a->sql, r->a->n_sql, r->a->cap_sql) = sql;
    return sql_set_add(r->set, r->kind, base, sql.text, sql.n, e) || err_in(e, "%s", r->folder);
}

static bool read_folder(struct application *a, const struct origin *src, const char *folder, enum sql_kind kind, struct sql_set *set,
                        struct findings *f)
{
    struct err e = { 0 };
    struct origin_stat st;
    struct sql_reader r = { .a = a, .src = src, .folder = folder, .kind = kind, .set = set };
    if (folder == NULL)
        return true;
    if (!origin_stat(src, folder, &st, &e))
        return findings_take(f, &e);
    if (st.kind != ORIGIN_FOLDER)
        return findings_add(f, ERR_CONFIG, "%s: no such folder in the definition", SHOWN(folder));
    if (!origin_list(src, folder, add_sql, &r, &e) || !sql_set_check(set, &e))
        return findings_take(f, &e);
    return true;
}

bool application_read_sql(struct application *a, const struct origin *src, struct findings *f)
{
    bool ok = read_folder(a, src, a->definition.migrations, SQL_ORDINARY, &a->migrations, f);
    return read_folder(a, src, a->definition.bootstrap, SQL_BOOTSTRAP, &a->bootstrap, f) && ok;
}

/* ---- files ---- */

struct file_reader {
    struct application *a;
    const struct origin *src;
};

struct digest_of {
    struct sha256 *h;
    uint64_t n;
};

static bool digest_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct digest_of *d = ctx;
    sha256_add(d->h, bytes, n);
    d->n += n;
    if (d->n > LIMIT_MEMBER_BYTES)
        return err_set(e, ERR_CONFIG, "more than %ju bytes", (uintmax_t)LIMIT_MEMBER_BYTES);
    return true;
}

static bool digest_file(const struct origin *src, struct application_file *file, struct err *e)
{
    if (file->text != NULL) {
        file->size = strlen(file->text);
        sha256_of(&file->sha256, file->text, file->size);
        return true;
    }
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    struct digest_of d = { .h = h };
    struct origin_stat st;
    if (!origin_stat(src, file->path, &st, e) || !origin_stream(src, file->path, digest_bytes, &d, e))
        return err_in(e, "%s", SHOWN(file->path));
    file->size = d.n;
    file->is_executable = st.is_executable;
    sha256_end(h, &file->sha256);
    return true;
}

static bool push_file(struct file_reader *r, const char *path, const char *text, struct err *e)
{
    struct application *a = r->a;
    struct safe_path safe;
    AUTO(mem_auto) char *member = mem_format("app/%s", path);
    if (!safe_path_parse(&safe, member, "definition", e))
        return err_as(e, ERR_CONFIG);
    if (a->n_files >= LIMIT_APP_FILES)
        return err_set(e, ERR_CONFIG, "more than %d files", LIMIT_APP_FILES);
    MEM_PUSH(a->files, a->n_files, a->cap_files) = (struct application_file){ .path = mem_text(path), .text = mem_text(text) };
    return true;
}

static bool add_file(void *ctx, const char *name, struct err *e)
{
    return push_file(ctx, name, NULL, e);
}

static bool add_listed(struct file_reader *r, const struct texts *list, const char *what, struct findings *f)
{
    bool ok = true;
    for (size_t i = 0; i < list->n; i++) {
        struct err e = { 0 };
        if (!origin_list(r->src, list->items[i], add_file, r, &e)) {
            err_in(&e, "%s", what);
            ok = findings_take(f, &e);
        }
    }
    return ok;
}

static bool add_compose_files(struct file_reader *r, struct findings *f)
{
    const struct compose *c = r->a->compose;
    bool ok = true;
    for (size_t i = 0; c != NULL && i < c->n_files; i++) {
        struct err e = { 0 };
        if (!push_file(r, c->files[i].path, c->files[i].text, &e))
            ok = findings_take(f, &e);
    }
    return ok;
}

/* Frozen texts before what the source has under the same name. */
static int compare_files(const void *a, const void *b)
{
    const struct application_file *x = a;
    const struct application_file *y = b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->text == NULL) - (y->text == NULL);
}

/* A file may be listed, mounted and below a folder that is listed too. */
static void sort_files(struct application *a)
{
    size_t kept = 0;
    if (a->n_files > 0)
        qsort(a->files, a->n_files, sizeof *a->files, compare_files);
    for (size_t i = 0; i < a->n_files; i++) {
        if (kept > 0 && text_is(a->files[kept - 1].path, a->files[i].path)) {
            mem_free(a->files[i].path);
            mem_free(a->files[i].text);
        } else {
            a->files[kept++] = a->files[i];
        }
    }
    a->n_files = kept;
}

static bool digest_files(struct application *a, const struct origin *src, struct findings *f)
{
    bool ok = true;
    for (size_t i = 0; i < a->n_files; i++) {
        struct err e = { 0 };
        if (!digest_file(src, &a->files[i], &e))
            ok = findings_take(f, &e);
    }
    return ok;
}

static char *lower(const char *text)
{
    char *out = mem_text(text);
    for (char *p = out; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static int compare_owned(const void *a, const void *b)
{
    char *const *x = a;
    char *const *y = b;
    return strcmp(*x, *y);
}

/* Bundles are copied to media that do not tell upper from lower case. */
static bool check_case(const struct application *a, struct findings *f)
{
    AUTO(mem_auto) char **names = mem_new_array(a->n_files + 1, sizeof *names);
    bool ok = true;
    for (size_t i = 0; i < a->n_files; i++)
        names[i] = lower(a->files[i].path);
    qsort(names, a->n_files, sizeof *names, compare_owned);
    for (size_t i = 1; i < a->n_files; i++)
        if (text_is(names[i - 1], names[i]))
            ok = findings_add(f, ERR_CONFIG, "%s: two files whose names differ in upper and lower case only", SHOWN(names[i]));
    for (size_t i = 0; i < a->n_files; i++)
        mem_free(names[i]);
    return ok;
}

bool application_read_files(struct application *a, const struct origin *src, struct findings *f)
{
    struct file_reader r = { .a = a, .src = src };
    bool ok = add_compose_files(&r, f);
    for (size_t i = 0; i < a->n_sql; i++) {
        struct err e = { 0 };
        if (!push_file(&r, a->sql[i].path, NULL, &e))
            ok = findings_take(f, &e);
    }
    ok = (a->compose == NULL || add_listed(&r, &a->compose->paths, "mounted by a service", f)) && ok;
    ok = add_listed(&r, &a->definition.files, "files", f) && ok;
    ok = add_listed(&r, &a->definition.licenses, "licenses", f) && ok;
    ok = add_listed(&r, &a->definition.docs, "docs", f) && ok;
    sort_files(a);
    return digest_files(a, src, f) && check_case(a, f) && ok;
}
