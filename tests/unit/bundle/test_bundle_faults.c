/* Every system call on the way of a bundle fails once, and the program is killed at every one: what is there afterwards is whole, or it can be healed, or it is not there.
 * The linker puts the functions below before those of the C library (--wrap). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "bundle/seal.h"
#include "bundles.h"

/* ---- faults ---- */

enum fault { NO_FAULT, FAIL, KILL, TEAR }; /* TEAR: half of the bytes are written before the kill */

static struct {
    enum fault kind;
    unsigned at; /* the n-th call, from 1 */
    atomic_uint count;
    int number;  /* errno of FAIL */
    long file_system;
} plan;

static bool strikes(void)
{
    if (plan.kind == NO_FAULT || ++plan.count != plan.at)
        return false;
    if (plan.kind == KILL)
        raise(SIGKILL);
    errno = plan.number;
    return true;
}

/* What was done, in its order: 'w' bytes written, 's' a file synced, 'd' a directory, 'n' a name given. */
static struct {
    bool is_kept;
    atomic_uint n;
    char what[1000];
} story;

static void note(char what)
{
    unsigned i = story.is_kept ? atomic_fetch_add(&story.n, 1) : 0;
    if (story.is_kept && i + 1 < sizeof story.what)
        story.what[i] = what;
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    note('w');
    if (!strikes())
        return __real_write(fd, bytes, n);
    if (plan.kind == TEAR && __real_write(fd, bytes, n / 2) >= 0)
        raise(SIGKILL);
    return -1;
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    note('w');
    if (!strikes())
        return __real_pwrite64(fd, bytes, n, at);
    if (plan.kind == TEAR && __real_pwrite64(fd, bytes, n / 2, at) >= 0)
        raise(SIGKILL);
    return -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    note(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 's');
    return strikes() ? -1 : __real_fsync(fd);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return strikes() ? -1 : __real_unlink(path);
}

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    note('n');
    return strikes() ? -1 : __real_linkat(from_fd, from, to_fd, to, flags);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    note('n');
    return strikes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

static unsigned pread_at, pread_count; /* the reading side has its own plan: another thread may write */

ssize_t __real_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t at)
{
    if (pread_at == 0 || ++pread_count != pread_at)
        return __real_pread64(fd, to, n, at);
    errno = EIO;
    return -1;
}

int __real_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs)
{
    int result = __real_fstatfs64(fd, fs);
    if (plan.file_system != 0)
        fs->f_type = plan.file_system;
    return result;
}

static int status_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* ---- making ---- */

