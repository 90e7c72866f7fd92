/* Reading /version and /info. */
#include "engine/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

/* Versions of the API as one number, 1.41 = 141: what the calls of this folder need at least, were written for, and have been seen with. */
enum { API_LEAST = 140, API_WANTED = 141, API_NEWEST_KNOWN = 155 };
enum { TEXT_MAX = 4096, COMPONENTS_MAX = 64, STATUS_ROWS_MAX = 1024, OPTIONS_MAX = 256 };

/* "1.41" -> 141; 0 when it is not one. */
static unsigned api_number(const char *text)
{
    uint64_t major = 0;
    uint64_t minor = 0;
    size_t n = strcspn(text, ".");
    if (text[n] != '.' || !num_parse(&major, text, n, 9) || !num_parse(&minor, text + n + 1, strlen(text + n + 1), 99))
        return 0;
    return (unsigned)(major * 100 + minor);
}

static bool choose_api(struct engine_facts *f, const char *highest, const char *lowest, struct err *e)
{
    unsigned high = api_number(highest);
    unsigned low = lowest[0] == '\0' ? 0 : api_number(lowest);
    unsigned v = high < API_WANTED ? high : API_WANTED;
    v = v < low ? low : v;
    if (high == 0 || low > high || (low == 0 && lowest[0] != '\0'))
        return err_set(e, ERR_ENGINE, "API versions \"%s\" to \"%s\" make no sense", SHOWN(lowest), SHOWN(highest));
    if (high < API_LEAST) {
        err_set(e, ERR_ENGINE, "API version %s, at least %u.%u is needed", highest, API_LEAST / 100, API_LEAST % 100);
        return err_hint(e, "Docker 19.03 and newer have it");
    }
    if (low > API_NEWEST_KNOWN) {
        err_set(e, ERR_ENGINE, "API version %s or newer is asked for, %u.%u is the newest known here", lowest, API_NEWEST_KNOWN / 100,
                API_NEWEST_KNOWN % 100);
        return err_hint(e, "a newer archon-load knows this engine");
    }
    f->api_newest = high;
    snprintf(f->api, sizeof f->api, "%u.%u", v / 100, v % 100);
    return true;
}

/* Missing, null, or longer than there is room: empty. */
static void optional_text(struct jnode o, const char *key, char *out, size_t size)
{
    out[0] = '\0';
    if (!jread_has(o, key))
        return;
    AUTO(mem_auto) char *text = jread_text(o, key, TEXT_MAX);
    if (!text_copy(out, size, text))
        out[0] = '\0';
}

static bool is_podman(struct jnode root)
{
    struct jnode list;
    char name[64];
    if (!jread_has(root, "Components") || jread_array(root, "Components", COMPONENTS_MAX, &list) == 0)
        return false;
    optional_text(jread_item(list, 0), "Name", name, sizeof name);
    return text_starts(name, "Podman");
}

bool facts_read_version(struct engine_facts *f, const char *text, size_t n, struct err *e)
{
    char highest[16], lowest[16], version[LIMIT_VERSION_BYTES];
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "/version", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    jread_str(root, "ApiVersion", highest, sizeof highest);
    optional_text(root, "MinAPIVersion", lowest, sizeof lowest);
    jread_str(root, "Version", version, sizeof version);
    f->kind = is_podman(root) ? ENGINE_PODMAN : ENGINE_DOCKER;
    if (!jread_done(doc, e) || !version_parse_loose(&f->version, version, "/version: Version", e))
        return err_as(e, ERR_ENGINE);
    return choose_api(f, highest, lowest, e);
}

/* The name of the driver says nothing: both stores have an "overlayfs" of their own. */
static bool is_containerd_store(struct jnode root)
{
    struct jnode rows;
    size_t n = jread_has(root, "DriverStatus") ? jread_array(root, "DriverStatus", STATUS_ROWS_MAX, &rows) : 0;
    for (size_t i = 0; i < n; i++) {
        struct jnode row = jread_item(rows, i);
        if (jread_count(row) != 2)
            continue;
        AUTO(mem_auto) char *key = jread_item_text(row, 0, TEXT_MAX);
        AUTO(mem_auto) char *value = jread_item_text(row, 1, TEXT_MAX);
        if (text_is(key, "driver-type") && text_is(value, "io.containerd.snapshotter.v1"))
            return true;
    }
    return false;
}

static bool has_option(struct jnode root, const char *wanted)
{
    struct jnode list;
    bool found = false;
    size_t n = jread_has(root, "SecurityOptions") ? jread_array(root, "SecurityOptions", OPTIONS_MAX, &list) : 0;
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *option = jread_item_text(list, i, TEXT_MAX);
        found = found || text_is(option, wanted);
    }
    return found;
}

bool facts_read_info(struct engine_facts *f, const char *text, size_t n, struct err *e)
{
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, "/info", JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_ENGINE);
    struct jnode root = jread_root(doc);
    f->store = is_containerd_store(root) ? ENGINE_STORE_CONTAINERD : ENGINE_STORE_CLASSIC;
    f->is_rootless = has_option(root, "name=rootless");
    optional_text(root, "DockerRootDir", f->root_dir, sizeof f->root_dir);
    optional_text(root, "Name", f->name, sizeof f->name);
    jread_str(root, "OSType", f->platform.os, sizeof f->platform.os);
    jread_str(root, "Architecture", f->platform.architecture, sizeof f->platform.architecture);
    platform_normalise(&f->platform);
    return jread_done(doc, e) || err_as(e, ERR_ENGINE);
}
