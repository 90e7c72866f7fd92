/* The YAML door: trees with places, and the tricks of the format that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "format/yread.h"

static struct yread *open_text(const char *text, enum yread_mode mode)
{
    struct err e = { 0 };
    struct yread *y = yread_open(text, strlen(text), "bundle.yaml", mode, &e);
    if (y == NULL)
        fail_msg("%s", e.msg);
    return y;
}

static void expect_refused_bytes(const char *text, size_t n, enum yread_mode mode, const char *says)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *copy = mem_copy(text, n);
    struct yread *y = yread_open(copy, n, "bundle.yaml", mode, &e);
    if (y != NULL)
        fail_msg("accepted %.100s", text);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_memory_equal(e.msg, "bundle.yaml:", 12);
    if (strstr(e.msg, says) == NULL)
        fail_msg("%.100s: message \"%s\" lacks \"%s\"", text, e.msg, says);
}

static void expect_refused(const char *text, const char *says)
{
    expect_refused_bytes(text, strlen(text), YREAD_PLAIN, says);
    expect_refused_bytes(text, strlen(text), YREAD_COMPOSE, says);
}

/* A tree as text, for comparing: plain scalars bare, others in quotes. */
static void print(struct buf *out, const struct ynode *n)
{
    if (n->kind == YNODE_SCALAR) {
        buf_addf(out, n->is_plain ? "%s" : "'%s'", n->text);
        return;
    }
    buf_addc(out, n->kind == YNODE_MAP ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        if (i > 0)
            buf_addc(out, ',');
        if (n->kind == YNODE_MAP) {
            print(out, n->keys[i]);
            buf_addc(out, ':');
        }
        print(out, n->items[i]);
    }
    buf_addc(out, n->kind == YNODE_MAP ? '}' : ']');
}

static void expect_tree(const char *text, enum yread_mode mode, const char *tree)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1 * MIB);
    AUTO(yread_free_auto) struct yread *y = open_text(text, mode);
    print(&out, yread_root(y));
    assert_string_equal(buf_text(&out), tree);
}

static void builds_trees_that_know_how_scalars_were_written(void **state)
{
    (void)state;
    expect_tree("a: 1\nb: [x, 'y', \"z\"]\nc:\n  - k: v\n  - |\n    text\n", YREAD_PLAIN, "{a:1,b:[x,'y','z'],c:[{k:v},'text\n']}");
    expect_tree("a:\nb: ~\nc: null\nd: ''\n", YREAD_PLAIN, "{a:,b:~,c:null,d:''}");
    expect_tree("%YAML 1.2\n---\na: yes\n...\n", YREAD_PLAIN, "{a:yes}");
    expect_tree("# only\nplain text\n", YREAD_PLAIN, "plain text");
    expect_tree("a: !!str 5\nb: ! 6\nc: !!map {}\nd: !!seq []\n", YREAD_PLAIN, "{a:'5',b:'6',c:{},d:[]}");
    expect_tree("\"a\\u00e9\\U0001F600\": \"\\x1b\"\n", YREAD_PLAIN, "{'a\xC3\xA9\xF0\x9F\x98\x80':'\x1b'}");
    expect_tree("a: {b: 1}\r\nc: 2\r\n", YREAD_PLAIN, "{a:{b:1},c:2}");
}

static void knows_the_place_of_every_node(void **state)
{
    (void)state;
    AUTO(yread_free_auto) struct yread *y = open_text("a: 1\nlist:\n  - x\n  - key: val\n", YREAD_PLAIN);
    const struct ynode *list = ynode_get(yread_root(y), "list");
    const struct ynode *item = list->items[1];
    const struct ynode *value = ynode_get(item, "key");
    struct err e = { 0 };
    assert_int_equal(item->keys[0]->line, 4);
    assert_int_equal(item->keys[0]->column, 5);
    assert_int_equal(value->line, 4);
    assert_int_equal(value->column, 10);
    assert_false(yread_fail(y, value, &e, "expected %s, found \"%s\"", "a number", value->text));
    assert_int_equal(e.code, ERR_CONFIG);
    assert_string_equal(e.msg, "bundle.yaml:4:10: expected a number, found \"val\"");
    assert_string_equal(yread_name(y), "bundle.yaml");
}

static void finds_keys_and_nulls(void **state)
{
    (void)state;
    AUTO(yread_free_auto) struct yread *y = open_text("a: 1\nn: ~\ne:\nq: 'null'\nl: []\n", YREAD_PLAIN);
    const struct ynode *root = yread_root(y);
    assert_string_equal(ynode_get(root, "a")->text, "1");
    assert_null(ynode_get(root, "b"));
    assert_null(ynode_get(ynode_get(root, "l"), "a"));
    assert_null(ynode_get(NULL, "a"));
    assert_true(ynode_is_null(ynode_get(root, "n")));
    assert_true(ynode_is_null(ynode_get(root, "e")));
    assert_false(ynode_is_null(ynode_get(root, "q")));
    assert_false(ynode_is_null(ynode_get(root, "l")));
    assert_false(ynode_is_null(NULL));
}

