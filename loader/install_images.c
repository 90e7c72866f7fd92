/* Images: from the release document and the bundle's layers to load_image values. */
#include "loader/install_images.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/exact_reader.h"
#include "engine/load_set.h"
#include "loader/image_names.h"
#include "loader/install_base.h"
#include "loader/install_exact.h"
#include "loader/open.h"
#include "sys/file.h"
#include "sys/work.h"

#include "base/banned.h"

static struct source *open_layer(void *ctx, size_t layer, struct err *e)
{
    const struct install_image *x = ctx;
    if (x->layers[layer].media_type != NULL)
        return exact_proven_open(x->in->bundle, x->in->cache, x->layer_index[layer], x->layer_form[layer], e);
    return layer_reader_open(x->in->bundle, x->in->cache, x->layer_index[layer], e);
}

bool install_images_read(struct install *in, const struct digest *want, uint64_t limit, struct buf *out, struct err *e)
{
    const struct manifest *m = bundle_manifest(in->bundle);
    for (size_t i = 0; i < m->n_members; i++)
        if (m->members[i].has_sha256 && text_starts(m->members[i].name, FOLDER_IMAGES) && digest_equal(&m->members[i].sha256, want)) {
            *out = (struct buf)BUF_LIMIT(limit);
            return member_read(bundle_index(in->bundle), in->cache, m->members[i].name, out, e);
        }
    return err_set(e, ERR_FORMAT, "%s is not in the bundle", DIGEST_SHOWN(want));
}

static bool describe_layers(struct install_image *x, const struct release_platform *p, struct err *e)
{
    const struct manifest *m = bundle_manifest(x->in->bundle);
    x->layers = mem_new_array(p->n_diff_ids, sizeof *x->layers);
    x->layer_index = mem_new_array(p->n_diff_ids, sizeof *x->layer_index);
    for (size_t i = 0; i < p->n_diff_ids; i++) {
        x->layer_index[i] = manifest_find_layer(m, &p->diff_ids[i]);
        if (x->layer_index[i] == SIZE_MAX)
            return err_set(e, ERR_FORMAT, "layer %s is not in the bundle", DIGEST_SHOWN(&p->diff_ids[i]));
        x->layers[i] = (struct load_layer){ .diff_id = p->diff_ids[i], .size = m->layers[x->layer_index[i]].size, .open = open_layer };
    }
    return true;
}

/* The engine is on this machine, and does not tell which processor that has. */
static const struct release_platform *find_platform(const struct install *in, const struct release_image *r, struct platform *host)
{
    *host = engine_facts(in->engine)->platform;
    platform_refine(host);
    return release_platform_find(r, host);
}

static bool describe_one(struct install *in, struct install_image *x, const struct release_image *r, struct err *e)
{
    struct platform host;
    const struct release_platform *p = find_platform(in, r, &host);
    struct platform_text shown;
    if (p == NULL)
        return err_set(e, ERR_POLICY, "the bundle has no image for %s, the platform of this host", platform_format(&shown, &host));
    x->in = in;
    if (!ref_parse(&x->load.name, r->reference, e) || !install_images_read(in, &p->config, LIMIT_OCI_CONFIG_BYTES, &x->config, e) || !describe_layers(x, p, e))
        return false;
    if (bundle_manifest(in->bundle)->mode == MANIFEST_EXACT && !install_exact_describe(x, p, e))
        return false;
    x->load.config = buf_text(&x->config);
    x->load.config_bytes = x->config.len;
    x->load.config_digest = p->config;
    x->load.platform = p->platform;
    x->load.n_layers = p->n_diff_ids;
    x->load.layers = x->layers;
    x->load.ctx = x;
    return true;
}

bool install_images_describe(struct install *in, struct err *e)
{
    const struct release *r = &in->next->release;
    in->images = mem_new_array(r->n_images, sizeof *in->images);
    in->n_images = r->n_images;
    for (size_t i = 0; i < r->n_images; i++)
        if (!describe_one(in, &in->images[i], &r->images[i], e))
            return err_in(e, "image %s", r->images[i].reference);
    return true;
}

