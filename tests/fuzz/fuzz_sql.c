/* A migration file: the first line is its name, the rest its text. What was split must lie in the text in order, and each
 * statement alone must split into itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool yes)
{
    if (!yes)
        abort();
}

static void check_alone(const struct sql_file *f, const struct sql_statement *s)
{
    AUTO(sql_split_clear_auto) struct sql_split again = { 0 };
    struct err e = { 0 };
    if (s->n >= 3 && memcmp(f->text + s->at, "\xef\xbb\xbf", 3) == 0)
        return; /* a name for the server, a byte order mark at the start of a file */
    AUTO(mem_auto) char *copy = mem_text_n(f->text + s->at, s->n);
    must(sql_split_read(&again, f->kind, copy, s->n, "again", &e));
    must(again.n_statements == 1 && again.statements[0].at == 0 && again.statements[0].n == s->n);
}

static void check_file(const struct sql_file *f)
{
    size_t at = 0;
    size_t line = 1;
    must(f->n_statements > 0);
    for (size_t i = 0; i < f->n_statements; i++) {
        const struct sql_statement *s = &f->statements[i];
        must(s->at >= at && s->n > 0 && s->at + s->n <= f->n && s->line >= line);
        must(s->at + s->n == f->n || f->text[s->at + s->n] == ';');
        must(sql_line_of(f->text, s, 1) == s->line && sql_line_of(f->text, s, s->n) >= s->line);
        check_alone(f, s);
        at = s->at + s->n + 1;
        line = s->line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *end = n > 0 ? memchr(bytes, '\n', n) : NULL;
    if (end == NULL)
        return 0;
    AUTO(mem_auto) char *name = mem_text_n((const char *)bytes, (size_t)(end - bytes));
    size_t rest = n - (size_t)(end - bytes) - 1;
    for (enum sql_kind kind = SQL_ORDINARY; kind <= SQL_BOOTSTRAP; kind++) {
        AUTO(sql_file_clear_auto) struct sql_file f = { 0 };
        struct err e = { 0 };
        if (sql_file_read(&f, kind, name, end + 1, rest, &e))
            check_file(&f);
        else
            must(e.code == ERR_CONFIG || e.code == ERR_FORMAT || e.code == ERR_POLICY);
    }
    return 0;
}
