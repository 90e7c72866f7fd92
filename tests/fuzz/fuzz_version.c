/* Versions and ranges: two lines, a version and a range. Order is total and agrees with the ranges made from it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool in(const struct version *v, const char *operator, const char *text)
{
    struct err e = { 0 };
    bool yes = false;
    AUTO(mem_auto) char *range = mem_format("%s%s", operator, text);
    must(version_in_range(v, range, &yes, &e));
    return yes;
}

static void compare(const struct version *a, const struct version *b)
{
    int order = version_compare(a, b);
    must(order >= -1 && order <= 1 && version_compare(b, a) == -order && version_compare(a, a) == 0);
    must(in(a, "<", b->text) == (order < 0));
    must(in(a, ">=", b->text) == (order >= 0));
    must(in(a, "=", b->text) == (order == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *first = mem_text_n(n > 0 ? (const char *)bytes : "", n);
    char *second = strchr(first, '\n');
    if (second != NULL)
        *second++ = '\0';
    else
        second = first;
    struct err e = { 0 };
    struct err f = { 0 };
    struct err g = { 0 };
    struct version a;
    struct version b;
    struct version loose;
    bool yes;
    bool has_a = version_parse(&a, first, "fuzz", &e);
    must(has_a || e.code == ERR_CONFIG);
    must(version_parse_loose(&loose, second, "fuzz", &g) || g.code == ERR_CONFIG);
    if (has_a && version_parse(&b, second, "fuzz", &f))
        compare(&a, &b);
    struct err h = { 0 };
    must(version_in_range(has_a ? &a : &(struct version){ 0 }, second, &yes, &h) || h.code == ERR_CONFIG);
    return 0;
}
