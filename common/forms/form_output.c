/* The list says what; here it is written. */
#include "forms/form_output.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/path.h"
#include "sys/publish_dir.h"

#include "base/banned.h"

enum { TAR_BLOCK = 512, TAR_END = 1024 };
static const char phase[] = "export";

/* ---- may it be there? ---- */

static bool check_largest(const char *dir, uint64_t bytes, struct err *e)
{
    char a[24];
    char b[24];
    uint64_t max = 0;
    if (!file_max_bytes_in(dir, &max, e))
        return false;
    if (bytes <= max)
        return true;
    err_set(e, ERR_SPACE, "%s: a file of %s is to be written, and one there can have %s at most", SHOWN(dir), text_bytes(a, bytes),
            text_bytes(b, max));
    return err_hint(e, "name another place, on a file system for larger files, such as exFAT: -o PATH");
}

bool form_output_check(const char *path, uint64_t bytes, uint64_t largest, struct err *e)
{
    bool exists = false;
    uint64_t room = 0;
    char need[24];
    char have[24];
    AUTO(mem_auto) char *trimmed = path_trim(path);
    AUTO(mem_auto) char *dir = path_dir(trimmed);
    if (text_is(path, "-")) {
        err_set(e, ERR_USAGE, "the output is a file or directory, not a pipe");
        return err_hint(e, "name one: -o PATH");
    }
    if (!file_exists(trimmed, &exists, e))
        return false;
    if (exists)
        return err_set(e, ERR_IO, "%s: exists already", SHOWN(path)) || err_hint(e, "name another place, or remove it first");
    if (!file_exists(dir, &exists, e))
        return false;
    if (!exists)
        return err_set(e, ERR_IO, "%s: there is no such directory", SHOWN(dir)) || err_hint(e, "make it first");
    if (!check_largest(dir, largest, e) || !file_free_bytes(dir, &room, e))
        return false;
    return room >= bytes ||
           err_set(e, ERR_SPACE, "%s: %s are needed, %s are free", SHOWN(dir), text_bytes(need, bytes), text_bytes(have, room));
}

static uint64_t content_bytes(const struct archive_list *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->n; i++)
        sum += list->parts[i].size;
    return sum;
}

static uint64_t largest_bytes(const struct archive_list *list)
{
    uint64_t max = 0;
    for (size_t i = 0; i < list->n; i++)
        max = list->parts[i].size > max ? list->parts[i].size : max;
    return max;
}

/* With a header for each part and a second one for a part whose size is too large for the first. */
static uint64_t archive_bytes(const struct archive_list *list)
{
    uint64_t sum = TAR_END;
    for (size_t i = 0; i < list->n; i++)
        sum += TAR_BLOCK + (list->parts[i].size > LIMIT_MEMBER_BYTES ? 2u * TAR_BLOCK : 0u) +
               (list->parts[i].size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return sum;
}

/* ---- writing ---- */

struct told {
    const struct progress *progress;
    struct progress_fact fact;
    struct sink *to;
};

static bool write_and_tell(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct told *t = ctx;
    t->fact.done += n;
    return sink_write(t->to, bytes, n, e) && (progress_tell(t->progress, &t->fact) || err_set(e, ERR_INTERRUPTED, "export was stopped"));
}

static bool tell_end(struct told *t, struct err *e)
{
    t->fact.is_finished = true;
    return progress_tell(t->progress, &t->fact) || err_set(e, ERR_INTERRUPTED, "export was stopped");
}

/* Everything of a source into a descriptor. */
static bool pour(struct source *from, int fd, const char *what, struct told *t, struct err *e)
{
    AUTO(sink_drop_auto) struct sink *file = sink_fd(fd, what);
    AUTO(sink_drop_auto) struct sink *counted = sink_call(write_and_tell, t);
    t->to = file;
    return pump(from, counted, e) && sink_finish(counted, e) && sink_finish(file, e);
}

/* As long as was promised: an archive's writer looks at that itself. */
static bool check_length(const struct archive_part *part, uint64_t found, struct err *e)
{
    return found == part->size || err_set(e, ERR_INTEGRITY, "%s: %llu bytes, expected %llu", part->path, (unsigned long long)found,
                                          (unsigned long long)part->size);
}

bool form_output_archive(const struct archive_list *list, const char *path, const struct progress *progress, uint64_t *bytes, struct err *e)
{
    struct told t = { .progress = progress, .fact = { .phase = phase, .total = archive_bytes(list) } };
    if (!form_output_check(path, t.fact.total, t.fact.total, e))
        return false;
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0644, e);
    AUTO(source_free_auto) struct source *from = p == NULL ? NULL : archive_source(list, NULL);
    if (from == NULL || !pour(from, publish_fd(p), path, &t, e) || !publish_commit(p, PUBLISH_NEW, e))
        return false;
    *bytes = t.fact.done;
    return tell_end(&t, e);
}

static bool write_part(const struct archive_part *part, const char *dir, struct told *t, struct err *e)
{
    struct safe_path name;
    uint64_t before = t->fact.done;
    if (!safe_path_parse(&name, part->path, "export", e))
        return false;
    AUTO(publish_drop_auto) struct publish *p = path_publish_beneath(dir, &name, 0644, e);
    if (p == NULL)
        return false;
    AUTO(source_free_auto)
    struct source *from = part->text != NULL ? source_memory(part->text, (size_t)part->size) : part->open(part->ctx, e);
    return from != NULL && pour(from, publish_fd(p), part->path, t, e) && check_length(part, t->fact.done - before, e) &&
           publish_commit(p, PUBLISH_NEW, e);
}

bool form_output_directory(const struct archive_list *list, const char *path, const struct progress *progress, uint64_t *bytes,
                           struct err *e)
{
    struct told t = { .progress = progress, .fact = { .phase = phase, .total = content_bytes(list) } };
    if (!form_output_check(path, t.fact.total, largest_bytes(list), e))
        return false;
    AUTO(publish_dir_drop_auto) struct publish_dir *p = publish_dir_open(path, e);
    if (p == NULL)
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (!write_part(&list->parts[i], publish_dir_path(p), &t, e))
            return false;
    if (!publish_dir_commit(p, e))
        return false;
    *bytes = t.fact.done;
    return tell_end(&t, e);
}

bool form_output_file(const char *path, form_output_fn write, void *ctx, struct err *e)
{
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0644, e);
    if (p == NULL)
        return false;
    AUTO(sink_drop_auto) struct sink *to = sink_fd(publish_fd(p), path);
    return write(ctx, to, e) && publish_commit(p, PUBLISH_NEW, e);
}
