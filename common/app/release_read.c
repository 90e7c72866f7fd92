/* release.json back into a release. The bytes are authenticated, and read strictly all the same: a signature says who wrote them, not that
 * they make sense. */
#include <string.h>

#include "app/release.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"

#include "base/banned.h"

enum { TITLE_BYTES = 1000, SHORT_BYTES = 300 };

static char *text_if(struct jnode o, const char *key, size_t max_bytes)
{
    return jread_has(o, key) ? jread_text(o, key, max_bytes) : NULL;
}

static uint64_t number_if(struct jnode o, const char *key, uint64_t max)
{
    uint64_t v = 0;
    if (jread_has(o, key))
        jread_u64(o, key, max, &v);
    return v;
}

static bool flag_if(struct jnode o, const char *key)
{
    bool v = false;
    if (jread_has(o, key))
        jread_bool(o, key, &v);
    return v;
}

static size_t array_if(struct jnode o, const char *key, size_t max, struct jnode *out)
{
    return jread_has(o, key) ? jread_array(o, key, max, out) : 0;
}

static void texts_if(struct jnode o, const char *key, size_t max_bytes, struct texts *out)
{
    struct jnode list;
    size_t n = array_if(o, key, LIMIT_LIST_ITEMS, &list);
    for (size_t i = 0; i < n; i++) {
        AUTO(mem_auto) char *text = jread_item_text(list, i, max_bytes);
        texts_add(out, text);
    }
}

/* ---- images ---- */

