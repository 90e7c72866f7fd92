/* Layers laid over each other: what a container would see, in one archive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "forms/rootfs.h"
#include "forms/rootfs_tree.h"
#include "stream/untar.h"
#include "tests/support/scratch.h"
#include "tests/support/tar_text.h"

enum { LAYERS_MAX = 4 };

struct stack {
    struct buf layers[LAYERS_MAX];
    size_t n;
    size_t n_opened;
};

static struct source *open_layer(void *ctx, size_t i, struct err *e)
{
    struct stack *s = ctx;
    (void)e;
    s->n_opened++;
    return source_memory(s->layers[i].data, s->layers[i].len);
}

/* A line is an entry: "f PATH TEXT", "d PATH", "s PATH TARGET", "h PATH TARGET"; "--" begins the next layer. */
static void parse(struct stack *s, const char *text)
{
    char line[8192];
    *s = (struct stack){ .n = 1 };
    for (size_t i = 0; i < LAYERS_MAX; i++)
        s->layers[i] = (struct buf)BUF_LIMIT(1 << 20);
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        text += n + (text[n] == '\n');
        if (text_is(line, "--")) {
            tar_text_end(&s->layers[s->n - 1]);
            s->n++;
            continue;
        }
        char *path = line + 2;
        char *rest = strchr(path, ' ');
        if (rest != NULL)
            *rest++ = '\0';
        struct buf *out = &s->layers[s->n - 1];
        if (line[0] == 'f')
            tar_text_file(out, path, rest == NULL ? "" : rest);
        else
            tar_text_add(out, line[0] == 'd' ? '5' : line[0] == 's' ? '2' : line[0] == 'c' ? '3' : '1', path, rest, "", 0);
    }
    tar_text_end(&s->layers[s->n - 1]);
}

static void stack_clear(struct stack *s)
{
    for (size_t i = 0; i < LAYERS_MAX; i++)
        buf_clear(&s->layers[i]);
}

static char letter_of(const struct untar_entry *entry)
{
    if (entry->kind == UNTAR_LINK)
        return entry->is_hard ? 'h' : 's';
    return entry->kind == UNTAR_FILE ? 'f' : entry->is_folder ? 'd' : 'c';
}

