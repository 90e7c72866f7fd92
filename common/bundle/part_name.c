/* Names of parts. */
#include "bundle/part_name.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#include "base/banned.h"

enum { SUFFIX = 4 }; /* ".001" */

char *part_name(const char *path, size_t number)
{
    BUG_IF(number == 0 || number > LIMIT_PARTS);
    return mem_format("%s.%03zu", path, number);
}

size_t part_name_number(const char *path, size_t *base_len)
{
    size_t len = strlen(path);
    size_t number = 0;
    if (len <= SUFFIX || path[len - SUFFIX] != '.' || path[len - SUFFIX - 1] == '/')
        return 0;
    for (const char *p = path + len - SUFFIX + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        number = number * 10 + (size_t)(*p - '0');
    }
    *base_len = number == 0 ? 0 : len - SUFFIX;
    return number;
}
