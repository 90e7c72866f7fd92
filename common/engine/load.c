/* Loading one image: send what is missing, read back, name. */
#include "engine/load.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "engine/api.h"
#include "engine/load_answer.h"
#include "engine/load_parts.h"

#include "base/banned.h"

struct loading {
    struct engine *g;
    const struct load_image *image;
    const struct load_turn *turn; /* or null: the only one */
    const struct progress *progress;
    struct digest id;
    char name[sizeof(struct ref_text)];
    bool is_complaint; /* the engine refused what it got, or shows something else: with every layer in the archive it may go well */
};

/* --- what it must look like --------------------------------------------------------------------------------------- */

bool load_image_id(struct engine *g, const struct load_image *i, struct digest *id, struct err *e)
{
    AUTO(buf_clear_auto) struct buf manifest = BUF_LIMIT(LIMIT_OCI_MANIFEST_BYTES);
    *id = i->config_digest;
    if (engine_facts(g)->store != ENGINE_STORE_CONTAINERD)
        return true;
    if (!load_make_manifest(i, &manifest, e))
        return false;
    sha256_of(id, manifest.data, manifest.len);
    return true;
}

static bool same_layers(const struct load_image *i, const struct engine_image *found)
{
    if (found->n_diff_ids != i->n_layers)
        return false;
    for (size_t n = 0; n < i->n_layers; n++)
        if (!digest_equal(&found->diff_ids[n], &i->layers[n].diff_id))
            return false;
    return true;
}

/* Not the variant: what an index says of it need not be in the config, which is all that an engine knows. */
static bool same_platform(const struct platform *a, const struct platform *b)
{
    return text_is(a->os, b->os) && text_is(a->architecture, b->architecture);
}

static bool is_same(const struct load_image *i, const struct engine_image *found, const struct digest *id)
{
    return found->is_found && digest_equal(&found->id, id) && same_layers(i, found) && same_platform(&found->platform, &i->platform);
}

bool load_find(struct engine *g, const struct load_image *i, const char *by, const struct digest *id, bool *yes, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    if (!image_inspect(g, by, &found, e))
        return false;
    *yes = is_same(i, &found, id);
    return !*yes || image_has_content(g, id, IMAGE_AS_SEEN, yes, e);
}

bool load_image_is_there(struct engine *g, const struct load_image *i, bool *yes, struct err *e)
{
    struct ref_text name;
    struct digest id;
    return load_image_id(g, i, &id, e) && load_find(g, i, ref_format_tag(&name, &i->name), &id, yes, e);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* The archive on its way: tells how far it is, and ends where the engine has already said no. */
struct told {
    struct source source;
    struct source *from;
    const struct loading *loading;
    const struct load_answer *answer;
    uint64_t sent, total;
};

static bool tell(const struct loading *l, const char *phase, uint64_t done, uint64_t total, bool is_finished, struct err *e)
{
    struct progress_fact fact = { .phase = phase, .item = l->name, .done = done, .total = total, .is_finished = is_finished };
    return progress_tell(l->progress, &fact) || err_set(e, ERR_INTERRUPTED, "loading was stopped");
}

static bool told_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct told *t = (struct told *)s;
    if (load_answer_message(t->answer) != NULL)
        return err_set(e, ERR_NET, "the engine complained");
    if (!tell(t->loading, "load", t->sent, t->total, false, e) || !source_read(t->from, to, n, got, e))
        return false;
    return *got > 0 || tell(t->loading, "unpack", 0, 0, false, e);
}

/* Unpacking takes as long as the disk needs, and containerd's store says nothing meanwhile. */
static unsigned silence_ms(const struct engine *g, uint64_t bytes)
{
    uint64_t ms = 0;
    bool fits = num_mul(&ms, bytes / MIB + 1, (uint64_t)1000) && num_add(&ms, ms, (uint64_t)g->times.silence_ms) && ms <= INT_MAX;
    return fits ? (unsigned)ms : INT_MAX;
}

