/* What a program says, and where: results, errors, log, progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/secrets.h"
#include "format/jread.h"
#include "sys/clock.h"
#include "sys/work.h"
#include "tests/support/scratch.h"
#include "tests/unit/cli/toy.h"

struct said {
    int status;
    char out[16000];
    char err_out[16000];
};

static void read_back(FILE *f, char *to, size_t size)
{
    fflush(f);
    rewind(f);
    size_t n = fread(to, 1, size - 1, f);
    to[n] = '\0';
    fclose(f);
}

/* Runs the toy with words separated by spaces. */
static void run(struct said *said, const char *line)
{
    char text[500];
    char *argv[20] = { "toy" };
    int argc = 1;
    FILE *out = tmpfile();
    FILE *err_out = tmpfile();
    snprintf(text, sizeof text, "%s", line);
    for (char *p = text, *rest = NULL; (p = strtok_r(p, " ", &rest)) != NULL; p = NULL)
        argv[argc++] = p;
    said->status = cli_run(&toy, argc, argv, out, err_out);
    read_back(out, said->out, sizeof said->out);
    read_back(err_out, said->err_out, sizeof said->err_out);
}

static void results_and_story_go_different_ways(void **state)
{
    (void)state;
    struct said said;
    run(&said, "show a b");
    assert_int_equal(said.status, 0);
    assert_string_equal(said.out, "a\nb\n");
    assert_string_equal(said.err_out, "shown 2\ntoy: warning: a warning with ?[2J in it\n");
    run(&said, "show a -q");
    assert_string_equal(said.err_out, "toy: warning: a warning with ?[2J in it\n");
    run(&said, "show a -v");
    assert_non_null(strstr(said.err_out, "toy: debug: a detail\n"));
}

static void an_error_is_one_line_and_a_hint(void **state)
{
    (void)state;
    struct said said;
    run(&said, "fail");
    assert_int_equal(said.status, 11);
    assert_string_equal(said.out, "before\n");
    assert_string_equal(said.err_out, "toy: bundle is not ?[31msigned\n  hint: sign it\n");
    run(&said, "fail --color=always");
    assert_string_equal(said.err_out, "\033[1;31mtoy:\033[0m bundle is not ?[31msigned\n  hint: sign it\n");
    run(&said, "bananas");
    assert_int_equal(said.status, 2);
    assert_string_equal(said.err_out, "toy: bananas: unknown command\n  hint: toy help\n");
}

static void json_is_one_document_also_for_errors(void **state)
{
    (void)state;
    struct said said;
    run(&said, "show a b --json");
    assert_string_equal(said.out, "{\n  \"command\": \"show\",\n  \"status\": 0,\n  \"error\": null,\n  \"arguments\": 2\n}\n");
    run(&said, "fail --json");
    assert_int_equal(said.status, 11);
    assert_non_null(strstr(said.out, "\"name\": \"TRUST\""));
    assert_non_null(strstr(said.out, "{\n  \"command\": \"fail\",\n  \"status\": 11,\n  \"error\": {"));
    assert_non_null(strstr(said.out, "\"hint\": \"sign it\""));
    assert_null(strstr(said.out, "before"));
    assert_non_null(strstr(said.err_out, "toy: bundle is not"));
    struct err e = { 0 };
    AUTO(jread_free_auto) struct jread *r = jread_open(said.out, strlen(said.out), "error", JREAD_OCI, &e);
    assert_non_null(r);
    run(&said, "show --bananas --json=stream");
    assert_true(strncmp(said.out, "{\"event\":\"error\",", 17) == 0); /* also when the wrong word comes first */
    run(&said, "show --json=stream --bananas");
    assert_true(strncmp(said.out, "{\"event\":\"error\",\"command\":null,\"status\":2,", 43) == 0);
    run(&said, "show a --json=stream");
    assert_string_equal(said.out, "{\"event\":\"result\",\"command\":\"show\",\"status\":0,\"error\":null,\"arguments\":1}\n");
}

