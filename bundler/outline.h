/* A bundle.yaml for a compose file, as a beginning: its variables and services are in it, what only the author knows is a comment. */
#ifndef BUNDLER_OUTLINE_H
#define BUNDLER_OUTLINE_H

#include "base/buf.h"

/* Appends the text. ERR_CONFIG for what is wrong with the compose file. */
MUST_CHECK bool outline_write(const char *compose_path, struct buf *out, struct err *e);

#endif
