/* Opening bundles. This is the one place outside of tests that opens an index which nobody vouches for. */
#include "bundler/open.h"

#include "base/log.h"
#include "show/repaired.h"
#include "sys/work.h"

#include "base/banned.h"

static struct index *open_judged(const char *path, const struct show_parts *parts, const struct cli_list *trust, struct verdict *verdict, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *keys = keyring_from_files(trust->items, trust->n, e);
    struct bundle_file *f = keys == NULL ? NULL : show_parts_open(path, parts, NULL, false, e);
    struct authority a = { .keys = keys, .verdict = verdict };
    return f == NULL ? NULL : index_open(f, &a, e);
}

static struct index *open_unproven(const char *path, const struct show_parts *parts, struct err *e)
{
    struct bundle_file *f = show_parts_open(path, parts, NULL, false, e);
    struct authority a = { .is_unproven = true };
    struct index *x = f == NULL ? NULL : index_open(f, &a, e);
    if (x != NULL)
        log_info("note: signatures were not checked, --trust KEY.pub checks them");
    return x;
}

struct index *open_index(const char *path, const struct show_parts *parts, const struct cli_list *trust, struct verdict *verdict, bool *is_judged, struct err *e)
{
    *is_judged = trust->n > 0;
    return *is_judged ? open_judged(path, parts, trust, verdict, e) : open_unproven(path, parts, e);
}

struct bundle *open_bundle(const char *path, const struct show_parts *parts, const struct cli_list *trust, struct cli_context *ctx, struct verdict *verdict, struct err *e)
{
    if (trust->n == 0) {
        err_set(e, ERR_USAGE, "whose signature is to be trusted? expected --trust KEY.pub");
        err_hint(e, "to look inside without checking who made it: archon-bundle inspect");
        return NULL;
    }
    AUTO(keyring_free_auto) struct keyring *keys = keyring_from_files(trust->items, trust->n, e);
    struct bundle_file *f = keys == NULL ? NULL : show_parts_open(path, parts, NULL, false, e);
    struct verify_how how = { .jobs = work_cpus(), .progress = &ctx->progress };
    struct bundle *b = f == NULL ? NULL : bundle_verify(f, keys, &how, verdict, e);
    if (b == NULL)
        show_repair_hint(ctx, path, e);
    return b;
}
