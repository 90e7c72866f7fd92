/* Calls to the engine. A status of any kind is an answer; what is not a well-formed answer in time is ERR_ENGINE. */
#include "engine/api.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "format/jread.h"

#include "base/banned.h"

enum { WORDS_PIECE = 100 };

void api_url(const struct engine *g, struct buf *url, const char *path)
{
    buf_adds(url, "http://engine");
    if (g->facts.api[0] != '\0' && !text_starts(path, "/v1."))
        buf_addf(url, "/v%s", g->facts.api);
    buf_adds(url, path);
}

void api_escape(struct buf *url, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
                        strchr("-._~/:", *text) != NULL;
        if (is_plain)
            buf_addc(url, *text);
        else
            buf_addf(url, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

bool api_check_head(void *ctx, const struct http_response *head, struct err *e)
{
    (void)ctx;
    size_t n_lengths = 0;
    for (size_t i = 0; i < head->n_headers; i++)
        n_lengths += text_is(head->headers[i].name, "content-length") || text_is(head->headers[i].name, "transfer-encoding");
    if (n_lengths > 1)
        return err_set(e, ERR_ENGINE, "the answer states its length %zu times", n_lengths);
    if (head->status < 200)
        return err_set(e, ERR_ENGINE, "the engine answered %u", head->status);
    return true;
}

bool api_call(struct engine *g, const char *method, const char *path, struct buf *out, unsigned *status, struct err *e)
{
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(sink_drop_auto) struct sink *to = sink_buf(out, "answer of the engine");
    unsigned deadline_ms = text_is(method, "DELETE") ? g->times.slow_ms : g->times.call_ms;
    api_url(g, &url, path);
    struct http_request rq = { .method = method, .url = buf_text(&url), .out = to, .max_body = API_ANSWER_MAX, .deadline_ms = deadline_ms,
                               .on_head = api_check_head };
    if (!buf_done(&url, "engine URL", e) || !http_run(g->http, &rq, &rs, NULL, e) || !sink_finish(to, e)) {
        err_as(e, e->code == ERR_INTERRUPTED ? ERR_INTERRUPTED : ERR_ENGINE);
        return err_in(e, "engine: %s %s", method, SHOWN(path));
    }
    *status = rs.status;
    if (rs.status < 200 || rs.status >= 300)
        buf_add(out, buf_text(&rs.text), rs.text.len);
    return true;
}

/* --- the engine's words ------------------------------------------------------------------------------------------- */

/* Not in the middle of a character. */
static size_t character_start(const char *s, size_t at)
{
    while (at > 0 && ((unsigned char)s[at] & 0xC0) == 0x80)
        at--;
    return at;
}

static void add_words(struct api_words *out, const char *s, size_t from, size_t to)
{
    size_t at = strlen(out->text);
    const char *shown = SHOWN_N(s + from, to - from);
    BUG_IF(!text_copy(out->text + at, sizeof out->text - at, shown));
}

const char *api_shown(struct api_words *out, const char *words, size_t n)
{
    out->text[0] = '\0';
    while (n > 0 && strchr(" \t\r\n", words[n - 1]) != NULL)
        n--;
    size_t first = n <= WORDS_PIECE ? n : character_start(words, WORDS_PIECE);
    size_t second = n <= 2 * WORDS_PIECE ? n : character_start(words, 2 * WORDS_PIECE);
    add_words(out, words, 0, first);
    add_words(out, words, first, second);
    if (n <= 3 * WORDS_PIECE) {
        add_words(out, words, second, n);
        return out->text;
    }
    size_t at = strlen(out->text);
    BUG_IF(!text_copy(out->text + at, sizeof out->text - at, " ... "));
    add_words(out, words, character_start(words, n - WORDS_PIECE), n);
    return out->text;
}

bool api_refused(const char *what, unsigned status, const struct buf *answer, struct err *e)
{
    struct err ignored = { 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(buf_text(answer), answer->len, "answer", JREAD_OCI, &ignored);
    AUTO(mem_auto) char *message = NULL;
    if (doc != NULL && jread_has(jread_root(doc), "message"))
        message = jread_text(jread_root(doc), "message", API_ANSWER_MAX);
    const char *words = message != NULL && jread_done(doc, &ignored) ? message : buf_text(answer);
    return err_set(e, ERR_ENGINE, "%s: engine answered %u: %s", SHOWN(what), status, API_SHOWN(words));
}
