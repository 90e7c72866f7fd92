/* Which part is it really? Nothing in a part says which one it is, or of what bundle: the signed chunk table proves it. Asked when something does not fit, not before. */
#ifndef BUNDLE_PART_JUDGE_H
#define BUNDLE_PART_JUDGE_H

#include "bundle/chunk_stream.h"

/* A chunk is not what the table says. When the part it lies in is another part of this bundle, or of another bundle, that is said (ERR_INTEGRITY, false); true: the part belongs
 * there, it is the chunk that is damaged. */
MUST_CHECK bool part_judge(const struct chunk_id *damaged, struct err *e);

/* The first part does not begin like a bundle, and e says so: adds which part does. Returns false always. */
bool part_judge_first(struct bundle_file *f, struct err *e);

#endif
