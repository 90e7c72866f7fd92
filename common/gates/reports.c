/* The values of the summary. */
#include "gates/reports_parts.h"

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

const char *const reports_match_names[REPORTS_MATCHES] = { "unknown", "other", "name", "digest" };
const char *const reports_sbom_kind_names[REPORTS_SBOM_KINDS] = { "SPDX", "CycloneDX" };
const char *const reports_database_names[REPORTS_DATABASES] = { "dpkg", "apk", "rpm" };

struct reports_image reports_image_of(const char *reference, const char *platform)
{
    return (struct reports_image){ mem_text(reference), mem_text(platform) };
}

void reports_images_add(struct reports_images *list, const char *reference, const char *platform)
{
    struct reports_image x = reports_image_of(reference, platform);
    MEM_PUSH(list->items, list->n, list->cap) = x;
}

const char *reports_match_name(enum reports_match m)
{
    return reports_match_names[m];
}

const char *reports_sbom_kind_name(enum reports_sbom_kind k)
{
    return reports_sbom_kind_names[k];
}

const char *reports_databases(struct reports_databases_text *out, unsigned set)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(sizeof out->text - 1);
    for (unsigned i = 0; i < REPORTS_DATABASES; i++)
        if ((set & 1u << i) != 0)
            buf_addf(&text, "%s%s", text.len > 0 ? ", " : "", reports_database_names[i]);
    BUG_IF(!text_copy(out->text, sizeof out->text, buf_text(&text)));
    return out->text;
}

bool reports_are_empty(const struct reports *r)
{
    return r->n_scans == 0 && r->n_sboms == 0 && !r->has_packages;
}

static void image_clear(struct reports_image *x)
{
    mem_free(x->reference);
    mem_free(x->platform);
}

static void images_clear(struct reports_images *list)
{
    for (size_t i = 0; i < list->n; i++)
        image_clear(&list->items[i]);
    mem_free(list->items);
}

void reports_clear(struct reports *r)
{
    for (size_t i = 0; i < r->n_scans; i++) {
        mem_free(r->scans[i].member);
        images_clear(&r->scans[i].images);
        scan_clear(&r->scans[i].scan);
    }
    for (size_t i = 0; i < r->n_sboms; i++) {
        image_clear(&r->sboms[i].image);
        mem_free(r->sboms[i].member);
    }
    for (size_t i = 0; i < r->n_packages; i++) {
        image_clear(&r->packages[i].image);
        mem_free(r->packages[i].distro);
    }
    images_clear(&r->unscanned);
    mem_free(r->scans);
    mem_free(r->sboms);
    mem_free(r->packages);
    *r = (struct reports){ 0 };
}

void reports_clear_auto(struct reports *r)
{
    reports_clear(r);
}
