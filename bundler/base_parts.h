/* What the files of the base share. Private to them. */
#ifndef BUNDLER_BASE_PARTS_H
#define BUNDLER_BASE_PARTS_H

#include "bundler/base.h"

/* Does the host have layer i of the bundle? */
bool base_has_kept(const struct base *b, size_t layer);

struct base_files;
void base_files_free(struct base_files *f);

#endif
