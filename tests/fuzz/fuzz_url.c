/* URLs of redirects and token servers: up to the first newline a base, after it where it leads. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n((const char *)bytes, n);
    char *second = strchr(text, '\n');
    if (second != NULL)
        *second++ = '\0';
    struct err e = { 0 };
    struct url a, b;
    if (!url_parse(&a, text, "base", &e))
        return 0;
    /* What was accepted is accepted again and is the same. */
    struct err e2 = { 0 };
    BUG_IF(!url_parse(&b, a.text, "again", &e2) || !url_same_origin(&a, &b) || a.port == 0 || a.host[0] == '\0');
    if (second != NULL && !url_join(&b, &a, second, "location", &e))
        return 0;
    char host[256];
    uint16_t port;
    if (second != NULL)
        BUG_IF(url_split_host(second, host, &port) && host[0] == '\0');
    return 0;
}
