/* Declarations: names, patterns, and whether a value fits. */
#include "app/variables.h"

#include <regex.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { NAME_MAX_BYTES = 64 };

const struct variable *variables_find(const struct variables *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (text_is(v->items[i].name, name))
            return &v->items[i];
    return NULL;
}

bool variable_name_check(const char *name, struct err *e)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    static const char *const taken[] = { VARIABLE_HOST, "PATH", "HOME", "PWD", "TMPDIR" };
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES || strspn(name, letters) == 0 || strspn(name, all) != n)
        return err_set(e, ERR_CONFIG, "variable name \"%s\": expected letters, digits and _, at most %d", SHOWN(name),
                       NAME_MAX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (text_is(name, taken[i]))
            return err_set(e, ERR_CONFIG, "variable %s is given by the loader and cannot be declared", name);
    if (text_starts(name, "COMPOSE_") || text_starts(name, "DOCKER_") || text_starts(name, "LD_"))
        return err_set(e, ERR_CONFIG, "variable %s: compose and the engine's client would obey it, choose another name", name);
    return true;
}

/* Reads "{m}", "{m,}" or "{m,n}" at s and gives its largest bound. */
static bool read_interval(const char *s, uint64_t *bound)
{
    const char *close = strchr(s, '}');
    if (close == NULL)
        return false;
    const char *comma = memchr(s, ',', (size_t)(close - s));
    const char *low_end = comma == NULL ? close : comma;
    uint64_t low = 0;
    *bound = 0;
    if (low_end > s + 1 && !num_parse(&low, s + 1, (size_t)(low_end - s - 1), LIMIT_PATTERN_REPEAT))
        return false;
    if (comma != NULL && comma + 1 < close && !num_parse(bound, comma + 1, (size_t)(close - comma - 1), LIMIT_PATTERN_REPEAT))
        return false;
    if (*bound < low)
        *bound = low;
    return true;
}

/* glibc expands intervals when it compiles, nested ones multiply: the product of all bounds is limited, whatever the nesting. */
static bool check_growth(const char *pattern, struct err *e)
{
    uint64_t product = 1;
    bool in_class = false;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '\\' && p[1] >= '0' && p[1] <= '9')
            return err_set(e, ERR_CONFIG, "pattern \"%s\": no back-references", SHOWN(pattern));
        if (*p == '\\' && !in_class && p[1] != '\0')
            p++;
        else if (*p == '[' && !in_class)
            in_class = true, p += p[1] == '^' ? 1 : 0, p += p[1] == ']' ? 1 : 0;
        else if (*p == ']')
            in_class = false;
        else if (*p == '{' && !in_class) {
            uint64_t bound = 0;
            if (!read_interval(p, &bound) || !num_mul(&product, product, bound > 1 ? bound : 1) || product > LIMIT_PATTERN_REPEAT)
                return err_set(e, ERR_CONFIG, "pattern \"%s\": {...} is no interval or repeats more than %d times in all",
                               SHOWN(pattern), LIMIT_PATTERN_REPEAT);
        }
    }
    return true;
}

static bool compile(regex_t *re, const char *pattern, struct err *e)
{
    int code = regcomp(re, pattern, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return true;
    char why[100];
    regerror(code, re, why, sizeof why);
    return err_set(e, ERR_CONFIG, "pattern \"%s\": %s", SHOWN(pattern), why);
}

bool variable_pattern_check(const char *pattern, struct err *e)
{
    if (strlen(pattern) > LIMIT_PATTERN_BYTES)
        return err_set(e, ERR_CONFIG, "pattern: %zu bytes, at most %d", strlen(pattern), LIMIT_PATTERN_BYTES);
    regex_t re;
    if (!check_growth(pattern, e) || !compile(&re, pattern, e))
        return false;
    regfree(&re);
    return true;
}

/* The whole value, not a part of it. */
static bool matches(const char *pattern, const char *value, bool *yes, struct err *e)
{
    if (!variable_pattern_check(pattern, e)) /* alone first: "a)(b" is none, although "(a)(b)" is */
        return false;
    AUTO(mem_auto) char *whole = mem_format("^(%s)$", pattern);
    regex_t re;
    if (!compile(&re, whole, e))
        return false;
    *yes = regexec(&re, value, 0, NULL, 0) == 0;
    regfree(&re);
    return true;
}

static bool refuse_value(const struct variable *v, const char *value, struct err *e)
{
    if (v->is_secret)
        err_set(e, ERR_CONFIG, "variable %s: the value does not match the pattern %s", v->name, SHOWN(v->pattern));
    else
        err_set(e, ERR_CONFIG, "variable %s: \"%s\" does not match the pattern %s", v->name, SHOWN(value), SHOWN(v->pattern));
    return v->help == NULL ? false : err_hint(e, "%s: %s", v->name, SHOWN(v->help));
}

bool variable_value_check(const struct variable *v, const char *value, struct err *e)
{
    size_t n = strlen(value);
    if (n > LIMIT_VALUE_BYTES)
        return err_set(e, ERR_CONFIG, "variable %s: %zu bytes, at most %ju", v->name, n, (uintmax_t)LIMIT_VALUE_BYTES);
    if (strpbrk(value, "\r\n") != NULL)
        return err_set(e, ERR_CONFIG, "variable %s: holds a line break, which no env file carries", v->name);
    if (!text_is_utf8(value, n))
        return err_set(e, ERR_CONFIG, "variable %s: not UTF-8", v->name);
    bool yes = true;
    if (v->pattern != NULL && !matches(v->pattern, value, &yes, e))
        return err_in(e, "variable %s", v->name);
    return yes || refuse_value(v, value, e);
}

static void check_one(const struct variable *v, struct findings *f)
{
    struct err e = { 0 };
    if (!variable_name_check(v->name, &e)) {
        findings_take(f, &e);
        return;
    }
    if (v->pattern != NULL && !variable_pattern_check(v->pattern, &e)) {
        err_in(&e, "variable %s", v->name);
        findings_take(f, &e);
        return;
    }
    if (v->default_value != NULL && !variable_value_check(v, v->default_value, &e)) {
        err_in(&e, "default");
        findings_take(f, &e);
    }
    if (v->generate > 0 && v->default_value != NULL)
        findings_add(f, ERR_CONFIG, "variable %s: default and generate exclude each other", v->name);
    if (v->default_value != NULL && v->is_required)
        findings_add(f, ERR_CONFIG, "variable %s: default and required exclude each other", v->name);
    if (v->is_secret && v->default_value != NULL && v->default_value[0] != '\0')
        findings_add(f, ERR_CONFIG, "variable %s: a secret has no default, everybody with the bundle would know it", v->name);
}

void variables_check(const struct variables *v, struct findings *f)
{
    for (size_t i = 0; i < v->n; i++) {
        check_one(&v->items[i], f);
        if (variables_find(v, v->items[i].name) != &v->items[i])
            findings_add(f, ERR_CONFIG, "variable %s is declared twice", SHOWN(v->items[i].name));
    }
}

void variables_clear(struct variables *v)
{
    for (size_t i = 0; i < v->n; i++) {
        mem_free(v->items[i].name);
        mem_free(v->items[i].default_value);
        mem_free(v->items[i].pattern);
        mem_free(v->items[i].help);
    }
    mem_free(v->items);
    *v = (struct variables){ 0 };
}