static bool complains(struct loading *l, const struct load_answer *answer, struct err *e)
{
    enum err_code code = load_answer_code(answer);
    l->is_complaint = code == ERR_ENGINE;
    *e = (struct err){ 0 };
    err_set(e, code, "engine: %s", API_SHOWN(load_answer_message(answer)));
    return code == ERR_SPACE ? err_hint(e, "make room below %s", SHOWN(l->g->facts.root_dir)) : false;
}

/* e: how the transfer ended. What the engine said explains more than a connection that it closed. */
static bool judge(struct loading *l, const struct http_response *rs, const struct load_answer *answer, bool sent_all, struct err *e)
{
    bool is_cut = e->code == ERR_NET;
    if (e->code != ERR_NONE && !is_cut)
        return false; /* a layer, a signal, or an answer that nobody can read */
    if (load_answer_message(answer) != NULL)
        return complains(l, answer, e);
    if (rs->status >= 300 || (!is_cut && rs->status != 200)) {
        l->is_complaint = true;
        *e = (struct err){ 0 };
        return api_refused("load", rs->status, &rs->text, e);
    }
    if (is_cut)
        return err_as(e, ERR_ENGINE);
    return sent_all || err_set(e, ERR_ENGINE, "the engine answered before the archive was complete");
}

static bool post(struct loading *l, struct source *body, uint64_t bytes, struct load_answer *answer, struct err *e)
{
    static const struct http_header headers[] = { { "Content-Type", "application/x-tar" } };
    AUTO(buf_clear_auto) struct buf url = BUF_LIMIT(LIMIT_URL_BYTES);
    AUTO(http_response_clear_auto) struct http_response rs = { 0 };
    AUTO(sink_drop_auto) struct sink *lines = load_answer_sink(answer);
    struct err transfer = { 0 };
    bool sent_all = true;
    api_url(l->g, &url, "/images/load?quiet=0");
    struct http_request rq = { .method = "POST", .url = buf_text(&url), .headers = headers, .n_headers = 1, .body = body,
                               .body_bytes = HTTP_CHUNKED, .out = lines, .max_body = UINT64_MAX, .silence_ms = silence_ms(l->g, bytes),
                               .on_head = api_check_head };
    bool ok = http_run(l->g->http, &rq, &rs, &sent_all, &transfer) && sink_finish(lines, &transfer);
    ok = judge(l, &rs, answer, sent_all, &transfer) && ok;
    if (!ok)
        *e = transfer;
    return ok;
}

static bool send_archive(struct loading *l, const bool *needed, struct err *e)
{
    static const struct source_ops told_ops = { told_read, NULL };
    AUTO(load_archive_clear_auto) struct load_archive archive = { 0 };
    if (!load_archive_make(&archive, l->g, l->image, needed, l->turn, e))
        return false;
    AUTO(load_answer_free_auto) struct load_answer *answer = load_answer_new();
    struct told told = { .source = { &told_ops }, .loading = l, .answer = answer, .total = archive.bytes };
    AUTO(source_free_auto) struct source *tar = archive_source(&archive.list, &told.sent);
    told.from = tar;
    return post(l, &told.source, archive.bytes, answer, e);
}