static bool make_bundle(const char *path, bool may_replace, struct err *e)
{
    AUTO(sha256_free_auto) struct sha256 *h = sha256_new();
    AUTO(writer_drop_auto) struct writer *w = writer_for(path, 1, 4 << 20, e);
    if (w == NULL || !writer_begin_layer(w, e))
        return false;
    for (uint64_t i = 0; i < 12; i++)
        if (!add_piece(w, h, i, 1 << 19, e))
            return false;
    return end_layer(w, h, e) && writer_finish(w, NULL, NULL, e) && writer_publish(w, may_replace, e);
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void is_whole(const char *path)
{
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = verify_own(path, &e);
    if (b == NULL || !bundle_verify_layers(b, 8 << 20, NULL, &e))
        fail_msg("%s", e.msg);
}

/* Each write, sync and link fails in turn. Only after the last of them, the sync of the directory, may the file be there in spite of it. */
static void making_fails_at_every_call(void **state)
{
    const struct place *p = *state;
    bool ok = false;
    for (unsigned at = 1; !ok; at++) {
        struct err e = { 0 };
        bool is_space = at % 2 == 0;
        plan.kind = FAIL;
        plan.at = at;
        plan.count = 0;
        plan.number = is_space ? ENOSPC : EIO;
        ok = make_bundle(p->path, false, &e);
        plan.kind = NO_FAULT;
        if (exists(p->path))
            is_whole(p->path);
        assert_true(ok || e.code == (is_space ? ERR_SPACE : ERR_IO));
        if (!ok && (strstr(e.msg, p->dir) == NULL || (is_space && strstr(e.hint, "1.2 MB are needed") == NULL)))
            fail_msg("call %u: %s (%s)", at, e.msg, e.hint);
        assert_true(ok || !exists(p->path) || strstr(e.msg, "directory") != NULL);
        __real_unlink(p->path);
        assert_true(at < 100);
    }
}

/* A power cut at any time: a name never leads to bytes that were not on the disk, and a run that succeeded has its name there. */
static void what_is_written_is_on_the_disk_before_it_has_a_name(void **state)
{
    const struct place *p = *state;
    for (int may_replace = 0; may_replace < 2; may_replace++) {
        struct err e = { 0 };
        memset(story.what, 0, sizeof story.what);
        atomic_store(&story.n, 0);
        story.is_kept = true;
        assert_true(make_bundle(p->path, may_replace, &e));
        story.is_kept = false;
        const char *name = strchr(story.what, 'n');
        const char *last_write = strrchr(story.what, 'w');
        assert_true(name != NULL && last_write != NULL && last_write < name);
        assert_non_null(memchr(last_write, 's', (size_t)(name - last_write)));
        assert_non_null(strchr(strrchr(story.what, 'n'), 'd'));
    }
}

static void killed_at_every_call(const char *path, bool may_replace, enum fault kind)
{
    int status = -1;
    for (unsigned at = 1; status != 0; at++) {
        struct err e = { 0 };
        pid_t child = fork();
        if (child == 0) {
            plan.kind = kind;
            plan.at = at;
            _exit(!make_bundle(path, may_replace, &e));
        }
        status = status_of(child);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || kind == TEAR);
        assert_true(!may_replace || exists(path));
        if (exists(path))
            is_whole(path);
        assert_true(at < 100);
        if (!may_replace)
            unlink(path);
    }
}

static void a_killed_run_leaves_no_half_file(void **state)
{
    const struct place *p = *state;
    killed_at_every_call(p->path, false, KILL);
    killed_at_every_call(p->path, false, TEAR);
}

static void a_killed_run_leaves_the_old_file_or_the_new_one(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    assert_true(make_bundle(p->path, true, &e));
    killed_at_every_call(p->path, true, KILL);
    assert_true(make_bundle(p->path, true, &e)); /* whatever the killed ones left */
}

/* ---- signing ---- */

static bool add_signature(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e)
{
    (void)manifest;
    return n > 0 && header_add_signature(h, ctx, "0123456789", 10, e);
}

static size_t signatures_of(const char *path)
{
    struct err e = { 0 };
    AUTO(bundle_close_auto) struct bundle *b = verify_own(path, &e);
    if (b == NULL)
        fail_msg("%s", e.msg);
    return index_header(bundle_index(b))->n_signatures;
}

static char first[] = "signatures/00000000000000aa.sig";
static char second[] = "signatures/00000000000000bb.sig";

/* Signed once and then, with faults, once more. */
static void make_signed(const char *path)
{
    struct err e = { 0 };
    assert_true(make_bundle(path, true, &e));
    if (!seal_sign(path, add_signature, first, NULL, &e))
        fail_msg("%s", e.msg);
}

static void heals(const char *path)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *copy = seal_copy_path(path);
    if (!exists(copy)) {
        size_t n = signatures_of(path);
        assert_true(n == 1 || n == 2);
    }
    if (!seal_sign(path, add_signature, second, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(signatures_of(path), 2);
    assert_false(exists(copy));
    is_whole(path);
}

static void signing_is_healed_after_a_kill_at_every_call(void **state)
{
    const struct place *p = *state;
    static const enum fault kinds[] = { KILL, TEAR };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        int status = -1;
        for (unsigned at = 1; status != 0; at++) {
            make_signed(p->path);
            struct err e = { 0 };
            pid_t child = fork();
            if (child == 0) {
                plan.kind = kinds[k];
                plan.at = at;
                _exit(!seal_sign(p->path, add_signature, second, NULL, &e));
            }
            status = status_of(child);
            heals(p->path);
            assert_true(at < 30);
        }
    }
}

