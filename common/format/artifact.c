/* Artifacts beside images. As much of their manifests is read as the search for signatures needs. */
#include "format/artifact.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/oci_parts.h"

#include "base/banned.h"

static const char SIGNATURE[] = "dev.cosignproject.cosign/signature";
static const char CERTIFICATE[] = "dev.sigstore.cosign/certificate";
static const char PREDICATE[] = "dev.sigstore.bundle.predicateType";

/* The object itself stands for none. */
static struct jnode annotations_of(struct jnode o, bool *is_there)
{
    *is_there = jread_has(o, "annotations");
    return *is_there ? jread_object(o, "annotations") : o;
}

static void read_layer(struct jnode o, struct artifact_layer *out)
{
    bool has_notes;
    oci_part_descriptor(o, LIMIT_BLOB_BYTES, &out->descriptor);
    struct jnode notes = annotations_of(o, &has_notes);
    if (!has_notes)
        return;
    if (jread_has(notes, SIGNATURE))
        out->signature = jread_text(notes, SIGNATURE, LIMIT_IMAGE_SIGNATURE_TEXT);
    out->has_certificate = jread_has(notes, CERTIFICATE);
}

static void read_type(struct jnode root, struct artifact *out)
{
    if (jread_has(root, "artifactType"))
        jread_str(root, "artifactType", out->type, sizeof out->type);
    else
        BUG_IF(!text_copy(out->type, sizeof out->type, out->config.media_type));
}

static void read_predicate(struct jnode root, struct artifact *out)
{
    bool has_notes;
    struct jnode notes = annotations_of(root, &has_notes);
    if (has_notes && jread_has(notes, PREDICATE))
        jread_str(notes, PREDICATE, out->predicate_type, sizeof out->predicate_type);
}

/* One of two names of a kind; which one it has does not matter here. */
static struct jread *open_kind(const char *text, size_t n, const char *oci_type, const char *docker_type, const char *what, struct err *e)
{
    char type[128];
    struct jread *doc = oci_part_open(text, n, LIMIT_OCI_MANIFEST_BYTES, what, e);
    oci_part_kind(jread_root(doc), oci_type, docker_type, type, sizeof type);
    return doc;
}

bool artifact_read(struct artifact *out, const char *text, size_t n, const char *what, struct err *e)
{
    struct jnode layers;
    *out = (struct artifact){ 0 };
    AUTO(jread_free_auto) struct jread *doc = open_kind(text, n, OCI_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST, what, e);
    struct jnode root = jread_root(doc);
    oci_part_descriptor(jread_object(root, "config"), LIMIT_OCI_CONFIG_BYTES, &out->config);
    read_type(root, out);
    read_predicate(root, out);
    size_t n_layers = jread_array(root, "layers", LIMIT_ARTIFACT_LAYERS, &layers);
    out->layers = mem_new_array(n_layers > 0 ? n_layers : 1, sizeof *out->layers);
    for (; out->n_layers < n_layers; out->n_layers++)
        read_layer(jread_item(layers, out->n_layers), &out->layers[out->n_layers]);
    if (jread_done(doc, e))
        return true;
    artifact_clear(out);
    return err_as(e, ERR_REGISTRY);
}

void artifact_clear(struct artifact *a)
{
    for (size_t i = 0; i < a->n_layers; i++)
        mem_free(a->layers[i].signature);
    mem_free(a->layers);
    *a = (struct artifact){ 0 };
}

void artifact_clear_auto(struct artifact *a)
{
    artifact_clear(a);
}

/* ---- referrers ---- */

static bool is_known(const struct referrers *r, const struct digest *d)
{
    for (size_t i = 0; i < r->n; i++)
        if (digest_equal(&r->items[i].descriptor.digest, d))
            return true;
    return false;
}

static void read_referrer(struct jnode o, struct referrers *out)
{
    struct referrer r = { 0 };
    oci_part_descriptor(o, LIMIT_OCI_MANIFEST_BYTES, &r.descriptor);
    if (jread_has(o, "artifactType"))
        jread_str(o, "artifactType", r.type, sizeof r.type);
    if (is_known(out, &r.descriptor.digest))
        return;
    if (out->n == LIMIT_REFERRERS)
        jread_fail(o, NULL, "is one of more than %d referrers", LIMIT_REFERRERS);
    else
        MEM_PUSH(out->items, out->n, out->cap) = r;
}

bool referrers_read(struct referrers *out, const char *text, size_t n, const char *what, struct err *e)
{
    struct jnode entries;
    AUTO(jread_free_auto) struct jread *doc = open_kind(text, n, OCI_TYPE_INDEX, DOCKER_TYPE_LIST, what, e);
    for (size_t i = 0, n_entries = jread_array(jread_root(doc), "manifests", LIMIT_INDEX_ENTRIES, &entries); i < n_entries; i++)
        read_referrer(jread_item(entries, i), out);
    return jread_done(doc, e) || err_as(e, ERR_REGISTRY);
}

void referrers_clear(struct referrers *r)
{
    mem_free(r->items);
    *r = (struct referrers){ 0 };
}

void referrers_clear_auto(struct referrers *r)
{
    referrers_clear(r);
}
