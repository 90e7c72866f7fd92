/* Runs the host's compose program. Which flags it gets depends on its version; what it says is shown line by line, and its
 * last lines become the error. */
#include "loader/deploy/compose_tool.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loader/deploy/compose_output.h"
#include "sys/proc.h"

#include "base/banned.h"

enum { PROBE_TIMEOUT_MS = 30000, PROBE_BYTES = 400, ARGUMENTS_MAX = 4096, LOGS_TIMEOUT_MS = 60000 };

/* ---- environment: what compose and the engine's client obey, and nothing of the caller's ---- */

struct environment {
    char *host;
    const char *list[10];
};

static void environment_make(struct environment *env, const char *socket)
{
    env->host = mem_format("DOCKER_HOST=unix://%s", socket);
    const char *const list[] = {
        "PATH=" PROC_PATH,
        env->host,
        "HOME=/nonexistent",          /* no plugins, no credentials, no contexts of a user */
        "DOCKER_CONFIG=/nonexistent",
        "DOCKER_CLI_HINTS=false",
        "COMPOSE_DISABLE_ENV_FILE=1", /* only --env-file */
        "COMPOSE_HTTP_TIMEOUT=600",   /* compose 1 gives up on a busy engine after 60 s */
        "LC_ALL=C.UTF-8",
        NULL,
    };
    memcpy(env->list, list, sizeof list);
}

static void environment_clear(struct environment *env)
{
    mem_free(env->host);
}

/* ---- which compose is it ---- */

/* The first line; "Docker Compose version v2.1" and the like have the number at the end. */
static bool read_version(struct compose_tool *out, char *text)
{
    struct err e = { 0 };
    text[strcspn(text, "\r\n")] = '\0';
    const char *space = strrchr(text, ' ');
    const char *number = space == NULL ? text : space + 1;
    return version_parse_loose(&out->version, number, "compose", &e) && out->version.major >= 1;
}

bool compose_tool_probe(struct compose_tool *out, const char *program, bool is_plugin, const char *socket, bool *is_one, struct err *e)
{
    *out = (struct compose_tool){ .is_plugin = is_plugin };
    *is_one = false;
    if (!text_copy(out->socket, sizeof out->socket, socket) || !text_copy(out->program, sizeof out->program, program))
        return err_set(e, ERR_USAGE, "%s: path is too long", SHOWN(socket));
    const char *const plugin_argv[] = { program, "compose", "version", "--short", NULL };
    const char *const plain_argv[] = { program, "version", "--short", NULL };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(PROBE_BYTES);
    struct environment env;
    environment_make(&env, socket);
    struct proc_spec spec = { .argv = is_plugin ? plugin_argv : plain_argv, .envp = env.list, .timeout_ms = PROBE_TIMEOUT_MS,
                              .out = &text };
    struct proc_result result = { 0 };
    bool ok = proc_run(&spec, &result, e);
    environment_clear(&env);
    if (!ok)
        return false;
    *is_one = !result.is_missing && !result.is_timeout && result.status == 0 && text.len > 0 && read_version(out, text.data);
    log_debug("%s%s: %s", program, is_plugin ? " compose" : "", *is_one ? out->version.text : "no compose");
    return true;
}

bool compose_tool_find(struct compose_tool *out, const char *socket, struct err *e)
{
    bool is_one = false;
    if (!compose_tool_probe(out, "docker", true, socket, &is_one, e))
        return false;
    if (!is_one && !compose_tool_probe(out, "docker-compose", false, socket, &is_one, e))
        return false;
    if (is_one)
        return true;
    err_set(e, ERR_ENGINE, "neither `docker compose` nor `docker-compose` is installed or works");
    return err_hint(e, "install docker-compose-plugin, docker-compose-v2 or docker-compose from this system's own packages");
}

static bool is_at_least(const struct compose_tool *t, uint64_t major, uint64_t minor)
{
    return t->version.major > major || (t->version.major == major && t->version.minor >= minor);
}

bool compose_tool_require(const struct compose_tool *t, const char *minimum, struct err *e)
{
    struct version need;
    if (minimum == NULL)
        return true;
    if (!version_parse_loose(&need, minimum, "compose", e))
        return false;
    if (version_compare(&t->version, &need) >= 0)
        return true;
    return err_set(e, ERR_POLICY, "compose %s found, %s needed", t->version.text, need.text);
}

/* ---- running ---- */

struct arguments {
    const char *items[ARGUMENTS_MAX + 1];
    size_t n;
    bool is_over;
};

static void add(struct arguments *a, const char *text)
{
    if (a->n < ARGUMENTS_MAX)
        a->items[a->n++] = text;
    else
        a->is_over = true;
}

static void add_pair(struct arguments *a, const char *option, const char *value)
{
    add(a, option);
    add(a, value);
}

static void add_all(struct arguments *a, const char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(a, items[i]);
}

static void begin(struct arguments *a, const struct compose_tool *t, const struct compose_run *r, const char *command)
{
    add(a, t->program);
    if (t->is_plugin)
        add(a, "compose");
    if (is_at_least(t, 1, 28))
        add_pair(a, "--ansi", "never");
    add_pair(a, "-p", r->project);
    if (r->dir != NULL)
        add_pair(a, "--project-directory", r->dir);
    for (size_t i = 0; i < r->n_files; i++)
        add_pair(a, "-f", r->files[i]);
    if (r->env_file != NULL)
        add_pair(a, "--env-file", r->env_file);
    for (size_t i = 0; i < r->n_profiles; i++)
        add_pair(a, "--profile", r->profiles[i]);
    add(a, command);
}

