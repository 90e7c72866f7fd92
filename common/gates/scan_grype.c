/* Grype's JSON: a flat list of matches, and the source that was looked at. A target here is a kind of package: deb, java-archive, npm. */
#include "base/mem.h"
#include "base/text.h"
#include "gates/scan_parts.h"

#include "base/banned.h"

static void read_match(struct scan *s, struct jnode match)
{
    enum severity severity;
    struct jnode fix;
    struct jnode vulnerability = jread_object(match, "vulnerability");
    struct jnode artifact = jread_object(match, "artifact");
    AUTO(mem_auto) char *id = scan_text(vulnerability, "id");
    AUTO(mem_auto) char *severity_word = scan_text(vulnerability, "severity");
    AUTO(mem_auto) char *state = scan_object(vulnerability, "fix", &fix) ? scan_text(fix, "state") : mem_text("");
    AUTO(mem_auto) char *package = scan_text(artifact, "name");
    AUTO(mem_auto) char *version = scan_text(artifact, "version");
    AUTO(mem_auto) char *type = scan_text(artifact, "type");
    severity_parse(&severity, severity_word);
    scan_add(s, type, severity, text_is(state, "fixed"), id, package, version);
}

static void read_layers(struct scan *s, struct jnode target)
{
    struct jnode layers;
    size_t n = scan_array(target, "layers", LIMIT_LIST_ITEMS, &layers);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *digest = scan_text(jread_item(layers, i), "digest");
        scan_add_diff_id(s, digest);
    }
}

static void read_image(struct scan *s, struct jnode target)
{
    AUTO(mem_auto) char *manifest = scan_text(target, "manifestDigest");
    AUTO(mem_auto) char *config = scan_text(target, "imageID");
    s->artifact = scan_text(target, "userInput");
    scan_add_name(s, s->artifact);
    scan_add_id(s, manifest);
    scan_add_id(s, config);
    scan_add_all(s, target, "repoDigests", scan_add_id);
    scan_add_all(s, target, "tags", scan_add_name);
    scan_set_platform(s, target, "os", "architecture");
    read_layers(s, target);
}

/* Of a directory or file the target is a text, and no image. */
static void read_source(struct scan *s, struct jnode root)
{
    struct jnode source;
    if (!scan_object(root, "source", &source))
        return;
    AUTO(mem_auto) char *type = scan_text(source, "type");
    if (text_is(type, "image"))
        read_image(s, jread_object(source, "target"));
}

void scan_read_grype(struct scan *s, struct jnode root)
{
    struct jnode list;
    struct jnode about;
    bool is_named = scan_object(root, "descriptor", &about);
    AUTO(mem_auto) char *name = is_named ? scan_text(about, "name") : mem_text("");
    AUTO(mem_auto) char *version = is_named ? scan_text(about, "version") : mem_text("");
    scan_set_tool(s, name[0] == '\0' ? "grype" : name, version);
    read_source(s, root);
    size_t n = jread_array(root, "matches", LIMIT_SCAN_FINDINGS, &list);
    for (size_t i = 0; i < n; i++)
        read_match(s, jread_item(list, i));
    s->n_suppressed = scan_array(root, "ignoredMatches", LIMIT_SCAN_FINDINGS, &list);
}
