/* What a server says is shown on one line, escaped, capped and without the password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "loader/db/shown.h"

static const char *shown(const char *text, const char *hide)
{
    static char out[200];
    AUTO(secret_clear_auto) struct secret s = secret_of(hide, strlen(hide));
    shown_text(out, sizeof out, text, &s);
    return out;
}

static void lines_become_one_and_escapes_are_visible(void **state)
{
    (void)state;
    assert_string_equal(shown("ERROR:\n\tx\033[31m\n\n", ""), "ERROR: x\\x1b[31m");
    assert_string_equal(shown("\xff\xe2\x80\xae", ""), "\\xff\\u202e");
    assert_string_equal(shown("", ""), "");
}

static void the_secret_is_hidden_wherever_it_stands(void **state)
{
    (void)state;
    assert_string_equal(shown("role with s3cret and s3cret", "s3cret"), "role with *** and ***");
    assert_string_equal(shown("a short one stays: abc", "abc"), "a short one stays: abc");
}

static void long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[2000];
    for (size_t offset = 0; offset < 3; offset++) {
        memset(text, 'a', sizeof text);
        for (size_t i = offset; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[sizeof text - 1] = '\0';
        const char *out = shown(text, "");
        assert_true(strlen(out) < 200 && strlen(out) > 190);
        assert_true(text_is_utf8(out, strlen(out)));
        assert_string_equal(out + strlen(out) - 3, "...");
    }
}

static void a_flood_is_read_only_so_far(void **state)
{
    (void)state;
    enum { N = 10000000 };
    AUTO(mem_auto) char *text = mem_new(N + 1);
    memset(text, '\033', N);
    assert_int_equal(strlen(shown(text, "")), 199);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_one_and_escapes_are_visible),
        cmocka_unit_test(the_secret_is_hidden_wherever_it_stands),
        cmocka_unit_test(long_text_is_cut_at_a_character),
        cmocka_unit_test(a_flood_is_read_only_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
