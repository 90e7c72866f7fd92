/* CycloneDX: a component for each image, a component for each package, whoever has it; which image has which stands under "dependencies". A
 * package URL is its own name in the document: two images with the same package refer to the same component. */
#include "gates/sbom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/date.h"
#include "format/jwrite.h"

#include "base/banned.h"

#define SPEC_VERSION "1.5"
#define RELEASE_REF "release"

/* "image/0": the place in the list, as one image may be there under two names. */
static const char *image_ref(char out[32], size_t i)
{
    snprintf(out, 32, "image/%zu", i);
    return out;
}

/* A UUID of version 8 (RFC 9562): from a digest, by a way of our own. */
static void write_serial(struct jwrite *w, const struct sbom *s)
{
    static const char salt[] = "archon-sbom-v1:";
    struct digest d;
    AUTO(mem_auto) char *text = mem_format("%s%s", salt, DIGEST_HEX(s->release));
    sha256_of(&d, text, strlen(text));
    d.bytes[6] = (uint8_t)((d.bytes[6] & 0x0F) | 0x80);
    d.bytes[8] = (uint8_t)((d.bytes[8] & 0x3F) | 0x80);
    const char *hex = DIGEST_HEX(&d);
    AUTO(mem_auto) char *uuid = mem_format("urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    jwrite_str(w, "serialNumber", uuid);
}

static void write_metadata(struct jwrite *w, const struct sbom *s)
{
    char created[DATE_TEXT_BYTES];
    date_format(created, s->created);
    jwrite_object(w, "metadata");
    jwrite_str(w, "timestamp", created);
    jwrite_object(w, "tools");
    jwrite_array(w, "components");
    jwrite_object(w, NULL);
    jwrite_str(w, "type", "application");
    jwrite_str(w, "name", "archon-bundle");
    jwrite_str(w, "version", s->builder_version);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_end(w);
    jwrite_object(w, "component");
    jwrite_str(w, "type", "application");
    jwrite_str(w, "bom-ref", RELEASE_REF);
    jwrite_str(w, "name", s->name);
    jwrite_str(w, "version", s->version);
    jwrite_end(w);
    jwrite_end(w);
}

static void write_property(struct jwrite *w, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    jwrite_object(w, NULL);
    jwrite_str(w, "name", name);
    jwrite_str(w, "value", value);
    jwrite_end(w);
}

static void write_image(struct jwrite *w, const struct sbom *s, size_t i)
{
    char ref[32];
    struct reports_databases_text text;
    const struct sbom_image *x = &s->images[i];
    jwrite_object(w, NULL);
    jwrite_str(w, "type", "container");
    jwrite_str(w, "bom-ref", image_ref(ref, i));
    jwrite_str(w, "name", x->reference);
    jwrite_str(w, "version", DIGEST_SHOWN(x->manifest));
    jwrite_array(w, "properties");
    write_property(w, "archon:platform", x->platform);
    write_property(w, "archon:distro", x->packages->distro);
    write_property(w, "archon:databases", reports_databases(&text, x->packages->found));
    write_property(w, "archon:databases-not-read", reports_databases(&text, x->packages->unread));
    jwrite_end(w);
    jwrite_end(w);
}

static void write_package(struct jwrite *w, const struct package *p)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "type", "library");
    jwrite_str(w, "bom-ref", p->purl);
    jwrite_str(w, "name", p->name);
    jwrite_str(w, "version", p->version);
    jwrite_str(w, "purl", p->purl);
    jwrite_end(w);
}

static int by_purl(const void *a, const void *b)
{
    const struct package *const *x = a;
    const struct package *const *y = b;
    return strcmp((*x)->purl, (*y)->purl);
}

/* Those of all images, each once. */
static void write_packages(struct jwrite *w, const struct sbom *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_images; i++)
        n += s->images[i].packages->n;
    AUTO(mem_auto) const struct package **all = mem_new_array(n, sizeof *all);
    n = 0;
    for (size_t i = 0; i < s->n_images; i++)
        for (size_t k = 0; k < s->images[i].packages->n; k++)
            all[n++] = &s->images[i].packages->items[k];
    if (n > 0)
        qsort(all, n, sizeof *all, by_purl);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !text_is(all[i - 1]->purl, all[i]->purl))
            write_package(w, all[i]);
}

static void write_dependencies(struct jwrite *w, const struct sbom *s)
{
    char ref[32];
    jwrite_array(w, "dependencies");
    jwrite_object(w, NULL);
    jwrite_str(w, "ref", RELEASE_REF);
    jwrite_array(w, "dependsOn");
    for (size_t i = 0; i < s->n_images; i++)
        jwrite_str(w, NULL, image_ref(ref, i));
    jwrite_end(w);
    jwrite_end(w);
    for (size_t i = 0; i < s->n_images; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "ref", image_ref(ref, i));
        jwrite_array(w, "dependsOn");
        for (size_t k = 0; k < s->images[i].packages->n; k++)
            jwrite_str(w, NULL, s->images[i].packages->items[k].purl);
        jwrite_end(w);
        jwrite_end(w);
    }
    jwrite_end(w);
}

/* Images hold more than packages of the system; and where a database was not read, or there is none, not even those are known. */
static void write_composition(struct jwrite *w, const struct sbom *s, const char *aggregate, bool is_known)
{
    char ref[32];
    size_t n = 0;
    for (size_t i = 0; i < s->n_images; i++) {
        const struct packages *p = s->images[i].packages;
        if ((p->found != 0 && p->unread == 0) != is_known)
            continue;
        if (n++ == 0) {
            jwrite_object(w, NULL);
            jwrite_str(w, "aggregate", aggregate);
            jwrite_array(w, "dependencies");
        }
        jwrite_str(w, NULL, image_ref(ref, i));
    }
    if (n > 0) {
        jwrite_end(w);
        jwrite_end(w);
    }
}

bool sbom_write(const struct sbom *s, struct buf *out, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, LIMIT_SBOM_BYTES);
    jwrite_object(w, NULL);
    jwrite_str(w, "bomFormat", "CycloneDX");
    jwrite_str(w, "specVersion", SPEC_VERSION);
    write_serial(w, s);
    jwrite_u64(w, "version", 1);
    write_metadata(w, s);
    jwrite_array(w, "components");
    for (size_t i = 0; i < s->n_images; i++)
        write_image(w, s, i);
    write_packages(w, s);
    jwrite_end(w);
    write_dependencies(w, s);
    jwrite_array(w, "compositions");
    write_composition(w, s, "incomplete", true);
    write_composition(w, s, "unknown", false);
    jwrite_end(w);
    jwrite_end(w);
    return jwrite_done(w, out, REPORTS_SBOM, e);
}
