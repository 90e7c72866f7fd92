/* From a path on the command line to a bundle file, for both programs: parts in several folders, and on a terminal discs in turn. */
#ifndef SHOW_PARTS_H
#define SHOW_PARTS_H

#include "bundle/file.h"
#include "cli/command.h"

/* What users let us know beside the path. */
struct show_parts {
    struct cli_list from;    /* folders */
    bool is_from_medium;
};
#define SHOW_PARTS_ROW(type, field) CLI_LIST_ROW("parts-from", 0, type, field.from, "DIR", "look for parts of the bundle here, too; repeatable")
#define SHOW_MEDIUM_ROW(type, field) CLI_FLAG_ROW("check-medium", 0, type, field.is_from_medium, "read from the medium itself, not from what memory holds of it")

/* spool_dir: as in bundle/file.h. is_read_again: the caller reads more than once from beginning to end, so that copies of discs are worth their room. Fails as bundle_file_open_where. */
MUST_CHECK struct bundle_file *show_parts_open(const char *path, const struct show_parts *parts, const char *spool_dir, bool is_read_again, struct err *e);

#endif
