/* Which dialect it is, by a table; and what the readers of the dialects collect. */
#include "gates/scan_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

enum { TEXT_KEPT = 200, TEXT_READ = 256 * 1024 };

/* ---- reading ---- */

/* Without half a character at the end. */
static char *cut(const char *text)
{
    size_t n = strlen(text);
    if (n > TEXT_KEPT)
        for (n = TEXT_KEPT; n > 0 && ((uint8_t)text[n] & 0xC0) == 0x80;)
            n--;
    return mem_text_n(text, n);
}

char *scan_text(struct jnode o, const char *key)
{
    AUTO(mem_auto) char *whole = jread_has(o, key) ? jread_text(o, key, TEXT_READ) : mem_text("");
    return cut(whole);
}

size_t scan_array(struct jnode o, const char *key, size_t max, struct jnode *out)
{
    *out = (struct jnode){ .doc = o.doc };
    return jread_has(o, key) ? jread_array(o, key, max, out) : 0;
}

bool scan_object(struct jnode o, const char *key, struct jnode *out)
{
    *out = (struct jnode){ .doc = o.doc };
    if (!jread_has(o, key))
        return false;
    *out = jread_object(o, key);
    return out->at != NULL;
}

/* ---- findings ---- */

static struct scan_target *target_named(struct scan *s, const char *name)
{
    static const char others[] = "(other targets)";
    for (size_t i = s->n_targets; i-- > 0;) /* findings of one target follow each other */
        if (text_is(s->targets[i].name, name))
            return &s->targets[i];
    if (s->n_targets >= LIMIT_SCAN_TARGETS && !text_is(name, others))
        return target_named(s, others);
    struct scan_target *t = &MEM_PUSH(s->targets, s->n_targets, s->cap_targets);
    *t = (struct scan_target){ .name = mem_text(name) };
    return t;
}

static void finding_clear(struct scan_finding *f)
{
    mem_free(f->id);
    mem_free(f->package);
    mem_free(f->target);
    *f = (struct scan_finding){ 0 };
}

static void keep_worst(struct scan *s, const struct scan_finding *f, const char *version)
{
    size_t at = s->n_worst;
    while (at > 0 && s->worst[at - 1].severity < f->severity)
        at--;
    if (at == SCAN_WORST)
        return;
    if (s->n_worst == SCAN_WORST)
        finding_clear(&s->worst[--s->n_worst]);
    memmove(&s->worst[at + 1], &s->worst[at], (s->n_worst - at) * sizeof *s->worst);
    s->n_worst++;
    s->worst[at] =
        (struct scan_finding){ .severity = f->severity, .is_fixable = f->is_fixable, .id = cut(f->id), .target = cut(f->target) };
    s->worst[at].package = version[0] == '\0' ? cut(f->package) : mem_format("%s %s", f->package, version);
}

void scan_add(struct scan *s, const char *target, enum severity severity, bool is_fixable, const char *id, const char *package,
              const char *version)
{
    AUTO(mem_auto) char *name = cut(target);
    struct scan_target *t = target_named(s, name);
    s->counts.n[severity]++;
    t->counts.n[severity]++;
    s->n_fixable += is_fixable;
    t->n_fixable += is_fixable;
    const struct scan_finding f = { severity, is_fixable, (char *)(uintptr_t)id, (char *)(uintptr_t)package, name };
    keep_worst(s, &f, version);
}

/* ---- what it is about ---- */

static void add_digest(struct scan_digests *list, const char *text)
{
    struct err ignored = { 0 };
    struct digest d;
    const char *at = strrchr(text, '@');
    if (list->n == LIMIT_SCAN_IDENTITIES || !digest_parse(&d, at == NULL ? text : at + 1, "", &ignored))
        return;
    MEM_PUSH(list->items, list->n, list->cap) = d;
}

void scan_add_id(struct scan *s, const char *text)
{
    add_digest(&s->ids, text);
}

void scan_add_diff_id(struct scan *s, const char *text)
{
    add_digest(&s->diff_ids, text);
}

