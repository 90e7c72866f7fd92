/* The splitter. It follows the rules of PostgreSQL's own scanner (scan.l) and of psql for what ends a statement:
 *
 * - a semicolon outside quotes, comments, parentheses and BEGIN ATOMIC bodies;
 * - the END of a body is one that follows a semicolon or ATOMIC: every statement of a body ends with a semicolon, so an END of
 *   CASE or a column called end can never stand there;
 * - a string is continued by another one on a later line, and the second part keeps the escapes of the first;
 * - operators are taken character by character: a comment begins wherever its two characters stand.
 *
 * Numbers are taken character by character too: what follows one directly ("1e'") is junk to the server in any case. */
#include "sql/lexer.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sql/rules.h"

#include "base/banned.h"

enum token { TOKEN_NONE, TOKEN_SEMICOLON, TOKEN_ATOMIC, TOKEN_BEGIN, TOKEN_OTHER };

struct lexer {
    const char *text;
    size_t n;
    size_t at;
    size_t counted_to;    /* lines are counted up to here */
    size_t line;          /* of counted_to */
    const char *name;
    enum sql_kind kind;
    struct sql_split *out;

    bool is_inside;       /* a statement has begun */
    size_t start;
    size_t start_line;
    size_t paren_depth;
    size_t paren_line;    /* of the outermost open one */
    size_t body_depth;    /* BEGIN ATOMIC */
    enum token previous;
    struct sql_words words;   /* of the statement */
    struct sql_words part;    /* of the statement inside a body */
};

static size_t line_at(struct lexer *lx, size_t at)
{
    for (; lx->counted_to < at; lx->counted_to++)
        lx->line += lx->text[lx->counted_to] == '\n';
    return lx->line;
}

static bool left_open(struct lexer *lx, size_t line, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%zu: %s is not closed", SHOWN(lx->name), line, what);
}