static bool send(struct loading *l, const bool *needed, struct err *e)
{
    if (l->turn != NULL && !l->turn->begin(l->turn->ctx, e))
        return false;
    bool ok = send_archive(l, needed, e);
    if (l->turn != NULL)
        l->turn->end(l->turn->ctx);
    return ok;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool differs(struct loading *l, const struct engine_image *found, struct err *e)
{
    struct platform_text a, b;
    l->is_complaint = true;
    return err_set(e, ERR_ENGINE, "reading back shows %s with %zu layers for %s, expected %s with %zu for %s",
                   found->is_found ? DIGEST_SHOWN(&found->id) : "no image", found->n_diff_ids, platform_format(&a, &found->platform),
                   DIGEST_SHOWN(&l->id), l->image->n_layers, platform_format(&b, &l->image->platform));
}

static bool read_back(struct loading *l, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image found = { 0 };
    const char *by = load_is_named_by_archive(l->g) ? l->name : DIGEST_SHOWN(&l->id);
    bool is_whole = false;
    if (!image_inspect(l->g, by, &found, e))
        return false;
    if (!is_same(l->image, &found, &l->id))
        return differs(l, &found, e);
    if (!image_has_content(l->g, &l->id, IMAGE_NOW, &is_whole, e))
        return false;
    l->is_complaint = !is_whole;
    return is_whole || err_set(e, ERR_ENGINE, "reading back shows %s, but not all of its content", DIGEST_SHOWN(&l->id));
}

static bool send_and_prove(struct loading *l, const bool *needed, struct err *e)
{
    l->is_complaint = false;
    return send(l, needed, e) && read_back(l, e);
}

static bool bring(struct loading *l, const bool *needed, struct err *e)
{
    struct err first = { 0 };
    AUTO(mem_auto) bool *all = mem_new_array(l->image->n_layers, sizeof *all);
    load_choose_layers(l->image, NULL, all);
    bool is_delta = memcmp(all, needed, l->image->n_layers * sizeof *all) != 0;
    if (send_and_prove(l, needed, &first))
        return true;
    if (l->is_complaint && is_delta) {
        /* Somebody may have removed a base layer between our look and the load: once more, with everything. */
        log_debug("image %s: %s; sending all of its layers", l->name, first.msg);
        return send_and_prove(l, all, e);
    }
    *e = first;
    return false;
}

static bool start(struct loading *l, bool *is_there, struct err *e)
{
    struct digest config;
    sha256_of(&config, l->image->config, l->image->config_bytes);
    if (!digest_equal(&config, &l->image->config_digest))
        return err_set(e, ERR_INTEGRITY, "config is %s, expected %s", DIGEST_SHOWN(&config), DIGEST_SHOWN(&l->image->config_digest));
    return engine_require_platform(l->g, &l->image->platform, e) && load_image_id(l->g, l->image, &l->id, e) &&
           load_find(l->g, l->image, DIGEST_SHOWN(&l->id), &l->id, is_there, e);
}

static bool commit(const struct loading *l, struct err *e)
{
    return l->turn == NULL || l->turn->commit(l->turn->ctx, e);
}

static void tell_end(const struct loading *l, const bool *needed)
{
    struct err late = { 0 };
    uint64_t bytes = 0;
    for (size_t n = 0; n < l->image->n_layers && needed != NULL; n++)
        bytes += needed[n] ? l->image->layers[n].size : 0;
    (void)!tell(l, "load", bytes, bytes, true, &late); /* a wish to stop comes too late for this image */
}

bool load_one(struct engine *g, const struct load_image *i, const bool *needed, const struct load_turn *turn, const struct progress *progress,
              struct err *e)
{
    struct loading l = { .g = g, .image = i, .turn = turn, .progress = progress };
    struct ref_text name;
    bool is_there = false;
    BUG_IF(!text_copy(l.name, sizeof l.name, ref_format_tag(&name, &i->name)));
    if (!start(&l, &is_there, e) || !(is_there ? commit(&l, e) : bring(&l, needed, e)) || (!i->is_unnamed && !image_tag(g, &l.id, &i->name, e)))
        return err_in(e, "image %s", l.name);
    if (!i->is_unnamed)
        tell_end(&l, is_there ? NULL : needed);
    return true;
}

bool load_image(struct engine *g, const struct load_image *i, struct load_known *k, const struct progress *progress, struct err *e)
{
    AUTO(mem_auto) bool *needed = mem_new_array(i->n_layers, sizeof *needed);
    load_choose_layers(i, k, needed);
    if (!load_one(g, i, needed, NULL, progress, e))
        return false;
    if (k != NULL)
        load_remember_layers(i, k);
    return true;
}
