/* SBOMs are recognised in every wrapping, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "format/base64.h"
#include "gates/statement.h"

#define STATEMENT(type) \
    "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"subject\":[],\"predicateType\":\"" type "\",\"predicate\":{\"a\":-1.5}}"

static char *envelope(const char *statement, const char *before, const char *after)
{
    struct secret payload = base64_of(statement, strlen(statement));
    char *text = mem_format("%s{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"%s\",\"signatures\":[]}%s", before,
                            payload.bytes, after);
    secret_clear(&payload);
    return text;
}

static void sboms_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reports_sbom_kind kind;
    } table[] = {
        { STATEMENT("https://spdx.dev/Document"), REPORTS_SPDX },
        { STATEMENT("https://spdx.dev/Document/v2.3"), REPORTS_SPDX },
        { STATEMENT("https://cyclonedx.org/bom"), REPORTS_CYCLONEDX },
        { STATEMENT("https://cyclonedx.org/bom/v1.4"), REPORTS_CYCLONEDX },
        { "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\"}", REPORTS_CYCLONEDX },
        { "{\"spdxVersion\":\"SPDX-2.3\"}", REPORTS_SPDX },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        enum reports_sbom_kind kind;
        AUTO(mem_auto) char *signed_text = envelope(table[i].text, "", "");
        AUTO(mem_auto)
        char *bundle = envelope(table[i].text, "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"dsseEnvelope\":", "}");
        const char *const forms[] = { table[i].text, signed_text, bundle };
        for (size_t k = 0; k < ARRAY_LEN(forms); k++)
            if (!statement_is_sbom(forms[k], strlen(forms[k]), &kind) || kind != table[i].kind)
                fail_msg("%s", forms[k]);
    }
}

static void other_documents_are_none(void **state)
{
    (void)state;
    static const char *const others[] = {
        STATEMENT("https://slsa.dev/provenance/v0.2"),
        STATEMENT("https://spdx.dev/Documents"),
        "{\"predicateType\":\"https://spdx.dev/Document\"}",
        "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"!\"}",
        "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":7}",
        "{\"dsseEnvelope\":[]}",
        "{\"bomFormat\":7}",
        "{\"spdxVersion\":\"2.3\"}",
        "[]",
        "",
        "\xff",
        "{",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        enum reports_sbom_kind kind;
        if (statement_is_sbom(others[i], strlen(others[i]), &kind))
            fail_msg("%s", others[i]);
    }
}

/* An envelope in an envelope in an envelope ... */
static void wrappings_have_an_end(void **state)
{
    (void)state;
    enum reports_sbom_kind kind;
    AUTO(mem_auto) char *one = envelope(STATEMENT("https://spdx.dev/Document"), "", "");
    AUTO(mem_auto) char *two = envelope(one, "", "");
    AUTO(mem_auto) char *three = envelope(two, "", "");
    assert_true(statement_is_sbom(two, strlen(two), &kind));
    assert_false(statement_is_sbom(three, strlen(three), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sboms_are_recognised),
        cmocka_unit_test(other_documents_are_none),
        cmocka_unit_test(wrappings_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
