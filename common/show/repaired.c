/* Reading, computing, judging, naming; and what was found, in words. */
#include "show/repaired.h"

#include "base/mem.h"
#include "base/text.h"
#include "bundle/file.h"
#include "show/repair_output.h"
#include "show/verified.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

enum { SHOWN_RANGES = 20 };

/* What one run finds out. */
struct result {
    const struct repair *repair;
    const char *bundle;
    bool is_needed;     /* something is damaged, missing or too much */
    const char *output; /* null: nothing was written */
    bool is_judged;
    struct verdict verdict;
};

/* --- in words ----------------------------------------------------------------------------------------------------- */

static void print_ranges(struct cli_context *ctx, const struct repair_facts *f)
{
    uint64_t n = f->n_ranges < SHOWN_RANGES ? f->n_ranges : SHOWN_RANGES;
    for (uint64_t i = 0; i < n; i++)
        cli_print(ctx, "  damaged    %llu bytes at offset %llu\n", (unsigned long long)f->ranges[i].bytes, (unsigned long long)f->ranges[i].at);
    if (f->n_ranges > n)
        cli_print(ctx, "             and %llu more places\n", (unsigned long long)(f->n_ranges - n));
}

static void print_parts(struct cli_context *ctx, const struct remains *m)
{
    for (size_t i = 0; i < remains_n_parts(m); i++) {
        const struct remains_part *p = remains_part(m, i);
        if (p->is_missing)
            cli_print(ctx, "  missing    part %zu of %zu\n", i + 1, remains_n_parts(m));
        else if (p->found != p->bytes)
            cli_print(ctx, "  part %zu     has %llu bytes, expected %llu\n", i + 1, (unsigned long long)p->found, (unsigned long long)p->bytes);
    }
    for (size_t i = 0; i < LIMIT_PARTS; i++)
        if (remains_is_too_many(m, i))
            cli_print(ctx, "  part %zu     is one too many: move it away\n", i + 1);
}

static void print_text(struct cli_context *ctx, const struct result *x)
{
    const struct repair_facts *f = repair_facts(x->repair);
    const struct parity_shape *s = repair_shape(x->repair);
    cli_print(ctx, "%s: %llu of %llu blocks of %u bytes %s damaged", SHOWN(x->bundle), (unsigned long long)f->n_damaged, (unsigned long long)f->n_blocks, s->block,
              f->n_damaged == 1 ? "is" : "are");
    if (f->n_unreadable > 0)
        cli_print(ctx, ", of which %llu could not be read", (unsigned long long)f->n_unreadable);
    cli_print(ctx, "\n");
    print_parts(ctx, repair_remains(x->repair));
    print_ranges(ctx, f);
    if (f->n_unknown > 0)
        cli_print(ctx, "  unknown    %llu blocks of which no parity is left\n", (unsigned long long)f->n_unknown);
    cli_print(ctx, "  parity     %llu of %llu blocks are damaged; where it is worst, %u of the bundle are damaged and %u of parity are left\n",
              (unsigned long long)f->n_parity_lost, (unsigned long long)f->n_parity, f->worst_lost, f->worst_parity);
    if (x->output != NULL)
        cli_print(ctx, "  repaired   %s\n", SHOWN(x->output));
    else if (!x->is_needed)
        cli_print(ctx, "  repaired   nothing: it is whole, no file was written\n");
    if (x->output != NULL && x->is_judged)
        show_signers(ctx, &x->verdict);
    else if (x->output != NULL)
        cli_print(ctx, "  not judged without a key: %s verify\n", ctx->program);
}

static bool print_json(struct cli_context *ctx, const struct result *x, const struct err *why, struct err *e)
{
    const struct repair_facts *f = repair_facts(x->repair);
    struct jwrite *w = cli_json_open_for(ctx, why);
    jwrite_str(w, "file", x->bundle);
    jwrite_u64(w, "block_size", repair_shape(x->repair)->block);
    jwrite_u64(w, "blocks", f->n_blocks);
    jwrite_u64(w, "damaged", f->n_damaged);
    jwrite_u64(w, "unreadable", f->n_unreadable);
    jwrite_u64(w, "beyond_repair", f->n_beyond);
    jwrite_u64(w, "parity_blocks", f->n_parity);
    jwrite_u64(w, "parity_damaged", f->n_parity_lost);
    jwrite_array(w, "places");
    for (uint64_t i = 0; i < f->n_ranges && i < LIMIT_REPAIR_RANGES; i++) {
        jwrite_object(w, NULL);
        jwrite_u64(w, "offset", f->ranges[i].at);
        jwrite_u64(w, "size", f->ranges[i].bytes);
        jwrite_end(w);
    }
    jwrite_end(w);
    jwrite_u64(w, "places_total", f->n_ranges);
    jwrite_array(w, "missing_parts");
    for (size_t i = 0; i < remains_n_parts(repair_remains(x->repair)); i++)
        if (remains_part(repair_remains(x->repair), i)->is_missing)
            jwrite_u64(w, NULL, i + 1);
    jwrite_end(w);
    if (x->output != NULL)
        jwrite_str(w, "output", x->output);
    jwrite_bool(w, "verified", x->output != NULL && x->is_judged);
    if (x->output != NULL && x->is_judged)
        show_signers_json(w, &x->verdict);
    return cli_json_close(ctx, w, e);
}

