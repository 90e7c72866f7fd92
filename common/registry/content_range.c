/* Content-Range and validators (RFC 9110, 14.4 and 8.8). */
#include "registry/content_range.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

/* A number that ends before `end`; *at is then behind that character. */
static bool read_number(const char **at, char end, uint64_t *out)
{
    const char *stop = strchr(*at, end);
    if (stop == NULL || !num_parse(out, *at, (size_t)(stop - *at), INT64_MAX))
        return false;
    *at = end == '\0' ? stop : stop + 1;
    return true;
}

bool content_range_parse(struct content_range *out, const char *text)
{
    *out = (struct content_range){ 0 };
    if (text == NULL || !text_starts(text, "bytes "))
        return false;
    const char *at = text + strlen("bytes ");
    if (!read_number(&at, '-', &out->first) || !read_number(&at, '/', &out->last) || out->first > out->last)
        return false;
    out->has_total = !text_is(at, "*");
    return !out->has_total || (read_number(&at, '\0', &out->total) && out->total > out->last);
}

void validator_read(struct validator *out, const struct url *from, const struct http_response *head)
{
    const char *tag = http_response_get(head, "etag"), *changed = http_response_get(head, "last-modified");
    *out = (struct validator){ 0 };
    snprintf(out->origin, sizeof out->origin, "%s", URL_ORIGIN(from));
    const char *text = tag != NULL && tag[0] == '"' ? tag : tag == NULL && changed != NULL ? changed : "";
    if (!text_copy(out->text, sizeof out->text, text))
        out->text[0] = '\0';
}

bool validator_differs(const struct validator *a, const struct validator *b)
{
    bool is_comparable = text_is(a->origin, b->origin) && a->text[0] != '\0' && b->text[0] != '\0' && (a->text[0] == '"') == (b->text[0] == '"');
    return is_comparable && !text_is(a->text, b->text);
}
