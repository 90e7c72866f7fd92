/* References and platforms: what is accepted is canonical, and reads back as itself. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/platform.h"
#include "format/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void run_ref(const char *text)
{
    struct err e = { 0 };
    struct ref a;
    struct ref b;
    struct ref_text tag;
    if (!ref_parse(&a, text, &e)) {
        must(e.code == ERR_USAGE && a.repository[0] == '\0');
        return;
    }
    must(ref_parse(&b, REF_SHOWN(&a), &e) && ref_equal(&a, &b));
    must(ref_parse(&b, ref_format_tag(&tag, &a), &e) && !b.has_digest);
    must(a.has_digest || a.tag[0] != '\0');
    must(strstr(a.repository, "..") == NULL && strchr(a.repository, '%') == NULL && strchr(a.host, '/') == NULL && strchr(a.host, '@') == NULL);
    must(a.repository[0] != '-' && a.repository[0] != '/' && a.host[0] != '-');
}

static void run_platform(const char *text)
{
    struct err e = { 0 };
    struct platform a;
    struct platform b;
    struct platform_text name;
    if (!platform_parse(&a, text, &e)) {
        must(e.code == ERR_USAGE);
        return;
    }
    must(platform_parse(&b, platform_format(&name, &a), &e) && platform_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n(n > 0 ? (const char *)bytes : "", n);
    run_ref(text);
    run_platform(text);
    return 0;
}
