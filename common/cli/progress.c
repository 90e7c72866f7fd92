/* Progress on a terminal, in a log, and for programs. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/progress_items.h"
#include "cli/screen.h"
#include "sys/clock.h"
#include "sys/start.h"
#include "sys/term.h"
#include "sys/work.h"

#include "base/banned.h"

enum {
    REDRAW_MS = 100, /* ten times a second */
    WINDOW_MS = 5000, /* the rate is that of the last seconds, not of the whole run */
    LABEL_BYTES = 200,
    BAR_BYTES = 1000,
    BLOCK_BYTES = (PROGRESS_ITEMS + 1) * BAR_BYTES,
    ROWS_LEFT = 3, /* of the terminal, for the story above */
    AT_ONCE_BYTES = 1024 * 1024, /* an item that begins with more goes on where an earlier run stopped: that is no speed */
    MAX_CELLS = 30,
};

struct cli_progress {
    struct cli_context *ctx;
    enum progress_look look;
    struct work_mutex *mutex;
    char phase[64];
    uint64_t phase_started_ms;
    uint64_t drawn_ms;
    uint64_t window_ms;   /* when the window of the rate began */
    uint64_t window_done; /* bytes then */
    double rate;
    uint64_t phase_done, phase_total;
    bool has_total; /* the phase itself reports bytes, so items do not move the bar */
    uint64_t told_ms; /* JSON: when the phase was told last */
    struct progress_items items;
};

struct cli_progress *progress_new(struct cli_context *ctx, enum progress_look look)
{
    struct cli_progress *p = mem_new(sizeof *p);
    p->ctx = ctx;
    p->look = look;
    p->mutex = work_mutex_new();
    return p;
}

void progress_free(struct cli_progress *p)
{
    if (p == NULL)
        return;
    work_mutex_free(p->mutex);
    mem_free(p);
}

/* ---- text ---- */

static void add_cells(struct buf *out, uint64_t done, uint64_t total, unsigned cells)
{
    unsigned full = (unsigned)((double)done / (double)total * cells);
    buf_addc(out, '[');
    for (unsigned i = 0; i < cells; i++)
        buf_addc(out, i < full ? '#' : ' ');
    buf_addf(out, "] %3u%%", (unsigned)((double)done / (double)total * 100));
}

static void add_numbers(struct buf *out, uint64_t done, uint64_t total, double rate)
{
    char a[24];
    char b[24];
    buf_addf(out, "  %s", text_bytes(a, done));
    if (total > 0)
        buf_addf(out, " of %s", text_bytes(b, total));
    if (rate < 1)
        return;
    buf_addf(out, "  %s/s", text_bytes(a, (uint64_t)rate));
    if (total > done)
        buf_addf(out, "  %s left", text_seconds(b, (double)(total - done) / rate));
}

