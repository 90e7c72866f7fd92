/* Sources, their order, and what programs answered. */
#include "registry/credentials.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/auth_file.h"
#include "registry/credential_helper.h"
#include "registry/credential_variables.h"
#include "sys/clock.h"
#include "sys/file.h"

#include "base/banned.h"

/* What a program said about a registry. */
struct answer {
    char *helper, *registry, *from;
    struct credential credential;
    struct err err; /* when it did not answer */
    uint64_t at_ms;
};
struct credentials {
    struct auth_file **files; /* in their order */
    size_t n_files, cap_files;
    size_t n_named;                         /* of them, before the variables */
    struct credential_variables *variables; /* or null */
    struct helper_options helpers;
    struct answer *answers;
    size_t n_answers, cap_answers;
    struct buf sources;
};

static void answer_clear(struct answer *a)
{
    mem_free(a->helper);
    mem_free(a->registry);
    mem_free(a->from);
    credential_clear(&a->credential);
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_files; i++)
        auth_file_free(c->files[i]);
    for (size_t i = 0; i < c->n_answers; i++)
        answer_clear(&c->answers[i]);
    mem_free(c->files);
    mem_free(c->answers);
    credential_variables_free(c->variables);
    buf_clear(&c->sources);
    mem_free(c);
}

/* Opening */

static struct credentials *new_set(const struct helper_options *helpers)
{
    struct credentials *c = mem_new(sizeof *c);
    c->helpers = helpers != NULL ? *helpers : helper_defaults();
    c->sources.max = 8 * (LIMIT_PATH_BYTES + 2);
    return c;
}

static void add_source(struct credentials *c, const char *name)
{
    buf_addf(&c->sources, "%s%s", c->sources.len > 0 ? ", " : "", name);
}

static bool add_file(struct credentials *c, const char *path, struct err *e)
{
    struct auth_file *f = auth_file_open(path, e);
    if (f == NULL)
        return false;
    MEM_PUSH(c->files, c->n_files, c->cap_files) = f;
    add_source(c, path);
    return true;
}

static bool add_file_if_there(struct credentials *c, const char *path, struct err *e)
{
    bool is_there = false;
    if (!file_exists(path, &is_there, e))
        return err_as(e, ERR_CONFIG);
    return !is_there || add_file(c, path, e);
}

/* A file below the folder that a variable names; relative names are of no use to anyone. */
static char *below(const char *variable, const char *path)
{
    const char *folder = getenv(variable);
    return folder != NULL && folder[0] == '/' ? mem_format("%s%s", folder, path) : NULL;
}

/* Takes path. The first that is null is left for the second. */
static char *first_of(char *path, char *other)
{
    if (path == NULL)
        return other;
    mem_free(other);
    return path;
}

static bool add_usual_files(struct credentials *c, struct err *e)
{
    char *paths[] = {
        first_of(below("DOCKER_CONFIG", "/config.json"), below("HOME", "/.docker/config.json")),
        first_of(below("XDG_RUNTIME_DIR", "/containers/auth.json"), mem_format("/run/containers/%u/auth.json", (unsigned)getuid())),
        first_of(below("XDG_CONFIG_HOME", "/containers/auth.json"), below("HOME", "/.config/containers/auth.json")),
    };
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        ok = ok && (paths[i] == NULL || add_file_if_there(c, paths[i], e));
        mem_free(paths[i]);
    }
    return ok;
}

static bool add_environment(struct credentials *c, struct err *e)
{
    c->variables = credential_variables_take(e);
    if (c->variables == NULL)
        return false;
    if (c->n_named > 0)
        return true; /* the file that was named is the only one */
    const char *named = getenv("REGISTRY_AUTH_FILE");
    return named != NULL && named[0] != '\0' ? add_file(c, named, e) || err_in(e, "REGISTRY_AUTH_FILE") : add_usual_files(c, e);
}

struct credentials *credentials_open(const struct credentials_options *o, struct err *e)
{
    AUTO(credentials_free_auto) struct credentials *c = new_set(o->helpers);
    if (o->authfile != NULL && !add_file(c, o->authfile, e))
        return NULL;
    c->n_named = c->n_files;
    return !o->use_environment || add_environment(c, e) ? TAKE(c) : NULL;
}

struct credentials *credentials_read(const char *text, size_t n, const char *what, struct err *e)
{
    AUTO(credentials_free_auto) struct credentials *c = new_set(NULL);
    struct auth_file *f = auth_file_read(text, n, what, e);
    if (f == NULL)
        return NULL;
    MEM_PUSH(c->files, c->n_files, c->cap_files) = f;
    add_source(c, what);
    return TAKE(c);
}

