/* RFC 3339 dates: our documents use UTC seconds only ("2026-11-21T20:00:00Z"); image configs carry fractions and offsets. CONTRACT */
#ifndef FORMAT_DATE_H
#define FORMAT_DATE_H

#include "base/err.h"

enum { DATE_TEXT_BYTES = 24 };
MUST_CHECK bool date_parse(int64_t *unix_seconds, const char *text, const char *what, struct err *e);       /* strict Z form; ERR_FORMAT */
MUST_CHECK bool date_parse_loose(int64_t *unix_seconds, const char *text, const char *what, struct err *e); /* any RFC 3339, also YYYY-MM-DD */
void date_format(char out[DATE_TEXT_BYTES], int64_t unix_seconds);

#endif