static bool run_failed(const struct compose_tool *t, const char *command, const struct proc_result *result, const struct compose_output *tail,
                       enum err_code code, struct err *e)
{
    const char *name = t->is_plugin ? "docker compose" : "docker-compose";
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(4 * TEXT_SHOWN_BYTES);
    compose_output_text(tail, &text);
    if (result->is_missing)
        return err_set(e, ERR_ENGINE, "%s: %s is not there any more", name, t->program);
    if (result->is_timeout)
        return err_set(e, code, "%s %s: took too long: %s", name, command, buf_text(&text));
    return err_set(e, tail->is_engine ? ERR_ENGINE : code, "%s %s: status %d: %s", name, command, result->status,
                   text.len > 0 ? buf_text(&text) : "it said nothing");
}

/* a->items is complete. code: the class of a failure that is not the engine's. */
static bool run(const struct compose_tool *t, const struct compose_run *r, struct arguments *a, const char *command, enum err_code code,
                struct err *e)
{
    if (a->is_over)
        return err_set(e, ERR_CONFIG, "compose: more than %d arguments", ARGUMENTS_MAX);
    a->items[a->n] = NULL;
    struct environment env;
    environment_make(&env, t->socket);
    struct compose_output tail = { .r = r };
    struct proc_spec spec = { .argv = a->items, .envp = env.list, .cwd = r->dir, .timeout_ms = r->timeout_ms,
                              .on_line = compose_output_take, .on_line_ctx = &tail };
    struct proc_result result = { 0 };
    bool ok = proc_run(&spec, &result, e);
    if (ok && (result.is_missing || result.is_timeout || result.status != 0))
        ok = run_failed(t, command, &result, &tail, code, e);
    compose_output_clear(&tail);
    environment_clear(&env);
    return ok;
}

/* ---- the commands ---- */

bool compose_tool_up(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n, struct err *e)
{
    AUTO(mem_auto) struct arguments *a = mem_new(sizeof *a);
    begin(a, t, r, "up");
    add(a, "-d");
    add(a, "--no-build");
    if (is_at_least(t, 2, 8))
        add_pair(a, "--pull", "never");
    if (n == 0)
        add(a, "--remove-orphans"); /* services of the release before */
    add_all(a, services, n);
    return run(t, r, a, "up", ERR_UNHEALTHY, e);
}

static bool simple(const struct compose_tool *t, const struct compose_run *r, const char *command, const char *const *services, size_t n,
                   enum err_code code, struct err *e)
{
    AUTO(mem_auto) struct arguments *a = mem_new(sizeof *a);
    begin(a, t, r, command);
    add_all(a, services, n);
    return run(t, r, a, command, code, e);
}

bool compose_tool_start(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n, struct err *e)
{
    return simple(t, r, "start", services, n, ERR_UNHEALTHY, e);
}

bool compose_tool_stop(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n, struct err *e)
{
    return simple(t, r, "stop", services, n, ERR_ENGINE, e);
}

bool compose_tool_down(const struct compose_tool *t, const struct compose_run *r, bool has_volumes, struct err *e)
{
    static const char *const options[] = { "--remove-orphans", "--volumes" };
    return simple(t, r, "down", options, has_volumes ? 2 : 1, ERR_ENGINE, e);
}

bool compose_tool_check(const struct compose_tool *t, const struct compose_run *r, struct err *e)
{
    static const char *const options[] = { "-q" };
    return simple(t, r, "config", options, 1, ERR_CONFIG, e);
}

/* Whole lines only, so that no secret is cut in two before it is looked for. */
struct log_lines {
    const struct compose_run *r;
    struct buf *out;
};

static void take_log_line(void *ctx, const char *line)
{
    struct log_lines *l = ctx;
    if (l->out->over)
        return;
    AUTO(buf_clear_auto) struct buf clean = BUF_LIMIT(LIMIT_PATH_BYTES);
    compose_output_clean(l->r, line, &clean);
    if (compose_output_is_noise(buf_text(&clean)))
        return;
    buf_adds(l->out, buf_text(&clean));
    buf_addc(l->out, '\n');
}

bool compose_tool_logs(const struct compose_tool *t, const struct compose_run *r, const char *const *services, size_t n, unsigned lines,
                       struct buf *out, struct err *e)
{
    AUTO(mem_auto) struct arguments *a = mem_new(sizeof *a);
    AUTO(mem_auto) char *tail = mem_format("--tail=%u", lines);
    begin(a, t, r, "logs");
    add(a, "--no-color");
    if (lines > 0)
        add(a, tail);
    add_all(a, services, n);
    struct log_lines l = { .r = r, .out = out };
    struct environment env;
    environment_make(&env, t->socket);
    a->items[a->n] = NULL;
    struct proc_spec spec = { .argv = a->items, .envp = env.list, .cwd = r->dir, .timeout_ms = LOGS_TIMEOUT_MS,
                              .on_line = take_log_line, .on_line_ctx = &l };
    struct proc_result result = { 0 };
    bool ok = proc_run(&spec, &result, e);
    environment_clear(&env);
    out->over = false; /* cut, as promised */
    return ok && (result.status == 0 || result.is_timeout || err_set(e, ERR_ENGINE, "%s logs: status %d", t->program, result.status));
}
