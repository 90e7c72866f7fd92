/* What the readers of the three dialects share. Private to scan*.c. */
#ifndef GATES_SCAN_PARTS_H
#define GATES_SCAN_PARTS_H

#include "format/jread.h"
#include "gates/scan.h"

/* Each fills s from a document that is of its kind; trouble stays in the cursor. */
void scan_read_trivy(struct scan *s, struct jnode root);
void scan_read_grype(struct scan *s, struct jnode root);
void scan_read_sarif(struct scan *s, struct jnode root);

/* An optional text, never null, cut for showing and keeping: names of packages and targets are information. */
char *scan_text(struct jnode o, const char *key);
/* Items of an optional array; 0 when it is missing or null. */
size_t scan_array(struct jnode o, const char *key, size_t max, struct jnode *out);
/* An optional object; false when it is missing or null. */
bool scan_object(struct jnode o, const char *key, struct jnode *out);

/* Counts a finding. Texts are copied as far as they are kept; empty ones stand for not known. */
void scan_add(struct scan *s, const char *target, enum severity severity, bool is_fixable, const char *id, const char *package,
              const char *version);

/* "sha256:..." or "repository@sha256:...": whatever has no such digest is passed over. */
void scan_add_id(struct scan *s, const char *text);
void scan_add_diff_id(struct scan *s, const char *text);
void scan_add_name(struct scan *s, const char *text);
/* All texts of an optional array. */
void scan_add_all(struct scan *s, struct jnode o, const char *key, void (*add)(struct scan *s, const char *text));
void scan_set_platform(struct scan *s, struct jnode o, const char *os_key, const char *architecture_key);
void scan_set_tool(struct scan *s, const char *name, const char *version);

#endif
