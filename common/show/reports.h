/* Scan reports, SBOMs and packages of a bundle, for people and programs: what inspect and create tell of them. Texts of scanners are from
 * outside: they are shown printable. */
#ifndef SHOW_REPORTS_H
#define SHOW_REPORTS_H

#include "cli/command.h"
#include "gates/reports.h"

/* Nothing when there is nothing to tell. */
void show_reports_text(struct cli_context *ctx, const struct reports *r);
/* The keys "scan_reports", "unscanned_images", "fail_on", "sboms" and "packages" in an object that is open; always the same keys. */
void show_reports_json(struct jwrite *w, const struct reports *r);

#endif
