/* compose.archon.yaml: what the site adds to every service, as a compose file that is merged last. Its declaration is in render.h; this
 * header has what else is known of it. */
#ifndef DEPLOY_OVERRIDE_H
#define DEPLOY_OVERRIDE_H

#include "base/buf.h"

/* A text as a YAML scalar that compose takes literally: double quotes, escapes, $ doubled. */
void override_add_scalar(struct buf *out, const char *text);

#endif
