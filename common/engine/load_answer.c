/* Reading the answer of a load, line by line. */
#include "engine/load_answer.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

#define LINE_LIMIT (1 * MIB)
enum { MESSAGE_MAX = 2000 };

struct load_answer {
    struct buf line;
    char *message;
    enum err_code code;
};

struct answer_sink {
    struct sink sink;
    struct load_answer *answer;
};

struct load_answer *load_answer_new(void)
{
    struct load_answer *a = mem_new(sizeof *a);
    a->line = (struct buf)BUF_LIMIT(LINE_LIMIT);
    return a;
}

void load_answer_free(struct load_answer *a)
{
    buf_clear(&a->line);
    mem_free(a->message);
    mem_free(a);
}

const char *load_answer_message(const struct load_answer *a)
{
    return a->message;
}

enum err_code load_answer_code(const struct load_answer *a)
{
    return a->code;
}

static bool is_about_space(const char *message)
{
    return strcasestr(message, "no space left on device") != NULL || strcasestr(message, "disk quota exceeded") != NULL;
}

static void fail(struct load_answer *a, const char *message)
{
    if (a->message != NULL)
        return;
    a->message = mem_text_n(message[0] == '\0' ? "an error without words" : message, MESSAGE_MAX);
    a->code = is_about_space(message) ? ERR_SPACE : ERR_ENGINE;
}

/* The bad thing that a line says, or null. Keys that are there with another type make the reader fail, which the caller sees. */
static char *complaint_of(struct jnode root)
{
    if (jread_has(root, "error"))
        return jread_text(root, "error", LINE_LIMIT);
    if (jread_has(root, "errorDetail"))
        return jread_text(jread_object(root, "errorDetail"), "message", LINE_LIMIT);
    if (!jread_has(root, "stream"))
        return NULL;
    AUTO(mem_auto) char *text = jread_text(root, "stream", LINE_LIMIT);
    return text_starts(text, "Error unpacking image") ? TAKE(text) : NULL;
}

static bool is_blank(const struct buf *line)
{
    return strspn(buf_text(line), " \t\r") == line->len;
}

static void read_line(struct load_answer *a)
{
    struct err bad = { 0 };
    if (is_blank(&a->line))
        return;
    AUTO(jread_free_auto) struct jread *doc = jread_open(a->line.data, a->line.len, "answer", JREAD_OCI, &bad);
    AUTO(mem_auto) char *complaint = doc == NULL ? NULL : complaint_of(jread_root(doc));
    if (!jread_done(doc, &bad))
        fail(a, "an answer that is not understood");
    else if (complaint != NULL)
        fail(a, complaint);
}

static bool answer_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    struct load_answer *a = ((struct answer_sink *)s)->answer;
    const char *from = bytes;
    while (n > 0) {
        const char *end = memchr(from, '\n', n);
        size_t len = end == NULL ? n : (size_t)(end - from);
        buf_add(&a->line, from, len);
        if (a->line.over)
            return err_set(e, ERR_ENGINE, "answer of the engine: a line of more than %llu bytes", (unsigned long long)LINE_LIMIT);
        if (end == NULL)
            return true;
        read_line(a);
        buf_reset(&a->line);
        from += len + 1;
        n -= len + 1;
    }
    return true;
}

static bool answer_finish(struct sink *s, struct err *e)
{
    struct load_answer *a = ((struct answer_sink *)s)->answer;
    (void)e;
    read_line(a); /* Podman sends its only line without a newline */
    buf_reset(&a->line);
    return true;
}

static void answer_drop(struct sink *s)
{
    mem_free(s);
}

static const struct sink_ops answer_ops = { answer_write, answer_finish, answer_drop };

struct sink *load_answer_sink(struct load_answer *a)
{
    struct answer_sink *s = mem_new(sizeof *s);
    s->sink.ops = &answer_ops;
    s->answer = a;
    return &s->sink;
}
