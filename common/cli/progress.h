/* How work looks: on a terminal a bar for each item under way and one for all with bytes, rate and time left; a line per finished item elsewhere, JSON lines on
 * standard output with --json=stream. At most ten times a second; ends of items and phases are always told. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/progress.h"
#include "cli/report.h"

enum progress_look { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_LINES, PROGRESS_JSON };

struct cli_progress;
/* Borrows ctx, whose screen and output it writes to. */
struct cli_progress *progress_new(struct cli_context *ctx, enum progress_look look);
void progress_free(struct cli_progress *p);

/* The base/progress.h function; ctx is the struct cli_progress. False when a signal asked for a stop. Thread: any. */
bool progress_show(void *ctx, const struct progress_fact *fact);

/* ---- parts, for tests ---- */

/* "[#####     ]  50%  1.2 GB of 2.4 GB  35 MB/s  0m 34s left"; per second and left only when they are known. */
void progress_bar_text(char *out, size_t size, const char *label, uint64_t done, uint64_t total, double bytes_per_second,
                       unsigned columns);

#endif
