/* Writing JSON: ASCII (everything else as \uXXXX), keys in the order of the calls, LF at the end; JWRITE_PRETTY puts one item of
 * the outermost two levels on a line. The same calls give the same bytes. Own code, no cJSON.
 *
 *     AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, LIMIT_MANIFEST_BYTES);
 *     jwrite_object(w, NULL);  jwrite_str(w, "name", name);  jwrite_array(w, "xs");  jwrite_u64(w, NULL, 7);  jwrite_end(w);  jwrite_end(w);
 *     if (!jwrite_done(w, &text, "bundle.json", e)) ...
 */
#ifndef FORMAT_JWRITE_H
#define FORMAT_JWRITE_H

#include "base/buf.h"
#include "format/digest.h"

struct jwrite;
enum jwrite_form { JWRITE_COMPACT, JWRITE_PRETTY };
struct jwrite *jwrite_new(enum jwrite_form form, uint64_t max_bytes);
void jwrite_free(struct jwrite *w);
AUTO_FREE(struct jwrite, jwrite_free)

/* key is null inside arrays and for the outermost value. A key in the wrong place or an end too many is a bug and stops the
 * program, as is nesting deeper than our reader takes. */
void jwrite_object(struct jwrite *w, const char *key);
void jwrite_array(struct jwrite *w, const char *key);
void jwrite_end(struct jwrite *w);
void jwrite_str(struct jwrite *w, const char *key, const char *text); /* invalid UTF-8 is a bug in the caller: replaced by U+FFFD */
void jwrite_str_n(struct jwrite *w, const char *key, const char *text, size_t n);
void jwrite_u64(struct jwrite *w, const char *key, uint64_t v);
void jwrite_i64(struct jwrite *w, const char *key, int64_t v);
void jwrite_double(struct jwrite *w, const char *key, double v, int decimals); /* reports only, never signed documents */
void jwrite_bool(struct jwrite *w, const char *key, bool v);
void jwrite_null(struct jwrite *w, const char *key);
void jwrite_digest(struct jwrite *w, const char *key, const struct digest *d);     /* "sha256:..." */
void jwrite_digest_hex(struct jwrite *w, const char *key, const struct digest *d); /* 64 hex */

/* Appends the complete text with final newline into out (which has its own limit). ERR_FORMAT when over a limit. */
MUST_CHECK bool jwrite_done(struct jwrite *w, struct buf *out, const char *what, struct err *e);

#endif