/* Character k places ahead, NUL at the end (the text has none). */
static char peek(const struct lexer *lx, size_t k)
{
    return lx->n - lx->at > k ? lx->text[lx->at + k] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_part(char c)
{
    return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* --- comments ------------------------------------------------------------------------------------------------------ */

static bool is_header(const char *p, size_t n)
{
    static const char word[] = "archon:";
    return n >= sizeof word - 1 && strncasecmp(p, word, sizeof word - 1) == 0;
}

static bool skip_line_comment(struct lexer *lx, struct err *e)
{
    const char *p = lx->text + lx->at + 2;
    size_t room = lx->n - lx->at - 2;
    const char *end = memchr(p, '\n', room);
    size_t n = end == NULL ? room : (size_t)(end - p);
    size_t line = line_at(lx, lx->at);
    size_t skip = 0;
    while (skip < n && (p[skip] == ' ' || p[skip] == '\t'))
        skip++;
    if (is_header(p + skip, n - skip)) {
        if (lx->is_inside || lx->out->n_statements > 0)
            return err_set(e, ERR_CONFIG, "%s:%zu: an archon header stands after the first statement", SHOWN(lx->name), line);
        skip += strlen("archon:");
        size_t kept = n - skip > 0 && p[n - 1] == '\r' ? n - 1 - skip : n - skip;
        MEM_PUSH(lx->out->headers, lx->out->n_headers, lx->out->cap_headers) =
            (struct sql_header_line){ .at = lx->at + 2 + skip, .n = kept, .line = line };
    }
    lx->at += 2 + n;
    return true;
}

static bool skip_block_comment(struct lexer *lx, struct err *e)
{
    size_t line = line_at(lx, lx->at);
    size_t depth = 0;
    while (lx->at < lx->n) {
        if (peek(lx, 0) == '/' && peek(lx, 1) == '*') {
            depth++;
            lx->at += 2;
        } else if (peek(lx, 0) == '*' && peek(lx, 1) == '/') {
            lx->at += 2;
            if (--depth == 0)
                return true;
        } else {
            lx->at++;
        }
    }
    return left_open(lx, line, "a comment", e);
}

/* --- quotes -------------------------------------------------------------------------------------------------------- */

/* lx->at is behind the opening quote; afterwards it is behind the closing one. */
static bool skip_to_quote(struct lexer *lx, char quote, bool has_escapes)
{
    while (lx->at < lx->n) {
        char c = lx->text[lx->at++];
        if (c == '\\' && has_escapes && lx->at < lx->n)
            lx->at++;
        else if (c == quote && peek(lx, 0) == quote)
            lx->at++;
        else if (c == quote)
            return true;
    }
    return false;
}

/* Is there white space with a line break (line comments count), then another quote? Then lx->at is behind that quote. */
static bool skip_continuation(struct lexer *lx)
{
    size_t at = lx->at;
    bool has_break = false;
    while (at < lx->n) {
        char c = lx->text[at];
        if (c == '\'' && has_break) {
            lx->at = at + 1;
            return true;
        }
        if (c == '-' && lx->n - at > 1 && lx->text[at + 1] == '-') {
            const char *end = memchr(lx->text + at, '\n', lx->n - at);
            if (end == NULL)
                return false;
            at = (size_t)(end - lx->text);
        } else if (is_space(c)) {
            has_break |= c == '\n';
            at++;
        } else {
            return false;
        }
    }
    return false;
}

/* lx->at is at the opening quote. */
static bool skip_string(struct lexer *lx, bool has_escapes, struct err *e)
{
    size_t line = line_at(lx, lx->at);
    lx->at++;
    do {
        if (!skip_to_quote(lx, '\'', has_escapes))
            return left_open(lx, line, "a quoted string", e);
    } while (has_escapes && skip_continuation(lx));
    return true;
}

static bool skip_name(struct lexer *lx, struct err *e)
{
    size_t line = line_at(lx, lx->at);
    size_t from = ++lx->at;
    if (!skip_to_quote(lx, '"', false))
        return left_open(lx, line, "a quoted name", e);
    sql_words_add(&lx->words, lx->text + from, lx->at - 1 - from, lx->paren_depth);
    return true;
}

/* Length of a delimiter $tag$ at lx->at, or 0. */
static size_t dollar_length(const struct lexer *lx)
{
    size_t k = 1;
    if (is_word_start(peek(lx, 1)))
        while (is_word_part(peek(lx, k)) && peek(lx, k) != '$')
            k++;
    return peek(lx, k) == '$' ? k + 1 : 0;
}

static bool skip_dollar(struct lexer *lx, size_t tag, struct err *e)
{
    size_t line = line_at(lx, lx->at);
    const char *from = lx->text + lx->at;
    const char *end = memmem(from + tag, lx->n - lx->at - tag, from, tag);
    if (end == NULL)
        return left_open(lx, line, "a dollar-quoted string", e);
    lx->at = (size_t)(end - lx->text) + tag;
    return true;
}

/* --- statements ---------------------------------------------------------------------------------------------------- */

static bool end_statement(struct lexer *lx, struct err *e)
{
    struct sql_split *out = lx->out;
    if (!lx->is_inside)
        return true;
    if (!sql_rules_check(&lx->words, lx->kind, lx->name, lx->start_line, e))
        return false;
    if (out->n_statements == LIMIT_SQL_STATEMENTS)
        return err_set(e, ERR_FORMAT, "%s:%zu: more than %u statements", SHOWN(lx->name), lx->start_line,
                       (unsigned)LIMIT_SQL_STATEMENTS);
    MEM_PUSH(out->statements, out->n_statements, out->cap_statements) =
        (struct sql_statement){ .at = lx->start, .n = lx->at - lx->start, .line = lx->start_line };
    lx->is_inside = false;
    lx->words = (struct sql_words){ 0 };
    lx->part = (struct sql_words){ 0 };
    return true;
}

static bool take_semicolon(struct lexer *lx, struct err *e)
{
    if (lx->paren_depth == 0 && lx->body_depth == 0 && !end_statement(lx, e))
        return false;
    lx->part = (struct sql_words){ 0 };
    lx->previous = TOKEN_SEMICOLON;
    lx->at++;
    return true;
}

static bool take_paren(struct lexer *lx, struct err *e)
{
    size_t line = line_at(lx, lx->at);
    bool is_open = peek(lx, 0) == '(';
    if (!is_open && lx->paren_depth == 0)
        return err_set(e, ERR_FORMAT, "%s:%zu: \")\" closes nothing", SHOWN(lx->name), line);
    if (is_open && lx->paren_depth == 0)
        lx->paren_line = line;
    lx->paren_depth = is_open ? lx->paren_depth + 1 : lx->paren_depth - 1;
    sql_words_add(&lx->words, NULL, 0, 0);
    sql_words_add(&lx->part, NULL, 0, 0);
    lx->previous = TOKEN_OTHER;
    lx->at++;
    return true;
}

static bool is_word(const char *p, size_t n, const char *word)
{
    return n == strlen(word) && strncasecmp(p, word, n) == 0;
}

/* Opens and closes BEGIN ATOMIC bodies; says what the word is for the next token. */
static enum token watch_body(struct lexer *lx, const char *p, size_t n)
{
    bool is_routine = sql_words_is_routine(lx->body_depth == 0 ? &lx->words : &lx->part);
    if (lx->paren_depth > 0)
        return TOKEN_OTHER;
    if (is_routine && is_word(p, n, "begin"))
        return TOKEN_BEGIN;
    if (lx->previous == TOKEN_BEGIN && is_word(p, n, "atomic")) {
        lx->body_depth++;
        lx->part = (struct sql_words){ 0 };
        return TOKEN_ATOMIC;
    }
    bool is_first = lx->previous == TOKEN_SEMICOLON || lx->previous == TOKEN_ATOMIC;
    if (lx->body_depth > 0 && is_first && is_word(p, n, "end"))
        lx->body_depth--;
    return TOKEN_OTHER;
}

static void take_word(struct lexer *lx)
{
    const char *p = lx->text + lx->at;
    size_t n = 1;
    while (is_word_part(peek(lx, n)))
        n++;
    enum token token = watch_body(lx, p, n);
    sql_words_add(&lx->words, p, n, lx->paren_depth);
    if (token != TOKEN_ATOMIC)
        sql_words_add(&lx->part, p, n, lx->paren_depth);
    lx->previous = token;
    lx->at += n;
}

/* Bytes of a prefix directly before a quote (E' B' X' N' U&' U&"), or 0. */
static size_t prefix_length(const struct lexer *lx)
{
    char c = peek(lx, 0);
    if (memchr("eEbBxXnN", c, 8) != NULL && peek(lx, 1) == '\'')
        return 1;
    bool is_unicode = (c == 'u' || c == 'U') && peek(lx, 1) == '&';
    return is_unicode && (peek(lx, 2) == '\'' || peek(lx, 2) == '"') ? 2 : 0;
}

static bool take_other(struct lexer *lx, struct err *e)
{
    size_t prefix = prefix_length(lx);
    bool has_escapes = prefix == 1 && (peek(lx, 0) | 0x20) == 'e';
    lx->at += prefix;
    char c = peek(lx, 0);
    size_t tag = c == '$' ? dollar_length(lx) : 0;
    lx->previous = TOKEN_OTHER;
    if (c == '"')
        return skip_name(lx, e);
    sql_words_add(&lx->words, NULL, 0, 0);
    sql_words_add(&lx->part, NULL, 0, 0);
    if (c == '\'')
        return skip_string(lx, has_escapes, e);
    if (tag > 0)
        return skip_dollar(lx, tag, e);
    if (c == '\\')
        return err_set(e, ERR_POLICY, "%s:%zu: psql commands (\\...) are not SQL and not allowed", SHOWN(lx->name), line_at(lx, lx->at));
    lx->at++;
    return true;
}

static bool take_token(struct lexer *lx, struct err *e)
{
    char c = peek(lx, 0);
    if (c == ';')
        return take_semicolon(lx, e);
    if (!lx->is_inside) {
        lx->is_inside = true;
        lx->start = lx->at;
        lx->start_line = line_at(lx, lx->at);
    }
    if (c == '(' || c == ')')
        return take_paren(lx, e);
    if (is_word_start(c) && prefix_length(lx) == 0) {
        take_word(lx);
        return true;
    }
    return take_other(lx, e);
}

static bool scan(struct lexer *lx, struct err *e)
{
    while (lx->at < lx->n) {
        char c = peek(lx, 0);
        bool ok = true;
        if (is_space(c))
            lx->at++;
        else if (c == '-' && peek(lx, 1) == '-')
            ok = skip_line_comment(lx, e);
        else if (c == '/' && peek(lx, 1) == '*')
            ok = skip_block_comment(lx, e);
        else
            ok = take_token(lx, e);
        if (!ok)
            return false;
    }
    if (lx->paren_depth > 0)
        return left_open(lx, lx->paren_line, "\"(\"", e);
    if (lx->body_depth > 0)
        return left_open(lx, lx->start_line, "the BEGIN ATOMIC body of the statement", e);
    return end_statement(lx, e);
}

/* --- the bytes ------------------------------------------------------------------------------------------------------ */

static bool check_line(const char *p, size_t n, const char *name, size_t line, struct err *e)
{
    const char *cr = memchr(p, '\r', n);
    if (memchr(p, '\0', n) != NULL)
        return err_set(e, ERR_FORMAT, "%s:%zu: contains a NUL byte", SHOWN(name), line);
    if (cr != NULL && (size_t)(cr - p) + 1 != n)
        return err_set(e, ERR_FORMAT, "%s:%zu: a carriage return without a line feed", SHOWN(name), line);
    if (!text_is_utf8(p, n))
        return err_set(e, ERR_FORMAT, "%s:%zu: not UTF-8", SHOWN(name), line);
    return true;
}

static bool check_bytes(const char *text, size_t n, const char *name, struct err *e)
{
    if (n > LIMIT_SQL_FILE_BYTES)
        return err_set(e, ERR_FORMAT, "%s: %zu bytes, at most %llu", SHOWN(name), n, (unsigned long long)LIMIT_SQL_FILE_BYTES);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        err_set(e, ERR_FORMAT, "%s: begins with a byte order mark", SHOWN(name));
        return err_hint(e, "save the file as UTF-8 without BOM");
    }
    size_t line = 1;
    for (size_t at = 0; at < n; line++) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end == NULL ? n - at : (size_t)(end - text) - at;
        /* A carriage return at the very end of the file has no line feed behind it. */
        if (end == NULL && memchr(text + at, '\r', len) != NULL)
            return err_set(e, ERR_FORMAT, "%s:%zu: a carriage return without a line feed", SHOWN(name), line);
        if (!check_line(text + at, len, name, line, e))
            return false;
        at += len + 1;
    }
    return true;
}

bool sql_split_read(struct sql_split *out, enum sql_kind kind, const char *text, size_t n, const char *name, struct err *e)
{
    struct lexer lx = { .text = text, .n = n, .line = 1, .name = name, .kind = kind, .out = out };
    if (!check_bytes(text, n, name, e) || !scan(&lx, e))
        return false;
    if (out->n_statements == 0)
        return err_set(e, ERR_FORMAT, "%s: holds no statement", SHOWN(name));
    return true;
}

void sql_split_clear(struct sql_split *s)
{
    mem_free(s->statements);
    mem_free(s->headers);
    *s = (struct sql_split){ 0 };
}

void sql_split_clear_auto(struct sql_split *s)
{
    sql_split_clear(s);
}

size_t sql_line_of(const char *text, const struct sql_statement *s, size_t position)
{
    size_t line = s->line;
    size_t character = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool is_first = ((unsigned char)text[s->at + i] & 0xC0) != 0x80;
        character += is_first;
        if (character >= position)
            break;
        line += text[s->at + i] == '\n';
    }
    return line;
}