static void every_command_that_goes_well_has_its_document(void **state)
{
    (void)state;
    struct said said;
    run(&said, "work --json");
    assert_string_equal(said.out, "{\n  \"command\": \"work\",\n  \"status\": 0,\n  \"error\": null\n}\n");
    run(&said, "work --json=stream");
    const char *last = "{\"event\":\"result\",\"command\":\"work\",\"status\":0,\"error\":null}\n";
    assert_true(strlen(said.out) > strlen(last));
    assert_string_equal(said.out + strlen(said.out) - strlen(last), last);
    run(&said, "cat --json"); /* what the result is made of nobody may add to */
    assert_string_equal(said.out, "raw");
}

static void log_lines_are_json_when_asked(void **state)
{
    (void)state;
    struct said said;
    run(&said, "show --log-format json");
    char *end = strchr(said.err_out, '\n');
    assert_non_null(end);
    *end = '\0';
    assert_non_null(strstr(said.err_out, "\"level\":\"info\",\"message\":\"shown 0\""));
    struct err e = { 0 };
    AUTO(jread_free_auto) struct jread *r = jread_open(said.err_out, strlen(said.err_out), "line", JREAD_OCI, &e);
    assert_non_null(r);
    run(&said, "fail --log-format json");
    assert_non_null(strstr(said.err_out, "\"level\":\"error\""));
    assert_non_null(strstr(said.err_out, "\"status\":11"));
}

