/* Parts on several discs, one of which is in the machine at a time. A part that is needed and in no folder is asked for. Nothing stays open on the disc that is there meanwhile, so
 * that it can be taken out; when copies may be made, its parts are copied first, and it is not asked for again. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/file_parts.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

enum { TRIES = 1000 }; /* a person has given up long before; a terminal that answers by itself ends */

static bool is_of_a_disc(const struct part *p)
{
    return p->fd >= 0 && !p->was_copied;
}

bool bundle_file_plan_discs(struct bundle_file *f, struct err *e)
{
    uint64_t room = 0;
    uint64_t need = 0;
    size_t n_missing = 0;
    for (size_t i = 0; i < f->n; i++) {
        n_missing += f->parts[i].fd < 0;
        need += f->parts[i].was_copied || i + 1 == f->n ? 0 : f->parts[i].bytes; /* the last one may stay where it is */
    }
    if (n_missing == 0 || f->ask.may_copy == NULL || f->spool_dir == NULL)
        return true;
    return file_free_bytes(f->spool_dir, &room, e) && f->ask.may_copy(f->ask.ctx, f->spool_dir, need, room, &f->is_copying, e);
}

/* The disc is going to be taken out. */
static bool let_go(struct bundle_file *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        if (!is_of_a_disc(&f->parts[i]))
            continue;
        if (f->is_copying)
            log_info("copying part %zu of %zu to %s", i + 1, f->n, f->spool_dir);
        if (f->is_copying && !part_copy(&f->parts[i], f->name, f->spool_dir, e))
            return false;
        if (!f->is_copying)
            part_close(&f->parts[i]);
    }
    return true;
}

/* Part i, when it is there and has the size that belongs to it; else *why. */
static bool look_for(struct bundle_file *f, size_t i, bool *found, char *why, size_t why_bytes, struct err *e)
{
    uint64_t want = f->parts == NULL || i >= f->n ? 0 : f->parts[i].bytes;
    if (!bundle_file_find(f, i, found, e))
        return false;
    if (!*found) {
        snprintf(why, why_bytes, "part %zu is not on it", i + 1);
        return true;
    }
    if (f->is_settled && f->parts[i].bytes != want) {
        snprintf(why, why_bytes, "part %zu there has %llu bytes, expected %llu", i + 1, (unsigned long long)f->parts[i].bytes, (unsigned long long)want);
        part_close(&f->parts[i]);
        f->parts[i].bytes = want;
        *found = false;
    }
    return true;
}

/* Copies what could change while it is read. */
static bool make_steady(struct bundle_file *f, size_t i, struct err *e)
{
    const char *why = f->spool_dir == NULL ? NULL : part_unsteady(&f->parts[i]);
    return why == NULL || part_copy(&f->parts[i], f->name, f->spool_dir, e);
}

static bool is_missing(const struct bundle_file *f, size_t i, struct err *e)
{
    struct bundle_place nth;
    return err_set(e, ERR_INTEGRITY, "%s is missing", bundle_file_nth(f, i, &nth));
}

bool bundle_file_bring(struct bundle_file *f, size_t i, struct err *e)
{
    char why[160] = "";
    bool found = false;
    if (f->ask.insert == NULL)
        return is_missing(f, i, e);
    bundle_file_grow(f, i + 1);
    if (!look_for(f, i, &found, why, sizeof why, e))
        return false;
    for (int tries = 0; !found; tries++) {
        if (tries == TRIES)
            return is_missing(f, i, e);
        if (!start_check(e) || !let_go(f, e) || !f->ask.insert(f->ask.ctx, i + 1, f->is_settled ? f->n : 0, tries == 0 ? NULL : why, e) ||
            !look_for(f, i, &found, why, sizeof why, e))
            return false;
    }
    return make_steady(f, i, e);
}
