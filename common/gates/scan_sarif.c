/* SARIF 2.1.0: results that point to rules. How bad a result is stands, where scanners of vulnerabilities write it, in the property
 * "security-severity" of its rule, a CVSS score; elsewhere there is only a level. Nothing in SARIF is worse than "error": without a score
 * such a finding may be the worst there is, and counts as that. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "gates/scan_parts.h"

#include "base/banned.h"

#define SCORE "security-severity"

struct rule {
    char *id;
    size_t at; /* in its list */
    struct jnode node;
};
struct rules { /* of one run: those of the tool, sorted by id for results that name theirs */
    struct rule *items;
    size_t n;
    struct jnode list; /* of the tool, in order */
    struct jnode tool;
};

static int compare_rules(const void *a, const void *b)
{
    const struct rule *x = a;
    const struct rule *y = b;
    int order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void collect_rules(struct rules *r, struct jnode tool)
{
    r->tool = tool;
    r->n = scan_array(jread_object(tool, "driver"), "rules", LIMIT_SCAN_FINDINGS, &r->list);
    r->items = mem_new_array(r->n, sizeof *r->items);
    for (size_t i = 0; i < r->n; i++) {
        struct jnode node = jread_item(r->list, i);
        r->items[i] = (struct rule){ .id = scan_text(node, "id"), .at = i, .node = node };
    }
    if (r->n > 0)
        qsort(r->items, r->n, sizeof *r->items, compare_rules);
}

static void forget_rules(struct rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        mem_free(r->items[i].id);
    mem_free(r->items);
}

/* ---- the rule of a result ---- */

static bool rule_named(const struct rules *r, const char *id, struct jnode *out)
{
    size_t low = 0;
    for (size_t high = r->n; low < high;) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(r->items[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (id[0] == '\0' || low == r->n || !text_is(r->items[low].id, id))
        return false;
    *out = r->items[low].node;
    return true;
}

/* An index of -1 is the default and means none. */
static bool read_index(struct jnode o, const char *key, uint64_t *out)
{
    if (!jread_has(o, key) || jread_is_negative(o, key))
        return false;
    jread_u64(o, key, LIMIT_JSON_NUMBER, out);
    return true;
}

/* The list of rules that an index is of: the driver's, or one of the tool's extensions. */
static size_t rule_list(const struct rules *r, struct jnode reference, struct jnode *out)
{
    struct jnode component;
    struct jnode extensions;
    uint64_t at = 0;
    *out = r->list;
    if (!scan_object(reference, "toolComponent", &component) || !read_index(component, "index", &at))
        return r->n;
    if (at < scan_array(r->tool, "extensions", LIMIT_LIST_ITEMS, &extensions))
        return scan_array(jread_item(extensions, at), "rules", LIMIT_SCAN_FINDINGS, out);
    return 0;
}

static bool find_rule(const struct rules *r, struct jnode result, const char *id, struct jnode *out)
{
    struct jnode reference;
    struct jnode list = r->list;
    uint64_t at = 0;
    size_t n = r->n;
    bool is_indexed = read_index(result, "ruleIndex", &at);
    if (scan_object(result, "rule", &reference)) {
        n = rule_list(r, reference, &list);
        is_indexed = read_index(reference, "index", &at) || is_indexed;
    }
    if (!is_indexed || at >= n)
        return rule_named(r, id, out);
    *out = jread_item(list, at);
    return true;
}

/* ---- how bad ---- */

/* "9.8" as 98. */
static bool score_parse(const char *text, unsigned *tenths)
{
    uint64_t whole = 0;
    size_t n = strcspn(text, ".");
    size_t digits = text[n] == '.' ? strspn(text + n + 1, "0123456789") : 0;
    if (!num_parse(&whole, text, n, 10) || (text[n] == '.' && (digits == 0 || text[n + 1 + digits] != '\0')))
        return false;
    unsigned tenth = digits == 0 ? 0 : (unsigned)(text[n + 1] - '0');
    *tenths = (unsigned)(whole * 10 + tenth);
    return *tenths <= 100;
}

static bool read_score(struct jnode o, enum severity *out)
{
    struct jnode properties;
    unsigned tenths = 0;
    if (!scan_object(o, "properties", &properties) || !jread_is_text(properties, SCORE))
        return false;
    AUTO(mem_auto) char *text = scan_text(properties, SCORE);
    if (!score_parse(text, &tenths))
        return false;
    *out = severity_of_score(tenths);
    return true;
}

static enum severity severity_of_level(const char *level)
{
    static const struct {
        const char *level;
        enum severity severity;
    } levels[] = { { "error", SEVERITY_CRITICAL }, { "warning", SEVERITY_MEDIUM }, { "", SEVERITY_MEDIUM }, { "note", SEVERITY_LOW } };
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (text_is(level, levels[i].level))
            return levels[i].severity;
    return SEVERITY_UNKNOWN;
}

static enum severity severity_of(struct jnode result, bool has_rule, struct jnode rule)
{
    enum severity found = SEVERITY_UNKNOWN;
    struct jnode defaults;
    if (read_score(result, &found) || (has_rule && read_score(rule, &found)))
        return found;
    AUTO(mem_auto) char *level = scan_text(result, "level");
    AUTO(mem_auto)
    char *usual = has_rule && scan_object(rule, "defaultConfiguration", &defaults) ? scan_text(defaults, "level") : mem_text("");
    return severity_of_level(level[0] == '\0' ? usual : level);
}

/* ---- results ---- */

/* Accepted by somebody: each of the suppressions that has a status has that one. */
static bool is_suppressed(struct jnode result)
{
    struct jnode list;
    size_t n = scan_array(result, "suppressions", LIMIT_LIST_ITEMS, &list);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *status = scan_text(jread_item(list, i), "status");
        if (status[0] != '\0' && !text_is(status, "accepted"))
            return false;
    }
    return n > 0;
}

static bool is_finding(struct jnode result)
{
    AUTO(mem_auto) char *kind = scan_text(result, "kind");
    AUTO(mem_auto) char *baseline = scan_text(result, "baselineState");
    return (kind[0] == '\0' || text_is(kind, "fail")) && !text_is(baseline, "absent");
}

/* Where it was found, and what is said there: Trivy names the package. */
static void read_place(struct jnode result, char **target, char **said)
{
    struct jnode list;
    struct jnode o;
    struct jnode first = { .doc = result.doc };
    if (scan_array(result, "locations", LIMIT_LIST_ITEMS, &list) > 0)
        first = jread_item(list, 0);
    bool has_file = first.at != NULL && scan_object(first, "physicalLocation", &o) && scan_object(o, "artifactLocation", &o);
    *target = has_file ? scan_text(o, "uri") : mem_text("");
    *said = first.at != NULL && scan_object(first, "message", &o) ? scan_text(o, "text") : mem_text("");
}

static void read_result(struct scan *s, const struct rules *rules, struct jnode result)
{
    struct jnode rule = { .doc = result.doc };
    struct jnode reference;
    AUTO(mem_auto) char *id = scan_text(result, "ruleId");
    if (id[0] == '\0' && scan_object(result, "rule", &reference)) {
        mem_free(id);
        id = scan_text(reference, "id");
    }
    bool has_rule = find_rule(rules, result, id, &rule);
    if (id[0] == '\0' && has_rule) {
        mem_free(id);
        id = scan_text(rule, "id");
    }
    AUTO(mem_auto) char *target = NULL;
    AUTO(mem_auto) char *said = NULL;
    read_place(result, &target, &said);
    if (is_suppressed(result))
        s->n_suppressed++;
    else if (is_finding(result))
        scan_add(s, target, severity_of(result, has_rule, rule), false, id, said, "");
}

/* ---- runs ---- */

/* Trivy's own: the standard has no place for it. */
static void read_identity(struct scan *s, struct jnode run)
{
    struct jnode p;
    if (!scan_object(run, "properties", &p))
        return;
    AUTO(mem_auto) char *name = jread_is_text(p, "imageName") ? scan_text(p, "imageName") : mem_text("");
    AUTO(mem_auto) char *id = jread_is_text(p, "imageID") ? scan_text(p, "imageID") : mem_text("");
    if (s->artifact == NULL && name[0] != '\0')
        s->artifact = mem_text(name);
    scan_add_name(s, name);
    scan_add_id(s, id);
    scan_add_all(s, p, "repoDigests", scan_add_id);
    scan_add_all(s, p, "repoTags", scan_add_name);
}

static void read_run(struct scan *s, struct jnode run)
{
    struct rules rules = { 0 };
    struct jnode results;
    struct jnode tool = jread_object(run, "tool");
    struct jnode driver = jread_object(tool, "driver");
    AUTO(mem_auto) char *name = scan_text(driver, "name");
    AUTO(mem_auto) char *version = scan_text(driver, "version");
    scan_set_tool(s, name, version);
    read_identity(s, run);
    collect_rules(&rules, tool);
    size_t n = scan_array(run, "results", LIMIT_SCAN_FINDINGS, &results);
    for (size_t i = 0; i < n; i++)
        read_result(s, &rules, jread_item(results, i));
    forget_rules(&rules);
}

void scan_read_sarif(struct scan *s, struct jnode root)
{
    struct jnode runs;
    AUTO(mem_auto) char *version = jread_text(root, "version", 16);
    if (!text_is(version, "2.1.0"))
        jread_fail(root, "version", "\"%s\", expected \"2.1.0\"", SHOWN(version));
    size_t n = jread_array(root, "runs", LIMIT_LIST_ITEMS, &runs);
    for (size_t i = 0; i < n; i++)
        read_run(s, jread_item(runs, i));
}