static void the_log_file_gets_everything_with_its_time(void **state)
{
    struct scratch *s = *state;
    struct said said;
    struct stat st;
    AUTO(mem_auto) char *line = mem_format("show -q --log-file %s/log", s->dir);
    AUTO(mem_auto) char *again = mem_format("fail --log-file=%s/log", s->dir);
    run(&said, line);
    run(&said, again);
    assert_int_equal(stat(scratch_at(s, "log"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    AUTO(mem_auto) char *text = scratch_content(s, "log");
    assert_non_null(strstr(text, "Z info: shown 0\n"));
    assert_non_null(strstr(text, "Z error: bundle is not ?[31msigned\n"));
    assert_int_equal(text[10], 'T');
    assert_int_equal(symlink("/etc/passwd", scratch_at(s, "link")), 0);
    AUTO(mem_auto) char *bad = mem_format("show --log-file %s", s->path);
    run(&said, bad);
    assert_int_equal(said.status, 60);
    assert_non_null(strstr(said.err_out, "open log file"));
}

static void results_that_do_not_arrive_are_a_failure(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    FILE *err_out = tmpfile();
    char text[500];
    char *argv[] = { "toy", "show", "word" };
    assert_int_equal(cli_run(&toy, 3, argv, full, err_out), 60);
    read_back(err_out, text, sizeof text);
    assert_non_null(strstr(text, "toy: standard output: No space left on device"));
    char *failing[] = { "toy", "fail" };
    FILE *more = tmpfile();
    assert_int_equal(cli_run(&toy, 2, failing, full, more), 11); /* the first failure wins */
    fclose(more);
    fclose(full);
}

static void help_comes_from_the_table(void **state)
{
    (void)state;
    struct said said;
    run(&said, "help");
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "toy: a toy\n"));
    assert_non_null(strstr(said.out, "  trust add    trust a key\n"));
    assert_non_null(strstr(said.out, "Not in this version: trust revoke, repair\n"));
    assert_non_null(strstr(said.out, "--log-format text|json"));
    assert_string_equal(said.err_out, "");
    run(&said, "help show");
    assert_non_null(strstr(said.out, "Usage: toy show [OPTIONS] [WORD...]\n\nOne word a line.\n"));
    assert_non_null(strstr(said.out, "  -o, --output FILE            where the result goes\n"));
    assert_null(strstr(said.out, "xtra"));
    assert_null(strstr(said.out, "parity"));
    for (char *line = said.out, *rest = NULL; (line = strtok_r(line, "\n", &rest)) != NULL; line = NULL)
        assert_true(strlen(line) <= 100);
    run(&said, "help trust");
    assert_string_equal(said.out, "Usage: toy trust COMMAND [OPTIONS] [ARGUMENTS]\n\nCommands\n  trust add   trust a key\n  trust list  list the trusted keys\n\n"
                                  "Not in this version: trust revoke\n\ntoy help trust COMMAND tells more.\n");
    run(&said, "help repair");
    assert_non_null(strstr(said.out, "(not in this version)"));
    run(&said, "--version");
    assert_string_equal(said.out, "toy 1.2.3\n");
}

static void without_a_terminal_progress_is_a_line_per_item(void **state)
{
    (void)state;
    struct said said;
    run(&said, "work");
    assert_string_equal(said.out, "");
    assert_true(strncmp(said.err_out, "fetch: layer \\x1b[1m1: 1.0 kB\nfetch: done, 1.0 kB in ", 50) == 0);
    assert_null(strchr(said.err_out, '\r'));
    run(&said, "work --no-progress");
    assert_string_equal(said.err_out, "");
    run(&said, "work -q");
    assert_string_equal(said.err_out, "");
}

static void progress_is_json_lines_when_asked(void **state)
{
    (void)state;
    struct said said;
    size_t n_lines = 0;
    run(&said, "work --json=stream");
    assert_string_equal(said.err_out, "");
    char *result = strstr(said.out, "{\"event\":\"result\"");
    assert_non_null(result);
    *result = '\0';
    for (char *line = said.out, *rest = NULL; (line = strtok_r(line, "\n", &rest)) != NULL; line = NULL, n_lines++)
        assert_true(strncmp(line, "{\"event\":\"progress\",\"phase\":\"fetch\",", 36) == 0);
    /* One at the beginning and both ends; the others came within a tenth of a second, or else are there too. */
    assert_true(n_lines >= 3 && n_lines <= 22);
}

static void a_bar_has_bytes_rate_and_time_left_and_fits(void **state)
{
    (void)state;
    char bar[500];
    progress_bar_text(bar, sizeof bar, "fetch", 50000000, 100000000, 10e6, 120);
    assert_non_null(strstr(bar, "fetch  [###############               ]  50%"));
    assert_non_null(strstr(bar, "50.0 MB of 100.0 MB"));
    assert_non_null(strstr(bar, "10.0 MB/s"));
    assert_non_null(strstr(bar, "5.0s left"));
    progress_bar_text(bar, sizeof bar, "fetch", 5, 0, 0, 80);
    assert_null(strstr(bar, "%"));
    progress_bar_text(bar, sizeof bar, "fetch", 200, 100, 0, 80);
    assert_non_null(strstr(bar, "100%"));
    static const unsigned widths[] = { 20, 40, 79, 80, 81, 120, 300 };
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        progress_bar_text(bar, sizeof bar, "load: docker.io/library/a-very-long-name-of-an-image-that-goes-on:1.2.3", 123456789, 987654321, 1e6,
                          widths[i]);
        assert_true(strlen(bar) < widths[i]);
    }
    progress_bar_text(bar, sizeof bar, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 1, 0, 0, 20);
    assert_true(text_is_utf8(bar, strlen(bar)));
}

static void lines_appear_above_the_bar(void **state)
{
    (void)state;
    char text[500];
    FILE *f = tmpfile();
    struct cli_screen *s = screen_new(f, true, false);
    screen_bar(s, "50%");
    screen_line(s, "a line");
    screen_bar(s, "60%");
    screen_free(s);
    read_back(f, text, sizeof text);
    assert_string_equal(text, "50%\r\033[Ka line\n50%\r\033[K60%\r\033[K");
    f = tmpfile();
    s = screen_new(f, false, false);
    screen_bar(s, "50%");
    screen_line(s, "a line");
    screen_free(s);
    read_back(f, text, sizeof text);
    assert_string_equal(text, "a line\n");
}

