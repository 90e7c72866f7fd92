/* The lock file of a run: where it lies, what it holds before, what it holds after. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundler/create.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

/* "shop/bundle.yaml" has "shop/bundle.lock" beside it. */
static char *beside(const char *file)
{
    const char *base = path_base(file);
    const char *dot = strrchr(base, '.');
    size_t n = dot == NULL || dot == base ? strlen(file) : (size_t)(dot - file);
    return mem_format("%.*s.lock", (int)n, file);
}

/* Null: there is no file beside which it could lie. */
static char *choose_path(const struct create *c)
{
    const struct create_options *o = c->o;
    if (o->lock.file != NULL)
        return mem_text(o->lock.file);
    switch (c->input.kind) {
    case INPUT_DEFINITION:
        return beside(o->input.file == NULL ? "bundle.yaml" : o->input.file);
    case INPUT_COMPOSE:
        return beside(o->input.compose.items[0]);
    case INPUT_IMAGES:
    case INPUT_EMBEDDED:
        break;
    }
    return NULL;
}

static bool refuse_missing(const struct create *c, struct err *e)
{
    if (c->lock_path == NULL) {
        err_set(e, ERR_USAGE, "--locked: images alone and the built-in application have no lock file of their own");
        return err_hint(e, "name one: --lock FILE, here and for the create that writes it");
    }
    err_set(e, ERR_CONFIG, "%s: does not exist", SHOWN(c->lock_path));
    return err_hint(e, "create without --locked writes it");
}

static bool read_file(struct create *c, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    if (!file_read(c->lock_path, FILE_PLAIN, LIMIT_CONFIG_FILE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    return lock_parse(&c->lock, buf_text(&text), text.len, c->lock_path, e);
}

/* Found out before the work, where the author asked for the file. */
static bool check_folder(const struct create *c, struct err *e)
{
    if (c->o->lock.file == NULL || c->o->lock.is_locked)
        return true;
    AUTO(mem_auto) char *dir = path_dir(c->lock_path);
    return access(dir, W_OK) == 0 || file_fail(e, errno, "write into", dir);
}

bool create_read_lock(struct create *c, struct err *e)
{
    c->lock_path = choose_path(c);
    if (c->lock_path != NULL && (!check_folder(c, e) || !file_exists(c->lock_path, &c->has_lock, e)))
        return false;
    if (c->has_lock && !read_file(c, e))
        return false;
    if (!c->o->lock.is_locked)
        return true;
    return c->has_lock ? lock_covers(&c->lock, c->app, c->lock_path, e) : refuse_missing(c, e);
}

/* Nobody asked for the file beside the definition, so that it cannot be written does not undo the bundle. */
static bool publish(const struct create *c, const struct buf *text, struct err *e)
{
    struct err trouble = { 0 };
    if (file_publish(c->lock_path, buf_text(text), text->len, 0644, &trouble)) {
        if (!c->has_lock)
            log_info("%s: which exact images were packed; create --locked packs the same again", SHOWN(c->lock_path));
        return true;
    }
    if (c->o->lock.file == NULL) {
        log_warn("%s; the lock file was not written", trouble.msg);
        return true;
    }
    *e = trouble;
    return err_hint(e, "the bundle itself is complete: %s", c->path);
}

bool create_write_lock(struct create *c, struct err *e)
{
    AUTO(lock_clear_auto) struct lock now = { 0 };
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(buf_clear_auto) struct buf before = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    struct err ignored = { 0 };
    if (c->lock_path == NULL || c->o->lock.is_locked)
        return true;
    lock_of(&now, c->app, c->images);
    if (!lock_write(&now, &text, e))
        return false;
    if (c->has_lock)
        lock_tell_changes(&c->lock, &now);
    if (c->has_lock && lock_write(&c->lock, &before, &ignored) && text_is(buf_text(&before), buf_text(&text)))
        return true; /* a comment that somebody added stays */
    return publish(c, &text, e);
}
