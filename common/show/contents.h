/* Does a bundle have what its release.json names? A host that finds out later would have to stop in the middle. */
#ifndef SHOW_CONTENTS_H
#define SHOW_CONTENTS_H

#include "app/release.h"
#include "bundle/manifest.h"

/* Every index, manifest and configuration is a member below images/, every layer is in layers[], every file is a member below app/ with
 * that size, digest and mode. ERR_FORMAT. */
MUST_CHECK bool show_check_contents(const struct manifest *m, const struct release *r, struct err *e);

#endif
