/* A secret has a type of its own: wiped on release, no printf form, compared in constant time, never from argv. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/auto.h"

struct secret {
    char *bytes; /* NUL-terminated; private to the functions that must hand it to a library */
    size_t n;
};

/* Copies n bytes; the caller wipes its own copy. */
struct secret secret_of(const char *bytes, size_t n);
bool secret_is_set(const struct secret *s);
bool secret_equal(const struct secret *a, const struct secret *b);
void secret_clear(struct secret *s); /* wipes; accepts an empty one */
void secret_clear_auto(struct secret *s);

/* Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *p, size_t n);

#endif
