/* Blobs that were fetched before, by digest: DIR/sha256/<hex>. A file has that name only after its bytes were hashed; while it is fetched it is
 * <hex>.part, locked by the run that fetches it, and stays when the run is stopped, so that the next one goes on. Every file whose name begins with the hex digits belongs
 * to the blob.
 *
 * Several runs share a cache. A blob that was asked for in any way is held until cache_release: no other run removes it to make room (cache_room.h). The time of a file
 * (mtime) is when the blob was used last: set by us, so that it does not depend on how the file system is mounted.
 *
 *     AUTO(cache_close_auto) struct cache *c = cache_open(NULL, e);
 *     cache_find(c, &digest, size, &is_there, e);
 *     AUTO(mem_auto) char *path = cache_path(c, &digest);                                                        */
#ifndef BUNDLER_CACHE_H
#define BUNDLER_CACHE_H

#include "base/buf.h"
#include "format/digest.h"

struct cache;
/* dir null: $XDG_CACHE_HOME/archon-bundle, else ~/.cache/archon-bundle. Made (0700) where it is missing. ERR_USAGE when neither is known. */
MUST_CHECK struct cache *cache_open(const char *dir, struct err *e);
/* Keeps nothing: small documents stay in memory; what must be a file goes into a directory of its own below /var/tmp, which is made when something needs it and removed
 * by cache_close. */
struct cache *cache_open_passing(void);
bool cache_is_passing(const struct cache *c);
void cache_close(struct cache *c);
AUTO_FREE(struct cache, cache_close)
/* Nothing is held any more. */
void cache_release(struct cache *c);
const char *cache_dir(const struct cache *c); /* for messages; of a passing one that needed none: "memory" */
/* The directory, for other large files that are needed meanwhile; *dir is borrowed. */
MUST_CHECK bool cache_work_dir(struct cache *c, const char **dir, struct err *e);
/* Of a blob that is there or has a part. */
char *cache_path(const struct cache *c, const struct digest *d); /* owned */

/* Is the blob there with this size? One of another size is removed: it cannot be it. The bytes are hashed by whoever reads them. */
MUST_CHECK bool cache_find(const struct cache *c, const struct digest *d, uint64_t size, bool *is_there, struct err *e);
/* The same for one that must be a file: *path (owned) is where it is, null when it is not there. */
MUST_CHECK bool cache_find_file(const struct cache *c, const struct digest *d, uint64_t size, char **path, struct err *e);
/* Removes a blob whose bytes turned out to be others. A missing one is fine. */
MUST_CHECK bool cache_remove(const struct cache *c, const struct digest *d, struct err *e);

/* Small documents, hashed here: one that does not match is removed and not there. out must be empty and have a limit. */
MUST_CHECK bool cache_read(const struct cache *c, const struct digest *d, struct buf *out, bool *is_there, struct err *e);
MUST_CHECK bool cache_write(struct cache *c, const struct digest *d, const void *bytes, size_t n, struct err *e);

/* A blob that is being fetched. CACHE_BUSY: another run is at it; try again later. CACHE_PRESENT: it is there (now). */
enum cache_part_state { CACHE_PART, CACHE_BUSY, CACHE_PRESENT };
struct cache_part;
MUST_CHECK bool cache_part_open(struct cache *c, const struct digest *d, uint64_t size, enum cache_part_state *state,
                                struct cache_part **part, struct err *e);
int cache_part_fd(const struct cache_part *p);
/* The caller has hashed the content: syncs it and gives it its name. */
MUST_CHECK bool cache_part_publish(struct cache_part *p, struct err *e);
/* Was it hashed and published by this process? Then its bytes need not be hashed once more before they are used. */
bool cache_is_proven(const struct cache *c, const struct digest *d);
void cache_part_close(struct cache_part *p); /* an unpublished one stays for the next run */
AUTO_FREE(struct cache_part, cache_part_close)

#endif