static bool print(struct cli_context *ctx, const struct result *x, const struct err *why, struct err *e)
{
    if (cli_wants_json(ctx))
        return print_json(ctx, x, why, e);
    print_text(ctx, x);
    return true;
}

/* --- the work ----------------------------------------------------------------------------------------------------- */

/* The new file before it has a name: what bundle_verify says to it. */
static bool judge(struct cli_context *ctx, const struct repair_order *o, int fd, struct result *x, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *keys = o->keys(o->keys_ctx, e);
    if (keys == NULL)
        return e->code == ERR_NONE;
    struct verify_how how = { .jobs = o->jobs, .progress = &ctx->progress };
    struct bundle_file *f = bundle_file_of(fd, "the repaired file", e);
    AUTO(bundle_close_auto) struct bundle *b = f == NULL ? NULL : bundle_verify(f, keys, &how, &x->verdict, e);
    x->is_judged = b != NULL;
    return b != NULL;
}

static bool is_needed(const struct repair *r)
{
    const struct remains *m = repair_remains(r);
    bool is_whole = repair_facts(r)->n_damaged == 0 && remains_found(m) == repair_shape(r)->total;
    for (size_t i = 0; i < remains_n_parts(m); i++)
        is_whole = is_whole && remains_part(m, i)->found == remains_part(m, i)->bytes;
    return !is_whole;
}

static bool repair_it(struct cli_context *ctx, const struct repair_order *o, struct repair *r, struct repair_output *out, struct result *x, struct err *e)
{
    const char *name = repair_output_path(out);
    struct parity_how how = { .jobs = o->jobs, .progress = &ctx->progress };
    if (!repair_solve(r, repair_output_fd(out), name, &how, e) || !judge(ctx, o, repair_output_fd(out), x, e) || !repair_output_commit(out, r, e))
        return false;
    x->output = name;
    return true;
}

/* Where it was named; else beside the bundle, or in one of the folders where parts lie. */
static char *find_parity(const struct repair_options *o, const char *bundle, struct err *e)
{
    bool exists = false;
    AUTO(mem_auto) char *par = o->parity != NULL ? mem_text(o->parity) : parity_path(bundle);
    if (!file_exists(par, &exists, e))
        return NULL;
    for (size_t i = 0; !exists && o->parity == NULL && i < o->parts.from.n; i++) {
        AUTO(mem_auto) char *there = path_join(o->parts.from.items[i], path_base(par));
        if (!file_exists(there, &exists, e))
            return NULL;
        if (exists)
            return TAKE(there);
    }
    if (exists)
        return TAKE(par);
    err_set(e, ERR_IO, "%s: there is no parity file", SHOWN(par));
    err_hint(e, "where it lies elsewhere: --parity-file FILE; without one, copy the bundle again");
    return NULL;
}

bool show_repair(struct cli_context *ctx, const struct repair_order *o, struct err *e)
{
    AUTO(mem_auto) char *bundle = parity_bundle_path(o->o->bundles.items[0]);
    AUTO(mem_auto) char *par = find_parity(o->o, bundle, e);
    struct parity_how how = { .jobs = o->jobs, .progress = &ctx->progress };
    if (par == NULL)
        return false;
    struct bundle_where where = { .path = bundle, .folders = o->o->parts.from.items, .n_folders = o->o->parts.from.n };
    AUTO(repair_free_auto) struct repair *r = repair_open(&where, par, e);
    struct repair_place place = { .bundle = bundle, .parity = par, .output = o->o->output };
    AUTO(repair_output_drop_auto) struct repair_output *out = r == NULL ? NULL : repair_output_open(r, &place, e);
    if (out == NULL || !repair_copy(r, repair_output_fd(out), repair_output_path(out), &how, e))
        return err_in(e, "%s", SHOWN(path_base(bundle)));
    struct result x = { .repair = r, .bundle = bundle, .is_needed = is_needed(r) };
    struct err ignored = { 0 };
    if (!x.is_needed || repair_it(ctx, o, r, out, &x, e))
        return print(ctx, &x, &(struct err){ 0 }, e);
    err_in(e, "%s", SHOWN(path_base(bundle)));
    (void)print(ctx, &x, e, &ignored);
    return false;
}

bool show_repair_hint(const struct cli_context *ctx, const char *bundle, struct err *e)
{
    bool exists = false;
    struct err ignored = { 0 };
    AUTO(mem_auto) char *par = parity_path(bundle);
    if (e->code != ERR_INTEGRITY && e->code != ERR_FORMAT && e->code != ERR_IO)
        return false;
    if (!file_exists(par, &exists, &ignored) || !exists)
        return false;
    e->hint[0] = '\0'; /* a new copy is not the nearest way out */
    return err_hint(e, "there is a parity file: %s repair %s -o NEW", ctx->program, SHOWN(bundle));
}