/* First n bytes, without cutting a character of several bytes in two. */
static size_t cut_at(const char *text, size_t n)
{
    if (strlen(text) <= n)
        return strlen(text);
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

void progress_bar_text(char *out, size_t size, const char *label, uint64_t done, uint64_t total, double rate, unsigned columns)
{
    AUTO(buf_clear_auto) struct buf numbers = BUF_LIMIT(BAR_BYTES);
    if (done > total && total > 0)
        done = total;
    unsigned cells = columns > 100 ? MAX_CELLS : columns / 8;
    if (total > 0)
        add_cells(&numbers, done, total, cells);
    add_numbers(&numbers, done, total, rate);
    /* A line that reaches the last column would wrap, and could not be taken away again. */
    size_t room = columns > numbers.len + 3 ? columns - numbers.len - 3 : 0;
    snprintf(out, size, "%.*s  %.*s", (int)cut_at(label, room), label, (int)columns - 3, buf_text(&numbers));
}

/* ---- state ---- */

static void begin_phase(struct cli_progress *p, const struct progress_fact *f, uint64_t now)
{
    snprintf(p->phase, sizeof p->phase, "%s", f->phase);
    p->phase_started_ms = now;
    p->window_ms = now;
    p->window_done = f->done;
    p->rate = 0;
    p->has_total = false;
    p->told_ms = 0;
    p->phase_done = p->phase_total = 0;
    p->items = (struct progress_items){ 0 };
}

static void measure(struct cli_progress *p, uint64_t done, uint64_t now)
{
    uint64_t ms = now - p->window_ms;
    if (done < p->window_done) {
        p->window_done = done; /* another item, or a download that began again */
        p->window_ms = now;
        return;
    }
    if (ms >= REDRAW_MS)
        p->rate = (double)(done - p->window_done) * 1000 / (double)ms;
    if (ms >= WINDOW_MS) {
        p->window_ms = now;
        p->window_done = done;
    }
}

/* ---- the three looks ---- */

static void add_bar(struct buf *out, const char *label, uint64_t done, uint64_t total, double rate)
{
    char bar[BAR_BYTES];
    progress_bar_text(bar, sizeof bar, label, done, total, rate, term_columns());
    buf_addf(out, "%s%s", out->len > 0 ? "\n" : "", bar);
}

/* A line for each item under way, then one for the phase. A phase that tells of no bytes has only items. */
static void show_bars(struct cli_progress *p)
{
    const struct progress_item *items[PROGRESS_ITEMS];
    unsigned rows = term_rows();
    bool is_over = p->has_total ? p->phase_done >= p->phase_total : p->phase_done == 0;
    size_t n = progress_items_list(&p->items, items), room = rows > ROWS_LEFT ? rows - ROWS_LEFT : 0;
    AUTO(buf_clear_auto) struct buf block = BUF_LIMIT(BLOCK_BYTES);
    AUTO(buf_clear_auto) struct buf label = BUF_LIMIT(LABEL_BYTES);
    if (n == 0 && is_over) { /* what comes next is another phase's work */
        screen_bar(p->ctx->screen, NULL);
        return;
    }
    for (size_t i = 0; i < n && i < room; i++)
        add_bar(&block, items[i]->name, items[i]->done, items[i]->total, p->has_total ? 0 : p->rate);
    buf_addf(&label, "%s", p->phase);
    if (p->items.n_cached > 0)
        buf_addf(&label, ", %llu cached", (unsigned long long)p->items.n_cached); /* short: 80 columns are few */
    if (p->has_total || n == 0)
        add_bar(&block, buf_text(&label), p->phase_done, p->phase_total, p->rate);
    screen_bar(p->ctx->screen, buf_text(&block));
}

static void tell_end(const struct cli_progress *p, const struct progress_fact *f, const char *item, uint64_t phase_ms)
{
    char bytes[24], time[24], here[24];
    AUTO(buf_clear_auto) struct buf cached = BUF_LIMIT(LABEL_BYTES);
    if (item[0] != '\0') {
        log_info("%s: %s: %s%s", f->phase, item, text_bytes(bytes, f->done), f->is_from_cache ? ", here already" : "");
        return;
    }
    if (p->items.n_cached > 0)
        buf_addf(&cached, ", %llu of %llu here already (%s)", (unsigned long long)p->items.n_cached, (unsigned long long)p->items.n_finished,
                 text_bytes(here, p->items.cached_bytes));
    if (f->done > 0)
        log_info("%s: done, %s in %s%s", f->phase, text_bytes(bytes, f->done), text_seconds(time, (double)phase_ms / 1000), buf_text(&cached));
    else
        log_info("%s: done", f->phase);
}

static void show_json(const struct cli_progress *p, const struct progress_fact *f, const char *item)
{
    struct err ignored = { 0 };
    AUTO(buf_clear_auto) struct buf line = BUF_LIMIT(BAR_BYTES * 8);
    AUTO(jwrite_free_auto) struct jwrite *w = jwrite_new(JWRITE_COMPACT, BAR_BYTES * 8);
    jwrite_object(w, NULL);
    jwrite_str(w, "event", "progress");
    jwrite_str(w, "phase", f->phase);
    if (item[0] != '\0')
        jwrite_str(w, "item", item);
    jwrite_u64(w, "done", f->done);
    jwrite_u64(w, "total", f->total);
    jwrite_bool(w, "finished", f->is_finished);
    jwrite_bool(w, "cached", f->is_from_cache);
    if (item[0] == '\0') {
        jwrite_u64(w, "bytes_per_second", (uint64_t)p->rate);
        jwrite_u64(w, "items_finished", p->items.n_finished);
        jwrite_u64(w, "items_cached", p->items.n_cached);
        jwrite_u64(w, "bytes_cached", p->items.cached_bytes);
    }
    jwrite_end(w);
    if (jwrite_done(w, &line, "progress", &ignored) && cli_write(p->ctx, buf_text(&line), line.len, &ignored))
        fflush(p->ctx->out);
}

static struct progress_item *take_item(struct cli_progress *p, const struct progress_fact *f, const char *item)
{
    bool is_new = false;
    struct progress_item *it = progress_items_take(&p->items, item, f, &is_new);
    if (p->has_total && is_new && (f->is_from_cache || f->done > AT_ONCE_BYTES))
        p->window_done += f->done; /* bytes that did not come now */
    return it;
}

/* What one fact changes. Lines for the log are written by the caller, without the lock. */
static void take_fact(struct cli_progress *p, const struct progress_fact *f, const char *item, uint64_t now)
{
    if (!text_is(p->phase, f->phase))
        begin_phase(p, f, now);
    bool is_phase = item[0] == '\0';
    p->has_total = p->has_total || (is_phase && f->total > 0);
    struct progress_item *it = is_phase ? NULL : take_item(p, f, item);
    if (is_phase || !p->has_total)
        measure(p, f->done, now);
    if (is_phase) {
        p->phase_done = f->done;
        p->phase_total = f->total;
    }
    uint64_t *told_ms = is_phase ? &p->told_ms : it != NULL ? &it->told_ms : &p->drawn_ms;
    if (p->look == PROGRESS_JSON && (f->is_finished || now - *told_ms >= REDRAW_MS)) {
        show_json(p, f, item);
        *told_ms = now;
    } else if (p->look == PROGRESS_BAR && (f->is_finished || now - p->drawn_ms >= REDRAW_MS) && !(is_phase && f->is_finished)) {
        show_bars(p);
        p->drawn_ms = now;
    }
}

bool progress_show(void *ctx, const struct progress_fact *f)
{
    struct cli_progress *p = ctx;
    const char *item = f->item == NULL ? "" : SHOWN(f->item);
    bool is_phase_end = f->is_finished && item[0] == '\0';
    if (p->look == PROGRESS_NONE)
        return !start_stop_requested();
    uint64_t now = clock_monotonic_ms();
    work_mutex_lock(p->mutex);
    take_fact(p, f, item, now);
    uint64_t phase_ms = now - p->phase_started_ms;
    work_mutex_unlock(p->mutex);
    if (p->look == PROGRESS_BAR && is_phase_end)
        screen_bar(p->ctx->screen, NULL);
    if ((p->look == PROGRESS_LINES && f->is_finished) || (p->look == PROGRESS_BAR && is_phase_end))
        tell_end(p, f, item, phase_ms);
    return !start_stop_requested();
}
