/* Is this release allowed here? Versions never fall; one version has one content; upgrades follow the path that the author tested. */
#ifndef LOADER_POLICY_H
#define LOADER_POLICY_H

#include "app/release.h"
#include "loader/journal.h"
#include "loader/state.h"

/* Fails with ERR_POLICY (older than installed, other application, not an upgrade path, loader too old, clock, two releases with one version). */
MUST_CHECK bool policy_check_release(const struct release *r, const struct digest *digest, const struct state *s, int64_t now, struct err *e);

/* A run that was interrupted: the same release, or a newer one, may go on; so may the one that is installed, which is the way back. ERR_POLICY. */
MUST_CHECK bool policy_check_unfinished(const struct release *r, const struct digest *digest, const struct state *s, const struct journal_last *last,
                                        struct err *e);

#endif
