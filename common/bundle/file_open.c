/* From a path to open files: which parts are there, and where. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/file_parts.h"
#include "bundle/part_layout.h"
#include "bundle/part_name.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { SPARE_FILES = 64 }; /* that the rest of a program has open */

/* --- one part ----------------------------------------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool open_found(struct bundle_file *f, size_t i, const char *path, bool *found, struct err *e)
{
    struct err why = { 0 };
    *found = part_open(&f->parts[i], path, f->mode, &why);
    if (*found)
        return true;
    part_close(&f->parts[i]);
    if (f->mode == PART_REMAINS) {
        log_warn("%s: left out", why.msg);
        return true;
    }
    *e = why;
    return false;
}

bool bundle_file_find(struct bundle_file *f, size_t i, bool *found, struct err *e)
{
    AUTO(mem_auto) char *name = part_name(f->base, i + 1);
    *found = false;
    for (size_t k = 0; k < f->n_folders && !*found; k++) {
        AUTO(mem_auto) char *path = path_join(f->folders[k], name);
        if (!is_there(path))
            continue;
        bundle_file_grow(f, i + 1);
        if (!open_found(f, i, path, found, e))
            return false;
    }
    return true;
}

/* --- all that are there ------------------------------------------------------------------------------------------- */

static void add_folder(struct bundle_file *f, const char *folder)
{
    MEM_PUSH(f->folders, f->n_folders, f->folders_cap) = mem_text(folder);
}

static bool find_all(struct bundle_file *f, struct err *e)
{
    size_t n_found = 0;
    for (size_t i = 0; i < LIMIT_PARTS; i++) {
        bool found = false;
        if (n_found % SPARE_FILES == 0)
            file_allow_open(n_found + 2 * SPARE_FILES);
        if (!bundle_file_find(f, i, &found, e))
            return false;
        n_found += found;
    }
    return true;
}

/* Parts of the bundle at path, or of that name: *f stays null when there is no part anywhere. */
static bool open_parts(const struct bundle_where *w, enum part_mode mode, struct bundle_file **out, struct err *e)
{
    size_t len = strlen(w->path);
    (void)part_name_number(w->path, &len);
    AUTO(mem_auto) char *whole = mem_text_n(w->path, len);
    AUTO(mem_auto) char *folder = path_dir(whole);
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_new(path_base(whole), 0);
    f->base = mem_text(path_base(whole));
    f->is_in_parts = true;
    f->mode = mode;
    add_folder(f, folder);
    for (size_t i = 0; i < w->n_folders; i++)
        add_folder(f, w->folders[i]);
    if (!find_all(f, e))
        return false;
    if (f->n > 0)
        *out = TAKE(f);
    return true;
}

static struct bundle_file *open_one(const char *path, enum part_mode mode, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_new(path_base(path), 1);
    return part_open(&f->parts[0], path, mode, e) ? TAKE(f) : NULL;
}

struct bundle_file *bundle_file_open_what_is_there(const struct bundle_where *w, enum part_mode mode, struct err *e)
{
    size_t len = 0;
    struct bundle_file *f = NULL;
    bool is_part = part_name_number(w->path, &len) != 0;
    if (!is_part && is_there(w->path))
        return open_one(w->path, mode, e);
    if (!open_parts(w, mode, &f, e))
        return NULL;
    return f != NULL ? f : open_one(w->path, mode, e); /* which says that there is no such file */
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

static const char *why_copy(const struct bundle_file *f, uint64_t *bytes)
{
    const char *why = NULL;
    *bytes = 0;
    for (size_t i = 0; i < f->n; i++) {
        const char *unsteady = f->parts[i].fd < 0 ? NULL : part_unsteady(&f->parts[i]);
        *bytes += unsteady == NULL ? 0 : f->parts[i].bytes;
        why = why == NULL ? unsteady : why;
    }
    return why;
}

static bool copy_here(struct bundle_file *f, const char *spool_dir, struct err *e)
{
    uint64_t room = 0;
    uint64_t need = 0;
    const char *why = why_copy(f, &need);
    if (why == NULL)
        return true;
    if (!file_free_bytes(spool_dir, &room, e))
        return false;
    if (room < need)
        return err_set(e, ERR_SPACE, "%s: %llu bytes are needed for a private copy of the bundle, %llu are free", spool_dir,
                       (unsigned long long)need, (unsigned long long)room);
    log_info("%s %s: copying it to %s first", SHOWN(f->name), why, spool_dir);
    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].fd >= 0 && part_unsteady(&f->parts[i]) != NULL && !part_copy(&f->parts[i], f->name, spool_dir, e))
            return false;
    return true;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* What makes it possible that a part comes later. */
