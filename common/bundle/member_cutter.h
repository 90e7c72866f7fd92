/* A cutter for deltas (docs/FORMAT.md section 3.6): pieces also end where a member of the tar has its header and where its content ends. So
 * a file that was only touched, or moved, is found again whatever stands around it, and just its header is new. */
#ifndef BUNDLE_MEMBER_CUTTER_H
#define BUNDLE_MEMBER_CUTTER_H

#include "bundle/cutter.h"

/* As cutter_new. A stream that is no tar is cut as if it were the content of one file. */
struct sink *member_cutter_new(uint32_t average, struct work_queue *out);

#endif
