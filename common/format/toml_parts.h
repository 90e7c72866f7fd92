/* Private to the TOML reader: characters, texts and keys, below tables and values. */
#ifndef FORMAT_TOML_PARTS_H
#define FORMAT_TOML_PARTS_H

#include "base/buf.h"

struct toml_scan {
    const char *at, *end;
    unsigned line;
    const char *what;
    struct err *e;
};

/* ERR_CONFIG "<what>:<line>: why". Returns false always. */
bool toml_refuse(struct toml_scan *r, const char *why);
bool toml_is_at(const struct toml_scan *r, char c);
bool toml_take(struct toml_scan *r, char c); /* passes over c if it is there */
bool toml_is_bare(char c);                   /* of keys without quotes */

void toml_skip_blanks(struct toml_scan *r);
/* Blanks, comments and line breaks, as in arrays. */
void toml_skip_lines(struct toml_scan *r);
/* The end of a line, with a comment before it. */
MUST_CHECK bool toml_end_line(struct toml_scan *r);

/* A text behind its opening quote. out has a limit. */
MUST_CHECK bool toml_read_string(struct toml_scan *r, char quote, struct buf *out);
/* One part of a key, with the blanks around it. */
MUST_CHECK bool toml_read_key(struct toml_scan *r, struct buf *out);

#endif
