/* What every test of this folder includes: cmocka in its order, and a source made of texts. */
#ifndef TESTS_APP_CASES_H
#define TESTS_APP_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/origin.h"
#include "base/auto.h"
#include "base/limits.h"

/* { NAME("compose.yaml", "services: ...") } */
#define NAME(file, text) { .name = (file), .bytes = (text), .n = sizeof(text) - 1 }

#define ASSERT_HAS(text, part)                                                  \
    do {                                                                        \
        if (strstr((text), (part)) == NULL)                                     \
            fail_msg("expected \"%s\" in \"%s\"", (part), (text));              \
    } while (0)

#endif
