/* Trivy's JSON, SchemaVersion 2: Results, each with the findings of one target. Besides vulnerabilities it finds secrets, wrong
 * configurations and licences. */
#include "base/mem.h"
#include "base/text.h"
#include "gates/scan_parts.h"

#include "base/banned.h"

enum { SCHEMA = 2 };

/* One list of a result and the names that its items' texts have. Null: there is no such text. */
struct list {
    const char *key;
    const char *id;
    const char *package;
    const char *version;
    const char *fixed;
};

static const struct list lists[] = {
    { "Vulnerabilities", "VulnerabilityID", "PkgName", "InstalledVersion", "FixedVersion" },
    { "Misconfigurations", "ID", "Title", NULL, NULL },
    { "Secrets", "RuleID", "Title", NULL, NULL },
    { "Licenses", "Name", "PkgName", NULL, NULL },
};

static char *text_or_empty(struct jnode o, const char *key)
{
    return key == NULL ? mem_text("") : scan_text(o, key);
}

static void read_finding(struct scan *s, struct jnode o, const struct list *l, const char *target)
{
    enum severity severity;
    AUTO(mem_auto) char *status = scan_text(o, "Status"); /* of a misconfiguration: PASS is what was found in order */
    AUTO(mem_auto) char *severity_word = scan_text(o, "Severity");
    AUTO(mem_auto) char *id = scan_text(o, l->id);
    AUTO(mem_auto) char *package = text_or_empty(o, l->package);
    AUTO(mem_auto) char *version = text_or_empty(o, l->version);
    AUTO(mem_auto) char *fixed = text_or_empty(o, l->fixed);
    if (text_is(status, "PASS"))
        return;
    severity_parse(&severity, severity_word);
    scan_add(s, target, severity, fixed[0] != '\0', id, package, version);
}

static void read_result(struct scan *s, struct jnode result)
{
    AUTO(mem_auto) char *target = scan_text(result, "Target");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct jnode found;
        size_t n = scan_array(result, lists[i].key, LIMIT_SCAN_FINDINGS, &found);
        for (size_t k = 0; k < n; k++)
            read_finding(s, jread_item(found, k), &lists[i], target);
    }
    struct jnode suppressed; /* by a VEX document or an ignore file */
    s->n_suppressed += scan_array(result, "ExperimentalModifiedFindings", LIMIT_SCAN_FINDINGS, &suppressed);
}

static void read_metadata(struct scan *s, struct jnode root)
{
    struct jnode meta;
    struct jnode config;
    if (!scan_object(root, "Metadata", &meta))
        return;
    AUTO(mem_auto) char *id = scan_text(meta, "ImageID");
    scan_add_id(s, id);
    scan_add_all(s, meta, "RepoDigests", scan_add_id);
    scan_add_all(s, meta, "RepoTags", scan_add_name);
    scan_add_all(s, meta, "DiffIDs", scan_add_diff_id);
    if (scan_object(meta, "ImageConfig", &config))
        scan_set_platform(s, config, "os", "architecture");
}

void scan_read_trivy(struct scan *s, struct jnode root)
{
    uint64_t schema = 0;
    struct jnode results;
    struct jnode about;
    jread_u64(root, "SchemaVersion", LIMIT_JSON_NUMBER, &schema);
    if (schema != SCHEMA)
        jread_fail(root, "SchemaVersion", "%llu, expected %d", (unsigned long long)schema, SCHEMA);
    s->artifact = scan_text(root, "ArtifactName");
    scan_add_name(s, s->artifact);
    AUTO(mem_auto) char *version = scan_object(root, "Trivy", &about) ? scan_text(about, "Version") : mem_text("");
    scan_set_tool(s, "Trivy", version);
    read_metadata(s, root);
    size_t n = scan_array(root, "Results", LIMIT_SCAN_FINDINGS, &results);
    for (size_t i = 0; i < n; i++)
        read_result(s, jread_item(results, i));
}
