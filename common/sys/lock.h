/* One run at a time: a lock on a file (fd_try_lock) that dies with the process; its content names the holder. CONTRACT */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include "base/err.h"

struct lock;
/* Makes the file 0600. Busy: ERR_LOCKED "<path>: held by pid N (what) since T". what: "install shop-1.4.0". */
MUST_CHECK struct lock *lock_take(const char *path, const char *what, struct err *e);
void lock_release(struct lock *l);
AUTO_FREE(struct lock, lock_release)

#endif