static void a_bar_of_several_lines_is_taken_away_whole(void **state)
{
    (void)state;
    char text[500];
    FILE *f = tmpfile();
    struct cli_screen *s = screen_new(f, true, false);
    screen_bar(s, "one\ntwo\nall");
    screen_line(s, "a line");
    screen_bar(s, "all");
    screen_free(s);
    read_back(f, text, sizeof text);
    assert_string_equal(text, "one\ntwo\nall\r\033[K\033[1A\033[K\033[1A\033[Ka line\none\ntwo\nall\r\033[K\033[1A\033[K\033[1A\033[Kall\r\033[K");
}

/* Progress of a download, as fetching tells it. */
struct shown {
    struct cli_context ctx;
    struct cli_progress *progress;
    FILE *out, *err_out;
    char text[16000];
};

static void show_begin(struct shown *s, enum progress_look look)
{
    *s = (struct shown){ .out = tmpfile(), .err_out = tmpfile() };
    s->ctx = (struct cli_context){ .out = s->out, .screen = screen_new(s->err_out, true, false) };
    s->progress = progress_new(&s->ctx, look);
}

static void show_end(struct shown *s)
{
    progress_free(s->progress);
    screen_free(s->ctx.screen);
    fclose(s->out);
    fclose(s->err_out);
}

static void tell(struct shown *s, const char *item, uint64_t done, uint64_t total, bool is_finished, bool is_from_cache)
{
    struct progress_fact fact = { .phase = "fetch", .item = item, .done = done, .total = total, .is_finished = is_finished, .is_from_cache = is_from_cache };
    assert_true(progress_show(s->progress, &fact));
}

/* The lines that stand there now. */
static const char *last_block(struct shown *s)
{
    fflush(s->err_out);
    rewind(s->err_out);
    s->text[fread(s->text, 1, sizeof s->text - 1, s->err_out)] = '\0';
    const char *last = s->text;
    for (const char *at = s->text; (at = strstr(at, "\033[K")) != NULL;)
        last = at += 3;
    return last;
}

static void a_terminal_shows_a_line_for_each_blob_and_one_for_all(void **state)
{
    (void)state;
    struct shown s;
    show_begin(&s, PROGRESS_BAR);
    tell(&s, "a sha256:1", 400000000, 400000000, true, true);
    tell(&s, NULL, 400000000, 1000000000, false, false);
    tell(&s, "b sha256:2", 1, 300000000, false, false);
    tell(&s, "c sha256:3", 1, 300000000, false, false);
    clock_sleep_ms(110);
    tell(&s, "b sha256:2", 150000000, 300000000, false, false);
    tell(&s, NULL, 550000000, 1000000000, false, false);
    clock_sleep_ms(110);
    tell(&s, NULL, 550000001, 1000000000, false, false);
    const char *shown = last_block(&s);
    const char *b = strstr(shown, "b sha256:2  ["), *c = strstr(shown, "\nc sha256:3  ["), *all = strstr(shown, "\nfetch, 1 cached  [");
    assert_true(b == shown && c > b && all > c);
    assert_true(strstr(b, " 50%  150.0 MB of 300.0 MB\n") < c);
    assert_non_null(strstr(all, "550.0 MB of 1.0 GB  "));
    assert_non_null(strstr(all, "/s"));
    assert_non_null(strstr(all, " left"));
    tell(&s, "b sha256:2", 300000000, 300000000, true, false);
    clock_sleep_ms(110);
    tell(&s, NULL, 700000000, 1000000000, false, false);
    shown = last_block(&s);
    assert_null(strstr(shown, "b sha256:2"));
    assert_non_null(strstr(shown, "\nfetch, 1 cached  ["));
    tell(&s, NULL, 1000000000, 1000000000, true, false);
    assert_string_equal(last_block(&s), "");
    show_end(&s);
}

