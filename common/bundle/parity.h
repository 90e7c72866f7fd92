/* A parity file that was found beside a bundle, or beside what is left of one. Nothing in it is trusted: its numbers are checked against limits, its records against their own
 * checksums, and it may be damaged itself. */
#ifndef BUNDLE_PARITY_H
#define BUNDLE_PARITY_H

#include "bundle/parity_write.h"

enum parity_record {
    PARITY_LOST,  /* unreadable, damaged, or of another state of the bundle than most of its row */
    PARITY_HEAD,  /* its head is right, its block was not looked at */
    PARITY_WHOLE,
};

struct parity;

/* The bundle that a path means: itself, or without ".001" when it is that of a part (mem_free). */
char *parity_bundle_path(const char *path);
/* The parity file of a bundle, or of the bundle that a part belongs to: its path + ".par" (mem_free). */
char *parity_path(const char *path);

/* Opens it and reads the heads of all records: 8 MiB of hashes at most. Unreadable places are damage, not errors. Fails with ERR_IO when it cannot be opened, ERR_FORMAT when not a
 * single head in it is right. */
MUST_CHECK struct parity *parity_open(const char *path, struct err *e);
void parity_close(struct parity *p);
AUTO_FREE(struct parity, parity_close)

/* Borrowed. */
const struct parity_shape *parity_shape_of(const struct parity *p);
const char *parity_name(const struct parity *p);

/* What the blocks of the bundle in a row should hash to, or null when no record of the row is left. */
const struct parity_hash *parity_row(const struct parity *p, uint32_t row);

enum parity_record parity_state(const struct parity *p, uint32_t row, uint32_t slice);

/* Reads every block of parity and settles PARITY_HEAD into one of the others. */
MUST_CHECK bool parity_check(struct parity *p, const struct parity_how *how, struct err *e);

/* n bytes of a record's block from `at` on. False when they cannot be read. Thread: any. */
MUST_CHECK bool parity_read_block(const struct parity *p, uint32_t row, uint32_t slice, void *to, size_t n, size_t at);

/* Reads n bytes of a descriptor; false for anything but all of them: a sector that cannot be read is damage, and what follows it is read all the same. */
MUST_CHECK bool parity_read_tolerant(int fd, void *to, size_t n, uint64_t at);

#endif
