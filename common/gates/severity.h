/* How bad a finding is, as scanners say it: Trivy's and Grype's words. Values are in order: a gate at HIGH stops HIGH and CRITICAL. */
#ifndef GATES_SEVERITY_H
#define GATES_SEVERITY_H

#include "base/auto.h"

enum severity { SEVERITY_UNKNOWN, SEVERITY_NEGLIGIBLE, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL, SEVERITIES };

#define SEVERITY_WORDS "CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE or UNKNOWN"

const char *severity_name(enum severity s); /* "CRITICAL" */
const char *severity_key(enum severity s);  /* "critical": in our documents */
/* In any letters. False (SEVERITY_UNKNOWN) for another word. */
bool severity_parse(enum severity *out, const char *text);
/* From a CVSS base score in tenths, 0 to 100, by the ranges of CVSS 3 and 4; 0 says nothing: SEVERITY_UNKNOWN. */
enum severity severity_of_score(unsigned tenths);

struct severity_counts {
    uint64_t n[SEVERITIES];
};
uint64_t severity_sum(const struct severity_counts *c);
uint64_t severity_at_least(const struct severity_counts *c, enum severity s);

struct severity_text {
    char text[200];
};
/* "2 CRITICAL, 1 LOW", or "no findings". */
const char *severity_format(struct severity_text *out, const struct severity_counts *c);
#define SEVERITIES_SHOWN(c) severity_format(&(struct severity_text){ { 0 } }, (c))

#endif
