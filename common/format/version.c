/* Semantic versions 2.0.0 with their order, the version-like texts that engines print, and ranges. */
#include "format/version.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool is_number(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_digit(p[i]))
            return false;
    return n > 0;
}

/* Identifiers between dots, up to one of the characters in `end` or the end of the text. Returns the length, 0 when
 * malformed. Numbers of a pre-release have no leading zero, those of build metadata may. */
static size_t identifiers(const char *p, char end, bool is_pre)
{
    size_t from = 0;
    size_t i = 0;
    for (;; i++) {
        if (is_identifier_char(p[i]))
            continue;
        if (i == from || (is_pre && is_number(p + from, i - from) && p[from] == '0' && i - from > 1))
            return 0;
        if (p[i] == '\0' || p[i] == end)
            return i;
        if (p[i] != '.')
            return 0;
        from = i + 1;
    }
}

/* A number without leading zeros; the cursor moves behind it. */
static bool strict_number(const char **p, uint64_t *out)
{
    size_t n = strspn(*p, "0123456789");
    if (!num_parse(out, *p, n, LIMIT_JSON_NUMBER))
        return false;
    *p += n;
    return true;
}

static bool strict_core(const char **p, struct version *v)
{
    if (!strict_number(p, &v->major) || *(*p)++ != '.')
        return false;
    if (!strict_number(p, &v->minor) || *(*p)++ != '.')
        return false;
    return strict_number(p, &v->patch);
}

static bool strict_rest(const char *p, struct version *v)
{
    if (*p == '-') {
        size_t n = identifiers(++p, '+', true);
        if (n == 0)
            return false;
        memcpy(v->pre, p, n);
        v->pre[n] = '\0';
        p += n;
    }
    if (*p == '+') {
        size_t n = identifiers(++p, '\0', false);
        if (n == 0)
            return false;
        p += n;
    }
    return *p == '\0';
}

static bool parse_strict(struct version *out, const char *text)
{
    const char *p = text;
    *out = (struct version){ 0 };
    if (text_copy(out->text, sizeof out->text, text) && strict_core(&p, out) && strict_rest(p, out))
        return true;
    *out = (struct version){ 0 };
    return false;
}

bool version_parse(struct version *out, const char *text, const char *what, struct err *e)
{
    if (parse_strict(out, text))
        return true;
    err_set(e, ERR_CONFIG, "%s: \"%s\" is not a semantic version", what, SHOWN(text));
    return err_hint(e, "three numbers, and for a pre-release a hyphen and a name: 1.4.0, 1.5.0-rc.1");
}

/* Up to three numbers; leading zeros are read over (Docker 18.09). Returns how many there were, 0 when none or too large. */
static size_t loose_core(const char *p, struct version *v)
{
    uint64_t *fields[] = { &v->major, &v->minor, &v->patch };
    size_t n = 0;
    while (n < ARRAY_LEN(fields)) {
        size_t digits = strspn(p, "0123456789");
        size_t zeros = strspn(p, "0");
        size_t skip = zeros == digits && zeros > 0 ? zeros - 1 : zeros;
        if (!num_parse(fields[n], p + skip, digits - skip, LIMIT_JSON_NUMBER))
            return digits == 0 ? n : 0;
        n++;
        p += digits;
        if (p[0] != '.' || !is_digit(p[1]))
            break;
        p++;
    }
    return n;
}

bool version_parse_loose(struct version *out, const char *text, const char *what, struct err *e)
{
    *out = (struct version){ 0 };
    const char *p = text[0] == 'v' || text[0] == 'V' ? text + 1 : text;
    if (loose_core(p, out) > 0 && text_copy(out->text, sizeof out->text, text))
        return true;
    *out = (struct version){ 0 };
    return err_set(e, ERR_CONFIG, "%s: \"%s\" is not a version", what, SHOWN(text));
}

