/* What untar.c has of an entry beyond its public face, for retar.c. Private to them. */
#ifndef STREAM_UNTAR_PARTS_H
#define STREAM_UNTAR_PARTS_H

#include "stream/untar.h"

struct archive_entry;
/* libarchive's own picture of the entry that untar_next gave last. Borrowed until the next call. */
struct archive_entry *untar_raw_entry(struct untar *u);

#endif
