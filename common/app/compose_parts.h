/* Private to the compose model: the reader's state, and what its files ask of each other. */
#ifndef APP_COMPOSE_PARTS_H
#define APP_COMPOSE_PARTS_H

#include "app/compose.h"
#include "app/yfields.h"

struct compose_reader {
    struct compose *c;
    struct findings *f;
    const struct origin *src;
    enum compose_mode mode;
    const struct compose_file *file; /* the one that is being read; changes when c->files grows */
    const char *folder;              /* where its relative paths start */
    const char *section;             /* "services", "volumes", ... for messages */
    const char *name;                /* of the service, volume, ... */
    unsigned depth;                  /* of extends */
};

/* "FILE:line:col: section.name.key: text". Return false always. */
bool compose_bad(const struct compose_reader *r, const struct ynode *at, const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same as ERR_POLICY: what reaches the host. */
bool compose_deny(const struct compose_reader *r, const struct ynode *at, const char *key, const char *reason);

/* The files need at least this compose. */
void compose_need(struct compose *c, const char *version);
/* A path below the definition that the services read: normalised and noted, or a finding. */
void compose_path(const struct compose_reader *r, const struct ynode *at, const char *key, const char *text);
/* A literal text of the node, or null with a finding: no list, no map, no variable. */
const char *compose_literal(const struct compose_reader *r, const struct ynode *node, const char *key);
bool compose_name_ok(const char *name);

/* compose_keys.c: every key of a service, of the top-level sections. */
void compose_read_keys(struct compose_reader *r, struct compose_service *s, const struct ynode *node);
void compose_read_section(struct compose_reader *r, const char *section, const struct ynode *node);
/* compose_mounts.c */
void compose_read_volumes(const struct compose_reader *r, const struct ynode *node);
/* compose_variables.c: every mention in the text of all files. */
void compose_find_variables(struct compose *c, struct findings *f);
/* compose.c: the file and service that an extends names; null with a finding. */
const struct ynode *compose_extended(struct compose_reader *r, const struct ynode *extends, struct compose_reader *there);
const struct ynode *compose_services(const struct compose_file *file);

#endif
