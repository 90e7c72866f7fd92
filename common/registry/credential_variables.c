/* The variables. A dot and a hyphen cannot stand side by side in a host's name and no name ends in a number, so the text between prefix and
 * ending can be of one registry only. */
#include "registry/credential_variables.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include "base/banned.h"

static const char prefix[] = "ARCHON_REGISTRY_";

enum part { PART_FILE, PART_PASSWORD, PART_USER, PARTS };
static const char *const endings[PARTS] = { "_PASSWORD_FILE", "_PASSWORD", "_USER" };

struct pair {
    char *name;      /* "ARCHON_REGISTRY_REGISTRY_EXAMPLE" */
    char *user_name; /* for messages: "ARCHON_REGISTRY_REGISTRY_EXAMPLE_USER" */
    struct secret values[PARTS];
    struct credential credential;
};
struct credential_variables {
    struct pair *pairs;
    size_t n, cap;
};

void credential_variables_free(struct credential_variables *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n; i++) {
        mem_free(v->pairs[i].name);
        mem_free(v->pairs[i].user_name);
        credential_clear(&v->pairs[i].credential);
        for (size_t k = 0; k < PARTS; k++)
            secret_clear(&v->pairs[i].values[k]);
    }
    mem_free(v->pairs);
    mem_free(v);
}

static bool is_digits(const char *text, size_t n)
{
    return n > 0 && strspn(text, "0123456789") >= n;
}

/* "h.5000" would have the name of "h:5000"; no host's name ends like that, but addresses do. */
static bool is_ambiguous(const char *host)
{
    size_t n = strcspn(host, ":");
    size_t last = n;
    while (last > 0 && host[last - 1] != '.')
        last--;
    bool is_address = strspn(host, "0123456789.") >= n;
    return (is_digits(host + last, n - last) && !is_address) || strstr(host, "..") != NULL || strstr(host, ".-") != NULL ||
           strstr(host, "-.") != NULL || strchr(host, '_') != NULL;
}

char *credential_variable_name(const char *host)
{
    AUTO(mem_auto) char *normal = credential_registry_name(host);
    AUTO(buf_clear_auto) struct buf name = BUF_LIMIT(LIMIT_URL_BYTES);
    if (strchr(normal, '[') != NULL || is_ambiguous(normal))
        return NULL;
    buf_adds(&name, prefix);
    for (const char *at = normal; *at != '\0' && *at != '/'; at++) {
        if (*at == '-')
            buf_adds(&name, "__");
        else if (*at == '.' || *at == ':')
            buf_addc(&name, '_');
        else
            buf_addc(&name, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
    }
    return mem_text(buf_text(&name));
}

/* Reading */

static struct pair *pair_of(struct credential_variables *v, const char *name, size_t n)
{
    for (size_t i = 0; i < v->n; i++)
        if (strlen(v->pairs[i].name) == n && strncmp(v->pairs[i].name, name, n) == 0)
            return &v->pairs[i];
    struct pair p = { .name = mem_text_n(name, n) };
    p.user_name = mem_format("%s%s", p.name, endings[PART_USER]);
    MEM_PUSH(v->pairs, v->n, v->cap) = p;
    return &v->pairs[v->n - 1];
}

static bool keep(struct credential_variables *v, const char *name, const char *value, struct err *e)
{
    for (size_t k = 0; k < PARTS; k++) {
        if (!text_ends(name, endings[k]) || strlen(name) <= strlen(prefix) + strlen(endings[k]))
            continue;
        struct pair *p = pair_of(v, name, strlen(name) - strlen(endings[k]));
        p->values[k] = secret_of(value, strlen(value));
        return strlen(value) <= LIMIT_LOGIN_BYTES ||
               err_set(e, ERR_CONFIG, "%s: longer than %d bytes", SHOWN(name), (int)LIMIT_LOGIN_BYTES);
    }
    err_set(e, ERR_CONFIG, "%s: no such variable", SHOWN(name));
    return err_hint(e, "the log-in for registry.example is ARCHON_REGISTRY_REGISTRY_EXAMPLE_USER and ..._PASSWORD or ..._PASSWORD_FILE");
}

/* All of them leave the environment, wiped, also after a failure. */
static bool take_all(struct credential_variables *v, struct err *e)
{
    size_t i = 0;
    while (environ != NULL && environ[i] != NULL) {
        char *value = strchr(environ[i], '=');
        if (!text_starts(environ[i], prefix) || value == NULL) {
            i++;
            continue;
        }
        AUTO(mem_auto) char *name = mem_text_n(environ[i], (size_t)(value - environ[i]));
        if (e->code == ERR_NONE)
            (void)!keep(v, name, value + 1, e);
        secret_wipe(value + 1, strlen(value + 1)); /* /proc/PID/environ shows this memory */
        unsetenv(name);                            /* closes the gap */
    }
    return e->code == ERR_NONE;
}

static bool read_password_file(struct pair *p, struct secret *password, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_LOGIN_BYTES);
    char *room = buf_reserve(&text, LIMIT_LOGIN_BYTES);
    BUG_IF(room == NULL);
    if (!file_read(p->values[PART_FILE].bytes, FILE_PRIVATE, LIMIT_LOGIN_BYTES, &text, e)) {
        err_in(e, "%s%s", p->name, endings[PART_FILE]);
        return err_as(e, ERR_CONFIG);
    }
    size_t n = text.len;
    if (n > 0 && text.data[n - 1] == '\n')
        n--;
    if (n > 0 && text.data[n - 1] == '\r')
        n--;
    if (n == 0 || memchr(text.data, '\0', n) != NULL)
        return err_set(e, ERR_CONFIG, "%s%s: %s: expected a password", p->name, endings[PART_FILE], p->values[PART_FILE].bytes);
    *password = secret_of(text.data, n);
    return true;
}

