/* Layers as they come from a registry: any bytes, in pieces whose size the first byte chooses. */
#include "base/limits.h"
#include "stream/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 1)
        return 0;
    struct err e = { 0 };
    size_t step = (size_t)bytes[0] + 1;
    AUTO(sink_drop_auto) struct sink *s =
        sink_inflate(INFLATE_DETECT, "layer", sink_limit(8 * MIB, SINK_AT_MOST, "layer", sink_null()));
    for (size_t at = 1; at < n; at += step)
        if (!sink_write(s, bytes + at, n - at < step ? n - at : step, &e))
            return 0;
    bool is_good = sink_finish(s, &e);
    BUG_IF(is_good != (e.code == ERR_NONE));
    return 0;
}
