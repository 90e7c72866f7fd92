/* Checks the raw tar stream of a bundle against the manifest while it passes: generated headers compared byte for byte, fill bytes zero, content
 * hashed, end mark, nothing after it (docs/FORMAT.md section 1.5). */
#ifndef BUNDLE_MEMBERS_H
#define BUNDLE_MEMBERS_H

#include "bundle/manifest.h"
#include "stream/sink.h"

struct members;
struct members *members_new(const struct manifest *m); /* borrows */
void members_free(struct members *s);
AUTO_FREE(struct members, members_free)
/* The content of member i also goes there. At most two; borrows to. */
void members_tap(struct members *s, size_t i, struct sink *to);
/* ERR_FORMAT, ERR_INTEGRITY, and what a tap gives. */
MUST_CHECK bool members_feed(struct members *s, const uint8_t *bytes, size_t n, struct err *e);
/* The same for n bytes that are not at hand: somebody else looks at them. They must be content of a member without a digest. ERR_FORMAT. */
MUST_CHECK bool members_pass_over(struct members *s, size_t n, struct err *e);
MUST_CHECK bool members_finish(struct members *s, struct err *e);

#endif
