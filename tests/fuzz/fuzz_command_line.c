/* Command lines: the words are the lines of the input. Nothing but a usage error may come of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/cli/toy.h"

enum { MAX_WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n((const char *)bytes, n);
    char *argv[MAX_WORDS + 2] = { "toy" };
    int argc = 1;
    struct err e = { 0 };
    AUTO(cli_parsed_clear) struct cli_parsed parsed = { 0 };
    for (char *p = text; p != NULL && argc < MAX_WORDS;) {
        char *end = strchr(p, '\n');
        argv[argc++] = p;
        if (end != NULL)
            *end++ = '\0';
        p = end;
    }
    bool is_good = cli_parse(&toy, argc, argv, &parsed, &e);
    if (is_good != (e.code == ERR_NONE) || (!is_good && e.code != ERR_USAGE))
        abort();
    if (is_good && parsed.action == CLI_RUN && (parsed.command == NULL || parsed.command->run == NULL))
        abort();
    return 0;
}
