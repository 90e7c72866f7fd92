/* From an unknown file to an authenticated header. */
#include "bundle/index.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/part_judge.h"

#include "base/banned.h"

struct index {
    struct bundle_file *file;
    struct header header;
    struct digest manifest_sha256;
    struct manifest manifest;
    struct table table;
};

void index_close(struct index *x)
{
    if (x->file != NULL)
        bundle_file_close(x->file);
    header_clear(&x->header);
    manifest_clear(&x->manifest);
    table_clear(&x->table);
    mem_free(x);
}

static bool judge_signatures(const struct header *h, const struct authority *a, struct err *e)
{
    AUTO(mem_auto) struct signature_found *list = mem_new_array(h->n_signatures, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < h->n_signatures; i++)
        if (text_ends(h->signatures[i].name, ".sig")) /* CMS is for readers with a store of certificates */
            list[n++] = (struct signature_found){ h->signatures[i].name, h->signatures[i].bytes, h->signatures[i].n };
    return keyring_judge(a->keys, h->manifest, h->manifest_bytes, list, n, a->verdict, e);
}

static bool authorise(const struct index *x, const struct authority *a, struct err *e)
{
    BUG_IF(a->own_sums != NULL && (a->own == NULL || a->keys != NULL)); /* what others have written is hashed */
    if (a->keys != NULL)
        return judge_signatures(&x->header, a, e);
    if (a->own != NULL && !digest_equal(a->own, &x->manifest_sha256))
        return err_set(e, ERR_INTEGRITY, "bundle.json: differs from what was written");
    BUG_IF(a->own == NULL && !a->is_unproven);
    return true;
}

static bool check_table(struct index *x, struct err *e)
{
    struct digest found;
    sha256_of(&found, x->header.table, x->header.table_bytes);
    if (!digest_equal(&found, &x->manifest.chunks_sha256))
        return err_set(e, ERR_INTEGRITY, "chunks.bin: digest is %s, expected %s", DIGEST_SHOWN(&found),
                       DIGEST_SHOWN(&x->manifest.chunks_sha256));
    return table_read(&x->table, &x->manifest, x->header.table, x->header.table_bytes, e);
}

/* The padding may lie in a part that only now is known to exist. */
static bool check_length(const struct index *x, struct err *e)
{
    return bundle_file_settle(x->file, x->manifest.total_len, e);
}

static bool check_padding(const struct index *x, struct err *e)
{
    return header_check_padding(&x->header, x->file, x->manifest.header_len, e);
}

/* In the order of docs/FORMAT.md section 7: each step looks only at what the ones before have proven. */
static bool check_all(struct index *x, const struct authority *a, struct err *e)
{
    const struct header *h = &x->header;
    if (!header_read(&x->header, x->file, e))
        return part_judge_first(x->file, e);
    sha256_of(&x->manifest_sha256, h->manifest, h->manifest_bytes);
    return manifest_check_version(h->manifest, h->manifest_bytes, e) && authorise(x, a, e) &&
           manifest_read(&x->manifest, h->manifest, h->manifest_bytes, e) && check_table(x, e) && check_length(x, e) && check_padding(x, e);
}

struct index *index_open(struct bundle_file *f, const struct authority *a, struct err *e)
{
    AUTO(index_close_auto) struct index *x = mem_new(sizeof *x);
    x->file = f;
    if (check_all(x, a, e)) {
        x->table.sums = a->own_sums;
        return TAKE(x);
    }
    err_in(e, "%s", bundle_file_name(f));
    return NULL;
}

const char *index_name(const struct index *x)
{
    return bundle_file_name(x->file);
}

struct bundle_file *index_file(const struct index *x)
{
    return x->file;
}

const struct header *index_header(const struct index *x)
{
    return &x->header;
}

const struct manifest *index_manifest(const struct index *x)
{
    return &x->manifest;
}

const struct digest *index_manifest_sha256(const struct index *x)
{
    return &x->manifest_sha256;
}

const struct table *index_table(const struct index *x)
{
    return &x->table;
}
