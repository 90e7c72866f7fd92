/* The engine layer by hand, for journeys against real engines.
 *
 *     engine_probe SOCKET facts
 *     engine_probe SOCKET inspect NAME | remove NAME | there NAME DIR | containers PROJECT | logs ID LINES
 *     engine_probe SOCKET load NAME DIR [earlier DIR]... [named DIR] [fails N | changed N | platform OS/ARCH]
 *
 * DIR: config.json, 0.tar, 1.tar ... A load says how many bytes of content were sent. "fails N": the source of layer N fails at its very end, as one
 * does whose digest is wrong; "changed N": its last byte is another one, and nobody says so. "named DIR": the layers of DIR are there as site.example/DIR:1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/containers.h"
#include "engine/images.h"
#include "engine/load.h"
#include "format/oci.h"
#include "sys/file.h"

#include "base/banned.h"

enum { LAYERS_MAX = 16 };

struct folder {
    struct load_image image;
    struct load_layer layers[LAYERS_MAX];
    struct buf content[LAYERS_MAX];
    struct buf config;
    long fails, changed;
    uint64_t sent;
};

struct layer_source {
    struct source source;
    struct source *from;
    bool fails;
};

static bool layer_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct layer_source *l = (struct layer_source *)s;
    if (!source_read(l->from, to, n, got, e))
        return false;
    return *got > 0 || !l->fails || err_set(e, ERR_INTEGRITY, "layer: the digest is wrong");
}

static void layer_free(struct source *s)
{
    source_free(((struct layer_source *)s)->from);
    mem_free(s);
}

static struct source *open_layer(void *ctx, size_t layer, struct err *e)
{
    (void)e;
    static const struct source_ops ops = { layer_read, layer_free };
    struct folder *f = ctx;
    struct layer_source *l = mem_new(sizeof *l);
    l->source.ops = &ops;
    l->from = source_memory(f->content[layer].data, f->content[layer].len);
    l->fails = f->fails == (long)layer;
    return &l->source;
}

static bool read_layers(struct folder *f, const char *dir, struct err *e)
{
    for (size_t n = 0; n < LAYERS_MAX; n++) {
        AUTO(mem_auto) char *path = mem_format("%s/%zu.tar", dir, n);
        bool is_there = false;
        if (!file_exists(path, &is_there, e))
            return false;
        if (!is_there)
            break;
        f->content[n].max = 256 << 20;
        if (!file_read(path, FILE_PLAIN, 256 << 20, &f->content[n], e))
            return false;
        sha256_of(&f->layers[n].diff_id, f->content[n].data, f->content[n].len);
        f->layers[n].size = f->content[n].len;
        f->layers[n].open = open_layer;
        f->image.n_layers++;
    }
    return true;
}

static bool folder_read(struct folder *f, const char *name, const char *dir, struct err *e)
{
    AUTO(mem_auto) char *path = mem_format("%s/config.json", dir);
    struct oci_config config;
    f->config.max = 1 << 20;
    f->fails = f->changed = -1;
    if (!read_layers(f, dir, e) || !file_read(path, FILE_PLAIN, 1 << 20, &f->config, e) || !ref_parse(&f->image.name, name, e) ||
        !oci_config_read(&config, f->config.data, f->config.len, path, e))
        return false;
    f->image.platform = config.platform;
    f->image.config = f->config.data;
    f->image.config_bytes = f->config.len;
    f->image.layers = f->layers;
    f->image.ctx = f;
    sha256_of(&f->image.config_digest, f->config.data, f->config.len);
    oci_config_clear(&config);
    return true;
}

static void folder_free(struct folder *f)
{
    for (size_t n = 0; n < LAYERS_MAX; n++)
        buf_clear(&f->content[n]);
    buf_clear(&f->config);
    mem_free(f);
}
AUTO_FREE(struct folder, folder_free)

static bool count(void *ctx, const struct progress_fact *fact)
{
    struct folder *f = ctx;
    if (text_is(fact->phase, "load") && fact->done > f->sent)
        f->sent = fact->done;
    return true;
}

static bool add_earlier(struct engine *g, struct load_known *known, const char *dir, struct err *e)
{
    AUTO(folder_free_auto) struct folder *f = mem_new(sizeof *f);
    return folder_read(f, "earlier:1", dir, e) && load_known_add_image(g, known, &f->image, e);
}

/* site.example/DIR:1 */
static bool add_named(struct engine *g, struct load_known *known, const char *dir, struct err *e)
{
    AUTO(folder_free_auto) struct folder *f = mem_new(sizeof *f);
    AUTO(mem_auto) char *name = mem_format("site.example/%s:1", dir);
    struct digest ids[LAYERS_MAX];
    if (!folder_read(f, name, dir, e))
        return false;
    for (size_t n = 0; n < f->image.n_layers; n++)
        ids[n] = f->layers[n].diff_id;
    return load_known_add_name(g, known, &f->image.name, ids, f->image.n_layers, e);
}