static void read_platform(struct jnode o, struct release_platform *p)
{
    struct jnode ids;
    struct err e = { 0 };
    AUTO(mem_auto) char *platform = jread_text(o, "platform", SHORT_BYTES);
    if (platform[0] != '\0' && !platform_parse(&p->platform, platform, &e))
        jread_fail(o, "platform", "%s", e.msg);
    jread_digest(o, "manifest", &p->manifest);
    jread_u64(o, "manifest_size", LIMIT_OCI_MANIFEST_BYTES, &p->manifest_size);
    p->manifest_type = jread_text(o, "manifest_type", SHORT_BYTES);
    jread_digest(o, "config", &p->config);
    jread_u64(o, "config_size", LIMIT_OCI_CONFIG_BYTES, &p->config_size);
    p->n_diff_ids = jread_array(o, "diff_ids", LIMIT_LAYERS_PER_IMAGE, &ids);
    p->diff_ids = mem_new_array(p->n_diff_ids, sizeof *p->diff_ids);
    for (size_t i = 0; i < p->n_diff_ids; i++)
        jread_item_digest(ids, i, &p->diff_ids[i]);
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_images(struct jnode root, struct release *r)
{
    enum { PLATFORMS_MAX = 64 };
    struct jnode list;
    r->n_images = jread_array(root, "images", LIMIT_IMAGES, &list);
    r->images = mem_new_array(r->n_images, sizeof *r->images);
    for (size_t i = 0; i < r->n_images; i++) {
        struct release_image *image = &r->images[i];
        struct jnode o = jread_item(list, i);
        struct jnode platforms;
        image->reference = jread_text(o, "reference", LIMIT_REF_BYTES);
        image->has_index = jread_has(o, "index");
        if (image->has_index)
            jread_digest(o, "index", &image->index);
        image->n_platforms = jread_array(o, "platforms", PLATFORMS_MAX, &platforms);
        image->platforms = mem_new_array(image->n_platforms, sizeof *image->platforms);
        for (size_t k = 0; k < image->n_platforms; k++)
            read_platform(jread_item(platforms, k), &image->platforms[k]);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

/* ---- services ---- */

static void read_tls(struct jnode o, struct release_service *s)
{
    if (!jread_has(o, "tls"))
        return;
    struct jnode tls = jread_object(o, "tls");
    s->tls_certificate = jread_text(tls, "certificate", SHORT_BYTES);
    s->tls_key = jread_text(tls, "key", SHORT_BYTES);
    jread_end(tls, JREAD_NO_EXTRA);
}

static void read_ca(struct jnode o, struct release_service *s)
{
    if (!jread_has(o, "ca"))
        return;
    struct jnode ca = jread_object(o, "ca");
    s->ca_file = text_if(ca, "file", SHORT_BYTES);
    s->has_ca_variables = jread_has(ca, "variables");
    texts_if(ca, "variables", SHORT_BYTES, &s->ca_variables);
    jread_end(ca, JREAD_NO_EXTRA);
}

static void read_services(struct jnode root, struct release *r)
{
    struct jnode list;
    r->n_services = array_if(root, "services", LIMIT_SERVICES, &list);
    r->services = mem_new_array(r->n_services, sizeof *r->services);
    for (size_t i = 0; i < r->n_services; i++) {
        struct release_service *s = &r->services[i];
        struct jnode o = jread_item(list, i);
        s->name = jread_text(o, "name", SHORT_BYTES);
        s->image = jread_text(o, "image", LIMIT_REF_BYTES);
        texts_if(o, "profiles", SHORT_BYTES, &s->profiles);
        texts_if(o, "needs", SHORT_BYTES, &s->needs);
        s->health = text_if(o, "health", LIMIT_URL_BYTES);
        s->timeout_s = number_if(o, "timeout_s", LIMIT_HEALTH_TIMEOUT_S);
        read_tls(o, s);
        read_ca(o, s);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

static void read_compose(struct jnode root, struct release *r)
{
    if (!jread_has(root, "compose"))
        return;
    struct jnode o = jread_object(root, "compose");
    texts_if(o, "files", LIMIT_NAME_BYTES, &r->compose);
    r->compose_version = text_if(o, "version", SHORT_BYTES);
    r->project = jread_text(o, "project", SHORT_BYTES);
    jread_end(o, JREAD_NO_EXTRA);
}

/* ---- variables, database, SQL ---- */

static void read_variables(struct jnode root, struct release *r)
{
    struct jnode list;
    size_t n = array_if(root, "variables", LIMIT_VARIABLES, &list);
    for (size_t i = 0; i < n; i++) {
        struct jnode o = jread_item(list, i);
        struct variable v = { .name = jread_text(o, "name", SHORT_BYTES) };
        v.default_value = text_if(o, "default", LIMIT_VALUE_BYTES);
        v.pattern = text_if(o, "pattern", LIMIT_PATTERN_BYTES);
        v.help = text_if(o, "help", LIMIT_VALUE_BYTES);
        v.is_secret = flag_if(o, "secret");
        v.is_required = flag_if(o, "required");
        v.generate = (unsigned)number_if(o, "generate", LIMIT_GENERATE);
        jread_end(o, JREAD_NO_EXTRA);
        MEM_PUSH(r->variables.items, r->variables.n, r->variables.cap) = v;
    }
}

static void read_database(struct jnode root, struct definition_database *db)
{
    db->is_set = jread_has(root, "database");
    if (!db->is_set)
        return;
    struct jnode o = jread_object(root, "database");
    db->service = text_if(o, "service", SHORT_BYTES);
    db->url = text_if(o, "url", SHORT_BYTES);
    db->name = text_if(o, "name", SHORT_BYTES);
    db->user = text_if(o, "user", SHORT_BYTES);
    db->password = text_if(o, "password", SHORT_BYTES);
    db->admin_user = text_if(o, "admin_user", SHORT_BYTES);
    db->admin_password = text_if(o, "admin_password", SHORT_BYTES);
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_mode(struct jnode o)
{
    AUTO(mem_auto) char *mode = jread_text(o, "mode", SHORT_BYTES);
    if (!text_is(mode, "transaction"))
        jread_fail(o, "mode", "\"%s\" is not known", SHOWN(mode));
}

static size_t read_sql(struct jnode root, const char *key, struct release_sql **out)
{
    struct jnode list;
    enum { ORDER_MAX = 9999 };
    size_t n = array_if(root, key, LIMIT_LIST_ITEMS, &list);
    *out = mem_new_array(n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        struct release_sql *s = &(*out)[i];
        struct jnode o = jread_item(list, i);
        s->order = (unsigned)number_if(o, "order", ORDER_MAX);
        s->name = jread_text(o, "name", SHORT_BYTES);
        s->path = jread_text(o, "path", LIMIT_NAME_BYTES);
        jread_digest_hex(o, "sha256", &s->sha256);
        read_mode(o);
        jread_u64(o, "statements", LIMIT_SQL_FILE_BYTES, &s->statements);
        s->has_down = jread_has(o, "down");
        if (s->has_down) {
            struct jnode down = jread_object(o, "down");
            s->down_path = jread_text(down, "path", LIMIT_NAME_BYTES);
            jread_digest_hex(down, "sha256", &s->down_sha256);
            jread_u64(down, "statements", LIMIT_SQL_FILE_BYTES, &s->down_statements);
            jread_end(down, JREAD_NO_EXTRA);
        }
        jread_end(o, JREAD_NO_EXTRA);
    }
    return n;
}

/* ---- the rest ---- */

static void read_upgrade(struct jnode root, struct release *r)
{
    if (!jread_has(root, "upgrade"))
        return;
    struct jnode o = jread_object(root, "upgrade");
    r->upgrade_from = text_if(o, "from", SHORT_BYTES);
    r->is_schema_compatible = flag_if(o, "schema_compatible");
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_urls(struct jnode root, struct release *r)
{
    struct jnode list;
    r->n_urls = array_if(root, "urls", LIMIT_LIST_ITEMS, &list);
    r->urls = mem_new_array(r->n_urls, sizeof *r->urls);
    for (size_t i = 0; i < r->n_urls; i++) {
        struct jnode o = jread_item(list, i);
        r->urls[i].name = jread_text(o, "name", SHORT_BYTES);
        r->urls[i].url = jread_text(o, "url", LIMIT_URL_BYTES);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

static void read_requires(struct jnode root, struct definition_requires *q)
{
    if (!jread_has(root, "requires"))
        return;
    struct jnode o = jread_object(root, "requires");
    q->memory_bytes = number_if(o, "memory", LIMIT_LAYER_BYTES * 1024);
    q->disk_bytes = number_if(o, "disk", LIMIT_LAYER_BYTES * 1024);
    texts_if(o, "ports", SHORT_BYTES, &q->ports);
    q->engine = text_if(o, "engine", SHORT_BYTES);
    q->compose = text_if(o, "compose", SHORT_BYTES);
    jread_end(o, JREAD_NO_EXTRA);
}

static void read_files(struct jnode root, struct release *r)
{
    struct jnode list;
    r->n_files = array_if(root, "files", LIMIT_APP_FILES, &list);
    r->files = mem_new_array(r->n_files, sizeof *r->files);
    for (size_t i = 0; i < r->n_files; i++) {
        struct jnode o = jread_item(list, i);
        r->files[i].path = jread_text(o, "path", LIMIT_NAME_BYTES);
        jread_u64(o, "size", LIMIT_MEMBER_BYTES, &r->files[i].size);
        r->files[i].is_executable = number_if(o, "x", 1) == 1;
        jread_digest_hex(o, "sha256", &r->files[i].sha256);
        jread_end(o, JREAD_NO_EXTRA);
    }
}

/* A loader that is too old says so before it stumbles over keys that it does not know. */
static bool check_loader(struct jnode root, struct release *r, struct err *e)
{
    struct version need;
    struct version have;
    struct err about = { 0 };
    r->min_loader = text_if(root, "min_loader", SHORT_BYTES);
    if (r->min_loader == NULL)
        return true;
    if (!version_parse(&need, r->min_loader, "min_loader", &about) || !version_parse(&have, ARCHON_VERSION, "this program", &about)) {
        jread_fail(root, "min_loader", "%s", about.msg);
        return true;
    }
    if (version_compare(&have, &need) >= 0)
        return true;
    err_set(e, ERR_POLICY, RELEASE_MEMBER ": needs archon-load %s or newer, this is %s", need.text, have.text);
    return err_hint(e, "take archon-load from the bundle's supplier, or bin/ of the bundle");
}

static void read_all(struct jnode root, struct release *r)
{
    uint64_t kind = 0;
    struct err e = { 0 };
    jread_u64(root, "archon_release", 1, &kind);
    r->name = jread_text(root, "name", SHORT_BYTES);
    AUTO(mem_auto) char *version = jread_text(root, "version", LIMIT_VERSION_BYTES - 1);
    if (version[0] != '\0' && !version_parse(&r->version, version, "version", &e))
        jread_fail(root, "version", "%s", e.msg);
    r->title = text_if(root, "title", TITLE_BYTES);
    read_upgrade(root, r);
    read_images(root, r);
    read_services(root, r);
    read_compose(root, r);
    read_variables(root, r);
    read_database(root, &r->database);
    r->n_migrations = read_sql(root, "migrations", &r->migrations);
    r->n_bootstrap = read_sql(root, "bootstrap", &r->bootstrap);
    read_urls(root, r);
    read_requires(root, &r->requires);
    read_files(root, r);
    texts_if(root, "licenses", LIMIT_NAME_BYTES, &r->licenses);
    texts_if(root, "docs", LIMIT_NAME_BYTES, &r->docs);
    jread_end(root, JREAD_NO_EXTRA);
}

/* The first bytes say what kind of document was signed. */
static bool check_kind(const char *text, size_t n, struct err *e)
{
    static const char head[] = "{\"archon_release\":";
    size_t k = sizeof head - 1;
    if (n > LIMIT_RELEASE_BYTES)
        return err_set(e, ERR_FORMAT, RELEASE_MEMBER ": %zu bytes, at most %ju", n, (uintmax_t)LIMIT_RELEASE_BYTES);
    if (n < k + 2 || memcmp(text, head, k) != 0)
        return err_set(e, ERR_FORMAT, RELEASE_MEMBER ": not this kind of document");
    if (text[k] == '1' && text[k + 1] == ',')
        return true;
    size_t digits = 0;
    while (digits < n - k && text[k + digits] >= '0' && text[k + digits] <= '9')
        digits++;
    return err_set(e, ERR_FORMAT, RELEASE_MEMBER ": version \"%s\" of this document is not supported", SHOWN_N(text + k, digits));
}

bool release_read(struct release *out, const char *text, size_t n, struct err *e)
{
    *out = (struct release){ 0 };
    if (!check_kind(text, n, e))
        return false;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, RELEASE_MEMBER, JREAD_STRICT, e);
    if (doc == NULL)
        return false;
    struct jnode root = jread_root(doc);
    if (!check_loader(root, out, e))
        return false;
    read_all(root, out);
    return jread_done(doc, e) && release_check(out, e);
}