static void signing_is_healed_after_a_failure_of_every_call(void **state)
{
    const struct place *p = *state;
    bool ok = false;
    for (unsigned at = 1; !ok; at++) {
        struct err e = { 0 };
        make_signed(p->path);
        plan.kind = FAIL;
        plan.at = at;
        plan.count = 0;
        plan.number = EIO;
        ok = seal_sign(p->path, add_signature, second, NULL, &e);
        plan.kind = NO_FAULT;
        assert_true(ok || (e.code == ERR_IO && strstr(e.msg, p->dir) != NULL));
        heals(p->path);
        assert_true(at < 30);
    }
}

/* And the healing itself may be killed. */
static void healing_is_healed(void **state)
{
    const struct place *p = *state;
    AUTO(mem_auto) char *copy = seal_copy_path(p->path);
    int status = -1;
    for (unsigned at = 1; status != 0; at++) {
        struct err e = { 0 };
        make_signed(p->path);
        AUTO(buf_clear_auto) struct buf whole = BUF_LIMIT(64 << 20);
        assert_true(file_read(p->path, FILE_PLAIN, whole.max, &whole, &e) && file_publish(copy, whole.data, 65536 * 3, 0600, &e));
        AUTO(fd_auto) int fd = open(p->path, O_RDWR | O_CLOEXEC);
        static const uint8_t junk[3000] = { 9 };
        assert_true(fd_pwrite_all(fd, junk, sizeof junk, 100, "test", &e));
        close(fd);
        fd = -1;
        pid_t child = fork();
        if (child == 0) {
            plan.kind = TEAR;
            plan.at = at;
            _exit(!seal_sign(p->path, add_signature, second, NULL, &e));
        }
        status = status_of(child);
        heals(p->path);
        assert_true(at < 30);
    }
}

static void two_runs_do_not_sign_at_once(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_signed(p->path);
    AUTO(fd_auto) int fd = open(p->path, O_RDWR | O_CLOEXEC);
    assert_true(fd_try_lock(fd));
    assert_false(seal_sign(p->path, add_signature, second, NULL, &e));
    assert_int_equal(e.code, ERR_LOCKED);
    assert_int_equal(signatures_of(p->path), 1);
}

static void a_link_is_signed_where_it_leads(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_signed(p->path);
    AUTO(mem_auto) char *link = path_join(p->dir, "link");
    assert_int_equal(symlink("t.bundle.tar.zst", link), 0);
    assert_true(seal_sign(link, add_signature, second, NULL, &e));
    assert_int_equal(signatures_of(p->path), 2);
    struct stat st;
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
}

