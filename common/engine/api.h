/* One call to the engine: method, path below the API version, bounded JSON answer. For the files of this folder. */
#ifndef ENGINE_API_H
#define ENGINE_API_H

#include "base/text.h"
#include "format/digest_set.h"
#include "engine/engine.h"
#include "net/http.h"

/* How long the engine may take. Every wait ends. */
struct engine_times {
    unsigned call_ms;    /* a question, from connecting to the last byte */
    unsigned slow_ms;    /* a call that works on its disk (DELETE) */
    unsigned stall_ms;   /* nothing read by the engine during an upload */
    unsigned silence_ms; /* after an upload, while it unpacks; and a second more for each MiB that was sent */
};

struct engine {
    struct http *http;
    struct engine_facts facts;
    struct engine_times times;
    struct digest_set complete; /* content.c: ids of images that had all their content when it looked */
    bool has_looked;
};

#define API_ANSWER_MAX (16 * MIB) /* a host with thousands of images */

/* engine_open with other times: for tests, which cannot wait for minutes. */
MUST_CHECK struct engine *engine_open_timed(const char *socket, const struct engine_times *times, struct err *e);

/* The answer's text is in out, its status in *status; which statuses are fine is the caller's question. */
MUST_CHECK bool api_call(struct engine *g, const char *method, const char *path, struct buf *out, unsigned *status, struct err *e);
/* ERR_ENGINE "<what>: engine answered 500: <its message>". Returns false. */
bool api_refused(const char *what, unsigned status, const struct buf *answer, struct err *e);
/* For http_request.on_head: refuses what is no plain answer (1xx, two lengths). ERR_ENGINE. */
bool api_check_head(void *ctx, const struct http_response *head, struct err *e);
/* What was remembered of images that are whole is no longer so: other connections have loaded some. image_has_content looks again. */
void content_forget(struct engine *g);
/* The URL of a path ("/images/json"), with host and API version. A path that names a version ("/v1.47/images/json") keeps it. */
void api_url(const struct engine *g, struct buf *url, const char *path);
/* Appends text percent-encoded as one part of a path or a query value; '/' and ':' of references stay. */
void api_escape(struct buf *url, const char *text);

/* The engine's own words for a message: printable, and when they are long, beginning and end (the reason often stands last). */
struct api_words {
    char text[3 * TEXT_SHOWN_BYTES + 8];
};
const char *api_shown(struct api_words *out, const char *words, size_t n);
#define API_SHOWN(s) api_shown(&(struct api_words){ { 0 } }, (s), __builtin_strlen(s))

#endif
