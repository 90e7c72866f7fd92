/* The original is never touched: a new file of the same name as an existing one is refused, unless that name was given, and then it must be another file. */
#include "show/repair_output.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/layout.h"
#include "bundle/part_name.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/place.h"
#include "sys/start.h"

#include "base/banned.h"

enum { COPY_BYTES = 4 * 1024 * 1024 };

struct repair_output {
    char *path;
    char *name; /* of the bundle, without number */
    bool is_parts;
    bool may_replace;
    struct publish *publish; /* of one file */
    int spool;               /* of parts: the whole, without a name */
};

void repair_output_drop(struct repair_output *o)
{
    if (o->publish != NULL)
        publish_drop(o->publish);
    fd_auto(&o->spool);
    mem_free(o->name);
    mem_free(o->path);
    mem_free(o);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return text_ends(path, "/") || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* "shop.repaired.bundle.tar.zst" beside "shop.bundle.tar.zst". */
static char *name_beside(const char *bundle)
{
    size_t n = strlen(bundle);
    size_t suffix = text_ends(bundle, BUNDLE_SUFFIX) ? strlen(BUNDLE_SUFFIX) : 0;
    return mem_format("%.*s.repaired%s", (int)(n - suffix), bundle, bundle + n - suffix);
}

static bool check_space(const char *dir, uint64_t need, struct err *e)
{
    char a[24];
    char b[24];
    uint64_t room = 0;
    if (!file_free_bytes(dir, &room, e))
        return false;
    if (room >= need)
        return true;
    err_set(e, ERR_SPACE, "%s: %s are needed for the repaired bundle, %s are free", SHOWN(dir), text_bytes(a, need), text_bytes(b, room));
    return err_hint(e, "write it elsewhere: -o FILE");
}

int repair_output_fd(const struct repair_output *o)
{
    return o->is_parts ? o->spool : publish_fd(o->publish);
}

/* The damaged bundle, or a part of it, and its parity file are what there is to repair from. */
static bool check_other_file(const struct repair *r, const char *parity, const char *path, struct err *e)
{
    struct stat out;
    struct stat par;
    if (stat(path, &out) != 0)
        return true;
    if (remains_is_of(repair_remains(r), &out))
        return err_set(e, ERR_USAGE, "-o %s: is of the damaged bundle itself, which is left as it is", SHOWN(path));
    return stat(parity, &par) != 0 || par.st_dev != out.st_dev || par.st_ino != out.st_ino ||
           err_set(e, ERR_USAGE, "-o %s: is the parity file, which is left as it is", SHOWN(path));
}

static bool open_file(struct repair_output *o, const struct repair *r, const struct repair_place *place, struct err *e)
{
    bool exists = false;
    size_t len = 0;
    if (remains_n_parts(repair_remains(r)) > 0 && part_name_number(o->path, &len) > 0) {
        err_set(e, ERR_USAGE, "-o %s: is the name of a part, and the whole bundle would go there", SHOWN(o->path));
        return err_hint(e, "-o DIR for the damaged parts, -o FILE for the whole as one file");
    }
    if (!place_check(o->path, e) || !check_other_file(r, place->parity, o->path, e) || !file_exists(o->path, &exists, e))
        return false;
    if (exists && !o->may_replace)
        return err_set(e, ERR_IO, "%s: exists already", SHOWN(o->path)) || err_hint(e, "move it away, or replace it: -o %s", o->path);
    if (!publish_clean(o->path, e))
        return false;
    o->publish = publish_open(o->path, 0644, e);
    return o->publish != NULL || err_hint(e, "write it elsewhere: -o FILE");
}

static bool open_parts(struct repair_output *o, struct err *e)
{
    o->spool = file_temp(o->path, e);
    return o->spool >= 0;
}

/* FAT: known before the damaged bundle, which may be hard to read, has been read. */
static bool check_length(const struct repair_output *o, uint64_t total, struct err *e)
{
    char a[24];
    char b[24];
    uint64_t max = file_max_bytes(repair_output_fd(o));
    if (total <= max)
        return true;
    err_set(e, ERR_SPACE, "%s: the bundle has %s, and a file there can have %s at most", SHOWN(o->path), text_bytes(a, total),
            text_bytes(b, max));
    return err_hint(e, "write it to another file system (-o FILE), then archon-bundle split it");
}

struct repair_output *repair_output_open(const struct repair *r, const struct repair_place *place, struct err *e)
{
    AUTO(repair_output_drop_auto) struct repair_output *o = mem_new(sizeof *o);
    const char *output = place->output;
    bool has_parts = remains_n_parts(repair_remains(r)) > 0;
    o->spool = -1;
    o->name = mem_text(path_base(place->bundle));
    if (output == NULL && has_parts) {
        err_set(e, ERR_USAGE, "the bundle is in parts: where is the repaired one to go?");
        err_hint(e, "-o DIR for the damaged parts, -o FILE for the whole as one file");
        return NULL;
    }
    bool is_dir = output != NULL && is_directory(output);
    o->is_parts = has_parts && is_dir;
    o->may_replace = output != NULL && !is_dir;
    if (output == NULL)
        o->path = name_beside(place->bundle);
    else
        o->path = is_dir && !has_parts ? path_join(output, o->name) : mem_text(output);
    AUTO(mem_auto) char *dir = o->is_parts ? mem_text(o->path) : path_dir(o->path);
    uint64_t total = repair_shape(r)->total;
    if (!(o->is_parts ? open_parts(o, e) : open_file(o, r, place, e)) || !check_length(o, total, e) || !check_space(dir, total, e))
        return NULL;
    return TAKE(o);
}

const char *repair_output_path(const struct repair_output *o)
{
    return o->path;
}

bool repair_output_is_parts(const struct repair_output *o)
{
    return o->is_parts;
}

static bool copy_part(int from, int to, const char *name, const struct remains_part *part, struct err *e)
{
    AUTO(mem_auto) uint8_t *block = mem_new(COPY_BYTES);
    for (uint64_t done = 0; done < part->bytes;) {
        size_t n = part->bytes - done < COPY_BYTES ? (size_t)(part->bytes - done) : COPY_BYTES;
        if (!start_check(e) || !fd_pread_exact(from, block, n, part->at + done, name, e) || !fd_write_all(to, block, n, name, e))
            return false;
        done += n;
    }
    return true;
}

/* Damage is known by blocks, and the first and last of a part may reach into another. */
static bool differs(const struct repair_output *o, const struct remains *m, const struct remains_part *part, bool *yes, struct err *e)
{
    AUTO(mem_auto) uint8_t *new = mem_new(COPY_BYTES);
    AUTO(mem_auto) uint8_t *old = mem_new(COPY_BYTES);
    *yes = part->is_missing || part->found != part->bytes;
    for (uint64_t done = 0; !*yes && done < part->bytes;) {
        size_t n = part->bytes - done < COPY_BYTES ? (size_t)(part->bytes - done) : COPY_BYTES;
        if (!start_check(e) || !fd_pread_exact(o->spool, new, n, part->at + done, o->path, e))
            return false;
        *yes = !remains_read(m, old, n, part->at + done) || memcmp(old, new, n) != 0;
        done += n;
    }
    return true;
}

static bool write_part(const struct repair_output *o, size_t i, const struct remains_part *part, struct err *e)
{
    AUTO(mem_auto) char *name = part_name(o->name, i + 1);
    AUTO(mem_auto) char *path = path_join(o->path, name);
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0644, e);
    return p != NULL && copy_part(o->spool, publish_fd(p), path, part, e) && publish_commit(p, PUBLISH_NEW, e);
}

bool repair_output_commit(struct repair_output *o, const struct repair *r, struct err *e)
{
    const struct remains *m = repair_remains(r);
    if (!o->is_parts)
        return publish_commit(o->publish, o->may_replace ? PUBLISH_REPLACE : PUBLISH_NEW, e);
    for (size_t i = 0; i < remains_n_parts(m); i++) {
        const struct remains_part *part = remains_part(m, i);
        bool is_damaged = part->is_missing || part->found != part->bytes || repair_is_damaged(r, part->at, part->bytes);
        if (is_damaged && (!differs(o, m, part, &is_damaged, e) || (is_damaged && !write_part(o, i, part, e))))
            return false;
    }
    return true;
}
