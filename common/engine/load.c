/* Loading one image. */
#include "engine/load.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/api.h"
#include "engine/archive.h"
#include "engine/load_answer.h"
#include "format/jwrite.h"
#include "format/oci.h"

#include "base/banned.h"

enum { DOCUMENT_MAX = 1024 * 1024 };

/* --- the documents of the archive --------------------------------------------------------------------------------- */

static void blob_path(char out[96], const struct digest *d)
{
    struct digest_text hex;
    size_t n = strlen("blobs/sha256/");
    memcpy(out, "blobs/sha256/", n);
    memcpy(out + n, digest_format_hex(&hex, d), 65);
}

static void write_descriptor(struct jwrite *w, const char *key, const char *type, const struct digest *d, uint64_t size)
{
    jwrite_object(w, key);
    jwrite_str(w, "mediaType", type);
    jwrite_digest(w, "digest", d);
    jwrite_u64(w, "size", size);
    jwrite_end(w);
}

/* A manifest over the raw layers: its digest is the image's id in a containerd store. */
static bool make_manifest(const struct load_image *i, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    write_descriptor(w, "config", OCI_TYPE_CONFIG, &i->config_digest, i->config_bytes);
    jwrite_array(w, "layers");
    for (size_t k = 0; k < i->n_layers; k++)
        write_descriptor(w, NULL, OCI_TYPE_LAYER, &i->layers[k].diff_id, i->layers[k].size);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "image manifest", e);
}

static bool is_named_by_archive(const struct engine *g)
{
    const struct engine_facts *f = engine_facts(g);
    return f->store == ENGINE_STORE_CONTAINERD || f->kind == ENGINE_PODMAN;
}

static bool make_index(const struct engine *g, const struct load_image *i, const struct buf *manifest, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    struct ref_text name;
    struct digest d;
    sha256_of(&d, manifest->data, manifest->len);
    jwrite_object(w, NULL);
    jwrite_u64(w, "schemaVersion", 2);
    jwrite_str(w, "mediaType", OCI_TYPE_INDEX);
    jwrite_array(w, "manifests");
    jwrite_object(w, NULL);
    jwrite_str(w, "mediaType", OCI_TYPE_MANIFEST);
    jwrite_digest(w, "digest", &d);
    jwrite_u64(w, "size", manifest->len);
    if (is_named_by_archive(g)) {
        jwrite_object(w, "annotations");
        jwrite_str(w, "io.containerd.image.name", ref_format_tag(&name, &i->name));
        jwrite_str(w, "org.opencontainers.image.ref.name", i->name.tag);
        jwrite_end(w);
    }
    jwrite_object(w, "platform");
    jwrite_str(w, "architecture", i->platform.architecture);
    jwrite_str(w, "os", i->platform.os);
    if (i->platform.variant[0] != '\0')
        jwrite_str(w, "variant", i->platform.variant);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "index.json", e);
}

/* Docker's own list. In a classic store the image is loaded without a name; it gets one when it has been read back. */
static bool make_docker_manifest(const struct engine *g, const struct load_image *i, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, DOCUMENT_MAX);
    struct ref_text name;
    char path[96];
    jwrite_array(w, NULL);
    jwrite_object(w, NULL);
    blob_path(path, &i->config_digest);
    jwrite_str(w, "Config", path);
    jwrite_array(w, "RepoTags");
    if (is_named_by_archive(g))
        jwrite_str(w, NULL, ref_format_tag(&name, &i->name));
    jwrite_end(w);
    jwrite_array(w, "Layers");
    for (size_t k = 0; k < i->n_layers; k++) {
        blob_path(path, &i->layers[k].diff_id);
        jwrite_str(w, NULL, path);
    }
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, "manifest.json", e);
}

/* --- which layers must be sent ------------------------------------------------------------------------------------ */

bool load_known_read(struct engine *g, struct load_known *k, struct err *e)
{
    *k = (struct load_known){ 0 };
    if (engine_facts(g)->kind != ENGINE_DOCKER || engine_facts(g)->store != ENGINE_STORE_CLASSIC)
        return true;
    k->chains = chain_set_read(g, e);
    return k->chains != NULL;
}

void load_known_clear(struct load_known *k)
{
    if (k->chains != NULL)
        chain_set_free(k->chains);
    mem_free(k->blobs);
    *k = (struct load_known){ 0 };
}

static bool has_blob(const struct load_known *k, const struct digest *d)
{
    for (size_t i = 0; i < k->n_blobs; i++)
        if (digest_equal(&k->blobs[i], d))
            return true;
    return false;
}