void scan_add_name(struct scan *s, const char *text)
{
    if (text[0] != '\0' && s->n_names < LIMIT_SCAN_IDENTITIES)
        MEM_PUSH(s->names, s->n_names, s->cap_names) = mem_text(text);
}

void scan_add_all(struct scan *s, struct jnode o, const char *key, void (*add)(struct scan *s, const char *text))
{
    struct jnode list;
    size_t n = scan_array(o, key, LIMIT_LIST_ITEMS, &list);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *text = jread_item_text(list, i, TEXT_READ);
        add(s, text);
    }
}

void scan_set_platform(struct scan *s, struct jnode o, const char *os_key, const char *architecture_key)
{
    AUTO(mem_auto) char *os = scan_text(o, os_key);
    AUTO(mem_auto) char *architecture = scan_text(o, architecture_key);
    struct platform p = { 0 };
    if (os[0] == '\0' || architecture[0] == '\0' || !text_copy(p.os, sizeof p.os, os) ||
        !text_copy(p.architecture, sizeof p.architecture, architecture))
        return;
    platform_normalise(&p);
    s->platform = p;
}

void scan_set_tool(struct scan *s, const char *name, const char *version)
{
    if (s->tool == NULL)
        s->tool = mem_format("%s%s%s", SHOWN(name), version[0] == '\0' ? "" : " ", SHOWN(version));
}

/* ---- the whole ---- */

static bool is_trivy(struct jnode root)
{
    return jread_has(root, "SchemaVersion") &&
           (jread_has(root, "Results") || jread_has(root, "ArtifactName") || jread_has(root, "ArtifactType"));
}

static bool is_grype(struct jnode root)
{
    return jread_has(root, "matches") && (jread_has(root, "source") || jread_has(root, "descriptor"));
}

static bool is_sarif(struct jnode root)
{
    return jread_has(root, "runs");
}

const char *const scan_formats[SCAN_FORMATS] = { "Trivy JSON", "Grype JSON", "SARIF" };

/* In the order of scan_formats. */
static const struct dialect {
    bool (*is)(struct jnode root);
    void (*read)(struct scan *s, struct jnode root);
} dialects[SCAN_FORMATS] = { { is_trivy, scan_read_trivy }, { is_grype, scan_read_grype }, { is_sarif, scan_read_sarif } };

static void read_dialect(struct scan *s, struct jnode root)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++)
        if (dialects[i].is(root)) {
            s->format = scan_formats[i];
            dialects[i].read(s, root);
            return;
        }
    jread_fail(root, NULL, "neither Trivy's JSON (SchemaVersion, Results), Grype's JSON (matches, source) nor SARIF (version, runs)");
}

static bool read_all(struct scan *out, const char *text, size_t n, const char *what, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_REPORT, e);
    if (doc == NULL)
        return false;
    read_dialect(out, jread_root(doc));
    return jread_done(doc, e);
}

bool scan_read(struct scan *out, const char *text, size_t n, const char *what, struct err *e)
{
    *out = (struct scan){ 0 };
    if (read_all(out, text, n, what, e)) {
        scan_set_tool(out, "an unnamed scanner", "");
        out->artifact = out->artifact == NULL ? mem_text("") : out->artifact;
        return true;
    }
    scan_clear(out);
    err_as(e, ERR_CONFIG);
    return err_hint(e, "trivy image --format json, grype -o json, or SARIF of any scanner");
}

void scan_clear(struct scan *s)
{
    for (size_t i = 0; i < s->n_targets; i++)
        mem_free(s->targets[i].name);
    for (size_t i = 0; i < s->n_worst; i++)
        finding_clear(&s->worst[i]);
    for (size_t i = 0; i < s->n_names; i++)
        mem_free(s->names[i]);
    mem_free(s->targets);
    mem_free(s->names);
    mem_free(s->ids.items);
    mem_free(s->diff_ids.items);
    mem_free(s->tool);
    mem_free(s->artifact);
    *s = (struct scan){ 0 };
}

void scan_clear_auto(struct scan *s)
{
    scan_clear(s);
}
