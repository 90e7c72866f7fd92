/* state.json. */
#include "loader/state.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "format/jwrite.h"
#include "format/version.h"
#include "sys/file.h"

#include "base/banned.h"

#define TIME_MAX (UINT64_C(1) << 40)

/* Versions become names of directories. */
static void read_version(struct jnode o, const char *key, char *out, size_t size)
{
    struct version parsed;
    struct err bad = { 0 };
    jread_str(o, key, out, size);
    if (!version_parse(&parsed, out, key, &bad))
        jread_fail(o, key, "%s", bad.msg);
}

static void read_release(struct state_release *r, struct jnode root, const char *key)
{
    struct jnode list;
    uint64_t at = 0;
    r->is_set = jread_has(root, key);
    if (!r->is_set)
        return;
    struct jnode o = jread_object(root, key);
    read_version(o, "version", r->version, sizeof r->version);
    jread_digest_hex(o, "release_sha256", &r->release);
    jread_digest_hex(o, "manifest_sha256", &r->manifest);
    jread_u64(o, "installed_at", TIME_MAX, &at);
    r->installed_at = (int64_t)at;
    r->n_signers = jread_array(o, "signers", STATE_SIGNERS, &list);
    for (size_t i = 0; i < r->n_signers; i++) {
        AUTO(mem_auto) char *id = jread_item_text(list, i, sizeof r->signers[i] - 1);
        if (!text_copy(r->signers[i], sizeof r->signers[i], id))
            jread_fail(o, "signers", "too long");
    }
    jread_end(o, JREAD_NO_EXTRA);
}

bool state_parse(struct state *s, const char *text, size_t n, const char *what, struct err *e)
{
    *s = (struct state){ 0 };
    uint64_t one = 0;
    uint64_t floor = 0;
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_STRICT, e);
    if (doc == NULL)
        return false;
    struct jnode root = jread_root(doc);
    jread_u64(root, "archon_state", 1, &one);
    if (one != 1)
        jread_fail(root, "archon_state", "expected 1");
    jread_str(root, "stream", s->stream, sizeof s->stream);
    jread_str(root, "project", s->project, sizeof s->project);
    read_release(&s->installed, root, "installed");
    read_release(&s->previous, root, "previous");
    read_version(root, "highest", s->highest, sizeof s->highest);
    jread_digest_hex(root, "highest_release_sha256", &s->highest_release);
    jread_u64(root, "clock_floor", TIME_MAX, &floor);
    s->clock_floor = (int64_t)floor;
    s->is_set = true;
    jread_end(root, JREAD_NO_EXTRA);
    return jread_done(doc, e);
}

bool state_read(struct state *s, const char *path, struct err *e)
{
    bool exists = false;
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    *s = (struct state){ 0 };
    if (!file_exists(path, &exists, e))
        return false;
    if (!exists)
        return true;
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_CONFIG_FILE_BYTES, &text, e) || !state_parse(s, buf_text(&text), text.len, path, e)) {
        err_hint(e, "this file is written by archon-load only: restore it from a backup");
        return err_as(e, ERR_CONFIG);
    }
    return true;
}

static bool release_is_same(const struct state_release *a, const struct state_release *b)
{
    return a->is_set == b->is_set && (!a->is_set || (digest_equal(&a->release, &b->release) && digest_equal(&a->manifest, &b->manifest)));
}

bool state_is_same(const struct state *a, const struct state *b)
{
    return a->is_set == b->is_set && text_is(a->highest, b->highest) && release_is_same(&a->installed, &b->installed) &&
           release_is_same(&a->previous, &b->previous);
}

static void write_release(struct jwrite *w, const char *key, const struct state_release *r)
{
    if (!r->is_set)
        return;
    jwrite_object(w, key);
    jwrite_str(w, "version", r->version);
    jwrite_digest_hex(w, "release_sha256", &r->release);
    jwrite_digest_hex(w, "manifest_sha256", &r->manifest);
    jwrite_u64(w, "installed_at", (uint64_t)r->installed_at);
    jwrite_array(w, "signers");
    for (size_t i = 0; i < r->n_signers; i++)
        jwrite_str(w, NULL, r->signers[i]);
    jwrite_end(w);
    jwrite_end(w);
}

bool state_write(const struct state *s, const char *path, struct err *e)
{
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_PRETTY, LIMIT_CONFIG_FILE_BYTES);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    jwrite_object(w, NULL);
    jwrite_u64(w, "archon_state", 1);
    jwrite_str(w, "stream", s->stream);
    jwrite_str(w, "project", s->project);
    write_release(w, "installed", &s->installed);
    write_release(w, "previous", &s->previous);
    jwrite_str(w, "highest", s->highest);
    jwrite_digest_hex(w, "highest_release_sha256", &s->highest_release);
    jwrite_u64(w, "clock_floor", (uint64_t)s->clock_floor);
    jwrite_end(w);
    return jwrite_done(w, &text, path, e) && file_publish(path, text.data, text.len, 0600, e);
}
