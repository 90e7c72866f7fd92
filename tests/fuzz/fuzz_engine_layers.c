/* Archives that an engine gives away, read for two layers of a known length: whatever they hold, no more reaches the disk than those have,
 * and what counts has the right digest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "engine/layers.h"

#define FIRST "content of the first layer"
#define SECOND "content of the second layer, which is longer"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 };
    struct layer_file want[] = { { .size = strlen(FIRST), .fd = -1 }, { .size = strlen(SECOND), .fd = -1 } };
    sha256_of(&want[0].diff_id, FIRST, strlen(FIRST));
    sha256_of(&want[1].diff_id, SECOND, strlen(SECOND));
    bool ok = layers_read(source_memory(bytes, n), "/tmp", want, ARRAY_LEN(want), &e);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct stat st;
        if (want[i].fd >= 0 &&
            (fstat(want[i].fd, &st) != 0 || (uint64_t)st.st_size != want[i].size || want[i].size != strlen(i == 0 ? FIRST : SECOND)))
            abort();
    }
    if (ok != (e.code == ERR_NONE))
        abort();
    layer_files_close(want, ARRAY_LEN(want));
    return 0;
}
