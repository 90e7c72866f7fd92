/* The same way into the cache that fetched blobs take: a .part, hashed while it is written, then its name. */
#include "bundler/blob_put.h"

#include <errno.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { BUSY_WAIT_MS = 500 };

static bool open_part(struct cache *c, const struct digest *d, uint64_t size, struct cache_part **part, struct err *e)
{
    enum cache_part_state state = CACHE_BUSY;
    while (cache_part_open(c, d, size, &state, part, e)) {
        if (state != CACHE_BUSY)
            return true;
        clock_sleep_ms(BUSY_WAIT_MS);
        if (!start_check(e))
            return false;
    }
    return false;
}

static bool write_part(struct cache_part *part, const struct digest *d, uint64_t size, struct source *content, struct err *e)
{
    int fd = cache_part_fd(part);
    if (ftruncate(fd, 0) != 0) /* of a run that was stopped: here it is all there again */
        return file_fail(e, errno, "truncate", "blob cache");
    AUTO(sink_drop_auto) struct sink *to = sink_limit(size, SINK_EXACT, "layer", sink_sha256(d, "layer", sink_fd(fd, "blob cache")));
    return pump(content, to, e) && sink_finish(to, e) && cache_part_publish(part, e);
}

bool blob_put(struct cache *c, const struct digest *d, uint64_t size, struct source *content, struct err *e)
{
    bool is_there = false;
    AUTO(cache_part_close_auto) struct cache_part *part = NULL;
    if (!cache_find(c, d, size, &is_there, e))
        return false;
    if (is_there)
        return true;
    return open_part(c, d, size, &part, e) && (part == NULL || write_part(part, d, size, content, e));
}
