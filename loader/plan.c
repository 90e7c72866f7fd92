/* The plan: the table of steps asked what is done, and the numbers that an operator wants before the first write. */
#include "loader/plan.h"

#include "base/mem.h"
#include "base/text.h"
#include "loader/install_base.h"
#include "loader/install_images.h"
#include "loader/requires.h"

#include "base/banned.h"

struct facts {
    bool done[INSTALL_STEPS_MAX];
    struct install_space space;
    struct install_base_space base;
    struct requires_facts requires;
    bool has_migrations;
    struct migrate_list migrations;
};

static bool find_facts(struct install *in, struct facts *f, struct err *e)
{
    struct err ignored = { 0 };
    if (!steps_look(install_steps, install_n_steps, in, f->done, e) || !install_images_space(in, &f->space, e) ||
        !requires_look(in, &f->requires, e))
        return false;
    install_base_space(in, &f->base);
    if (in->database != NULL)
        f->has_migrations = database_status(in->database, in->engine, in->next->project, &f->migrations, &f->has_migrations, &ignored) &&
                            f->has_migrations;
    return true;
}

static const char *migration_state(const struct facts *f, const struct release_sql *m)
{
    for (size_t i = 0; i < f->migrations.n; i++)
        if (f->has_migrations && f->migrations.rows[i].order == m->order)
            return f->migrations.rows[i].state == MIGRATE_APPLIED ? "applied" : f->migrations.rows[i].state == MIGRATE_PENDING ? "pending" : "changed";
    return "pending";
}