/* The same lines, of an archive; hard links and symbolic ones with the text that untar makes of them. */
static char *list(const char *path)
{
    struct err e = { 0 };
    struct untar_entry entry;
    struct buf out = BUF_LIMIT(1 << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(untar_close_auto) struct untar *u = untar_open(fd, "out", &e);
    assert_non_null(u);
    while (untar_next(u, &entry, &e)) {
        buf_addf(&out, "%c %s", letter_of(&entry), entry.path);
        if (entry.kind == UNTAR_LINK)
            buf_addf(&out, " %s", entry.target == NULL ? "?" : entry.target);
        AUTO(source_free_auto) struct source *content = untar_content(u);
        char text[100];
        size_t got = 0;
        if (entry.kind == UNTAR_FILE && entry.size > 0 && source_read(content, text, sizeof text, &got, &e))
            buf_addf(&out, " %.*s", (int)got, text);
        buf_addc(&out, '\n');
    }
    assert_int_equal(e.code, ERR_NONE);
    close(fd);
    return buf_take(&out);
}

static bool merge(struct scratch *s, const char *layers, struct err *e)
{
    struct stack stack;
    uint64_t bytes = 0;
    struct stat st;
    parse(&stack, layers);
    struct rootfs_layers from = { .n = stack.n, .open = open_layer, .ctx = &stack };
    unlink(scratch_at(s, "out.tar"));
    bool ok = rootfs_write(&from, scratch_at(s, "out.tar"), NULL, &bytes, e);
    if (ok) {
        assert_int_equal(stat(scratch_at(s, "out.tar"), &st), 0);
        assert_int_equal(st.st_size, bytes);
        assert_int_equal(stack.n_opened, 2 * stack.n);
    }
    stack_clear(&stack);
    return ok;
}

static void becomes(struct scratch *s, const char *layers, const char *want)
{
    struct err e = { 0 };
    if (!merge(s, layers, &e))
        fail_msg("%s", e.msg);
    AUTO(mem_auto) char *found = list(scratch_at(s, "out.tar"));
    assert_string_equal(found, want);
}

static void refuses(struct scratch *s, const char *layers, const char *words)
{
    struct err e = { 0 };
    assert_false(merge(s, layers, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    if (strstr(e.msg, words) == NULL)
        fail_msg("%s", e.msg);
    assert_false(scratch_has(s, "out.tar"));
}

static void the_last_layer_wins(void **state)
{
    becomes(*state, "d etc\nf etc/a old\nf etc/b kept\n--\nf etc/a new\n", "d etc\nf etc/b kept\nf etc/a new\n");
}

static void the_later_of_two_entries_in_one_layer_wins(void **state)
{
    becomes(*state, "f a one\nf a two\nf b/c x\nf b y\n", "f a two\nf b y\n");
    becomes(*state, "f b y\nf b/c x\n", "f b/c x\n");
}

static void a_whiteout_removes_what_lower_layers_have(void **state)
{
    becomes(*state, "d etc\nf etc/a a\nf etc/ab ab\nd etc/d\nf etc/d/x x\n--\nf etc/.wh.a \nf etc/.wh.d \n", "d etc\nf etc/ab ab\n");
}

static void a_whiteout_spares_its_own_layer_wherever_it_stands(void **state)
{
    becomes(*state, "f d/x old\n--\nf .wh.d \nf d/y new\n", "f d/y new\n");
    becomes(*state, "f d/x old\n--\nf d/y new\nf .wh.d \n", "f d/y new\n");
    becomes(*state, "f a old\n--\nf a new\nf .wh.a \n", "f a new\n");
}

static void what_was_removed_can_come_back(void **state)
{
    becomes(*state, "d d\nf d/x old\n--\nf .wh.d \n--\nf d/y new\n", "f d/y new\n");
}

static void an_opaque_folder_hides_what_lower_layers_have_in_it(void **state)
{
    becomes(*state, "d d\nf d/x x\nd d/e\nf d/e/y y\nf z z\n--\nd d\nf d/.wh..wh..opq \nf d/n n\n", "f z z\nd d\nf d/n n\n");
    becomes(*state, "f d/e/y y\n--\nf d/e/n n\nf d/.wh..wh..opq \n", "f d/e/n n\n");
    becomes(*state, "f x x\n--\nf .wh..wh..opq \nf y y\n", "f y y\n");
}

static void things_of_aufs_are_not_of_the_image(void **state)
{
    becomes(*state, "f .wh..wh.aufs \nd .wh..wh.plnk\nf .wh..wh.plnk/12.34 x\nf a a\n", "f a a\n");
}

static void a_folder_keeps_its_files_when_it_is_mentioned_again(void **state)
{
    becomes(*state, "d d\nf d/x x\n--\nd d\n", "f d/x x\nd d\n");
}

static void a_file_takes_the_place_of_a_folder_and_the_other_way_round(void **state)
{
    becomes(*state, "d d\nf d/x x\n--\nf d file\n", "f d file\n");
    becomes(*state, "f d file\n--\nd d\nf d/x x\n", "d d\nf d/x x\n");
    becomes(*state, "d d\nf d/x x\n--\nf d file\n--\nd d\n", "d d\n");
}

static void hard_links_lead_to_the_first_name_that_is_left(void **state)
{
    becomes(*state, "f a text\nh b a\nh c a\n", "f a text\nh b a\nh c a\n");
    becomes(*state, "f a text\nh b a\nh c b\n--\nf .wh.a \n", "f b text\nh c b\n");
    becomes(*state, "f a text\nh b a\n--\nf a new\n", "f b text\nf a new\n");
}

static void a_hard_link_to_a_lower_layer_stands_with_its_content(void **state)
{
    becomes(*state, "f a text\n--\nh b a\nf .wh.a \n", "f b text\n");
    becomes(*state, "f d/a text\n--\nh d/b d/a\n", "f d/a text\nh d/b d/a\n");
}

static void symbolic_links_keep_their_text(void **state)
{
    becomes(*state, "s lib usr/lib\nf usr/lib/x x\n", "s lib usr/lib\nf usr/lib/x x\n");
}

static void an_entry_below_a_link_of_its_own_layer_is_where_the_link_leads(void **state)
{
    becomes(*state, "s lib usr/lib\nf lib/x x\n", "s lib usr/lib\nf usr/lib/x x\n");
    becomes(*state, "s d/up ../e\nf d/up/x x\n", "s d/up e\nf e/x x\n");
    becomes(*state, "s a b\ns b c\nf a/x x\nh y a/x\n", "s a b\ns b c\nf c/x x\nh y c/x\n");
    becomes(*state, "f d/x x\nf d/y y\n--\ns l d\nf l/.wh.x \n", "f d/y y\ns l d\n");
}

static void a_link_of_a_lower_layer_is_replaced(void **state)
{
    becomes(*state, "s lib usr/lib\n--\nf lib/y y\n", "f lib/y y\n");
}

static void links_do_not_lead_above_the_top(void **state)
{
    becomes(*state, "s out /etc\nf out/passwd mine\n", "s out ?\nf etc/passwd mine\n");
    becomes(*state, "s up ../../..\nf up/etc/passwd mine\n", "s up ?\nf etc/passwd mine\n");
    becomes(*state, "s top /\nf top/x mine\n", "s top ?\nf x mine\n");
    refuses(*state, "s a b\ns b a\nf a/x x\n", "a/x goes through too many symbolic links");
    refuses(*state, "s a a/a\nf a/x x\n", "a/x goes through too many symbolic links");
}

static void names_are_cleaned(void **state)
{
    becomes(*state, "d ./\nf ./a a\nf /b b\nf c//d/../e e\n", "d \nf a a\nf b b\nf c/e e\n");
}

static void names_that_lead_out_are_refused(void **state)
{
    refuses(*state, "f a a\nf ../../etc/passwd mine\n", "layer 1: entry 2 has a name that leads out of the image");
    refuses(*state, "f a a\n--\nf d/../../x mine\n", "layer 2: entry 1 has a name that leads out");
}

static void hard_links_to_nothing_are_refused(void **state)
{
    refuses(*state, "h b a\nf a a\n", "b is a hard link to a, which is not there");
    refuses(*state, "h b ../../etc/shadow\n", "b is a hard link to what is outside");
    refuses(*state, "d d\nh b d\n", "b is a hard link to d");
    refuses(*state, "f a a\n--\nf .wh.a \nh b a\n", "b is a hard link to a");
}

static void a_whiteout_of_nothing_does_nothing(void **state)
{
    becomes(*state, "f .wh.a \nf d/.wh. \nf e/.wh..wh..opq \nf x x\n", "f x x\n");
}

static void devices_and_empty_images_are_no_trouble(void **state)
{
    becomes(*state, "c dev/null\n", "c dev/null\n");
    becomes(*state, "", "");
    becomes(*state, &"\n--\nf a a\n"[1], "f a a\n");
}

static void a_layer_that_is_no_archive_is_refused_by_its_number(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stack stack;
    uint64_t bytes = 0;
    parse(&stack, "f a a\n--\nf b b\n");
    memset(stack.layers[1].data, 'x', 512);
    struct rootfs_layers from = { .n = 2, .open = open_layer, .ctx = &stack };
    assert_false(rootfs_write(&from, scratch_at(s, "out.tar"), NULL, &bytes, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.msg, "layer 2"));
    assert_false(scratch_has(s, "out.tar"));
    stack_clear(&stack);
}

struct stop {
    unsigned calls;
};

static bool stop_soon(void *ctx, const struct progress_fact *fact)
{
    (void)fact;
    return ++((struct stop *)ctx)->calls < 4;
}

static void a_stop_leaves_nothing(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stack stack;
    struct stop stop = { 0 };
    uint64_t bytes = 0;
    parse(&stack, "f a a\nf b b\nf c c\n");
    struct rootfs_layers from = { .n = 1, .open = open_layer, .ctx = &stack };
    struct progress p = { stop_soon, &stop };
    assert_false(rootfs_write(&from, scratch_at(s, "out.tar"), &p, &bytes, &e));
    assert_int_equal(e.code, ERR_INTERRUPTED);
    struct path_names names = { 0 };
    assert_true(path_list(s->dir, 10, &names, &e) || e.code == ERR_INTERRUPTED);
    assert_int_equal(names.n, 0);
    path_names_clear(&names);
    stack_clear(&stack);
}

/* Owner, mode and time are the entry's own; of a folder those of its last entry. */
static void what_an_entry_says_of_itself_stays(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stack stack;
    uint64_t bytes = 0;
    parse(&stack, "f a text\n");
    char *h = stack.layers[0].data;
    memcpy(h + 100, "0004755", 7);
    memcpy(h + 108, "0001750", 7);
    memcpy(h + 116, "0001751", 7);
    memcpy(h + 136, "14371573412", 11);
    tar_text_checksum(h);
    struct rootfs_layers from = { .n = 1, .open = open_layer, .ctx = &stack };
    assert_true(rootfs_write(&from, scratch_at(s, "out.tar"), NULL, &bytes, &e));
    AUTO(mem_auto) char *out = scratch_content(s, "out.tar");
    static const char *const fields[] = { "004755", "001750", "001751", "14371573412" };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        assert_non_null(memmem(out, 512, fields[i], strlen(fields[i])));
    stack_clear(&stack);
}

/* Names that are no ASCII stand in a header of their own, and so do attributes: capabilities of programs among them. */
static void long_names_other_letters_and_attributes_stay(void **state)
{
    static const char words[] = "19 path=etc/F\xc5\x91tan\n30 SCHILY.xattr.user.mark=yes\n";
    struct scratch *s = *state;
    struct err e = { 0 };
    struct stack stack = { .n = 1 };
    uint64_t bytes = 0;
    for (size_t i = 0; i < LAYERS_MAX; i++)
        stack.layers[i] = (struct buf)BUF_LIMIT(1 << 20);
    assert_int_equal(sizeof words - 1, 19 + 30);
    tar_text_add(&stack.layers[0], 'x', "PaxHeaders/x", NULL, words, sizeof words - 1);
    tar_text_file(&stack.layers[0], "etc/F_tan", "text");
    tar_text_end(&stack.layers[0]);
    struct rootfs_layers from = { .n = 1, .open = open_layer, .ctx = &stack };
    if (!rootfs_write(&from, scratch_at(s, "out.tar"), NULL, &bytes, &e))
        fail_msg("%s", e.msg);
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1 << 20);
    assert_true(file_read(scratch_at(s, "out.tar"), FILE_PLAIN, 1 << 20, &out, &e));
    assert_non_null(memmem(out.data, out.len, "path=etc/F\xc5\x91tan\n", 16));
    assert_non_null(memmem(out.data, out.len, "SCHILY.xattr.user.mark=yes\n", 27));
    AUTO(mem_auto) char *found = list(scratch_at(s, "out.tar"));
    assert_string_equal(found, "f etc/F\xc5\x91tan text\n");
    stack_clear(&stack);
}

static void files_that_claim_more_than_there_are_numbers_do_not_look_small(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(rootfs_tree_free_auto) struct rootfs_tree *tree = rootfs_tree_new();
    static const char *const names[] = { "a", "b", "c" };
    rootfs_tree_layer(tree);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_true(rootfs_tree_add(tree, &(struct untar_entry){ .kind = UNTAR_FILE, .path = names[i], .size = INT64_MAX }, &e));
    rootfs_tree_settle(tree);
    assert_true(rootfs_tree_bytes(tree) == UINT64_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_claim_more_than_there_are_numbers_do_not_look_small),
        SCRATCH_TEST(the_last_layer_wins),
        SCRATCH_TEST(the_later_of_two_entries_in_one_layer_wins),
        SCRATCH_TEST(a_whiteout_removes_what_lower_layers_have),
        SCRATCH_TEST(a_whiteout_spares_its_own_layer_wherever_it_stands),
        SCRATCH_TEST(what_was_removed_can_come_back),
        SCRATCH_TEST(an_opaque_folder_hides_what_lower_layers_have_in_it),
        SCRATCH_TEST(things_of_aufs_are_not_of_the_image),
        SCRATCH_TEST(a_folder_keeps_its_files_when_it_is_mentioned_again),
        SCRATCH_TEST(a_file_takes_the_place_of_a_folder_and_the_other_way_round),
        SCRATCH_TEST(hard_links_lead_to_the_first_name_that_is_left),
        SCRATCH_TEST(a_hard_link_to_a_lower_layer_stands_with_its_content),
        SCRATCH_TEST(symbolic_links_keep_their_text),
        SCRATCH_TEST(an_entry_below_a_link_of_its_own_layer_is_where_the_link_leads),
        SCRATCH_TEST(a_link_of_a_lower_layer_is_replaced),
        SCRATCH_TEST(links_do_not_lead_above_the_top),
        SCRATCH_TEST(names_are_cleaned),
        SCRATCH_TEST(names_that_lead_out_are_refused),
        SCRATCH_TEST(hard_links_to_nothing_are_refused),
        SCRATCH_TEST(a_whiteout_of_nothing_does_nothing),
        SCRATCH_TEST(devices_and_empty_images_are_no_trouble),
        SCRATCH_TEST(a_layer_that_is_no_archive_is_refused_by_its_number),
        SCRATCH_TEST(a_stop_leaves_nothing),
        SCRATCH_TEST(what_an_entry_says_of_itself_stays),
        SCRATCH_TEST(long_names_other_letters_and_attributes_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
