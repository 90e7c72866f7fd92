/* Configuration of registries: read or refused, never anything else. */
#include <stdlib.h>

#include "registry/mirrors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = { 0 }, why = { 0 };
    struct mirror_places places;
    AUTO(mirrors_free_auto) struct mirrors *m = mirrors_new();
    if (mirrors_read(m, (const char *)bytes, n, "x.conf", &e) != (e.code == ERR_NONE) || (e.code != ERR_NONE && e.code != ERR_CONFIG))
        abort();
    if (!mirrors_find(m, "registry.example", "team/app", MIRROR_TAG, &places, &why))
        return why.code == ERR_POLICY || why.code == ERR_CONFIG ? 0 : (abort(), 0);
    if (places.n == 0 || places.n > MIRROR_PLACES_MAX || places.list[places.n - 1].is_mirror)
        abort();
    return 0;
}
