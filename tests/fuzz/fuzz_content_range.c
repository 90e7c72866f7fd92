/* What a registry says in the heads of its answers: which bytes, which version, when to come back. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "registry/content_range.h"
#include "registry/retry.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = { 0 };
    struct content_range range;
    struct url from;
    struct validator v;
    AUTO(mem_auto) char *text = mem_text_n((const char *)data, size);
    struct http_header_line line = { (char[]){ "etag" }, text };
    struct http_response head = { .n_headers = 1, .headers = &line };
    if (content_range_parse(&range, text))
        BUG_IF(range.first > range.last || (range.has_total && range.last >= range.total));
    BUG_IF(retry_wait_ms(text, 1, 2000, 1795323600, 7) > RETRY_MAX_WAIT_MS);
    BUG_IF(!url_parse(&from, "https://registry.example/", "URL", &e));
    validator_read(&v, &from, &head);
    BUG_IF(validator_differs(&v, &v));
    return 0;
}