static void add_steps(struct jwrite *w, const struct facts *f)
{
    jwrite_array(w, "steps");
    for (size_t i = 0; i < install_n_steps; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", install_steps[i].name);
        jwrite_str(w, "what", install_steps[i].what);
        jwrite_bool(w, "done", f->done[i]);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void add_space(struct jwrite *w, const char *path, uint64_t needed, bool is_known, uint64_t free_bytes)
{
    jwrite_object(w, NULL);
    jwrite_str(w, "path", path);
    jwrite_u64(w, "needed", needed);
    if (is_known)
        jwrite_u64(w, "free", free_bytes);
    jwrite_end(w);
}

/* What a delta takes from its base on this host. */
static void add_base(struct jwrite *w, const struct manifest *m, const struct install_base_space *f)
{
    if (!m->has_base)
        return;
    jwrite_object(w, "base");
    jwrite_str(w, "version", m->base_version);
    jwrite_u64(w, "layers", f->count);
    jwrite_u64(w, "bytes", f->needed);
    jwrite_end(w);
}

static void add_host(struct jwrite *w, const struct facts *f)
{
    jwrite_u64(w, "bytes_to_load", f->space.send);
    jwrite_array(w, "space");
    add_space(w, f->space.path, f->space.needed, f->space.is_known, f->space.free);
    if (f->base.count > 0)
        add_space(w, BASE_SOURCE_DIR, f->base.needed, f->base.is_known, f->base.free);
    jwrite_end(w);
    jwrite_array(w, "ports");
    for (size_t i = 0; i < f->requires.n_ports; i++) {
        jwrite_object(w, NULL);
        jwrite_u64(w, "port", f->requires.ports[i].port);
        jwrite_bool(w, "free", f->requires.ports[i].is_free);
        jwrite_end(w);
    }
    jwrite_end(w);
}

static void add_migrations(struct jwrite *w, const struct release *r, const struct facts *f)
{
    jwrite_array(w, "migrations");
    for (size_t i = 0; i < r->n_migrations; i++) {
        jwrite_object(w, NULL);
        jwrite_str(w, "name", r->migrations[i].name);
        jwrite_str(w, "state", migration_state(f, &r->migrations[i]));
        jwrite_end(w);
    }
    jwrite_end(w);
}

static bool print_json(struct install *in, const struct facts *f, struct err *e)
{
    const struct release *r = &in->next->release;
    struct jwrite *w = cli_json_open(in->ctx);
    jwrite_str(w, "name", r->name);
    jwrite_str(w, "version", r->version.text);
    jwrite_str(w, "release_sha256", DIGEST_HEX(&in->next->digest));
    jwrite_str(w, "installed", in->state.is_set && in->state.installed.is_set ? in->state.installed.version : "");
    add_steps(w, f);
    jwrite_array(w, "images");
    for (size_t i = 0; i < r->n_images; i++)
        jwrite_str(w, NULL, r->images[i].reference);
    jwrite_end(w);
    if (in->missing.code != ERR_NONE)
        jwrite_str(w, "missing", in->missing.msg);
    add_base(w, bundle_manifest(in->bundle), &f->base);
    add_host(w, f);
    add_migrations(w, r, f);
    return cli_json_close(in->ctx, w, e);
}

static void print_requires(struct cli_context *ctx, const struct requires_facts *f)
{
    char need[24], have[24];
    if (f->memory_needed > 0)
        cli_print(ctx, "memory: %s needed, %s here\n", text_bytes(need, f->memory_needed), text_bytes(have, f->memory_found));
    if (f->disk_needed > 0 && f->is_disk_known)
        cli_print(ctx, "room for data: %s needed, %s free\n", text_bytes(need, f->disk_needed), text_bytes(have, f->disk_found));
    for (size_t i = 0; i < f->n_ports; i++)
        cli_print(ctx, "port %u: %s\n", f->ports[i].port, f->ports[i].is_free ? "free" : "taken");
}

static void print_base(struct install *in, const struct install_base_space *f)
{
    const struct manifest *m = bundle_manifest(in->bundle);
    struct manifest_base_text base;
    char need[24], room[24];
    if (!m->has_base)
        return;
    cli_print(in->ctx, "\nbase: %s; %zu layer%s of it %s put into files for a while\n", manifest_base_text(&base, m), f->count, text_s(f->count),
              f->count == 1 ? "is" : "are");
    if (f->is_known && f->count > 0)
        cli_print(in->ctx, "space in " BASE_SOURCE_DIR ": %s needed, %s free\n", text_bytes(need, f->needed), text_bytes(room, f->free));
}

static void print_text(struct install *in, const struct facts *f)
{
    const struct release *r = &in->next->release;
    struct cli_context *ctx = in->ctx;
    char size[24], need[24], room[24];
    cli_print(ctx, "%s %s, release sha256:%s\n", r->name, r->version.text, DIGEST_HEX(&in->next->digest));
    if (in->state.is_set && in->state.installed.is_set)
        cli_print(ctx, "installed: %s\n", in->state.installed.version);
    for (size_t i = 0; i < in->verdict.n_keys; i++)
        cli_print(ctx, "signed by %s (%.16s)\n", in->verdict.keys[i].name, DIGEST_HEX(&in->verdict.keys[i].id));
    if (in->missing.code != ERR_NONE)
        cli_print(ctx, "missing: %s\n  %s\n", in->missing.msg, in->missing.hint);
    cli_print(ctx, "\nsteps\n");
    for (size_t i = 0; i < install_n_steps; i++)
        cli_print(ctx, "  %-10s %-34s %s\n", install_steps[i].name, install_steps[i].what, f->done[i] ? "done" : "to do");
    cli_print(ctx, "\nimages: %s to send\n", text_bytes(size, f->space.send));
    for (size_t i = 0; i < r->n_images; i++)
        cli_print(ctx, "  %s\n", r->images[i].reference);
    if (f->space.is_known)
        cli_print(ctx, "space in %s: %s needed at most, %s free\n", f->space.path, text_bytes(need, f->space.needed),
                  text_bytes(room, f->space.free));
    print_base(in, &f->base);
    print_requires(ctx, &f->requires);
    if (r->n_migrations > 0)
        cli_print(ctx, "\nmigrations (one transaction)\n");
    for (size_t i = 0; i < r->n_migrations; i++)
        cli_print(ctx, "  %-40s %s\n", r->migrations[i].name, migration_state(f, &r->migrations[i]));
    cli_print(ctx, "\nvariables\n");
    for (size_t i = 0; i < in->next->values.n; i++) {
        const struct value *v = &in->next->values.items[i];
        cli_print(ctx, "  %-24s %s (%s)\n", v->name, v->is_secret ? "***" : SHOWN(values_get(&in->next->values, v->name)), value_from_text(v->from));
    }
}

bool plan_show(struct install *in, struct err *e)
{
    struct facts f = { 0 };
    bool ok = find_facts(in, &f, e);
    if (ok && cli_wants_json(in->ctx))
        ok = print_json(in, &f, e);
    else if (ok)
        print_text(in, &f);
    migrate_list_clear(&f.migrations);
    return ok;
}
