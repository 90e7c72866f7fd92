/* state.json: what is accepted is written again and read back the same. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct state s, again;
    struct err e = { 0 };
    char path[64];
    if (!state_parse(&s, n == 0 ? "" : (const char *)bytes, n, "fuzz", &e))
        return 0;
    snprintf(path, sizeof path, "/tmp/archon-fuzz-state.%d", (int)getpid());
    BUG_IF(!state_write(&s, path, &e) || !state_read(&again, path, &e));
    BUG_IF(!state_is_same(&s, &again) || strcmp(s.stream, again.stream) != 0 || strcmp(s.project, again.project) != 0 ||
           s.clock_floor != again.clock_floor || s.installed.installed_at != again.installed.installed_at);
    unlink(path);
    return 0;
}
