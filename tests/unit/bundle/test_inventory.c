/* The inventory of a host: what was written is read back, and every kind of spoilt one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/inventory.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char good[] = "{\"archon_inventory\":1,\"created\":\"2026-11-21T20:00:00Z\","
                           "\"releases\":[{\"name\":\"shop\",\"version\":\"1.3.2\",\"sha256\":\"" HEX "\"}],"
                           "\"layers\":[\"sha256:" HEX "\",\"sha256:" HEX2 "\"]}\n";

static void what_a_host_has_is_read_back(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(inventory_clear_auto) struct inventory v = { .created = 1000 };
    AUTO(inventory_clear_auto) struct inventory again = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    inventory_add_release(&v, "shop", "1.3.2", &(struct digest){ { 7 } });
    inventory_add_release(&v, "shop", "1.3.1", &(struct digest){ { 6 } });
    inventory_add_release(&v, "shop", "1.3.2", &(struct digest){ { 7 } });
    for (unsigned i = 9; i > 0; i--) /* each twice, and not in order */
        inventory_add_layer(&v, &(struct digest){ { (uint8_t)(i / 2) } });
    assert_true(inventory_write(&v, &text, &e));
    if (!inventory_read(&again, text.data, text.len, "host.json", &e))
        fail_msg("%s", e.msg);
    assert_int_equal(again.created, 1000);
    assert_int_equal(again.n_releases, 2);
    assert_string_equal(again.releases[1].version, "1.3.1");
    assert_int_equal(inventory_find_release(&again, &(struct digest){ { 6 } }), 1);
    assert_int_equal(inventory_find_release(&again, &(struct digest){ { 8 } }), SIZE_MAX);
    assert_int_equal(again.n_layers, 5);
    assert_true(inventory_has_layer(&again, &(struct digest){ { 4 } }));
    assert_false(inventory_has_layer(&again, &(struct digest){ { 5 } }));
}

static void a_host_without_anything_is_fine(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(inventory_clear_auto) struct inventory v = { 0 };
    AUTO(inventory_clear_auto) struct inventory again = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    assert_true(inventory_write(&v, &text, &e));
    assert_true(inventory_read(&again, text.data, text.len, "host.json", &e));
    assert_false(inventory_has_layer(&again, &(struct digest){ { 0 } }));
}

struct row {
    const char *find, *put, *says;
};

static void what_no_host_writes_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "\"archon_inventory\":1", "\"archon_inventory\":2", "expected 1" },
        { "\"archon_inventory\":1,", "", "archon_inventory" },
        { "2026-11-21", "2026-13-21", "created" },
        { "\"layers\"", "\"extra\":1,\"layers\"", "extra" },
        { "\"name\":\"shop\"", "\"name\":\"Shop\"", "name" },
        { "\"name\":\"shop\"", "\"name\":\"shop\",\"x\":1", "x" },
        { "1.3.2", "1.3", "version" },
        { "\"sha256\":\"01", "\"sha256\":\"0g", "sha256" },
        { "sha256:1123", "sha256:0023", "not in order" },
        { "sha256:1123", "sha256:0123", "twice" },
        { "sha256:1123", "sha512:1123", "layers" },
        { "}],", "},{\"name\":\"a\",\"version\":\"2.0.0\",\"sha256\":\"" HEX "\"}],", "twice" },
        { "]}", "]}}", "byte" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        struct inventory v;
        const char *at = strstr(good, rows[i].find);
        assert_non_null(at);
        AUTO(mem_auto) char *text = mem_format("%.*s%s%s", (int)(at - good), good, rows[i].put, at + strlen(rows[i].find));
        if (inventory_read(&v, text, strlen(text), "host.json", &e))
            fail_msg("row %zu was accepted", i);
        assert_int_equal(e.code, ERR_CONFIG);
        if (strstr(e.msg, "host.json") == NULL || strstr(e.msg, rows[i].says) == NULL)
            fail_msg("row %zu says: %s", i, e.msg);
    }
}

static void more_than_the_limit_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct inventory v;
    AUTO(mem_auto) char *text = mem_new(LIMIT_INVENTORY_BYTES + 1);
    memset(text, ' ', LIMIT_INVENTORY_BYTES + 1);
    assert_false(inventory_read(&v, text, LIMIT_INVENTORY_BYTES + 1, "host.json", &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "host.json: more than 16777216 bytes"));
}

static void more_layers_than_there_may_be_are_not_written(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(inventory_clear_auto) struct inventory v = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_INVENTORY_BYTES);
    for (uint32_t i = 0; i <= LIMIT_LAYERS; i++)
        inventory_add_layer(&v, &(struct digest){ { (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16) } });
    assert_false(inventory_write(&v, &text, &e));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_non_null(strstr(e.msg, "layers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_host_has_is_read_back),
        cmocka_unit_test(a_host_without_anything_is_fine),
        cmocka_unit_test(what_no_host_writes_is_refused),
        cmocka_unit_test(more_than_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(more_layers_than_there_may_be_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
