/* The terminal: is there one, and questions. CONTRACT */
#ifndef SYS_TERM_H
#define SYS_TERM_H

#include "base/err.h"
#include "base/secret.h"

bool term_is_interactive(void); /* stdin and stderr are terminals */
unsigned term_columns(void);    /* of stderr; 80 when unknown */
unsigned term_rows(void);       /* 24 when unknown */
/* Asks on /dev/tty without echo. Without a terminal: ERR_USAGE "<what>: no terminal to ask on" + hint --<option>. */
MUST_CHECK bool term_ask_secret(const char *prompt, struct secret *out, struct err *e);
MUST_CHECK bool term_ask_line(const char *prompt, char *out, size_t size, struct err *e);

#endif
