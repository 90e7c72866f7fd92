/* What a registry says may hold our own login: then it is not shown to whoever reads the log. */
#ifndef REGISTRY_ECHO_H
#define REGISTRY_ECHO_H

#include "base/err.h"
#include "base/secret.h"

/* Does text, which came from outside, repeat the header that we sent, or the beginning or the password of it? Null or unset: no. */
bool echo_is_in(const char *text, const struct secret *authorization);

/* Puts another message in place of one that repeats it, and takes such a hint away. what: what was asked for and is ours, for the new
 * message. A password that is so short that any message may have it stands as it is. */
void echo_hide(struct err *e, const char *what, const struct secret *authorization);

#endif