void install_images_clear(struct install *in)
{
    for (size_t i = 0; i < in->n_images; i++) {
        buf_clear(&in->images[i].config);
        buf_clear(&in->images[i].manifest);
        mem_free(in->images[i].layer_form);
        mem_free(in->images[i].layers);
        mem_free(in->images[i].layer_index);
    }
    mem_free(in->images);
    in->n_images = 0;
    load_known_clear(&in->known);
}

bool install_images_done(struct install *in, bool *yes, struct err *e)
{
    *yes = true;
    for (size_t i = 0; i < in->n_images && *yes; i++)
        if (!load_image_is_there(in->engine, &in->images[i].load, yes, e))
            return false;
    return true;
}

/* What the installed release brought in is there to build on. */
static bool add_previous(struct install *in, struct err *e)
{
    const struct release *r = in->previous == NULL ? NULL : &in->previous->release;
    for (size_t i = 0; r != NULL && i < r->n_images; i++) {
        struct platform host;
        const struct release_platform *p = find_platform(in, &r->images[i], &host);
        struct ref name;
        if (p != NULL && (!ref_parse(&name, r->images[i].reference, e) ||
                          !load_known_add_name(in->engine, &in->known, &name, p->diff_ids, p->n_diff_ids, e)))
            return false;
    }
    return true;
}

/* Layers that the engine has are not sent: those of every image in a classic store; in containerd's, those of images that we know. */
bool install_images_know(struct install *in, struct err *e)
{
    if (in->has_known)
        return true;
    if (!load_known_read(in->engine, &in->known, e) || !add_previous(in, e))
        return false;
    for (size_t i = 0; i < in->n_images; i++)
        if (!load_known_add_image(in->engine, &in->known, &in->images[i].load, e))
            return false;
    in->has_known = true;
    return true;
}

static bool has_line(const char *lines, const char *wanted)
{
    for (const char *at = lines; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        if (slice_is((struct slice){ at, n }, wanted))
            return true;
        at += n + (at[n] == '\n');
    }
    return false;
}

/* uninstall --purge removes the images that we brought in, and only those: their names are noted before they are loaded. */
static bool note_loaded(struct install *in, const struct ref *name, struct err *e)
{
    struct ref_text text;
    AUTO(buf_clear_auto) struct buf names = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    bool exists = false;
    if (in->lock == NULL) /* load-images: no state */
        return true;
    if (!file_exists(in->site.loaded_path, &exists, e) || (exists && !file_read(in->site.loaded_path, FILE_NO_LINK, names.max, &names, e)))
        return false;
    if (has_line(buf_text(&names), ref_format_tag(&text, name)))
        return true;
    buf_addf(&names, "%s\n", text.text);
    return buf_done(&names, in->site.loaded_path, e) && file_publish(in->site.loaded_path, names.data, names.len, 0600, e);
}

/* The name may be that of an image which the installed release runs. */
static bool prepare_name(struct install *in, const struct ref *name, struct err *e)
{
    struct ref kept;
    bool is_kept = false;
    if (in->previous != NULL && !digest_equal(&in->previous->digest, &in->next->digest) &&
        !image_names_keep(in->engine, in->previous, name, &kept, &is_kept, e))
        return false;
    return (!is_kept || note_loaded(in, &kept, e)) && note_loaded(in, name, e);
}

/* Images that are not there, and what bringing them in takes. */
static struct load_set *plan_missing(struct install *in, struct err *e)
{
    AUTO(mem_auto) const struct load_image **missing = mem_new_array(in->n_images, sizeof *missing);
    size_t n = 0;
    if (!install_images_know(in, e))
        return NULL;
    for (size_t i = 0; i < in->n_images; i++) {
        const struct load_image *x = &in->images[i].load;
        bool is_there = false;
        if (!load_image_is_there(in->engine, x, &is_there, e))
            return NULL;
        if (is_there)
            log_debug("image %s: was there", REF_SHOWN(&x->name));
        else
            missing[n++] = x;
    }
    return load_set_new(in->engine, missing, n, &in->known, e);
}

