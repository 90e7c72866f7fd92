/* A directory that appears whole or not at all, as sys/file.h does it for a file: it is built as NAME.partial beside its final name, which
 * it gets at the end.
 *
 *     AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open("layout", e);
 *     ... path_publish_beneath(publish_dir_path(p), &name, 0644, e) ...
 *     if (!publish_dir_commit(p, e)) return false;
 *
 * Dropped without commit nothing stays. What a run that was killed left is removed by the next one (it has a lock file in it); what another
 * run works on is ERR_LOCKED, and what somebody else has under that name ERR_IO. */
#ifndef SYS_PUBLISH_DIR_H
#define SYS_PUBLISH_DIR_H

#include "base/err.h"

struct publish_dir;
/* Nothing may be there under the final name (ERR_IO "exists already"). Mode 0755. */
MUST_CHECK struct publish_dir *publish_dir_open(const char *path, struct err *e);
/* Where to write. Borrowed. */
const char *publish_dir_path(const struct publish_dir *p);
/* Files in it have been synced by who wrote them. */
MUST_CHECK bool publish_dir_commit(struct publish_dir *p, struct err *e);
void publish_dir_drop(struct publish_dir *p);
AUTO_FREE(struct publish_dir, publish_dir_drop)

#endif
