/* One wrapping after the other is taken off; at most three. */
#include "gates/statement.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "format/base64.h"
#include "format/jread.h"

#include "base/banned.h"

enum { WORD_BYTES = 4096, DEPTH_MAX = 3 };

static bool text_of(struct jnode o, const char *key, char out[WORD_BYTES])
{
    out[0] = '\0';
    AUTO(mem_auto) char *text = jread_is_text(o, key) ? jread_text(o, key, LIMIT_DOCUMENT_BYTES) : mem_text("");
    return text_copy(out, WORD_BYTES, text) && text[0] != '\0';
}

/* "https://spdx.dev/Document", also with a version: ".../v2.3". */
static bool has_type(const char *type, const char *want)
{
    size_t n = strlen(want);
    return text_starts(type, want) && (type[n] == '\0' || type[n] == '/');
}

static bool find_plain(struct jnode root, enum reports_sbom_kind *kind)
{
    char word[WORD_BYTES];
    *kind = REPORTS_CYCLONEDX;
    if (text_of(root, "bomFormat", word) && text_is(word, "CycloneDX"))
        return true;
    *kind = REPORTS_SPDX;
    return text_of(root, "spdxVersion", word) && text_starts(word, "SPDX-");
}

static bool find_statement(struct jnode root, enum reports_sbom_kind *kind)
{
    char type[WORD_BYTES];
    char word[WORD_BYTES];
    if (!text_of(root, "_type", word) || !text_starts(word, "https://in-toto.io/Statement/") || !text_of(root, "predicateType", type))
        return false;
    *kind = has_type(type, "https://spdx.dev/Document") ? REPORTS_SPDX : REPORTS_CYCLONEDX;
    return *kind == REPORTS_SPDX || has_type(type, "https://cyclonedx.org/bom");
}

static bool find(const char *text, size_t n, unsigned depth, enum reports_sbom_kind *kind);

static bool find_envelope(struct jnode root, unsigned depth, enum reports_sbom_kind *kind)
{
    char type[WORD_BYTES];
    if (!text_of(root, "payloadType", type) || !text_is(type, "application/vnd.in-toto+json") || !jread_is_text(root, "payload"))
        return false;
    AUTO(mem_auto) char *payload = jread_text(root, "payload", LIMIT_DOCUMENT_BYTES);
    AUTO(secret_clear_auto) struct secret statement = { 0 };
    return base64_read(&statement, payload, strlen(payload)) && find(statement.bytes, statement.n, depth + 1, kind);
}

static bool find(const char *text, size_t n, unsigned depth, enum reports_sbom_kind *kind)
{
    struct err ignored = { 0 };
    AUTO(jread_free_auto) struct jread *doc = depth < DEPTH_MAX ? jread_open(text, n, "document", JREAD_REPORT, &ignored) : NULL;
    struct jnode root = jread_root(doc);
    struct jnode inner;
    if (doc == NULL)
        return false;
    if (find_plain(root, kind) || find_statement(root, kind) || find_envelope(root, depth, kind))
        return true;
    if (!jread_has(root, "dsseEnvelope"))
        return false;
    inner = jread_object(root, "dsseEnvelope");
    return inner.at != NULL && find_envelope(inner, depth, kind);
}

bool statement_is_sbom(const char *text, size_t n, enum reports_sbom_kind *kind)
{
    *kind = REPORTS_SPDX;
    return find(text, n, 0, kind);
}
