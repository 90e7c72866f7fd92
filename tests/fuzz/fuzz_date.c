/* Dates: what is accepted is a day that exists, and reads back as itself. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void run_number(const uint8_t *bytes, size_t n)
{
    int64_t t = 0;
    int64_t back = 0;
    char text[DATE_TEXT_BYTES];
    struct err e = { 0 };
    memcpy(&t, bytes, n < sizeof t ? n : sizeof t);
    date_format(text, t);
    must(date_parse(&back, text, "fuzz", &e));
    must(back == t || t > 253402300799 || t < -62167219200);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(mem_auto) char *text = mem_text_n(n > 0 ? (const char *)bytes : "", n);
    struct err e = { 0 };
    struct err f = { 0 };
    int64_t strict = 0;
    int64_t loose = 0;
    char back[DATE_TEXT_BYTES];
    bool is_strict = date_parse(&strict, text, "fuzz", &e);
    bool is_loose = date_parse_loose(&loose, text, "fuzz", &f);
    must((is_strict || e.code == ERR_FORMAT) && (is_loose || f.code == ERR_FORMAT));
    if (is_strict) {
        date_format(back, strict);
        must(is_loose && strict == loose && strcmp(back, text) == 0);
    }
    if (n > 0)
        run_number(bytes, n);
    return 0;
}