static void writes_anchors_out(void **state)
{
    (void)state;
    expect_tree("a: &x {k: [1, 2]}\nb: *x\nc: [*x, &y z, *y]\n", YREAD_PLAIN, "{a:{k:[1,2]},b:{k:[1,2]},c:[{k:[1,2]},z,z]}");
    expect_tree("- &x 1\n- *x\n- &x 2\n- *x\n", YREAD_PLAIN, "[1,1,2,2]");
    expect_tree("- &k key\n- {*k : v}\n", YREAD_PLAIN, "[key,{key:v}]");
    expect_refused("a: *nothing\n", "alias *nothing refers to nothing before it");
    expect_refused("a: &a [*a]\n", "alias *a refers to nothing before it");
    expect_refused("a: *b\nb: &b 1\n", "bundle.yaml:1:4: alias *b");
}

static void merges_maps_in_compose_files_alone(void **state)
{
    (void)state;
    static const char text[] = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  a: own\n  <<: [*x, *y]\nw: {<<: *y, d: 5}\n";
    expect_tree(text, YREAD_COMPOSE, "{x:{a:1,b:2},y:{b:3,c:4},z:{a:own,b:2,c:4},w:{d:5,b:3,c:4}}");
    expect_tree("x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}\n", YREAD_COMPOSE, "{x:{a:1},y:{b:2,a:1},z:{b:2,a:1}}");
    expect_tree("<<: {}\na: 1\n", YREAD_COMPOSE, "{a:1}");
    expect_tree("\"<<\": 1\n", YREAD_COMPOSE, "{'<<':1}");
    expect_refused_bytes(text, sizeof text - 1, YREAD_PLAIN, "bundle.yaml:5:3: merge keys (<<) are not supported here");
    expect_refused_bytes("<<: 3", 5, YREAD_COMPOSE, "takes a map");
    expect_refused_bytes("<<: [{}, 3]", 11, YREAD_COMPOSE, "takes a map");
    expect_refused_bytes("<<: {a: 1}\n<<: {b: 1}", 21, YREAD_COMPOSE, "duplicate key \"<<\"");
    expect_refused_bytes("<<: &a {<<: *a}", 15, YREAD_COMPOSE, "alias *a refers to nothing");
}

static void refuses_duplicate_keys_with_both_places(void **state)
{
    (void)state;
    expect_refused("a: 1\nb: 2\n'a': 3\n", "bundle.yaml:3:1: duplicate key \"a\", first at line 1");
    expect_refused("x:\n  - {k: 1, \"\\x6b\": 2}\n", "duplicate key \"k\"");
    expect_refused("1: a\n1: b\n", "duplicate key \"1\"");
    expect_refused("? a\n? a\n", "duplicate key \"a\"");
}

static void refuses_what_other_readers_understand_in_another_way(void **state)
{
    (void)state;
    expect_refused("a: 1\n---\nb: 2\n", "bundle.yaml:2:1: a second document, expected one");
    expect_refused("--- a\n--- b\n", "a second document");
    expect_refused("!!python/object/apply:os.system [\"x\"]\n", "python/object/apply:os.system is not supported");
    expect_refused("a: !custom x\n", "tag !custom is not supported");
    expect_refused("a: !!binary aGk=\n", "is not supported");
    expect_refused("a: !!int 3\n", "is not supported");
    expect_refused("%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!none x\n", "python/none is not supported");
    expect_refused("a: !!set {x}\n", "is not supported");
    expect_refused("a: !!str {x: 1}\n", "is not supported");
    expect_refused("? [a]\n: b\n", "a key must be text");
    expect_refused("{[a]: b}\n", "a key must be text");
    expect_refused("? {a: 1}\n", "a key must be text");
    expect_refused("\xEF\xBB\xBF" "a: 1\n", "byte order mark");
    expect_refused_bytes("a\0: \0001\0", 7, YREAD_PLAIN, "control characters");
    expect_refused_bytes("\xFF\xFE" "a\0", 4, YREAD_PLAIN, "not UTF-8");
    expect_refused("a: \xC0\x80\n", "not UTF-8");
    expect_refused("a: \xED\xA0\x80\n", "not UTF-8");
    expect_refused("a: \x01\n", "control characters");
    expect_refused("a: \"x\\0y\"\n", "bundle.yaml:1:4: NUL in a text");
}

static void refuses_malformed_text_with_its_place(void **state)
{
    (void)state;
    expect_refused("", "bundle.yaml:1:1: the file is empty");
    expect_refused("# nothing\n\n", "the file is empty");
    expect_refused("a: 1\n\tb: 2\n", "bundle.yaml:2:");
    expect_refused("a: [1, 2\nb: 3\n", "bundle.yaml:2:");
    expect_refused("a: 'x\n", "bundle.yaml:2:1: ");
    expect_refused("a: b: c\n", "bundle.yaml:1:5: ");
    expect_refused("a\nb: 1\n", "bundle.yaml:");
    expect_refused("@x\n", "bundle.yaml:1:1: ");
    expect_refused("%YAML 2.0\n---\na\n", "bundle.yaml:1:");
}

