/* extract: which members, are their places free, then one after the other. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "show/listing.h"
#include "show/members.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define EXTRACT_CACHE_BYTES (8 * MIB)

struct extract {
    struct cli_context *ctx;
    const struct index *index;
    struct chunk_cache *cache;
    const char *dir;
    struct listing all;
    const struct listing_member **chosen;
    size_t n_chosen;
    struct progress_fact fact;
};

/* The member itself, or everything in the folder of that name. */
static bool is_below(const char *member, const char *name)
{
    size_t n = strlen(name);
    while (n > 0 && name[n - 1] == '/')
        n--;
    return n > 0 && strncmp(member, name, n) == 0 && (member[n] == '\0' || member[n] == '/');
}

static bool is_chosen(const char *member, const struct cli_list *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (is_below(member, names->items[i]))
            return true;
    return names->n == 0;
}

/* Every name that was given must stand for something. */
static bool check_names(const struct extract *x, const struct cli_list *names, struct err *e)
{
    for (size_t i = 0; i < names->n; i++) {
        bool is_found = false;
        for (size_t k = 0; k < x->all.n && !is_found; k++)
            is_found = is_below(x->all.items[k].name, names->items[i]);
        if (!is_found && listing_find(&x->all, names->items[i], e) == NULL)
            return false;
    }
    return true;
}

static void choose(struct extract *x, const struct cli_list *names)
{
    x->chosen = mem_new_array(x->all.n, sizeof *x->chosen);
    for (size_t i = 0; i < x->all.n; i++) {
        if (!is_chosen(x->all.items[i].name, names))
            continue;
        x->chosen[x->n_chosen++] = &x->all.items[i];
        x->fact.total += x->all.items[i].size;
    }
}

static bool check_room(const struct extract *x, struct err *e)
{
    uint64_t room = 0;
    if (!path_is_directory(x->dir))
        return err_set(e, ERR_IO, "%s: is not an existing directory", SHOWN(x->dir)) || err_hint(e, "make it first (mkdir)");
    for (size_t i = 0; i < x->n_chosen; i++) {
        AUTO(mem_auto) char *path = path_join(x->dir, x->chosen[i]->name);
        bool exists = false;
        if (!file_exists(path, &exists, e))
            return false;
        if (exists)
            return err_set(e, ERR_IO, "%s: exists already", SHOWN(path)) || err_hint(e, "extract into an empty directory");
    }
    if (!file_free_bytes(x->dir, &room, e))
        return false;
    return room >= x->fact.total || err_set(e, ERR_SPACE, "%s: %llu bytes are needed, %llu are free", SHOWN(x->dir),
                                            (unsigned long long)x->fact.total, (unsigned long long)room);
}

struct writing {
    struct extract *x;
    int fd;
    const char *name;
};

static bool write_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct writing *w = ctx;
    if (!fd_write_all(w->fd, bytes, n, w->name, e))
        return false;
    w->x->fact.done += n;
    return progress_tell(&w->x->ctx->progress, &w->x->fact) || err_set(e, ERR_INTERRUPTED, "extracting was stopped");
}

/* Appears whole or not at all, like every file. */
static bool write_member(struct extract *x, const struct listing_member *m, struct err *e)
{
    struct safe_path name;
    if (!safe_path_parse(&name, m->name, "bundle", e))
        return false;
    AUTO(publish_drop_auto) struct publish *p = path_publish_beneath(x->dir, &name, m->is_executable ? 0755 : 0644, e);
    if (p == NULL)
        return false;
    struct writing w = { x, publish_fd(p), m->name };
    return listing_send(m, x->index, x->cache, sink_call(write_bytes, &w), e) && publish_commit(p, PUBLISH_NEW, e);
}

static bool write_all(struct extract *x, struct err *e)
{
    for (size_t i = 0; i < x->n_chosen; i++)
        if (!write_member(x, x->chosen[i], e))
            return err_in(e, "extract");
    return true;
}

static bool report(const struct extract *x, struct err *e)
{
    if (!cli_wants_json(x->ctx)) {
        char size[24];
        log_info("%zu member%s, %s, below %s", x->n_chosen, text_s(x->n_chosen), text_bytes(size, x->fact.done), SHOWN(x->dir));
        return true;
    }
    struct jwrite *w = cli_json_open(x->ctx);
    jwrite_str(w, "directory", x->dir);
    jwrite_array(w, "members");
    for (size_t i = 0; i < x->n_chosen; i++)
        jwrite_str(w, NULL, x->chosen[i]->name);
    jwrite_end(w);
    jwrite_u64(w, "size", x->fact.done);
    return cli_json_close(x->ctx, w, e);
}

bool show_extract(struct cli_context *ctx, const struct index *index, const char *dir, const struct cli_list *members, struct err *e)
{
    AUTO(chunk_cache_free_auto) struct chunk_cache *cache = chunk_cache_new(index, EXTRACT_CACHE_BYTES);
    struct extract x = { .ctx = ctx, .index = index, .cache = cache, .dir = dir, .fact = { .phase = "extract" } };
    listing_make(&x.all, index);
    choose(&x, members);
    bool ok = check_names(&x, members, e) && check_room(&x, e) && write_all(&x, e) && report(&x, e);
    mem_free(x.chosen);
    listing_clear(&x.all);
    return ok;
}