static bool verify_data(struct install *in, const struct load_set *set, struct err *e)
{
    const struct manifest *m = bundle_manifest(in->bundle);
    AUTO(mem_auto) bool *layers = mem_new_array(m->n_layers, sizeof *layers);
    for (size_t i = 0; i < m->n_layers; i++)
        layers[i] = load_set_sends(set, &m->layers[i].diff_id);
    return open_data(in->bundle, in->o->bundles.items[0], layers, in->ctx, e);
}

static uint64_t free_bytes(const struct install *in, bool *is_known)
{
    struct err ignored = { 0 };
    uint64_t bytes = 0;
    *is_known = file_free_bytes(engine_facts(in->engine)->root_dir, &bytes, &ignored);
    return bytes;
}

static bool before_image(void *ctx, const struct load_image *i, struct err *e)
{
    return prepare_name(ctx, &i->name, e);
}

/* Also of a run that was killed, which this one goes on with; and after a signal asked for a stop. */
static bool remove_bases(struct install *in, struct err *e)
{
    AUTO(engine_close_auto) struct engine *g = engine_open_to_tidy(in->engine, e);
    AUTO(mem_auto) const struct load_image **all = mem_new_array(in->n_images, sizeof *all);
    for (size_t i = 0; i < in->n_images; i++)
        all[i] = &in->images[i].load;
    return g != NULL && load_bases_remove(g, all, in->n_images, e);
}

static bool run_set(struct install *in, struct load_set *set, struct err *e)
{
    bool is_known = false;
    uint64_t room = free_bytes(in, &is_known);
    struct load_set_how how = { .connections = load_set_connections(set, is_known ? room : UINT64_MAX), .progress = &in->ctx->progress,
                                .before = before_image, .ctx = in };
    chunk_cache_read_ahead(in->cache, work_cpus());
    log_debug("%llu bytes to send, %u connections at most", (unsigned long long)load_set_bytes(set), how.connections);
    return load_set_run(set, &how, &in->known, e);
}

bool install_images_load(struct install *in, struct err *e)
{
    struct err late = { 0 };
    AUTO(load_set_free_auto) struct load_set *set = plan_missing(in, e);
    if (set == NULL || !verify_data(in, set, e))
        return false;
    bool ok = install_base_fetch(in, e) && run_set(in, set, e);
    if (!remove_bases(in, &late))
        log_warn("layers that were loaded for other images are still there: %s", late.msg);
    return ok;
}

bool install_images_space(struct install *in, struct install_space *out, struct err *e)
{
    struct install_base_space base;
    *out = (struct install_space){ .path = engine_facts(in->engine)->root_dir };
    AUTO(load_set_free_auto) struct load_set *set = plan_missing(in, e);
    if (set == NULL)
        return false;
    out->free = free_bytes(in, &out->is_known);
    out->send = load_set_bytes(set);
    install_base_space(in, &base);
    uint64_t beside = base.is_beside_images ? base.needed : 0;
    uint64_t room = out->free > beside ? out->free - beside : 0;
    out->needed = load_set_room(set, load_set_connections(set, out->is_known ? room : UINT64_MAX)) + beside;
    return true;
}

bool install_images_check_space(struct install *in, struct err *e)
{
    struct install_space s;
    char need[24], room[24];
    if (!install_images_space(in, &s, e))
        return false;
    if (!s.is_known || s.needed <= s.free)
        return install_base_check_space(in, e);
    return err_set(e, ERR_SPACE, "%s: the images need %s, %s are free", s.path, text_bytes(need, s.needed), text_bytes(room, s.free));
}
