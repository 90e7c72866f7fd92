/* Volumes of a compose project, found by their label: what is left of a project whose compose files are gone. */
#ifndef ENGINE_VOLUMES_H
#define ENGINE_VOLUMES_H

#include "engine/engine.h"

struct volume_list {
    size_t n;
    char **names;
};
void volume_list_clear(struct volume_list *l);
void volume_list_clear_auto(struct volume_list *l);

/* *out must be empty. ERR_ENGINE. */
MUST_CHECK bool volume_list(struct engine *g, const char *project, struct volume_list *out, struct err *e);
/* One that is not there any more is fine; one that a container uses is ERR_ENGINE. */
MUST_CHECK bool volume_remove(struct engine *g, const char *name, struct err *e);

/* GET /volumes: {"Volumes": [{"Name": ...}] or null}. ERR_ENGINE. For tests. */
MUST_CHECK bool volume_read_list(struct volume_list *out, const char *text, size_t n, struct err *e);

#endif