static void no_bar_stays_behind_the_last_item_or_before_a_result(void **state)
{
    (void)state;
    struct shown s;
    struct err e = { 0 };
    show_begin(&s, PROGRESS_BAR);
    tell(&s, "image", 0, 6300, false, false);
    assert_true(last_block(&s)[0] != '\0');
    tell(&s, "image", 6300, 6300, true, false);
    assert_string_equal(last_block(&s), "");
    tell(&s, NULL, 1, 10, false, false);
    clock_sleep_ms(110);
    tell(&s, NULL, 2, 10, false, false);
    assert_true(last_block(&s)[0] != '\0');
    cli_print(&s.ctx, "the result\n");
    assert_string_equal(last_block(&s), "");
    clock_sleep_ms(110);
    tell(&s, NULL, 3, 10, false, false);
    assert_true(last_block(&s)[0] != '\0');
    assert_true(cli_write_result(&s.ctx, "x", 1, &e));
    assert_string_equal(last_block(&s), "");
    show_end(&s);
}

static void more_items_than_places_are_worked_on_unseen(void **state)
{
    (void)state;
    struct shown s;
    char name[40];
    show_begin(&s, PROGRESS_BAR);
    for (uint64_t i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "item %llu", (unsigned long long)i);
        tell(&s, name, 1, 10, false, false);
    }
    clock_sleep_ms(110);
    tell(&s, NULL, 20, 200, false, false);
    size_t n_lines = 0;
    for (const char *at = last_block(&s); (at = strchr(at, '\n')) != NULL; at++)
        n_lines++;
    assert_int_equal(n_lines, 8);
    show_end(&s);
}

