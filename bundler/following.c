/* Reads what is there, waits for more, and believes none of it before the digest of the whole is known. */
#include "bundler/following.h"

#include "base/mem.h"
#include "sys/file.h"

#include "base/banned.h"

enum { READ_BYTES = 1024 * 1024 };

static bool read_range(int fd, uint64_t at, uint64_t end, const char *path, struct sink *to, struct err *e)
{
    AUTO(mem_auto) uint8_t *bytes = mem_new(READ_BYTES);
    for (; at < end; at += READ_BYTES) {
        size_t n = end - at < READ_BYTES ? (size_t)(end - at) : READ_BYTES;
        if (!fd_pread_exact(fd, bytes, n, at, path, e) || !sink_write(to, bytes, n, e))
            return false;
    }
    return true;
}

/* All of it is there. Opened now, if it is not yet. */
static bool read_rest(int *fd, uint64_t at, uint64_t size, const char *path, struct sink *to, struct err *e)
{
    if (*fd < 0)
        *fd = file_open_read(path, FILE_PLAIN, e);
    return *fd >= 0 && read_range(*fd, at, size, path, to, e);
}

bool following_bring(void *ctx, const struct pack_layer *layer, size_t form, struct sink *to, bool *is_worth_trying, struct err *e)
{
    (void)ctx;
    AUTO(fd_auto) int fd = -1;
    uint64_t at = 0;
    const char *path = layer->forms[form].path;
    *is_worth_trying = false;
    for (uint64_t n = 0;; at = n)
        switch (arrival_follow(layer->forms[form].arrival, at, &fd, &n)) {
        case ARRIVAL_BYTES:
            if (!read_range(fd, at, n, path, to, e))
                return false;
            break;
        case ARRIVAL_CAME:
            return read_rest(&fd, at, layer->blobs[form].size, path, to, e);
        case ARRIVAL_AGAIN:
            *is_worth_trying = true;
            return err_set(e, ERR_INTEGRITY, "its first bytes were wrong");
        case ARRIVAL_NEVER:
        default:
            return err_set(e, ERR_INTERRUPTED, "the layer does not come any more");
        }
}
