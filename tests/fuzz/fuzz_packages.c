/* The text databases over arbitrary bytes. What is accepted has names, versions and URLs that are printable. */
#include <stdlib.h>
#include <string.h>

#include "gates/packages.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(bool ok, struct packages *p, const struct err *e)
{
    must(ok || e->code == ERR_REGISTRY);
    for (size_t i = 0; i < p->n; i++) {
        must(p->items[i].name[0] != '\0' && p->items[i].version[0] != '\0' && strncmp(p->items[i].purl, "pkg:", 4) == 0);
        for (const char *c = p->items[i].purl; *c != '\0'; c++)
            must(*c > ' ' && *c < 0x7F);
    }
    packages_clear(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    struct packages p = { 0 };
    struct err e = { 0 };
    packages_parse_os_release(&p, text, n);
    check(packages_parse_dpkg(&p, text, n, true, "fuzz", &e), &p, &e);
    e = (struct err){ 0 };
    check(packages_parse_dpkg(&p, text, n, false, "fuzz", &e), &p, &e);
    e = (struct err){ 0 };
    check(packages_parse_apk(&p, text, n, "fuzz", &e), &p, &e);
    return 0;
}