/* Empty variables are what a build server gives for secrets that it does not have: as if not there. */
static bool complete(struct pair *p, struct err *e)
{
    bool has[PARTS];
    for (size_t k = 0; k < PARTS; k++)
        has[k] = p->values[k].n > 0;
    if (!has[PART_USER] && !has[PART_PASSWORD] && !has[PART_FILE])
        return true;
    if (!has[PART_USER])
        return err_set(e, ERR_CONFIG, "%s: missing or empty, although there is a password for it", p->user_name);
    if (has[PART_PASSWORD] == has[PART_FILE])
        return err_set(e, ERR_CONFIG, "%s: expected %s_PASSWORD or %s_PASSWORD_FILE, found %s", p->user_name, p->name, p->name,
                       has[PART_FILE] ? "both" : "neither, or empty ones");
    AUTO(secret_clear_auto) struct secret password = { 0 };
    if (has[PART_FILE] && !read_password_file(p, &password, e))
        return false;
    p->credential.from = p->user_name;
    return credential_set_password(&p->credential, p->values[PART_USER].bytes,
                                   has[PART_FILE] ? password.bytes : p->values[PART_PASSWORD].bytes) ||
           err_set(e, ERR_CONFIG, "%s: too long, or with a colon or control characters", p->user_name);
}

struct credential_variables *credential_variables_take(struct err *e)
{
    AUTO(credential_variables_free_auto) struct credential_variables *v = mem_new(sizeof *v);
    if (!take_all(v, e))
        return NULL;
    for (size_t i = 0; i < v->n; i++)
        if (!complete(&v->pairs[i], e))
            return NULL;
    return TAKE(v);
}

const struct credential *credential_variables_find(const struct credential_variables *v, const char *host)
{
    AUTO(mem_auto) char *name = credential_variable_name(host);
    for (size_t i = 0; name != NULL && i < v->n; i++)
        if (text_is(v->pairs[i].name, name))
            return v->pairs[i].credential.kind != CREDENTIAL_NONE ? &v->pairs[i].credential : NULL;
    return NULL;
}
