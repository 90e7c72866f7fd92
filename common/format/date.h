/* RFC 3339 dates: our documents use UTC seconds only ("2026-11-21T20:00:00Z"); image configs carry fractions and offsets.
 * No locale, no time zone files; leap seconds and 24:00 are refused, years are 0000 to 9999. */
#ifndef FORMAT_DATE_H
#define FORMAT_DATE_H

#include "base/err.h"

enum { DATE_TEXT_BYTES = 24 };

/* Exactly YYYY-MM-DDTHH:MM:SSZ. what names the place. Fails with ERR_FORMAT "<what>: ..." (and *unix_seconds is 0). */
MUST_CHECK bool date_parse(int64_t *unix_seconds, const char *text, const char *what, struct err *e);

/* Any RFC 3339 date-time (fractions are cut off, offsets applied), also a bare YYYY-MM-DD. Fails with ERR_FORMAT. */
MUST_CHECK bool date_parse_loose(int64_t *unix_seconds, const char *text, const char *what, struct err *e);

/* The strict form; moments before year 0 or after 9999 become the first or last that can be written. */
void date_format(char out[DATE_TEXT_BYTES], int64_t unix_seconds);

#endif
