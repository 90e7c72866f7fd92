/* Index, manifest and config readers over arbitrary bytes. What is accepted must keep the promises of oci.h. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_descriptor(const struct oci_descriptor *d, uint64_t max)
{
    must(d->size > 0 && d->size <= max);
    must(strlen(d->media_type) < sizeof d->media_type);
    for (const char *p = d->media_type; *p != '\0'; p++)
        must(*p > 0x20 && *p < 0x7F);
}

static void run_index(const char *text, size_t n)
{
    static const char *const platforms[] = { "linux/amd64", "linux/arm64", "linux/arm/v6", "linux/amd64/v3" };
    struct err e = { 0 };
    struct oci_index x;
    if (!oci_index_read(&x, text, n, "fuzz", &e)) {
        must(e.code == ERR_REGISTRY && x.entries == NULL);
        return;
    }
    must(x.n <= LIMIT_INDEX_ENTRIES);
    for (size_t i = 0; i < x.n; i++)
        check_descriptor(&x.entries[i].descriptor, LIMIT_OCI_MANIFEST_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
        struct err f = { 0 };
        struct platform p;
        must(platform_parse(&p, platforms[i], &f));
        const struct oci_index_entry *entry = oci_index_pick(&x, &p, "fuzz", &f);
        must(entry == NULL ? f.code == ERR_REGISTRY : f.code == ERR_NONE && !entry->is_attestation);
    }
    oci_index_clear(&x);
}

static void run_manifest(const char *text, size_t n)
{
    struct err e = { 0 };
    struct oci_manifest m;
    if (!oci_manifest_read(&m, text, n, "fuzz", &e)) {
        must(e.code == ERR_REGISTRY && m.layers == NULL);
        return;
    }
    check_descriptor(&m.config, LIMIT_OCI_CONFIG_BYTES);
    must(m.n_layers <= LIMIT_LAYERS_PER_IMAGE);
    for (size_t i = 0; i < m.n_layers; i++) {
        struct err f = { 0 };
        enum oci_compression c;
        check_descriptor(&m.layers[i], LIMIT_BLOB_BYTES);
        must(oci_layer_compression(m.layers[i].media_type, &c, &f) || f.code == ERR_REGISTRY);
    }
    /* A manifest is never an index at the same time. */
    struct err f = { 0 };
    struct oci_index x;
    must(!oci_index_read(&x, text, n, "fuzz", &f));
    oci_manifest_clear(&m);
}

static void run_config(const char *text, size_t n)
{
    struct err e = { 0 };
    struct oci_config c;
    if (!oci_config_read(&c, text, n, "fuzz", &e)) {
        must(e.code == ERR_REGISTRY && c.diff_ids == NULL);
        return;
    }
    must(c.n_diff_ids <= LIMIT_LAYERS_PER_IMAGE);
    oci_config_clear(&c);
}

static void run_judge(const char *text, size_t n)
{
    struct err e = { 0 };
    char odd[128];
    bool ok = oci_config_judge(text, n, "fuzz", odd, &e);
    must(ok == (e.code == ERR_NONE) && (ok || e.code == ERR_REGISTRY) && (odd[0] == '\0' || odd[0] == '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    struct err e = { 0 };
    enum oci_kind kind;
    must(oci_kind_of(text, n, NULL, &kind, &e) == (kind != OCI_KIND_UNKNOWN));
    run_index(text, n);
    run_manifest(text, n);
    run_config(text, n);
    run_judge(text, n);
    return 0;
}
