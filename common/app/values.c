/* Values of a site: where each comes from, and the two files they are written to (variables.h). */
#include <string.h>
#include <sys/random.h>

#include "app/variables.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

/* n letters and digits, every one equally likely. */
static bool generate(struct secret *out, unsigned n, struct err *e)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LETTERS = sizeof alphabet - 1, FAIR = 256 - 256 % LETTERS };
    char text[LIMIT_GENERATE];
    BUG_IF(n > sizeof text);
    for (unsigned at = 0; at < n;) {
        uint8_t byte;
        if (getrandom(&byte, 1, 0) != 1)
            return err_set(e, ERR_IO, "the kernel gives no random bytes");
        if (byte < FAIR)
            text[at++] = alphabet[byte % LETTERS];
    }
    *out = secret_of(text, n);
    secret_wipe(text, sizeof text);
    return true;
}

/* "NAME=VALUE" for this name: the value, the last one wins. */
static const char *find_set(const struct values_input *in, const char *name)
{
    const char *found = NULL;
    size_t n = strlen(name);
    for (size_t i = 0; i < in->n_set; i++)
        if (strncmp(in->set[i], name, n) == 0 && in->set[i][n] == '=')
            found = in->set[i] + n + 1;
    return found;
}

static const char *nearest_name(const struct variables *decl, const char *name)
{
    AUTO(mem_auto) const char **names = mem_new_array(decl->n + 1, sizeof *names);
    for (size_t i = 0; i < decl->n; i++)
        names[i] = decl->items[i].name;
    return text_nearest(name, names, decl->n);
}

static bool unknown_name(const struct variables *decl, enum err_code code, const char *from, const char *name, struct err *e)
{
    err_set(e, code, "%s: the application has no variable %s", from, SHOWN(name));
    const char *near = nearest_name(decl, name);
    return near == NULL ? false : err_hint(e, "did you mean %s?", near);
}

static bool check_set(const struct variables *decl, const struct values_input *in, struct err *e)
{
    for (size_t i = 0; i < in->n_set; i++) {
        const char *equal = strchr(in->set[i], '=');
        if (equal == NULL)
            return err_set(e, ERR_USAGE, "--set %s: expected NAME=VALUE", SHOWN(in->set[i]));
        AUTO(mem_auto) char *name = mem_text_n(in->set[i], (size_t)(equal - in->set[i]));
        const struct variable *v = variables_find(decl, name);
        if (v == NULL)
            return unknown_name(decl, ERR_CONFIG, "--set", name, e);
        if (v->is_secret) {
            err_set(e, ERR_USAGE, "--set %s: a secret does not belong on a command line", name);
            return err_hint(e, "write %s=... into a file with mode 0600 and use --env-file FILE", name);
        }
    }
    return true;
}

static bool check_env_file(const struct variables *decl, const struct values_input *in, struct err *e)
{
    for (size_t i = 0; in->env_file != NULL && i < in->env_file->n; i++) {
        const char *name = in->env_file->items[i].name;
        if (variables_find(decl, name) == NULL && !text_is(name, VARIABLE_HOST))
            return unknown_name(decl, ERR_CONFIG, in->env_file_name, name, e);
    }
    return true;
}

static const char *find_text(const struct variable *v, const struct values_input *in, enum value_from *from, struct err *e)
{
    const char *text = find_set(in, v->name);
    *from = VALUE_SET;
    if (text == NULL && in->env_file != NULL) {
        text = env_pairs_get(in->env_file, v->name, in->env_file_name, e);
        *from = VALUE_ENV_FILE;
    }
    if (text == NULL && e->code == ERR_NONE && in->stored != NULL) {
        text = env_pairs_get(in->stored, v->name, "stored values", e);
        *from = VALUE_STORED;
    }
    if (text == NULL && e->code == ERR_NONE) {
        text = v->default_value;
        *from = VALUE_DEFAULT;
    }
    return text;
}

static void push(struct values *out, const char *name, struct secret text, enum value_from from, bool is_secret)
{
    MEM_PUSH(out->items, out->n, out->cap) = (struct value){ .name = name, .text = text, .from = from, .is_secret = is_secret };
}

static bool resolve_one(struct values *out, const struct variable *v, const struct values_input *in, struct buf *missing,
                        struct err *e)
{
    enum value_from from = VALUE_DEFAULT;
    const char *text = find_text(v, in, &from, e);
    if (e->code != ERR_NONE)
        return false;
    if (text != NULL && text[0] == '\0' && v->is_required)
        text = NULL;
    if (text != NULL) {
        if (!variable_value_check(v, text, e))
            return from == VALUE_STORED ? err_in(e, "stored value") : false;
        push(out, v->name, secret_of(text, strlen(text)), from, v->is_secret);
        return true;
    }
    if (v->generate > 0 && !in->is_dry) {
        struct secret made = { 0 };
        if (!generate(&made, v->generate, e))
            return false;
        push(out, v->name, made, VALUE_GENERATED, v->is_secret);
        return variable_value_check(v, made.bytes, e) || err_in(e, "generated value");
    }
    if (v->is_required)
        buf_addf(missing, "%s%s", missing->len > 0 ? ", " : "", v->name);
    return true;
}

