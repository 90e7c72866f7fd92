/* One call to the engine: method, path below the API version, bounded JSON answer. For the files of this folder. */
#ifndef ENGINE_API_H
#define ENGINE_API_H

#include "engine/engine.h"
#include "net/http.h"

struct engine {
    struct http *http;
    struct engine_facts facts;
};

#define API_ANSWER_MAX (16 * MIB) /* a host with thousands of images */

/* The answer's text is in out, its status in *status; which statuses are fine is the caller's question. */
MUST_CHECK bool api_call(struct engine *g, const char *method, const char *path, struct buf *out, unsigned *status, struct err *e);
/* ERR_ENGINE "<what>: engine answered 500: <its message>". Returns false. */
bool api_refused(const char *what, unsigned status, const struct buf *answer, struct err *e);
/* The URL of a path ("/images/json"), with host and API version. */
void api_url(const struct engine *g, struct buf *url, const char *path);
/* Appends text percent-encoded as one part of a path or a query value; '/' and ':' of references stay. */
void api_escape(struct buf *url, const char *text);

#endif
