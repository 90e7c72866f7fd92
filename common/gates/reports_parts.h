/* What reports.c (values), reports_write.c and reports_read.c share. Private to them. */
#ifndef GATES_REPORTS_PARTS_H
#define GATES_REPORTS_PARTS_H

#include "gates/reports.h"

enum { REPORTS_MATCHES = 4, REPORTS_SBOM_KINDS = 2, REPORTS_DATABASES = 3 };

/* The words of the document. */
extern const char *const reports_match_names[REPORTS_MATCHES];
extern const char *const reports_sbom_kind_names[REPORTS_SBOM_KINDS];
extern const char *const reports_database_names[REPORTS_DATABASES]; /* of bit 0, 1, 2 */

#endif