static void refuses_a_billion_laughs_while_it_reads_them(void **state)
{
    (void)state;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(10000);
    buf_adds(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++)
        buf_addf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    expect_refused(buf_text(&text), "more than 100000 values when anchors are written out");
    buf_reset(&text);
    buf_adds(&text, "a0: &a0 {k0: 1, j0: 2}\n");
    for (int i = 1; i < 30; i++)
        buf_addf(&text, "a%d: &a%d {k%d: *a%d, j%d: *a%d, <<: *a%d}\n", i, i, i, i - 1, i, i - 1, i - 1);
    expect_refused_bytes(text.data, text.len, YREAD_COMPOSE, "more than 100000 values when anchors are written out");
}

static void stops_at_the_nesting_limit_also_through_aliases(void **state)
{
    (void)state;
    static const size_t depths[] = { LIMIT_YAML_DEPTH + 1, 1000, 100000 };
    AUTO(mem_auto) char *text = mem_new(2 * 100000 + 1);
    AUTO(buf_clear_auto) struct buf deep = BUF_LIMIT(10000);
    memset(text, '[', LIMIT_YAML_DEPTH);
    memset(text + LIMIT_YAML_DEPTH, ']', LIMIT_YAML_DEPTH);
    yread_free(open_text(text, YREAD_PLAIN));
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        memset(text, '[', depths[i]);
        memset(text + depths[i], ']', depths[i]);
        expect_refused_bytes(text, 2 * depths[i], YREAD_PLAIN, "nesting deeper than 32");
    }
    buf_adds(&deep, "- &a0 [x]\n");
    for (int i = 1; i < LIMIT_YAML_DEPTH - 1; i++)
        buf_addf(&deep, "- &a%d [*a%d]\n", i, i - 1);
    yread_free(open_text(deep.data, YREAD_PLAIN));
    buf_addf(&deep, "- [*a%d]\n", LIMIT_YAML_DEPTH - 2);
    expect_refused(deep.data, "nesting deeper than 32");
}

static void holds_to_its_limits_of_bytes_values_and_anchors(void **state)
{
    (void)state;
    struct err e = { 0 };
    AUTO(mem_auto) char *blank = mem_new(100 * MIB);
    memset(blank, '#', 100 * MIB);
    expect_refused_bytes(blank, 100 * MIB, YREAD_PLAIN, "104857600 bytes, at most 1048576");
    expect_refused_bytes(blank, LIMIT_CONFIG_FILE_BYTES + 1, YREAD_PLAIN, "at most 1048576");
    memcpy(blank, "a: 1\n", 5);
    AUTO(yread_free_auto) struct yread *largest = yread_open(blank, LIMIT_CONFIG_FILE_BYTES, "f", YREAD_PLAIN, &e);
    assert_non_null(largest);

    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(1 * MIB);
    for (size_t i = 0; i < LIMIT_YAML_NODES - 1; i++)
        buf_adds(&text, "- a\n");
    yread_free(open_text(text.data, YREAD_PLAIN));
    buf_adds(&text, "- a\n");
    expect_refused(text.data, "more than 100000 values");

    buf_reset(&text);
    for (int i = 0; i < LIMIT_YAML_ANCHORS; i++)
        buf_addf(&text, "- &a%d x\n", i);
    yread_free(open_text(text.data, YREAD_PLAIN));
    buf_adds(&text, "- &b x\n");
    expect_refused(text.data, "more than 1000 anchors");

    buf_reset(&text);
    for (int i = 0; i <= LIMIT_YAML_TAG_DIRECTIVES; i++)
        buf_addf(&text, "%%TAG !a%d! b\n", i);
    buf_adds(&text, "--- a\n");
    expect_refused(text.data, "more than 16 %TAG directives");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_trees_that_know_how_scalars_were_written),
        cmocka_unit_test(knows_the_place_of_every_node),
        cmocka_unit_test(finds_keys_and_nulls),
        cmocka_unit_test(writes_anchors_out),
        cmocka_unit_test(merges_maps_in_compose_files_alone),
        cmocka_unit_test(refuses_duplicate_keys_with_both_places),
        cmocka_unit_test(refuses_what_other_readers_understand_in_another_way),
        cmocka_unit_test(refuses_malformed_text_with_its_place),
        cmocka_unit_test(refuses_a_billion_laughs_while_it_reads_them),
        cmocka_unit_test(stops_at_the_nesting_limit_also_through_aliases),
        cmocka_unit_test(holds_to_its_limits_of_bytes_values_and_anchors),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
