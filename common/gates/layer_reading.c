/* The entries of a layer, one after the other: which matter, and what they mean. In a tar the later of two entries of one name is the file;
 * a whiteout speaks of lower layers alone. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "gates/layer_files_parts.h"
#include "stream/untar.h"

#include "base/banned.h"

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_OTHER ".wh..wh." /* of aufs, for itself */
#define NOT_A_PACKAGE ".md5sums"  /* beside those in status.d */

enum { COPY_BYTES = 64 * 1024 };

static const struct watched {
    const char *path;
    enum layer_file_kind kind;
    bool is_folder; /* the files in it */
    uint64_t max_bytes;
} watched[] = {
    { "etc/os-release", LAYER_OS_RELEASE, false, 64 * KIB },
    { "usr/lib/os-release", LAYER_OS_RELEASE, false, 64 * KIB },
    { "var/lib/dpkg/status", LAYER_DPKG, false, LIMIT_PACKAGES_TEXT_BYTES },
    { "var/lib/dpkg/status.d", LAYER_DPKG, true, LIMIT_PACKAGES_TEXT_BYTES },
    { "lib/apk/db/installed", LAYER_APK, false, LIMIT_PACKAGES_TEXT_BYTES },
    { "usr/lib/apk/db/installed", LAYER_APK, false, LIMIT_PACKAGES_TEXT_BYTES },
    { "var/lib/rpm/rpmdb.sqlite", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "var/lib/rpm/rpmdb.sqlite-wal", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "var/lib/rpm/Packages.db", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "var/lib/rpm/Packages", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "usr/lib/sysimage/rpm/rpmdb.sqlite", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "usr/lib/sysimage/rpm/rpmdb.sqlite-wal", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "usr/lib/sysimage/rpm/Packages.db", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
    { "usr/lib/sysimage/rpm/Packages", LAYER_RPM, false, LIMIT_PACKAGES_DB_BYTES },
};

struct reading {
    struct layer_files *out;
    struct spool *spool;
    struct untar *tar;
    const char *what;
};

/* ---- which paths matter ---- */

static const struct watched *find_watched(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
        const struct watched *w = &watched[i];
        if (!w->is_folder && text_is(w->path, path))
            return w;
        size_t n = strlen(w->path);
        if (w->is_folder && text_starts(path, w->path) && path[n] == '/' && strchr(path + n + 1, '/') == NULL &&
            !text_ends(path, NOT_A_PACKAGE))
            return w;
    }
    return NULL;
}

/* Is something that is watched there, or below it? */
static bool is_above(const char *place)
{
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        if (layer_path_is_below(watched[i].path, place))
            return true;
    return false;
}

static bool check_room(const struct reading *r, struct err *e)
{
    return r->out->n_files + r->out->n_removed < LIMIT_LAYER_KEPT ||
           err_set(e, ERR_REGISTRY, "%s: more than %d package files", r->what, LIMIT_LAYER_KEPT);
}

/* ---- what is taken away ---- */

static bool remove_place(struct reading *r, const char *place, struct err *e)
{
    if (!is_above(place) && find_watched(place) == NULL)
        return true;
    if (!check_room(r, e))
        return false;
    MEM_PUSH(r->out->removed, r->out->n_removed, r->out->cap_removed) = mem_text(place);
    return true;
}

static bool read_whiteout(struct reading *r, const char *path, const char *base, struct err *e)
{
    size_t folder = base == path ? 0 : (size_t)(base - path) - 1;
    AUTO(mem_auto) char *parent = mem_text_n(path, folder);
    if (text_is(base, WHITEOUT_OPAQUE))
        return remove_place(r, parent, e);
    if (text_starts(base, WHITEOUT_OTHER))
        return true;
    AUTO(mem_auto) char *place = mem_format("%s%s%s", parent, folder == 0 ? "" : "/", base + strlen(WHITEOUT));
    return remove_place(r, place, e);
}

/* ---- what is there ---- */

