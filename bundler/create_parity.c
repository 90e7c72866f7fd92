/* The parity file of create --parity: made from the finished file, before either of them has a name. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/file.h"
#include "bundle/parity.h"
#include "bundle/parity_verify.h"
#include "bundler/create.h"
#include "bundler/medium.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

static bool parse_percent(const char *text, unsigned *percent, struct err *e)
{
    uint64_t n = 0;
    size_t len = strlen(text);
    if (text_ends(text, "%"))
        len--;
    if (!num_parse(&n, text, len, LIMIT_PARITY_PERCENT) || n == 0)
        return err_set(e, ERR_USAGE, "--parity %s: expected 1%% to %d%%", SHOWN(text), LIMIT_PARITY_PERCENT);
    *percent = (unsigned)n;
    return true;
}

bool create_prepare_parity(struct create *c, struct err *e)
{
    bool exists = false;
    if (c->o->parity != NULL && !parse_percent(c->o->parity, &c->parity_percent, e))
        return false;
    c->parity_path = parity_path(c->path);
    if (!file_exists(c->parity_path, &exists, e) || !exists || c->may_replace)
        return e->code == ERR_NONE;
    return err_set(e, ERR_IO, "%s: exists already", SHOWN(c->parity_path)) || err_hint(e, "move it away: it is the parity file of another bundle");
}

uint64_t create_parity_bytes(const struct create *c, uint64_t bundle_bytes)
{
    struct err ignored = { 0 };
    struct parity_shape s;
    if (c->parity_percent == 0 || bundle_bytes == 0 || !parity_shape_for(&s, bundle_bytes, &c->manifest_sha256, c->parity_percent, &ignored))
        return 0;
    return parity_file_bytes(&s);
}

bool create_make_parity(struct create *c, struct err *e)
{
    struct parity_shape s;
    struct parity_how how = { .jobs = c->jobs, .progress = &c->ctx->progress };
    if (c->parity_percent == 0)
        return true;
    AUTO(bundle_file_close_auto) struct bundle_file *f = output_file(writer_output(c->writer), e);
    if (f == NULL || !parity_shape_for(&s, bundle_file_bytes(f), &c->manifest_sha256, c->parity_percent, e))
        return false;
    struct parity_source from = { parity_read_bundle, f };
    if (!medium_holds_parity(c->parity_path, parity_file_bytes(&s), e))
        return false;
    c->parity = publish_open(c->parity_path, 0644, e);
    return c->parity != NULL && parity_write(publish_fd(c->parity), c->parity_path, &s, &from, 0, s.rows, &how, e);
}

bool create_check_parity(struct create *c, struct err *e)
{
    struct parity_shape s;
    struct parity_how how = { .jobs = c->jobs, .progress = &c->ctx->progress };
    if (c->parity == NULL)
        return true;
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_of(publish_fd(c->parity), path_base(c->parity_path), e);
    return (f != NULL && bundle_file_read_medium(f, e) &&
            parity_shape_for(&s, writer_manifest(c->writer)->total_len, &c->manifest_sha256, c->parity_percent, e) &&
            parity_verify(f, &s, &how, e)) ||
           err_in(e, "reading back from the medium");
}

/* A parity file that lies there from an earlier bundle of this name would repair this one into nonsense, which no signature fits: better to say so now. */
static bool warn_of_old(const struct create *c, struct err *e)
{
    bool exists = false;
    if (!file_exists(c->parity_path, &exists, e))
        return false;
    if (exists)
        log_warn("%s is the parity file of an earlier bundle: remove it, or make a new one with --parity", SHOWN(c->parity_path));
    return true;
}

bool create_publish_parity(struct create *c, struct err *e)
{
    if (c->parity == NULL)
        return warn_of_old(c, e);
    return publish_commit(c->parity, c->may_replace ? PUBLISH_REPLACE : PUBLISH_NEW, e);
}
