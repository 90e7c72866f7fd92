/* What file.c (reading), file_open.c (finding), file_discs.c (asking) and remains.c (what is left of one) share. Private to them. */
#ifndef BUNDLE_FILE_PARTS_H
#define BUNDLE_FILE_PARTS_H

#include "bundle/file.h"
#include "bundle/part.h"
#include "sys/work.h"

struct bundle_file {
    char *name;
    bool is_in_parts;
    bool is_settled;     /* total_len is known: so is the number of parts */
    uint64_t bytes;      /* of all parts */
    uint64_t part_bytes; /* of every part but the last */
    size_t n;
    struct part *parts;
    enum part_mode mode; /* they are opened so */

    /* for parts that are opened later */
    char *base; /* name without number */
    char **folders;
    size_t n_folders;
    size_t folders_cap;
    char *spool_dir;
    struct bundle_asker ask; /* insert null: nobody */
    bool is_copying;         /* each disc is asked for once */
    struct work_mutex *lock; /* parts come and go: null when they do not */
};

struct bundle_file *bundle_file_new(const char *name, size_t n);
/* More parts than were found: they are missing. */
void bundle_file_grow(struct bundle_file *f, size_t n);
/* The sizes that were found make the places: all parts but the last have the size of the largest. */
void bundle_file_measure(struct bundle_file *f);

/* Opens what is there of a bundle, and looks for nothing more: parts may be missing, the first too. ERR_IO when nothing is. */
MUST_CHECK struct bundle_file *bundle_file_open_what_is_there(const struct bundle_where *where, enum part_mode mode, struct err *e);

/* Opens part i (from 0) if it lies in one of the folders. Of remains, one that cannot be opened is as good as none. */
MUST_CHECK bool bundle_file_find(struct bundle_file *f, size_t i, bool *found, struct err *e);
/* "part 2 of 5": of a settled file, else "part 2". */
const char *bundle_file_nth(const struct bundle_file *f, size_t i, struct bundle_place *out);

/* Part i is not open: finds it or asks for it. ERR_INTEGRITY when nobody can be asked. The lock is held. */
MUST_CHECK bool bundle_file_bring(struct bundle_file *f, size_t i, struct err *e);
/* After settling: parts are on several discs; may they be copied? */
MUST_CHECK bool bundle_file_plan_discs(struct bundle_file *f, struct err *e);

#endif
