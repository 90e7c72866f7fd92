/* Private to the definition: readers of its sections, for the table in definition.c. into is a struct definition. */
#ifndef APP_DEFINITION_PARTS_H
#define APP_DEFINITION_PARTS_H

#include "app/yfields.h"

void definition_read_version(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_platforms(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_images(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_database(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_upgrade(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_requires(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_variables(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_urls(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_services(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_targets(const struct yctx *c, const struct ynode *node, void *into);
void definition_read_verify(const struct yctx *c, const struct ynode *node, void *into);

/* What must hold between the values: definition_check.c. */
void definition_check(const struct yctx *c, const struct ynode *root, const struct definition *d);

#endif
