/* JSON has one door. Reading is by key with type and limit in the call; the cursor knows its path, keeps the first failure,
 * and each key that was read is consumed. Before cJSON sees the text, a strict scanner has refused: depth over LIMIT_JSON_DEPTH,
 * more than LIMIT_JSON_VALUES values, BOM, invalid UTF-8, control bytes, lone surrogates, \u0000, numbers that are not whole,
 * signed, with exponents or leading zeros or at least 2^53, anything after the value. Duplicate keys are refused before the
 * first is read. The caller has limited the bytes (LIMIT_JSON_BYTES holds in any case).
 *
 *     AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "bundle.json", JREAD_STRICT, e);
 *     struct jnode root = jread_root(doc);
 *     jread_str(root, "name", out->name, sizeof out->name);
 *     size_t n = jread_array(root, "layers", LIMIT_LAYERS, &layers);
 *     for (size_t i = 0; i < n; i++) {
 *         struct jnode l = jread_item(layers, i);
 *         jread_u64(l, "size", LIMIT_LAYER_BYTES, &out->layers[i].size);
 *         jread_end(l, JREAD_NO_EXTRA);
 *     }
 *     jread_end(root, JREAD_NO_EXTRA);
 *     return jread_done(doc, e);         // ERR_FORMAT "bundle.json: layers[3].size: expected a whole number up to N, found "x""
 *
 * Getters on a failed cursor give zeros, so a reader need not check in between; jread_done tells. */
#ifndef FORMAT_JREAD_H
#define FORMAT_JREAD_H

#include "base/err.h"
#include "format/digest.h"

struct jread;
struct jnode { /* a value within a document; copy freely, valid while the document is open */
    struct jread *doc;
    void *at;
    uint32_t path; /* private */
};

/* JREAD_STRICT: our own documents: no escapes in keys, no carriage returns between values. JREAD_OCI: foreign documents: any
 * number of JSON is tolerated where it is not read (floats, negatives), keys may have escapes. Duplicate keys, compared
 * unescaped, are refused in both. Keys are case-sensitive in both. JREAD_REPORT: as JREAD_OCI, with room for what scanners write (LIMIT_REPORT_VALUES). */
enum jread_mode { JREAD_STRICT, JREAD_OCI, JREAD_REPORT };

/* Null with ERR_FORMAT "<what>: byte N: ..." The text may go away afterwards. jread_root, every getter and jread_done accept
 * the null: they do nothing, and jread_done says false. */
MUST_CHECK struct jread *jread_open(const char *text, size_t n, const char *what, enum jread_mode mode, struct err *e);
void jread_free(struct jread *r);
AUTO_FREE(struct jread, jread_free)
struct jnode jread_root(struct jread *r);

/* Required values. Missing or of another type: failure. */
void jread_str(struct jnode o, const char *key, char *out, size_t size);
char *jread_text(struct jnode o, const char *key, size_t max_bytes); /* owned, never null (empty on failure) */
void jread_u64(struct jnode o, const char *key, uint64_t max, uint64_t *out);
void jread_bool(struct jnode o, const char *key, bool *out);
void jread_digest(struct jnode o, const char *key, struct digest *out);     /* "sha256:..." */
void jread_digest_hex(struct jnode o, const char *key, struct digest *out); /* 64 hex digits */
struct jnode jread_object(struct jnode o, const char *key);
size_t jread_array(struct jnode o, const char *key, size_t max_items, struct jnode *out);

/* Is the key there (and not null)? For optional values: if (jread_has(o, "x")) jread_... A null is not consumed by this. */
bool jread_has(struct jnode o, const char *key);
bool jread_is_null(struct jnode o, const char *key); /* there, and null: consumed */

/* Foreign documents may have one of several types under a key. False as well when it is not there. */
bool jread_is_text(struct jnode o, const char *key);
bool jread_is_negative(struct jnode o, const char *key); /* a number below zero */

/* Items of an array node. */
size_t jread_count(struct jnode array);
struct jnode jread_item(struct jnode array, size_t i);
char *jread_item_text(struct jnode array, size_t i, size_t max_bytes);
void jread_item_digest(struct jnode array, size_t i, struct digest *out);
/* Items of an object with free keys (labels, annotations, auths): key borrowed. For values that are strings use member_text. */
size_t jread_members(struct jnode object);
const char *jread_member_key(struct jnode object, size_t i);
struct jnode jread_member(struct jnode object, size_t i);
char *jread_member_text(struct jnode object, size_t i, size_t max_bytes);
void jread_skip(struct jnode o, const char *key); /* consumes a key without looking */

/* The reader's own finding about a value: "<path>.<key>: <text>" as ERR_FORMAT. key may be null. */
void jread_fail(struct jnode o, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);

enum jread_extra { JREAD_NO_EXTRA, JREAD_EXTRA_OK };
/* All keys of this object consumed? Otherwise, with JREAD_NO_EXTRA, the failure "unknown key "x"", and as a hint the nearest
 * optional key that was asked for. */
void jread_end(struct jnode object, enum jread_extra extra);
/* True when nothing failed; otherwise the first failure, as ERR_FORMAT. */
MUST_CHECK bool jread_done(struct jread *r, struct err *e);

#endif
