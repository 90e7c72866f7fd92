/* What is wrong with a definition: `lint` shows all of it, every other caller the first.
 *
 *     struct findings f = { 0 };
 *     struct application *app = application_read(src, "bundle.yaml", &options, &f, e);     // null: e is the first finding
 *     for (size_t i = 0; i < f.n; i++) puts(f.items[i].text);
 *     findings_clear(&f);
 */
#ifndef APP_FINDINGS_H
#define APP_FINDINGS_H

#include "format/yread.h"

struct finding {
    enum err_code code; /* ERR_CONFIG; ERR_POLICY for what only a site's policy could allow; or what a reader below said */
    char *text;         /* "bundle.yaml:12:3: unknown key "colour"", ready to be printed */
    char *hint;         /* or null */
};
struct findings {
    struct finding *items;
    size_t n, cap;
};

/* "NAME:line:column: text". More than LIMIT_FINDINGS are dropped. Returns false always. */
bool findings_at(struct findings *f, enum err_code code, const struct yread *doc, const struct ynode *at, const char *fmt,
                 ...) PRINTF_LIKE(5, 6);
/* Without a place. */
bool findings_add(struct findings *f, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Takes over an error of a reader below; e is empty afterwards. */
bool findings_take(struct findings *f, struct err *e);
/* Hint for the finding that was added last, unless it has one. Returns false always. */
bool findings_hint(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* True without findings; otherwise the first one is the error, and the hint says how many more there are. */
MUST_CHECK bool findings_done(const struct findings *f, struct err *e);
void findings_clear(struct findings *f);
void findings_clear_auto(struct findings *f);

#endif
