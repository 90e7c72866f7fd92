/* One command of archon-bundle in this process: its exit status, its result, its story. */
#ifndef TESTS_BUNDLER_RUN_H
#define TESTS_BUNDLER_RUN_H

#include <stdarg.h>
#include <stdio.h>

#include "bundler/commands.h"
#include "tests/support/scratch.h"

struct said {
    int status;
    char *out, *err;
};

static inline void said_clear(struct said *s)
{
    free(s->out);
    free(s->err);
    *s = (struct said){ 0 };
}

/* Words up to a null. */
static inline struct said run(const char *first, ...)
{
    const struct cli_command commands[] = { cmd_create, cmd_plan, cmd_login, cmd_lint, cmd_init, cmd_validate_embedded, cmd_keygen,
                                            cmd_sign, cmd_verify, cmd_inspect, cmd_list, cmd_cat, cmd_extract,
                                            cmd_cache_list, cmd_cache_prune, cmd_cache_verify };
    const struct cli_program program = { .name = "archon-bundle", .summary = "test", .version = "1", .commands = commands,
                                         .n_commands = sizeof commands / sizeof commands[0] };
    struct said s = { 0 };
    size_t out_bytes = 0, err_bytes = 0;
    FILE *out = open_memstream(&s.out, &out_bytes);
    FILE *err = open_memstream(&s.err, &err_bytes);
    char *words[32] = { (char[]){ "archon-bundle" } };
    int n = 1;
    va_list args;
    va_start(args, first);
    for (const char *word = first; word != NULL && n < 31; word = va_arg(args, const char *))
        words[n++] = mem_text(word);
    va_end(args);
    s.status = cli_run(&program, n, words, out, err);
    for (int i = 1; i < n; i++)
        mem_free(words[i]);
    fclose(out);
    fclose(err);
    return s;
}

#endif
