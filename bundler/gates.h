/* Scan reports that travel with a bundle, and the gate that they are: read before the network is touched, compared with the images once
 * those are known, packed byte for byte, and told of in reports/summary.json.
 *
 *     gates_read(&g, &options->gates, &input, e) ... gates_compare(&g, app, images, e) ... gates_write(&g, writer, e)
 *     ... layers ...  gates_write_summary(&g, writer, e);  gates_clear(&g);                                       */
#ifndef BUNDLER_GATES_H
#define BUNDLER_GATES_H

#include "bundle/writer.h"
#include "bundler/cache.h"
#include "bundler/images.h"
#include "bundler/input.h"
#include "gates/reports.h"

struct gates_options {
    struct cli_list scan_reports;
    const char *fail_on;
    bool is_with_sbom;
};

/* Rows for a command whose options struct has `struct gates_options gates`. */
#define GATES_ROWS(type)                                                                                        \
    CLI_LIST_ROW("scan-report", 0, type, gates.scan_reports, "FILE",                                            \
                 "report of a scanner that travels with it: Trivy or Grype JSON, SARIF; repeatable"),           \
        CLI_TEXT_ROW("fail-on", 0, type, gates.fail_on, "SEVERITY",                                             \
                     "refuse when a scan report has a finding as bad as CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE or UNKNOWN, or worse"), \
        CLI_FLAG_ROW("sbom", 0, type, gates.is_with_sbom, "list the OS packages found in the layers: reports/sbom.cdx.json")

struct gates_file {
    char *path; /* as given, or relative to the definition */
    bool is_of_definition;
    uint64_t size;
};
struct gates {
    const struct input *input; /* borrowed */
    struct gates_file *files;  /* in the order of reports.scans */
    size_t n_files, cap_files;
    struct reports reports;
};

/* Reads `reports:` of the definition, then --scan-report. ERR_USAGE: --fail-on without a report or with another word, two reports of one
 * name. ERR_CONFIG: no such file, no scan report. ERR_POLICY: a finding at or above --fail-on; the worst are named. */
MUST_CHECK bool gates_read(struct gates *g, const struct gates_options *o, const struct input *in, struct err *e);

/* Which images of the bundle are the reports about? What does not fit is warned of; ERR_POLICY with --fail-on for a report about something
 * else. gates_match.c. */
MUST_CHECK bool gates_compare(struct gates *g, const struct application *app, const struct image *images, struct err *e);

/* The SBOMs among the documents that were found beside the images; their bytes are in the cache. gates_sboms.c. */
MUST_CHECK bool gates_find_sboms(struct gates *g, const struct cache *c, const struct application *app, const struct image *images,
                                 struct err *e);

/* How many members that is, and how many bytes. */
void gates_measure(const struct gates *g, size_t *n, uint64_t *bytes);
/* The reports as they are. ERR_CONFIG when one has changed since. */
MUST_CHECK bool gates_write(const struct gates *g, struct writer *w, struct err *e);
/* reports/summary.json, after the last layer; nothing when there is nothing to tell. */
MUST_CHECK bool gates_write_summary(const struct gates *g, struct writer *w, struct err *e);
void gates_clear(struct gates *g);

#endif