static bool read_option(struct engine *g, struct folder *f, struct load_known *known, const char *option, const char *value, struct err *e)
{
    if (text_is(option, "earlier"))
        return add_earlier(g, known, value, e);
    if (text_is(option, "named"))
        return add_named(g, known, value, e);
    if (text_is(option, "platform"))
        return platform_parse(&f->image.platform, value, e);
    long n = strtol(value, NULL, 10);
    if (text_is(option, "fails"))
        f->fails = n;
    else if (text_is(option, "changed"))
        f->content[n].data[f->content[n].len - 1] ^= 1;
    else
        return err_set(e, ERR_USAGE, "unknown option %s", option);
    return true;
}

static bool do_load(struct engine *g, char **argv, struct err *e)
{
    AUTO(folder_free_auto) struct folder *f = mem_new(sizeof *f);
    AUTO(load_known_clear) struct load_known known = { 0 };
    struct progress progress = { count, f };
    if (!folder_read(f, argv[0], argv[1], e) || !load_known_read(g, &known, e))
        return false;
    for (char **a = argv + 2; a[0] != NULL; a += 2)
        if (!read_option(g, f, &known, a[0], a[1], e))
            return false;
    bool ok = load_image(g, &f->image, &known, &progress, e);
    printf("sent %llu\n", (unsigned long long)f->sent);
    return ok;
}

static bool do_there(struct engine *g, char **argv, struct err *e)
{
    AUTO(folder_free_auto) struct folder *f = mem_new(sizeof *f);
    bool yes = false;
    if (!folder_read(f, argv[0], argv[1], e) || !load_image_is_there(g, &f->image, &yes, e))
        return false;
    puts(yes ? "yes" : "no");
    return true;
}

static bool do_inspect(struct engine *g, char **argv, struct err *e)
{
    AUTO(engine_image_clear_auto) struct engine_image image = { 0 };
    struct platform_text platform;
    if (!image_inspect(g, argv[0], &image, e))
        return false;
    if (image.is_found)
        printf("%s %s %zu\n", DIGEST_SHOWN(&image.id), platform_format(&platform, &image.platform), image.n_diff_ids);
    else
        puts("none");
    return true;
}

static bool do_remove(struct engine *g, char **argv, struct err *e)
{
    enum image_removal how;
    if (!image_remove(g, argv[0], &how, e))
        return false;
    puts(how == IMAGE_REMOVED ? "removed" : "stays");
    return true;
}

static bool do_containers(struct engine *g, char **argv, struct err *e)
{
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    char shown[64];
    if (!container_list(g, argv[0], &list, e))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct container *c = &list.items[i];
        printf("%s: %s%s%s %s\n", c->service, container_shown(shown, c), container_is_ready(c) ? ", ready" : "", container_is_lost(c) ? ", lost" : "",
               DIGEST_SHOWN(&c->image));
    }
    return true;
}

static bool do_logs(struct engine *g, char **argv, struct err *e)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(1 << 20);
    if (!container_logs(g, argv[0], (unsigned)strtoul(argv[1], NULL, 10), &out, e))
        return false;
    fwrite(buf_text(&out), 1, out.len, stdout);
    return true;
}

static bool do_facts(struct engine *g, char **argv, struct err *e)
{
    (void)argv, (void)e;
    const struct engine_facts *f = engine_facts(g);
    struct platform_text platform;
    printf("%s %s, API %s, %s store, %s, %s%s\n", f->kind == ENGINE_PODMAN ? "podman" : "docker", f->version.text, f->api,
           f->store == ENGINE_STORE_CLASSIC ? "classic" : "containerd", platform_format(&platform, &f->platform), f->root_dir,
           f->is_rootless ? ", rootless" : "");
    return true;
}

static void to_stderr(void *ctx, enum log_level level, const char *line)
{
    (void)ctx, (void)level;
    fprintf(stderr, "log: %s\n", line);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*run)(struct engine *g, char **argv, struct err *e);
        int n;
    } commands[] = { { "facts", do_facts, 0 },   { "inspect", do_inspect, 1 },       { "remove", do_remove, 1 }, { "there", do_there, 2 },
                     { "load", do_load, 2 },     { "containers", do_containers, 1 }, { "logs", do_logs, 2 } };
    struct err e = { 0 };
    log_install(to_stderr, NULL, LOG_DEBUG);
    if (argc < 3)
        return 2;
    AUTO(engine_close_auto) struct engine *g = engine_open(argv[1], &e);
    for (size_t i = 0; g != NULL && i < ARRAY_LEN(commands); i++)
        if (text_is(argv[2], commands[i].name) && argc >= 3 + commands[i].n && commands[i].run(g, argv + 3, &e))
            return 0;
    fprintf(stderr, "%s: %s\n", err_name(e.code), e.msg);
    if (e.hint[0] != '\0')
        fprintf(stderr, "  hint: %s\n", e.hint);
    return e.code == ERR_NONE ? 2 : err_status(e.code);
}