static void a_bundle_of_another_length_is_not_signed(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    make_signed(p->path);
    struct stat st;
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(truncate(p->path, st.st_size - 1), 0);
    assert_false(seal_sign(p->path, add_signature, second, NULL, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

/* ---- reading ---- */

static void a_medium_that_fails_is_an_error_of_the_medium(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    assert_true(make_bundle(p->path, true, &e));
    AUTO(bundle_close_auto) struct bundle *whole = verify_own(p->path, &e);
    const struct bundle *b = NULL;
    for (unsigned at = 1; b == NULL; at++) {
        struct err bad = { 0 };
        struct verify_how how = { .jobs = 2 };
        struct bundle_file *f = bundle_file_open(p->path, NULL, &e);
        pread_count = 0;
        pread_at = at;
        AUTO(bundle_close_auto) struct bundle *found = bundle_verify_own(f, index_manifest_sha256(bundle_index(whole)), &how, &bad);
        pread_at = 0;
        b = found;
        assert_true(found != NULL || bad.code == ERR_IO);
        assert_true(found != NULL || strstr(bad.msg, "t.bundle.tar.zst: ") == bad.msg);
        assert_true(found != NULL || strstr(bad.msg, "chunk") != NULL || strstr(bad.msg, "header") != NULL);
        assert_true(at < 100);
    }
}

static const long remote_systems[] = { 0x6969, 0xFF534D42, 0xFE534D42, 0x65735546 };

static void a_bundle_from_the_network_is_copied_first(void **state)
{
    const struct place *p = *state;
    for (size_t i = 0; i < ARRAY_LEN(remote_systems); i++) {
        struct err e = { 0 };
        struct digest id;
        struct verify_how how = { .jobs = 2 };
        assert_true(make_bundle(p->path, true, &e));
        {
            AUTO(bundle_close_auto) struct bundle *whole = verify_own(p->path, &e);
            id = *index_manifest_sha256(bundle_index(whole));
        }
        plan.file_system = remote_systems[i];
        struct bundle_file *f = bundle_file_open(p->path, p->dir, &e);
        plan.file_system = 0;
        assert_non_null(f);
        assert_true(bundle_file_was_copied(f));
        assert_int_equal(truncate(p->path, 100), 0); /* the server has other plans */
        AUTO(bundle_close_auto) struct bundle *b = bundle_verify_own(f, &id, &how, &e);
        if (b == NULL)
            fail_msg("%s", e.msg);
    }
}

static void a_copy_needs_room_and_a_place(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    AUTO(fd_auto) int fd = open(p->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat st;
    assert_true(ftruncate(fd, (off_t)1 << 43) == 0 && fstat(fd, &st) == 0); /* 8 TiB of nothing */
    plan.file_system = 0x6969;
    assert_null(bundle_file_open(p->path, p->dir, &e));
    assert_int_equal(e.code, ERR_SPACE);
    assert_non_null(strstr(e.msg, "8796093022208 bytes are needed"));
    struct err e2 = { 0 };
    assert_true(make_bundle(p->path, true, &e2));
    AUTO(mem_auto) char *nowhere = path_join(p->dir, "no/such/folder");
    assert_null(bundle_file_open(p->path, nowhere, &e2));
    assert_int_equal(e2.code, ERR_IO);
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open(p->path, NULL, &e);
    assert_non_null(f);
    assert_false(bundle_file_was_copied(f));
    plan.file_system = 0;
}

static void a_bundle_that_is_being_written_is_copied_first(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    assert_true(make_bundle(p->path, true, &e));
    AUTO(fd_auto) int fd = open(p->path, O_RDWR | O_CLOEXEC);
    AUTO(bundle_file_close_auto) struct bundle_file *busy = bundle_file_open(p->path, p->dir, &e);
    assert_non_null(busy);
    assert_true(bundle_file_was_copied(busy));
    close(fd);
    fd = -1;
    AUTO(bundle_file_close_auto) struct bundle_file *quiet = bundle_file_open(p->path, p->dir, &e);
    assert_non_null(quiet);
    assert_false(bundle_file_was_copied(quiet));
}

static void what_is_no_file_is_no_bundle(void **state)
{
    const struct place *p = *state;
    AUTO(mem_auto) char *fifo = path_join(p->dir, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path, *says;
    } rows[] = { { fifo, "a pipe" }, { p->dir, "a directory" }, { "/dev/zero", "a device" }, { "/nowhere/at/all", "No such file" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        assert_null(bundle_file_open(rows[i].path, p->dir, &e));
        assert_int_equal(e.code, ERR_IO);
        assert_non_null(strstr(e.msg, rows[i].says));
        struct err e2 = { 0 };
        assert_false(seal_sign(rows[i].path, add_signature, first, NULL, &e2));
        assert_int_equal(e2.code, ERR_IO);
    }
}

/* ---- changing ---- */

struct change {
    const char *path;
    off_t add;
};

/* After the first chunk. */
static bool change_file(void *ctx, const struct progress_fact *fact)
{
    (void)fact;
    struct change *c = ctx;
    struct stat st;
    if (c->add == 0)
        return true;
    assert_int_equal(stat(c->path, &st), 0);
    assert_int_equal(truncate(c->path, st.st_size + c->add), 0);
    c->add = 0;
    return true;
}

static void a_file_that_grows_or_shrinks_while_it_is_read_is_refused(void **state)
{
    const struct place *p = *state;
    static const off_t adds[] = { 1, -1, -100000 };
    for (size_t i = 0; i < ARRAY_LEN(adds); i++) {
        struct err e = { 0 };
        struct change change = { p->path, adds[i] };
        struct progress progress = { change_file, &change };
        struct verify_how how = { .jobs = 1, .progress = &progress };
        assert_true(make_bundle(p->path, true, &e));
        struct digest id;
        {
            AUTO(bundle_close_auto) struct bundle *whole = verify_own(p->path, &e);
            id = *index_manifest_sha256(bundle_index(whole));
        }
        assert_null(bundle_verify_own(bundle_file_open(p->path, NULL, &e), &id, &how, &e));
        assert_int_equal(e.code, ERR_INTEGRITY);
    }
}

static bool rebuild(struct bundle *b, struct err *e)
{
    return bundle_verify_layers(b, 8 << 20, NULL, e);
}

static void what_changes_after_verification_is_not_used(void **state)
{
    const struct place *p = *state;
    struct err e = { 0 };
    assert_true(make_bundle(p->path, true, &e));
    AUTO(bundle_close_auto) struct bundle *b = verify_own(p->path, &e);
    AUTO(fd_auto) int fd = open(p->path, O_RDWR | O_CLOEXEC);
    const struct table *t = index_table(bundle_index(b));
    for (size_t i = 2; i < t->n; i++) { /* data and recipes; chunk 1 is the header of a data member */
        struct err bad = { 0 };
        struct table_chunk c = table_get(t, i);
        uint8_t byte;
        if (c.packed_len == LAYOUT_DATA_HEADER_FRAME)
            continue;
        assert_true(fd_pread_exact(fd, &byte, 1, c.file_offset + 20, "test", &e));
        byte ^= 1;
        assert_true(fd_pwrite_all(fd, &byte, 1, c.file_offset + 20, "test", &e));
        assert_false(rebuild(b, &bad));
        assert_int_equal(bad.code, ERR_INTEGRITY);
        assert_non_null(strstr(bad.msg, "is damaged"));
        byte ^= 1;
        assert_true(fd_pwrite_all(fd, &byte, 1, c.file_offset + 20, "test", &e));
    }
    /* another file under the name is nothing to us */
    unlink(p->path);
    assert_true(make_bundle(p->path, true, &e));
    if (!rebuild(b, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(ftruncate(fd, (off_t)table_get(t, 2).file_offset), 0);
    assert_false(rebuild(b, &e));
    assert_int_equal(e.code, ERR_INTEGRITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(making_fails_at_every_call, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_is_written_is_on_the_disk_before_it_has_a_name, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_killed_run_leaves_no_half_file, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_killed_run_leaves_the_old_file_or_the_new_one, place_make, place_remove),
        cmocka_unit_test_setup_teardown(signing_is_healed_after_a_kill_at_every_call, place_make, place_remove),
        cmocka_unit_test_setup_teardown(signing_is_healed_after_a_failure_of_every_call, place_make, place_remove),
        cmocka_unit_test_setup_teardown(healing_is_healed, place_make, place_remove),
        cmocka_unit_test_setup_teardown(two_runs_do_not_sign_at_once, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_link_is_signed_where_it_leads, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_bundle_of_another_length_is_not_signed, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_medium_that_fails_is_an_error_of_the_medium, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_bundle_from_the_network_is_copied_first, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_copy_needs_room_and_a_place, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_bundle_that_is_being_written_is_copied_first, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_no_bundle, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_file_that_grows_or_shrinks_while_it_is_read_is_refused, place_make, place_remove),
        cmocka_unit_test_setup_teardown(what_changes_after_verification_is_not_used, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
