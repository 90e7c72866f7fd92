/* What a server said, made fit for a message or a log line: on one line, printable, without a given secret, capped. */
#ifndef DB_SHOWN_H
#define DB_SHOWN_H

#include "base/secret.h"

/* Writes at most size - 1 bytes; longer text ends in "...". hide may be null. */
void shown_text(char *out, size_t size, const char *text, const struct secret *hide);

#endif