/* What is replaced by a later entry of the same name stays in the spool, and counts. */
static bool take_room(struct reading *r, struct layer_file *f, uint64_t n, struct err *e)
{
    if (n > LIMIT_LAYER_KEPT_BYTES - r->out->bytes)
        return err_set(e, ERR_REGISTRY, "%s: its package databases have more than %llu bytes", r->what,
                       (unsigned long long)LIMIT_LAYER_KEPT_BYTES);
    r->out->bytes += n;
    f->size = n;
    return spool_reserve(r->spool, n, &f->at, e);
}

static bool copy_content(struct reading *r, const struct layer_file *f, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(COPY_BYTES);
    AUTO(source_free_auto) struct source *from = untar_content(r->tar);
    for (uint64_t done = 0; done < f->size;) {
        size_t got = 0;
        size_t want = f->size - done < COPY_BYTES ? (size_t)(f->size - done) : COPY_BYTES;
        if (!source_read(from, block, want, &got, e))
            return false;
        if (got == 0)
            return err_set(e, ERR_REGISTRY, "%s: %s ends too early", r->what, f->path);
        if (!spool_write(r->spool, f->at + done, block, got, e))
            return false;
        done += got;
    }
    return true;
}

static bool keep_file(struct reading *r, const struct watched *w, const struct untar_entry *entry, struct err *e)
{
    if (!check_room(r, e))
        return false;
    if (entry->size > w->max_bytes)
        return err_set(e, ERR_REGISTRY, "%s: %s has %llu bytes, at most %llu", r->what, SHOWN(entry->path), (unsigned long long)entry->size,
                       (unsigned long long)w->max_bytes);
    struct layer_file f = { .kind = w->kind };
    if (entry->kind == UNTAR_FILE && !take_room(r, &f, entry->size, e))
        return false;
    f.path = mem_text(entry->path);
    f.is_unreadable = entry->kind != UNTAR_FILE;
    f.link = mem_text(entry->kind == UNTAR_LINK ? entry->target : NULL);
    MEM_PUSH(r->out->files, r->out->n_files, r->out->cap_files) = f;
    return entry->kind != UNTAR_FILE || copy_content(r, &f, e);
}

static bool read_entry(struct reading *r, const struct untar_entry *entry, struct err *e)
{
    const char *slash = strrchr(entry->path, '/');
    const char *base = slash == NULL ? entry->path : slash + 1;
    const struct watched *w = find_watched(entry->path);
    if (entry->path[0] == '\0')
        return true;
    if (text_starts(base, WHITEOUT))
        return read_whiteout(r, entry->path, base, e);
    if (entry->is_folder && w == NULL)
        return true;
    if (w != NULL || is_above(entry->path))
        layer_files_drop(r->out, entry->path); /* nothing that was there or below it is seen any more */
    return w != NULL && !entry->is_folder ? keep_file(r, w, entry, e) : remove_place(r, entry->path, e);
}

/* ---- links ---- */

static struct layer_file *find_file(struct layer_files *out, const char *path)
{
    for (size_t i = 0; i < out->n_files && path != NULL; i++)
        if (text_is(out->files[i].path, path))
            return &out->files[i];
    return NULL;
}

/* Of one kept file to another; a chain of links is not followed. Where /etc/os-release leads elsewhere, nothing is lost but a name. */
static void follow_links(struct layer_files *out)
{
    for (size_t i = 0; i < out->n_files; i++) {
        struct layer_file *f = &out->files[i];
        const struct layer_file *target = f->is_unreadable ? find_file(out, f->link) : NULL;
        mem_free(TAKE(f->link));
        if (target == NULL || target->is_unreadable)
            continue;
        f->is_unreadable = false;
        f->at = target->at;
        f->size = target->size;
    }
}

bool layer_read(struct layer_files *out, struct spool *s, struct source *tar, const char *what, struct err *e)
{
    struct untar_entry entry;
    AUTO(untar_close_auto) struct untar *u = untar_open_layer(tar, what, e);
    struct reading r = { out, s, u, what };
    if (u == NULL)
        return false;
    while (untar_next(u, &entry, e))
        if (!read_entry(&r, &entry, e))
            return false;
    follow_links(out);
    return e->code == ERR_NONE;
}