/* ---- order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Numbers below words; numbers by value (whatever their length), words by ASCII. */
static int compare_identifier(struct slice a, struct slice b)
{
    bool a_is_number = is_number(a.p, a.n);
    bool b_is_number = is_number(b.p, b.n);
    if (a_is_number != b_is_number)
        return a_is_number ? -1 : 1;
    if (a_is_number && a.n != b.n)
        return compare_u64(a.n, b.n);
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : compare_u64(a.n, b.n);
}

static struct slice next_identifier(const char **p)
{
    struct slice s = { *p, strcspn(*p, ".") };
    *p += s.n;
    if (**p == '.')
        ++*p;
    return s;
}

/* A release is above its pre-releases; of two with the same beginning the longer one is above. */
static int compare_pre(const char *a, const char *b)
{
    if (*a == '\0' || *b == '\0')
        return (*a == '\0') - (*b == '\0');
    while (*a != '\0' && *b != '\0') {
        int order = compare_identifier(next_identifier(&a), next_identifier(&b));
        if (order != 0)
            return order < 0 ? -1 : 1;
    }
    return (*a != '\0') - (*b != '\0');
}

int version_compare(const struct version *a, const struct version *b)
{
    if (a->major != b->major)
        return compare_u64(a->major, b->major);
    if (a->minor != b->minor)
        return compare_u64(a->minor, b->minor);
    if (a->patch != b->patch)
        return compare_u64(a->patch, b->patch);
    return compare_pre(a->pre, b->pre);
}

/* ---- ranges ---- */

enum { TAKES_LESS = 1, TAKES_EQUAL = 2, TAKES_MORE = 4 };

static unsigned read_operator(const char **p)
{
    static const struct {
        const char *text;
        unsigned takes;
    } operators[] = {
        { ">=", TAKES_MORE | TAKES_EQUAL }, { "<=", TAKES_LESS | TAKES_EQUAL }, { ">", TAKES_MORE }, { "<", TAKES_LESS }, { "=", TAKES_EQUAL },
    };
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (text_starts(*p, operators[i].text)) {
            *p += strlen(operators[i].text);
            return operators[i].takes;
        }
    return TAKES_EQUAL;
}

/* The version of a comparator: exact, or one to three plain numbers. */
static bool read_bound(struct version *out, struct slice text, unsigned takes)
{
    char copy[LIMIT_VERSION_BYTES];
    if (text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (parse_strict(out, copy))
        return true;
    /* "1.2" alone could mean 1.2.0 or any 1.2: not guessed. */
    *out = (struct version){ 0 };
    return takes != TAKES_EQUAL && strspn(copy, "0123456789.") == text.n && copy[text.n > 0 ? text.n - 1 : 0] != '.' &&
           strstr(copy, "..") == NULL && loose_core(copy, out) == 1 + (size_t)(strchr(copy, '.') != NULL);
}

static bool refuse_range(const char *range, struct err *e)
{
    err_set(e, ERR_CONFIG, "\"%s\" is not a range of versions", SHOWN(range));
    return err_hint(e, "comparators separated by spaces: \">=1.2\", \">=1.2 <2\", or one exact version: \"1.4.0\"");
}

bool version_in_range(const struct version *v, const char *range, bool *yes, struct err *e)
{
    const char *p = range + strspn(range, " ");
    *yes = false;
    if (*p == '\0')
        return refuse_range(range, e);
    bool fits = true;
    while (*p != '\0') {
        struct version bound;
        unsigned takes = read_operator(&p);
        p += strspn(p, " ");
        struct slice text = { p, strcspn(p, " ") };
        if (!read_bound(&bound, text, takes))
            return refuse_range(range, e);
        int order = version_compare(v, &bound);
        fits = fits && (takes & (order < 0 ? TAKES_LESS : order > 0 ? TAKES_MORE : TAKES_EQUAL)) != 0;
        p += text.n;
        p += strspn(p, " ");
    }
    *yes = fits;
    return true;
}