/* needed[i]: layer i must be in the archive. The same layer twice in one image is sent once. */
static void choose_layers(const struct load_image *i, const struct load_known *k, bool *needed)
{
    AUTO(mem_auto) struct digest *ids = mem_new_array(i->n_layers, sizeof *ids);
    for (size_t n = 0; n < i->n_layers; n++)
        ids[n] = i->layers[n].diff_id;
    size_t depth = k == NULL || k->chains == NULL ? 0 : chain_set_depth(k->chains, ids, i->n_layers);
    for (size_t n = 0; n < i->n_layers; n++) {
        needed[n] = n >= depth && (k == NULL || !has_blob(k, &ids[n]));
        for (size_t m = 0; m < n && needed[n]; m++)
            needed[n] = !needed[m] || !digest_equal(&ids[m], &ids[n]);
    }
}

uint64_t load_image_bytes(struct engine *g, const struct load_image *i, const struct load_known *k)
{
    (void)g;
    uint64_t bytes = 0;
    AUTO(mem_auto) bool *needed = mem_new_array(i->n_layers, sizeof *needed);
    choose_layers(i, k, needed);
    for (size_t n = 0; n < i->n_layers; n++)
        bytes += needed[n] ? i->layers[n].size : 0;
    return bytes;
}

static void remember(const struct load_image *i, struct load_known *k)
{
    AUTO(mem_auto) struct digest *ids = mem_new_array(i->n_layers, sizeof *ids);
    for (size_t n = 0; n < i->n_layers; n++)
        ids[n] = i->layers[n].diff_id;
    if (k->chains != NULL)
        chain_set_add(k->chains, ids, i->n_layers);
    else
        for (size_t n = 0; n < i->n_layers; n++)
            MEM_PUSH(k->blobs, k->n_blobs, k->cap_blobs) = ids[n];
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

struct layer_ctx {
    const struct load_image *image;
    size_t layer;
};

static struct source *open_layer(void *ctx, struct err *e)
{
    struct layer_ctx *l = ctx;
    return l->image->layers[l->layer].open(l->image->ctx, l->layer, e);
}

static bool make_archive(struct engine *g, const struct load_image *i, const bool *needed, struct layer_ctx *ctx, struct archive_list *list,
                         struct err *e)
{
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    AUTO(buf_clear_auto) struct buf manifest = BUF_LIMIT(DOCUMENT_MAX);
    AUTO(buf_clear_auto) struct buf index = BUF_LIMIT(DOCUMENT_MAX);
    AUTO(buf_clear_auto) struct buf docker = BUF_LIMIT(DOCUMENT_MAX);
    struct digest manifest_digest;
    char path[96];
    if (!make_manifest(i, &manifest, e) || !make_index(g, i, &manifest, &index, e) || !make_docker_manifest(g, i, &docker, e))
        return false;
    sha256_of(&manifest_digest, manifest.data, manifest.len);
    blob_path(path, &i->config_digest);
    archive_list_text(list, path, i->config, i->config_bytes);
    blob_path(path, &manifest_digest);
    archive_list_text(list, path, manifest.data, manifest.len);
    for (size_t n = 0; n < i->n_layers; n++) {
        if (!needed[n])
            continue;
        ctx[n] = (struct layer_ctx){ i, n };
        blob_path(path, &i->layers[n].diff_id);
        archive_list_stream(list, path, i->layers[n].size, open_layer, &ctx[n]);
    }
    archive_list_text(list, "oci-layout", layout, sizeof layout - 1);
    archive_list_text(list, "index.json", index.data, index.len);
    archive_list_text(list, "manifest.json", docker.data, docker.len);
    return true;
}

struct told {
    struct source source;
    struct source *from;
    const struct progress *progress;
    const uint64_t *sent;
    uint64_t total;
    const char *name;
};

static bool told_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct told *t = (struct told *)s;
    struct progress_fact fact = { .phase = "load", .item = t->name, .done = *t->sent, .total = t->total };
    if (!progress_tell(t->progress, &fact))
        return err_set(e, ERR_INTERRUPTED, "loading was stopped");
    return source_read(t->from, to, n, got, e);
}

static const struct source_ops told_ops = { told_read, NULL };

