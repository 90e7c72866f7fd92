/* Choosing the base of a delta. */
#include "bundler/base.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/base_parts.h"
#include "certs/trust.h"
#include "sys/file.h"

#include "base/banned.h"

void base_close(struct base *b)
{
    if (b->files != NULL)
        base_files_free(b->files);
    if (b->bundle != NULL)
        bundle_close(b->bundle);
    inventory_clear(&b->inventory);
    *b = (struct base){ 0 };
}

bool base_is_given(const struct base *b)
{
    return b->bundle != NULL || b->has_inventory;
}

/* ---- the inventory ---- */

static bool read_inventory(struct base *b, const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_INVENTORY_BYTES + 1);
    if (!file_read(path, FILE_PLAIN, LIMIT_INVENTORY_BYTES, &text, e) || !inventory_read(&b->inventory, buf_text(&text), text.len, path, e))
        return false;
    b->has_inventory = true;
    return true;
}

/* ---- the bundle ---- */

/* Which release that is: its signature is checked, its content is not read yet. */
static bool look(const char *path, const struct show_parts *parts, const struct keyring *keys, struct digest *release, struct err *e)
{
    struct verdict verdict = { 0 };
    struct bundle_file *f = show_parts_open(path, parts, NULL, false, e);
    struct index *x = f == NULL ? NULL : index_open(f, &(struct authority){ .keys = keys, .verdict = &verdict }, e);
    if (x == NULL)
        return false;
    *release = index_manifest(x)->release_sha256;
    index_close(x);
    return true;
}

static bool tell_releases(const struct base *b, const struct base_how *how, struct err *e)
{
    const struct inventory *v = &b->inventory;
    err_set(e, ERR_CONFIG, "%s: the host has none of the releases that --base gives; it has", SHOWN(how->o->inventory));
    for (size_t i = 0; i < v->n_releases && i < 4; i++)
        err_add(e, "%s %s %s", i > 0 ? "," : "", v->releases[i].name, v->releases[i].version);
    if (v->n_releases == 0)
        err_add(e, " no release at all");
    return err_hint(e, "give the bundle of one of its releases, or --inventory alone: then only whole layers are left out");
}

/* Of several bundles the one whose release stands first in the inventory. */
static bool choose(const struct base *b, const struct base_how *how, const struct keyring *keys, const char **path, struct err *e)
{
    size_t best = SIZE_MAX;
    const struct cli_list *all = &how->o->bundles;
    *path = all->items[0];
    for (size_t i = 0; i < all->n && b->has_inventory; i++) {
        struct digest release;
        if (!look(all->items[i], &how->o->parts, keys, &release, e))
            return err_in(e, "--base");
        size_t place = inventory_find_release(&b->inventory, &release);
        if (place < best) {
            best = place;
            *path = all->items[i];
        }
    }
    return !b->has_inventory || best != SIZE_MAX || tell_releases(b, how, e);
}

static bool check(const struct manifest *m, const struct base_how *how, const char *path, struct err *e)
{
    if (!text_is(m->name, how->name))
        return err_set(e, ERR_CONFIG, "%s: is a bundle of %s, this is %s", SHOWN(path), m->name, SHOWN(how->name));
    if (!m->has_base)
        return true;
    err_set(e, ERR_CONFIG, "%s: is itself a delta", SHOWN(path));
    return err_hint(e, "give the full bundle of %s %s; archon-load consolidate makes one of a delta and its base", m->name, m->version);
}

static struct keyring *trusted(const struct base_how *how, struct err *e)
{
    AUTO(mem_auto) const struct key_public **own = mem_new_array(how->own->n, sizeof *own);
    for (size_t i = 0; i < how->own->n; i++)
        own[i] = key_private_public(how->own->items[i]);
    return keyring_from_keys(own, how->own->n, how->o->trust.items, how->o->trust.n, e);
}

static bool open_bundle_of(struct base *b, const struct base_how *how, struct err *e)
{
    const char *path = NULL;
    struct verdict verdict = { 0 };
    struct verify_how verify = { .jobs = how->jobs, .progress = how->progress };
    AUTO(keyring_free_auto) struct keyring *keys = trusted(how, e);
    if (keys == NULL || !choose(b, how, keys, &path, e))
        return false;
    struct bundle_file *f = show_parts_open(path, &how->o->parts, NULL, false, e);
    b->bundle = f == NULL ? NULL : bundle_verify(f, keys, &verify, &verdict, e);
    if (b->bundle == NULL)
        return err_in(e, "--base");
    const struct manifest *m = bundle_manifest(b->bundle);
    log_info("base: %s %s, %s", m->name, m->version, SHOWN(path));
    return check(m, how, path, e) || err_in(e, "--base");
}