static void programs_hear_of_each_blob_and_of_all(void **state)
{
    (void)state;
    struct shown s;
    char text[8000];
    show_begin(&s, PROGRESS_JSON);
    tell(&s, "a", 5, 5, true, true);
    tell(&s, "b", 1, 10, false, false);
    tell(&s, "c", 1, 10, false, false);
    tell(&s, NULL, 7, 25, false, false);
    tell(&s, "b", 10, 10, true, false);
    fflush(s.out);
    rewind(s.out);
    text[fread(text, 1, sizeof text - 1, s.out)] = '\0';
    static const char *const parts[] = {
        "\"item\":\"a\",\"done\":5,\"total\":5,\"finished\":true,\"cached\":true}",
        "\"item\":\"b\",\"done\":1,\"total\":10,\"finished\":false,\"cached\":false}",
        "\"item\":\"c\",\"done\":1,",
        "\"done\":7,\"total\":25,\"finished\":false,\"cached\":false,\"bytes_per_second\":0,\"items_finished\":1,\"items_cached\":1,\"bytes_cached\":5}",
        "\"item\":\"b\",\"done\":10,\"total\":10,\"finished\":true,",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("no %s in %s", parts[i], text);
    show_end(&s);
}

struct many {
    struct job job;
    struct cli_progress *progress;
};

static bool tell_many(struct job *j, const void *shared, struct err *e)
{
    const struct many *m = (const struct many *)j;
    (void)shared;
    for (uint64_t i = 0; i < 200; i++)
        if (!progress_show(m->progress, &(struct progress_fact){ .phase = i % 50 == 0 ? "a" : "b", .item = "x", .done = i, .is_finished = i % 9 == 0 }))
            return err_set(e, ERR_INTERRUPTED, "stopped");
    return true;
}

static void many_threads_may_report_at_once(void **state)
{
    (void)state;
    struct err e = { 0 };
    struct cli_context ctx;
    FILE *out = tmpfile();
    FILE *err_out = tmpfile();
    assert_true(cli_context_open(&ctx, "toy", &(struct cli_globals){ 0 }, out, err_out, &e));
    struct many all[4];
    struct job *jobs[4];
    for (size_t i = 0; i < 4; i++) {
        all[i] = (struct many){ { .run = tell_many }, ctx.bars };
        jobs[i] = &all[i].job;
    }
    assert_true(work_run(jobs, 4, 4, NULL, &e));
    cli_context_close(&ctx);
    fclose(out);
    fclose(err_out);
}

/* ---- secrets ---- */

static void expect_no_secret(const struct cli_secret_source *source, enum err_code code, const char *words)
{
    struct err e = { 0 };
    AUTO(secret_clear_auto) struct secret s = { 0 };
    assert_false(cli_secret_read(source, &s, &e));
    assert_int_equal(e.code, code);
    if (strstr(e.msg, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", e.msg, words);
}

static void a_secret_comes_from_a_private_file_or_a_descriptor(void **state)
{
    struct scratch *s = *state;
    struct err e = { 0 };
    AUTO(secret_clear_auto) struct secret a = { 0 };
    AUTO(secret_clear_auto) struct secret b = { 0 };
    AUTO(secret_clear_auto) struct secret none = { 0 };
    const char *path = scratch_text(s, "f", " pass word \n", 0600);
    assert_true(cli_secret_read(&(struct cli_secret_source){ .name = "x", .file = path }, &a, &e));
    assert_string_equal(a.bytes, " pass word ");
    AUTO(fd_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(mem_auto) char *number = mem_format("%d", fd);
    assert_true(cli_secret_read(&(struct cli_secret_source){ .name = "x", .fd = number }, &b, &e));
    assert_true(secret_equal(&a, &b));
    assert_true(cli_secret_read(&(struct cli_secret_source){ .name = "x" }, &none, &e));
    assert_false(secret_is_set(&none));
    assert_int_equal(chmod(path, 0640), 0);
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .file = path }, ERR_CONFIG, "others could read it");
}

static void secrets_that_are_none_are_refused(void **state)
{
    struct scratch *s = *state;
    char big[5000];
    memset(big, 'x', sizeof big);
    AUTO(mem_auto) char *empty = mem_text(scratch_text(s, "empty", "\n", 0600));
    AUTO(mem_auto) char *nul = mem_text(scratch_file(s, "nul", "a\0b", 3, 0600));
    AUTO(mem_auto) char *long_one = mem_text(scratch_file(s, "big", big, sizeof big, 0600));
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .file = empty }, ERR_CONFIG, "is empty");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .file = nul }, ERR_CONFIG, "NUL byte");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .file = long_one }, ERR_CONFIG, "at most 4096");
    AUTO(fd_auto) int fd = open(long_one, O_RDONLY | O_CLOEXEC);
    AUTO(mem_auto) char *number = mem_format("%d", fd);
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .fd = number }, ERR_CONFIG, "more than 4096");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .fd = "9999" }, ERR_USAGE, "Bad file descriptor");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .fd = "1" }, ERR_USAGE, "--x-fd 1");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .fd = "hunter2" }, ERR_USAGE, "--x-fd");
    expect_no_secret(&(struct cli_secret_source){ .name = "x", .fd = number, .file = empty }, ERR_USAGE, "one of them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_and_story_go_different_ways),
        cmocka_unit_test(an_error_is_one_line_and_a_hint),
        cmocka_unit_test(json_is_one_document_also_for_errors),
        cmocka_unit_test(every_command_that_goes_well_has_its_document),
        cmocka_unit_test(log_lines_are_json_when_asked),
        SCRATCH_TEST(the_log_file_gets_everything_with_its_time),
        cmocka_unit_test(results_that_do_not_arrive_are_a_failure),
        cmocka_unit_test(help_comes_from_the_table),
        cmocka_unit_test(without_a_terminal_progress_is_a_line_per_item),
        cmocka_unit_test(progress_is_json_lines_when_asked),
        cmocka_unit_test(a_bar_of_several_lines_is_taken_away_whole),
        cmocka_unit_test(a_terminal_shows_a_line_for_each_blob_and_one_for_all),
        cmocka_unit_test(no_bar_stays_behind_the_last_item_or_before_a_result),
        cmocka_unit_test(more_items_than_places_are_worked_on_unseen),
        cmocka_unit_test(programs_hear_of_each_blob_and_of_all),
        cmocka_unit_test(a_bar_has_bytes_rate_and_time_left_and_fits),
        cmocka_unit_test(lines_appear_above_the_bar),
        cmocka_unit_test(many_threads_may_report_at_once),
        SCRATCH_TEST(a_secret_comes_from_a_private_file_or_a_descriptor),
        SCRATCH_TEST(secrets_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
