/* Search in the lists that CMake made (embed/generate.cmake). */
#include "embed/embed.h"

#include <string.h>

#include "base/banned.h"

const struct embed_file *embed_find(const struct embed_file *files, size_t n, const char *path)
{
    size_t from = 0;
    while (from < n) {
        size_t mid = from + (n - from) / 2;
        int order = strcmp(path, files[mid].path);
        if (order == 0)
            return &files[mid];
        if (order < 0)
            n = mid;
        else
            from = mid + 1;
    }
    return NULL;
}