static bool send(struct engine *g, const struct load_image *i, const struct archive_list *list, uint64_t total, const struct progress *progress,
                 struct err *e)
{
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(load_answer_free_auto) struct load_answer *answer = load_answer_new();
    AUTO(sink_drop_auto) struct sink *lines = load_answer_sink(answer);
    uint64_t sent = 0;
    struct ref_text name;
    AUTO(source_free_auto) struct source *tar = archive_source(list, &sent);
    struct told told = { { &told_ops }, tar, progress, &sent, total, ref_format_tag(&name, &i->name) };
    static const struct http_header headers[] = { { "Content-Type", "application/x-tar" } };
    api_url(g, &url, "/images/load?quiet=0");
    struct http_request rq = { .method = "POST", .url = buf_text(&url), .headers = headers, .n_headers = 1, .body = &told.source,
                               .body_bytes = HTTP_CHUNKED, .out = lines, .max_body = UINT64_MAX };
    bool sent_all = true;
    bool ok = http_run(g->http, &rq, &rs, &sent_all, e);
    /* The engine's own complaint explains more than a connection that it closed. */
    if (load_answer_message(answer) != NULL && (ok || e->code == ERR_NET)) {
        *e = (struct err){ 0 };
        return err_set(e, load_answer_code(answer), "engine: %s", SHOWN(load_answer_message(answer)));
    }
    if (!ok) {
        if (e->code == ERR_NET)
            err_as(e, ERR_ENGINE);
        return false;
    }
    if (rs.status != 200)
        return api_refused("load", rs.status, &rs.text, e);
    if (!sent_all)
        return err_set(e, ERR_ENGINE, "the engine answered before the archive was complete");
    return sink_finish(lines, e);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

bool load_image_id(struct engine *g, const struct load_image *i, struct digest *id, struct err *e)
{
    AUTO(buf_clear_auto) struct buf manifest = BUF_LIMIT(DOCUMENT_MAX);
    *id = i->config_digest;
    if (engine_facts(g)->store != ENGINE_STORE_CONTAINERD)
        return true;
    if (!make_manifest(i, &manifest, e))
        return false;
    sha256_of(id, manifest.data, manifest.len);
    return true;
}

static bool same_layers(const struct load_image *i, const struct engine_image *found)
{
    if (found->n_diff_ids != i->n_layers)
        return false;
    for (size_t n = 0; n < i->n_layers; n++)
        if (!digest_equal(&found->diff_ids[n], &i->layers[n].diff_id))
            return false;
    return true;
}

static bool is_same(const struct load_image *i, const struct engine_image *found, const struct digest *id)
{
    return found->is_found && digest_equal(&found->id, id) && same_layers(i, found) && platform_equal(&found->platform, &i->platform);
}

bool load_image_is_there(struct engine *g, const struct load_image *i, bool *yes, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    struct ref_text name;
    struct digest id;
    if (!load_image_id(g, i, &id, e) || !image_inspect(g, ref_format_tag(&name, &i->name), &found, e))
        return false;
    *yes = is_same(i, &found, &id);
    return true;
}

/* Read back by id; then the name. */
static bool prove_and_name(struct engine *g, const struct load_image *i, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    struct ref_text name;
    struct digest id;
    bool by_archive = is_named_by_archive(g);
    if (!load_image_id(g, i, &id, e) || !image_inspect(g, by_archive ? ref_format_tag(&name, &i->name) : DIGEST_SHOWN(&id), &found, e))
        return false;
    if (!is_same(i, &found, &id))
        return err_set(e, ERR_ENGINE, "reading back shows %s with %zu layers, expected %s with %zu",
                       found.is_found ? DIGEST_SHOWN(&found.id) : "no image", found.n_diff_ids, DIGEST_SHOWN(&id), i->n_layers);
    return by_archive || image_tag(g, &id, &i->name, e);
}

static bool load_once(struct engine *g, const struct load_image *i, const struct load_known *k, const struct progress *progress, struct err *e)
{
    struct archive_list list = { 0 };
    AUTO(mem_auto) bool *needed = mem_new_array(i->n_layers, sizeof *needed);
    AUTO(mem_auto) struct layer_ctx *ctx = mem_new_array(i->n_layers, sizeof *ctx);
    choose_layers(i, k, needed);
    bool ok = make_archive(g, i, needed, ctx, &list, e) && send(g, i, &list, load_image_bytes(g, i, k), progress, e) && prove_and_name(g, i, e);
    archive_list_clear(&list);
    return ok;
}

static bool left_something_out(struct engine *g, const struct load_image *i, const struct load_known *k)
{
    return load_image_bytes(g, i, k) < load_image_bytes(g, i, NULL);
}

bool load_image(struct engine *g, const struct load_image *i, struct load_known *k, const struct progress *progress, struct err *e)
{
    struct err first = { 0 };
    bool ok = load_once(g, i, k, progress, &first);
    if (!ok && first.code == ERR_ENGINE && left_something_out(g, i, k)) {
        /* Somebody may have removed a base layer between our look and the load: once more, with everything. */
        log_info("image %s: %s; sending all of its layers", REF_SHOWN(&i->name), first.msg);
        first = (struct err){ 0 };
        ok = load_once(g, i, NULL, progress, &first);
    }
    if (!ok) {
        *e = first;
        return err_in(e, "image %s", REF_SHOWN(&i->name));
    }
    remember(i, k);
    return true;
}