const char *credentials_sources(const struct credentials *c)
{
    return c != NULL ? buf_text(&c->sources) : "";
}

/* Looking */

static struct answer *known_answer(struct credentials *c, const char *helper, const char *registry)
{
    for (size_t i = 0; i < c->n_answers; i++)
        if (text_is(c->answers[i].helper, helper) && text_is(c->answers[i].registry, registry))
            return &c->answers[i];
    return NULL;
}

/* Asks, and keeps what was answered. Null when a signal asked to stop. */
static struct answer *new_answer(struct credentials *c, const struct auth_file *f, const char *helper, const char *registry, struct err *e)
{
    struct answer a = { .helper = mem_text(helper), .registry = mem_text(registry), .at_ms = clock_monotonic_ms() };
    a.from = mem_format("docker-credential-%s (%s)", helper, auth_file_name(f));
    log_debug("%s: asking docker-credential-%s", registry, SHOWN(helper));
    if (helper_get(&c->helpers, helper, registry, &a.credential, &a.err)) {
        a.credential.from = a.from;
    } else if (a.err.code == ERR_INTERRUPTED) {
        *e = a.err;
        answer_clear(&a);
        return NULL;
    } else {
        err_in(&a.err, "the program named in %s", auth_file_name(f));
    }
    MEM_PUSH(c->answers, c->n_answers, c->cap_answers) = a;
    return &c->answers[c->n_answers - 1];
}

static bool ask(struct credentials *c, const struct auth_file *f, const char *helper, const char *host, struct credential *out,
                struct err *e)
{
    AUTO(mem_auto) char *registry = credential_registry_name(host);
    struct answer *a = known_answer(c, helper, registry);
    if (a == NULL)
        a = new_answer(c, f, helper, registry, e);
    if (a == NULL || a->err.code != ERR_NONE) {
        if (a != NULL)
            *e = a->err;
        return false;
    }
    *out = credential_copy(&a->credential);
    return true;
}

/* One file's word. *out stays empty when it has none. */
static bool find_in(struct credentials *c, const struct auth_file *f, const char *host, const char *repository, struct credential *out,
                    struct err *e)
{
    struct auth_found found = auth_file_find(f, host, repository);
    if (found.helper != NULL)
        return ask(c, f, found.helper, host, out, e);
    if (found.credential != NULL)
        *out = credential_copy(found.credential);
    return true;
}

bool credentials_find(struct credentials *c, const char *host, const char *repository, struct credential *out, struct err *e)
{
    struct err trouble = { 0 }; /* of a program: another source may still have a log-in */
    *out = (struct credential){ 0 };
    for (size_t i = 0; c != NULL && i <= c->n_files && out->kind == CREDENTIAL_NONE; i++) {
        const struct credential *variable = i == c->n_named && c->variables != NULL ? credential_variables_find(c->variables, host) : NULL;
        struct err again = { 0 };
        if (variable != NULL)
            *out = credential_copy(variable);
        else if (i < c->n_files && !find_in(c, c->files[i], host, repository, out, &again) && trouble.code == ERR_NONE)
            trouble = again;
        if (again.code == ERR_INTERRUPTED)
            break;
    }
    if (out->kind != CREDENTIAL_NONE || trouble.code == ERR_NONE)
        return true;
    *e = trouble;
    return false;
}

/* Which program's answer counts for a registry, or null. */
static struct answer *answer_for(struct credentials *c, const char *host, const char *repository)
{
    AUTO(mem_auto) char *registry = credential_registry_name(host);
    for (size_t i = 0; c != NULL && i < c->n_files; i++) {
        struct auth_found found = auth_file_find(c->files[i], host, repository);
        struct answer *a = found.helper != NULL ? known_answer(c, found.helper, registry) : NULL;
        if (a != NULL && a->credential.kind != CREDENTIAL_NONE)
            return a;
    }
    return NULL;
}

bool credentials_renew(struct credentials *c, const char *host, const char *repository)
{
    struct answer *a = answer_for(c, host, repository);
    if (a == NULL || clock_monotonic_ms() - a->at_ms < c->helpers.keep_ms)
        return false;
    log_debug("%s: the log-in of docker-credential-%s is no longer taken", a->registry, a->helper);
    answer_clear(a);
    *a = c->answers[--c->n_answers];
    return true;
}