/* All of them in one message, with the help of the first. */
static bool check_missing(const struct variables *decl, const struct buf *missing, struct err *e)
{
    if (missing->len == 0)
        return true;
    err_set(e, ERR_CONFIG, "variables without a value: %s%s", buf_text(missing), missing->over ? ", ..." : "");
    size_t first = strcspn(buf_text(missing), ",");
    AUTO(mem_auto) char *name = mem_text_n(buf_text(missing), first);
    const struct variable *v = variables_find(decl, name);
    const char *help = v != NULL && v->help != NULL ? v->help : "a value for this site";
    const char *how = v != NULL && v->is_secret ? "--env-file FILE" : "--set NAME=VALUE or --env-file FILE";
    return err_hint(e, "set them with %s (%s: %s)", how, name, SHOWN(help));
}

static bool push_host(struct values *out, const struct values_input *in, struct err *e)
{
    const char *host = in->host;
    if (in->env_file != NULL) {
        const char *given = env_pairs_get(in->env_file, VARIABLE_HOST, in->env_file_name, e);
        if (e->code != ERR_NONE)
            return false;
        host = given != NULL ? given : host;
    }
    if (host == NULL)
        return true;
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    if (host[0] == '\0' || strlen(host) > 253 || strspn(host, allowed) != strlen(host))
        return err_set(e, ERR_CONFIG, "HOST: \"%s\" is no host name", SHOWN(host));
    push(out, VARIABLE_HOST, secret_of(host, strlen(host)), VALUE_LOADER, false);
    return true;
}

bool values_resolve(struct values *out, const struct variables *decl, const struct values_input *in, struct err *e)
{
    if (!check_set(decl, in, e) || !check_env_file(decl, in, e))
        return false;
    AUTO(buf_clear_auto) struct buf missing = BUF_LIMIT(300);
    for (size_t i = 0; i < decl->n; i++)
        if (!resolve_one(out, &decl->items[i], in, &missing, e))
            return false;
    return (in->is_partial || check_missing(decl, &missing, e)) && push_host(out, in, e);
}

const char *values_get(const struct values *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (text_is(v->items[i].name, name))
            return v->items[i].text.bytes == NULL ? "" : v->items[i].text.bytes;
    return NULL;
}

const char *values_lookup(void *ctx, const char *name, struct err *e)
{
    (void)e;
    const struct values *v = ctx;
    return values_get(v, name);
}

/* The secret that begins at p; short ones would eat ordinary text. */
static size_t secret_at(const struct values *v, const char *p)
{
    enum { SECRET_MIN_BYTES = 4 };
    size_t longest = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct value *value = &v->items[i];
        size_t n = value->text.n;
        if (value->is_secret && n >= SECRET_MIN_BYTES && n > longest && strncmp(p, value->text.bytes, n) == 0)
            longest = n;
    }
    return longest;
}

void values_redact(const struct values *v, const char *text, struct buf *out)
{
    for (const char *p = text; *p != '\0';) {
        size_t n = v == NULL ? 0 : secret_at(v, p);
        if (n > 0)
            buf_adds(out, "***");
        else
            buf_addc(out, *p);
        p += n > 0 ? n : 1;
    }
}

const char *value_from_text(enum value_from from)
{
    static const char *const texts[] = { "--set", "env file", "stored", "default", "generated", "loader" };
    return texts[from];
}

void values_clear(struct values *v)
{
    for (size_t i = 0; i < v->n; i++)
        secret_clear(&v->items[i].text);
    mem_free(v->items);
    *v = (struct values){ 0 };
}

void values_clear_auto(struct values *v)
{
    values_clear(v);
}

bool values_write(struct buf *out, const struct values *v, struct err *e)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->items[i].from == VALUE_LOADER)
            continue;
        const char *text = values_get(v, v->items[i].name);
        bool has_quote = strchr(text, '\'') != NULL;
        buf_addf(out, "%s=%c", v->items[i].name, has_quote ? '"' : '\'');
        for (const char *p = text; *p != '\0'; p++) {
            if (has_quote && (*p == '"' || *p == '\\' || *p == '$'))
                buf_addc(out, '\\');
            buf_addc(out, *p);
        }
        buf_adds(out, has_quote ? "\"\n" : "'\n");
    }
    return buf_done(out, "values", e);
}

/* Compose 1 reads env files with python-dotenv, which expands ${...} inside single quotes too and knows \\ there; compose 2 reads with a
 * parser of its own that takes single quotes literally, but thinks a backslash before the closing quote hides it. */
static bool check_carried(const char *name, const char *text, bool is_v1, struct err *e)
{
    const char *why = NULL;
    size_t n = strlen(text);
    if (strchr(text, '\'') != NULL)
        why = "a single quote";
    else if (strpbrk(text, "\r\n") != NULL)
        why = "a line break";
    else if (n > 0 && text[n - 1] == '\\')
        why = "a backslash at its end";
    else if (is_v1 && strstr(text, "${") != NULL)
        why = "${";
    if (why == NULL)
        return true;
    err_set(e, ERR_CONFIG, "variable %s: holds %s, which %s cannot read from an env file", name, why,
            is_v1 ? "docker-compose 1" : "docker compose");
    return err_hint(e, "choose another value for %s", name);
}

bool values_write_compose(struct buf *out, const struct values *v, const struct version *compose, struct err *e)
{
    bool is_v1 = compose->major < 2;
    for (size_t i = 0; i < v->n; i++) {
        const char *text = values_get(v, v->items[i].name);
        if (!check_carried(v->items[i].name, text, is_v1, e))
            return false;
        buf_addf(out, "%s='", v->items[i].name);
        for (const char *p = text; *p != '\0'; p++) {
            if (is_v1 && *p == '\\')
                buf_addc(out, '\\');
            buf_addc(out, *p);
        }
        buf_adds(out, "'\n");
    }
    return buf_done(out, "env file", e);
}
