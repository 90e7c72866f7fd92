/* The host's own key: made once, kept, refused when others could have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs/host_key.h"
#include "certs/trust.h"
#include "tests/support/scratch.h"

static mode_t mode_of(const char *dir, const char *name)
{
    struct stat st;
    AUTO(mem_auto) char *path = mem_format("%s/etc/archon/%s", dir, name);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    return st.st_mode & 07777;
}

static struct digest id_now(const char *root, bool expected_made)
{
    struct err e = { 0 };
    bool was_made = !expected_made;
    AUTO(key_private_free_auto) struct key_private *k = host_key_open(root, &was_made, &e);
    if (k == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(was_made, expected_made);
    return *key_public_id(key_private_public(k));
}

static void is_made_once_and_only_its_owner_can_read_it(void **state)
{
    struct scratch *s = *state;
    struct digest first = id_now(s->dir, true);
    struct digest again = id_now(s->dir, false);
    assert_true(digest_equal(&first, &again));
    assert_int_equal(mode_of(s->dir, "host.key"), 0600);
    assert_int_equal(mode_of(s->dir, "host.pub"), 0644);
}

static void its_public_half_is_the_one_to_trust_and_comes_back(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct digest first = id_now(s->dir, true);
    AUTO(mem_auto) char *path = host_key_public_path(s->dir);
    assert_int_equal(unlink(path), 0); /* killed between the two files */
    id_now(s->dir, false);
    AUTO(key_public_free_auto) struct key_public *k = key_public_load(path, &e);
    assert_non_null(k);
    assert_true(digest_equal(key_public_id(k), &first));
}

static void nobody_trusts_it_by_itself(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    id_now(s->dir, true);
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(s->dir, &e);
    assert_non_null(k); /* and it does not disturb the store */
    assert_int_equal(keyring_count(k), 0);
}

static void refused(struct scratch *s, const char *text)
{
    struct err e = { 0 };
    bool was_made = false;
    AUTO(key_private_free_auto) struct key_private *k = host_key_open(s->dir, &was_made, &e);
    assert_null(k);
    assert_int_equal(e.code, ERR_CONFIG);
    if (strstr(e.msg, text) == NULL)
        fail_msg("%s", e.msg);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    struct scratch *s = *state;
    id_now(s->dir, true);
    AUTO(mem_auto) char *path = mem_format("%s/etc/archon/host.key", s->dir);
    assert_int_equal(chmod(path, 0640), 0);
    refused(s, "host.key");
}

static void a_folder_that_others_can_write_is_refused(void **state)
{
    struct scratch *s = *state;
    id_now(s->dir, true);
    AUTO(mem_auto) char *path = mem_format("%s/etc/archon", s->dir);
    assert_int_equal(chmod(path, 0777), 0);
    refused(s, "others could change it");
}

static void what_is_no_key_is_not_replaced(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(mem_auto) char *dir = mem_format("%s/etc/archon", s->dir);
    assert_true(path_make_dirs(dir, 0755, &e));
    scratch_text(s, "etc/archon/host.key", "not a key\n", 0600);
    refused(s, "host.key");
    assert_int_equal(mode_of(s->dir, "host.key"), 0600);
}

int main(void)
{

    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(is_made_once_and_only_its_owner_can_read_it),
        SCRATCH_TEST(its_public_half_is_the_one_to_trust_and_comes_back),
        SCRATCH_TEST(nobody_trusts_it_by_itself),
        SCRATCH_TEST(a_key_that_others_can_read_is_refused),
        SCRATCH_TEST(a_folder_that_others_can_write_is_refused),
        SCRATCH_TEST(what_is_no_key_is_not_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
