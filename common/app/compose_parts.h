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

/* A key of a table. s is null outside of services. */
typedef void (*compose_key_fn)(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key);
struct compose_key {
    const char *name;
    compose_key_fn read; /* null: passes */
    const char *needs;   /* compose version; null: 1.29 knows it */
};
/* compose_keys.c: reads a map by a table; a key that is in no table is a finding. */
void compose_read_map(struct compose_reader *r, const struct compose_key *keys, size_t n, struct compose_service *s,
                      const struct ynode *node);
bool compose_is_empty(const struct ynode *node);
bool compose_is_text(const struct ynode *node, const char *text);
void compose_read_path(const struct compose_reader *r, const struct ynode *node, const char *key);
#define COMPOSE_DENY_REASON "reaches the host, which only a site's policy could allow, and this version has no such policy"
void compose_key_deny(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key);
void compose_key_labels(struct compose_reader *r, struct compose_service *s, const struct ynode *node, const char *key);

/* compose_service_keys.c: every key of a service; compose_keys.c: the top-level sections. */
void compose_read_keys(struct compose_reader *r, struct compose_service *s, const struct ynode *node);
void compose_read_section(struct compose_reader *r, const char *section, const struct ynode *node);
/* compose_mounts.c */
void compose_read_volumes(const struct compose_reader *r, const struct ynode *node);
/* compose_variables.c: every mention in the text of all files. */
void compose_find_variables(struct compose *c, struct findings *f);
/* compose_files.c: opens the given files and all that are reached through extends; they stay where they are afterwards. */
bool compose_open_files(struct compose *c, const struct origin *src, const struct texts *files, struct err *e);
/* Points the reader at a file. */
void compose_enter_file(struct compose_reader *r, const struct compose_file *file);
/* The service that an extends names, and in `there` a reader for it; null with a finding. */
const struct ynode *compose_extended(struct compose_reader *r, const struct ynode *extends, struct compose_reader *there);
const struct ynode *compose_services(const struct compose_file *file);

#endif