bool base_check_asked(const struct base_options *o, size_t n_own, struct err *e)
{
    if (o->bundles.n == 0 && o->trust.n > 0)
        return err_set(e, ERR_USAGE, "--trust: says whose --base is trusted, and there is no --base");
    if (o->bundles.n == 0 && o->parts.from.n > 0)
        return err_set(e, ERR_USAGE, "--parts-from: says where parts of --base are, and there is no --base");
    if (o->bundles.n > 0 && o->trust.n == 0 && n_own == 0)
        return err_set(e, ERR_USAGE, "--base: whose signature is to be trusted? expected --trust KEY.pub, or --key with the key that signed it");
    if (o->bundles.n > 1 && o->inventory == NULL)
        return err_set(e, ERR_USAGE, "--base is given %zu times: which one a host has, only --inventory FILE tells", o->bundles.n);
    return true;
}

bool base_open(struct base *b, const struct base_how *how, struct err *e)
{
    if (!base_check_asked(how->o, how->own->n, e))
        return false;
    return (how->o->inventory == NULL || read_inventory(b, how->o->inventory, e)) && (how->o->bundles.n == 0 || open_bundle_of(b, how, e));
}

/* ---- what is asked of it ---- */

bool base_check_release(const struct base *b, const char *version, const struct digest *release_sha256, struct err *e)
{
    const struct manifest *m = b->bundle == NULL ? NULL : bundle_manifest(b->bundle);
    if (m == NULL)
        return true;
    if (digest_equal(&m->release_sha256, release_sha256)) {
        err_set(e, ERR_CONFIG, "--base: is this very release, %s", DIGEST_SHOWN(release_sha256));
        return err_hint(e, "give the bundle of the release that the host has now");
    }
    if (text_is(m->version, version))
        log_warn("--base: is another release of the same version, %s: no host that has it will install this one", m->version);
    return true;
}

/* Not every layer of the bundle is still on a host whose inventory says otherwise. */
bool base_has_kept(const struct base *b, size_t layer)
{
    return !b->has_inventory || inventory_has_layer(&b->inventory, &bundle_manifest(b->bundle)->layers[layer].diff_id);
}

bool base_has_layer(const struct base *b, const struct digest *diff_id)
{
    if (b->bundle == NULL)
        return b->has_inventory && inventory_has_layer(&b->inventory, diff_id);
    size_t i = manifest_find_layer(bundle_manifest(b->bundle), diff_id);
    return i != SIZE_MAX && base_has_kept(b, i);
}

/* Of an exact bundle blobs are put together here, and of each layer that is the first one: that it is the layer is known then. */
bool base_has_proven(const struct base *b, const struct digest *diff_id, const struct digest *blob, uint64_t size)
{
    size_t i = b->bundle == NULL ? SIZE_MAX : manifest_find_layer(bundle_manifest(b->bundle), diff_id);
    if (i == SIZE_MAX || !base_has_kept(b, i))
        return false;
    const struct manifest *m = bundle_manifest(b->bundle);
    size_t n_proven = m->mode == MANIFEST_EXACT ? 1 : m->layers[i].n_blobs;
    for (size_t k = 0; k < n_proven; k++)
        if (digest_equal(&m->layers[i].blobs[k].digest, blob) && m->layers[i].blobs[k].size == size)
            return true;
    return false;
}

uint64_t base_raw_bytes(const struct base *b, size_t *n_layers)
{
    uint64_t bytes = 0;
    *n_layers = 0;
    for (size_t i = 0; b->bundle != NULL && i < bundle_manifest(b->bundle)->n_layers; i++)
        if (base_has_kept(b, i)) {
            bytes += bundle_manifest(b->bundle)->layers[i].size;
            (*n_layers)++;
        }
    return bytes;
}

void base_fill_head(const struct base *b, struct manifest *head)
{
    head->has_base_release = b->bundle != NULL;
    if (b->bundle == NULL)
        return;
    const struct manifest *m = bundle_manifest(b->bundle);
    head->base_release_sha256 = m->release_sha256;
    BUG_IF(!text_copy(head->base_version, sizeof head->base_version, m->version));
}
