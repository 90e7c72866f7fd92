/* SBOMs in the wrappings in which registries have them: an in-toto statement (BuildKit), a DSSE envelope around one (cosign), a Sigstore
 * bundle around that, or nothing. */
#ifndef GATES_STATEMENT_H
#define GATES_STATEMENT_H

#include "gates/reports.h"

/* Is this document an SBOM, and which? What cannot be read is none: these are documents of others, carried whatever they are. No signature
 * is looked at. */
bool statement_is_sbom(const char *text, size_t n, enum reports_sbom_kind *kind);

#endif
