/* The JSON door over arbitrary bytes, in both modes: every getter on every value, and what was accepted is held against what
 * our own writer makes of it. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "format/jwrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { COPY_KINDS = 5 };

static struct jread *open_bytes(const char *text, size_t n, enum jread_mode mode)
{
    struct err e = { 0 };
    struct jread *doc = jread_open(text, n, "fuzz", mode, &e);
    if ((doc == NULL) != (e.code == ERR_FORMAT) || (e.msg[0] == '\0') != (doc != NULL))
        abort();
    return doc;
}

/* Asks for a member as one type on a document of its own, because the first failure ends a reading. */
static void poke(const char *text, size_t n, enum jread_mode mode, size_t member, int kind)
{
    AUTO(jread_free_auto) struct jread *doc = open_bytes(text, n, mode);
    struct jnode root = jread_root(doc);
    struct err e = { 0 };
    struct digest d;
    struct jnode list;
    char small[4];
    uint64_t v = 1;
    bool flag = true;
    AUTO(mem_auto) char *key = mem_text(jread_member_key(root, member));
    switch (kind) {
    case 0:
        jread_u64(root, key, 1000, &v);
        if (v > 1000)
            abort();
        break;
    case 1:
        jread_str(root, key, small, sizeof small);
        if (strlen(small) >= sizeof small)
            abort();
        break;
    case 2:
        for (size_t i = 0, items = jread_array(root, key, 3, &list); i < items; i++)
            jread_item_digest(list, i, &d);
        break;
    case 3:
        jread_digest_hex(root, key, &d);
        break;
    default:
        jread_bool(root, key, &flag);
        break;
    }
    jread_end(root, JREAD_NO_EXTRA);
    if (!jread_done(doc, &e) && e.code != ERR_FORMAT)
        abort();
}

/* Walks what is an object; anything else ends the walk with a failure, which is as good. */
static void walk(struct jnode node, int depth)
{
    if (depth > LIMIT_JSON_DEPTH)
        abort();
    for (size_t i = 0, n = jread_members(node); i < n; i++)
        walk(jread_member(node, i), depth + 1);
}

static void run_mode(const char *text, size_t n, enum jread_mode mode)
{
    AUTO(jread_free_auto) struct jread *doc = open_bytes(text, n, mode);
    if (doc == NULL)
        return;
    AUTO(jread_free_auto) struct jread *again = open_bytes(text, n, mode);
    size_t members = jread_members(jread_root(doc));
    walk(jread_root(again), 0);
    for (size_t i = 0; i < members && i < 8; i++)
        for (int kind = 0; kind < COPY_KINDS; kind++)
            poke(text, n, mode, i, kind);
}

/* Any bytes as a string must come back through the reader, once what is not UTF-8 was replaced. */
static void round_trip(const char *text, size_t n)
{
    struct err e = { 0 };
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(16 * MIB);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, 16 * MIB);
    if (memchr(text, '\0', n) != NULL)
        return;
    jwrite_object(w, NULL);
    jwrite_str_n(w, "text", text, n);
    jwrite_end(w);
    if (!jwrite_done(w, &out, "fuzz", &e))
        abort();
    AUTO(jread_free_auto) struct jread *doc = open_bytes(out.data, out.len, JREAD_STRICT);
    AUTO(mem_auto) char *back = jread_text(jread_root(doc), "text", 16 * MIB);
    if (!jread_done(doc, &e) || (text_is_utf8(text, n) && (strlen(back) != n || memcmp(back, text, n) != 0)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    run_mode(text, n, JREAD_STRICT);
    run_mode(text, n, JREAD_OCI);
    round_trip(text, n);
    return 0;
}