static bool allow_discs(struct bundle_file *f, const struct bundle_where *w, struct err *e)
{
    if (!f->is_in_parts || w->ask == NULL)
        return true;
    f->ask = *w->ask;
    f->lock = work_mutex_new();
    /* The first part tells how large parts are, so it comes first. */
    return f->parts[0].fd >= 0 || bundle_file_bring(f, 0, e);
}

static bool check_first(const struct bundle_file *f, struct err *e)
{
    if (f->parts[0].fd >= 0)
        return true;
    err_set(e, ERR_INTEGRITY, "%s: part 1 is missing", SHOWN(f->name));
    return err_hint(e, "put all parts into one folder, or name the others: --parts-from DIR");
}

struct bundle_file *bundle_file_open_where(const struct bundle_where *w, struct err *e)
{
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open_what_is_there(w, PART_READ, e);
    if (f == NULL)
        return NULL;
    f->spool_dir = mem_text(w->spool_dir);
    if (!allow_discs(f, w, e) || !check_first(f, e) || (w->spool_dir != NULL && !copy_here(f, w->spool_dir, e)))
        return NULL;
    bundle_file_measure(f);
    return TAKE(f);
}

struct bundle_file *bundle_file_open(const char *path, const char *spool_dir, struct err *e)
{
    return bundle_file_open_where(&(struct bundle_where){ .path = path, .spool_dir = spool_dir }, e);
}

/* --- for writing -------------------------------------------------------------------------------------------------- */

struct bundle_file *bundle_file_open_writable(const char *path, struct err *e)
{
    AUTO(bundle_file_close_auto)
    struct bundle_file *f = bundle_file_open_what_is_there(&(struct bundle_where){ .path = path }, PART_WRITE, e);
    if (f == NULL || !check_first(f, e))
        return NULL; /* other parts that are missing are told when the length is known */
    bundle_file_measure(f);
    return TAKE(f);
}

/* --- the length is known ------------------------------------------------------------------------------------------ */

static bool settle_one(const struct bundle_file *f, uint64_t total_len, struct err *e)
{
    if (f->bytes < total_len) {
        err_set(e, ERR_INTEGRITY, "file ends at %llu, expected %llu", (unsigned long long)f->bytes, (unsigned long long)total_len);
        return err_hint(e, "copy the bundle again");
    }
    return f->bytes == total_len || err_set(e, ERR_INTEGRITY, "%llu bytes after the end of the bundle at %llu",
                                            (unsigned long long)(f->bytes - total_len), (unsigned long long)total_len);
}

bool bundle_file_settle(struct bundle_file *f, uint64_t total_len, struct err *e)
{
    struct part_layout layout;
    if (!f->is_in_parts)
        return settle_one(f, total_len, e);
    AUTO(mem_auto) uint64_t *sizes = mem_new_array(f->n, sizeof *sizes);
    for (size_t i = 0; i < f->n; i++)
        sizes[i] = f->parts[i].bytes;
    if (!part_layout_of(sizes, f->n, total_len, &layout, e))
        return false;
    f->part_bytes = layout.part_bytes;
    f->bytes = total_len;
    if (!part_layout_check(&layout, sizes, f->n, total_len, f->ask.insert != NULL, e))
        return false;
    for (size_t i = layout.n; i < f->n; i++)
        if (f->parts[i].fd >= 0) /* an empty one */
            return part_too_many(i, layout.n, e);
    bundle_file_grow(f, layout.n);
    f->n = layout.n; /* behind it was nothing */
    for (size_t i = 0; i < f->n; i++) {
        if (f->parts[i].bytes == 0)
            part_close(&f->parts[i]); /* as good as missing, and asked for like one that is */
        f->parts[i].bytes = part_layout_bytes(&layout, i, total_len);
    }
    f->is_settled = true;
    return bundle_file_plan_discs(f, e);
}
