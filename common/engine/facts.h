/* What /version and /info say, as facts. Bytes of the engine in, ERR_ENGINE when they make no sense. For the files of this folder. */
#ifndef ENGINE_FACTS_H
#define ENGINE_FACTS_H

#include "engine/engine.h"

/* Kind, version, and the API version to use. */
MUST_CHECK bool facts_read_version(struct engine_facts *f, const char *text, size_t n, struct err *e);
/* Store, platform, root directory, name. */
MUST_CHECK bool facts_read_info(struct engine_facts *f, const char *text, size_t n, struct err *e);

#endif
