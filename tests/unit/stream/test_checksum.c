/* The checksum of units: that of the standard, whatever the pieces it is made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/checksum.h"

/* The check value that catalogues of CRCs give for CRC-64/XZ, which is ECMA-182 reflected. */
static void it_is_the_crc_of_the_catalogue(void **state)
{
    (void)state;
    assert_true(checksum_add(0, "123456789", 9) == 0x995dc9bbdf1939fa);
}

static void pieces_make_the_same_as_the_whole(void **state)
{
    (void)state;
    static const char text[] = "the quick brown fox jumps over the lazy dog, and does it again because sixteen bytes at once are looked at";
    for (size_t cut = 0; cut <= strlen(text); cut++)
        assert_true(checksum_add(checksum_add(0, text, cut), text + cut, strlen(text) - cut) == checksum_add(0, text, strlen(text)));
}

static void zeros_have_a_checksum_too(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    assert_true(checksum_add(0, zeros, sizeof zeros) != 0); /* zero stands for "not there" in maps */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_crc_of_the_catalogue),
        cmocka_unit_test(pieces_make_the_same_as_the_whole),
        cmocka_unit_test(zeros_have_a_checksum_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
