/* WWW-Authenticate headers, one a line. */
#include <string.h>

#include "base/mem.h"
#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n((const char *)bytes, n);
    struct challenge_list list = { 0 };
    struct err e = { 0 };
    for (char *line = text, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (!challenge_parse(&list, line, &e))
            return 0;
    }
    BUG_IF(list.n > CHALLENGES_MAX);
    const struct challenge *best = challenge_best(&list);
    BUG_IF(best != NULL && best->kind == CHALLENGE_OTHER);
    return 0;
}
