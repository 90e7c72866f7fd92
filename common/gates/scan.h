/* What a vulnerability scanner reported, in three dialects: Trivy's JSON, Grype's JSON, SARIF 2.1.0. Which one a file is, its content
 * tells. Read tolerantly where scanners add, strictly where a wrong guess would hide a finding: a key that we read and that has another
 * type than documented is refused.
 *
 *     struct scan s = { 0 };
 *     bool ok = scan_read(&s, text, n, "trivy.json", e) && severity_at_least(&s.counts, SEVERITY_HIGH) == 0;
 *     scan_clear(&s);                                                                              */
#ifndef GATES_SCAN_H
#define GATES_SCAN_H

#include "base/limits.h"
#include "format/digest.h"
#include "format/platform.h"
#include "gates/severity.h"

struct scan_finding {
    enum severity severity;
    bool is_fixable; /* a version without it is known */
    char *id;        /* CVE-2024-1234 */
    char *package;   /* "openssl 3.0.11-1", or empty */
    char *target;    /* what of the image: "debian 12.5", "app/package-lock.json" */
};

struct scan_target {
    char *name;
    struct severity_counts counts;
    uint64_t n_fixable;
};

enum { SCAN_WORST = 8 };

struct scan_digests {
    struct digest *items;
    size_t n, cap;
};

struct scan {
    const char *format;           /* "Trivy JSON", "Grype JSON", "SARIF" */
    char *tool;                   /* "Trivy 0.50.1", printable */
    char *artifact;               /* what it says it looked at, as written; empty: does not say */
    struct platform platform;     /* os empty: does not say */
    struct scan_digests ids;      /* of indexes, manifests and configs that the report is about; those are what a gate goes by */
    struct scan_digests diff_ids; /* of its layers */
    char **names;                 /* references that it is about, as written */
    size_t n_names, cap_names;
    struct severity_counts counts;
    uint64_t n_fixable;
    uint64_t n_suppressed;       /* somebody decided that they do not count; they do not */
    struct scan_target *targets; /* in the order of the report */
    size_t n_targets, cap_targets;
    struct scan_finding worst[SCAN_WORST]; /* falling severity, then the order of the report */
    size_t n_worst;
};

enum { SCAN_FORMATS = 3 };
extern const char *const scan_formats[SCAN_FORMATS]; /* what `format` can be */

/* ERR_CONFIG "<what>: ..."; out is then empty and needs no clearing. */
MUST_CHECK bool scan_read(struct scan *out, const char *text, size_t n, const char *what, struct err *e);
void scan_clear(struct scan *s);
void scan_clear_auto(struct scan *s);

#endif
