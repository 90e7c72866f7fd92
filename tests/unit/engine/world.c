#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/ref.h"

#include "base/banned.h"

static const struct engine_times patient = { .call_ms = 60000, .slow_ms = 60000, .stall_ms = 60000, .silence_ms = 60000 };
static const struct engine_times impatient = { .call_ms = 1500, .slow_ms = 1500, .stall_ms = 1000, .silence_ms = 1000 };

static const char *const versions[] = {
    "{\"ApiVersion\": \"1.41\", \"MinAPIVersion\": \"1.12\", \"Version\": \"20.10.24\", \"Components\": [{\"Name\": \"Engine\"}]}",
    "{\"ApiVersion\": \"1.45\", \"MinAPIVersion\": \"1.24\", \"Version\": \"26.1.5+dfsg1\", \"Components\": [{\"Name\": \"Engine\"}]}",
    "{\"ApiVersion\": \"1.51\", \"MinAPIVersion\": \"1.24\", \"Version\": \"28.5.2\", \"Components\": [{\"Name\": \"Engine\"}]}",
    "{\"ApiVersion\": \"1.41\", \"MinAPIVersion\": \"1.24\", \"Version\": \"5.8.6\", \"Components\": [{\"Name\": \"Podman Engine\"}]}",
};
static const char *const statuses[] = {
    "[\"Backing Filesystem\", \"extfs\"]",
    "[\"driver-type\", \"io.containerd.snapshotter.v1\"]",
    "[\"driver-type\", \"io.containerd.snapshotter.v1\"]",
    "[\"Backing Filesystem\", \"extfs\"]",
};

static char *script_for(enum world_kind kind, const char *rules)
{
    return mem_format(
        "{\"ports\": 0, \"rules\": [%s"
        "{\"call\": \"GET /version\", \"json\": %s},"
        "{\"call\": \"GET /info\", \"json\": {\"DriverStatus\": [%s], \"OSType\": \"linux\", \"Architecture\": \"x86_64\","
        " \"DockerRootDir\": \"/var/lib/docker\", \"Name\": \"site\", \"SecurityOptions\": [\"name=seccomp\"], \"Load\": 0.5}},"
        "{\"call\": \"GET /images/json.*\", \"json\": []},"
        "{\"call\": \"GET /images/.*/json\", \"status\": 404, \"json\": {\"message\": \"No such image\"}},"
        "{\"call\": \"POST /images/load.*\", \"lines\": [{\"stream\": \"Loaded image ID: sha256:x\\n\"}]},"
        "{\"call\": \"POST /images/.*/tag.*\", \"status\": 201}]}",
        rules, versions[kind], statuses[kind]);
}

void world_start_closed(struct world *w, enum world_kind kind, const char *rules)
{
    *w = (struct world){ 0 };
    AUTO(mem_auto) char *script = script_for(kind, rules);
    fake_start_program(&w->fake, "fake_engine.py", script);
}

struct engine *world_open(struct world *w, bool is_impatient, struct err *e)
{
    return engine_open_timed(fake_path(&w->fake, "engine.sock"), is_impatient ? &impatient : &patient, e);
}

static void open_or_exit(struct world *w)
{
    struct err e = { 0 };
    w->g = world_open(w, false, &e);
    if (w->g == NULL) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
}

void world_start(struct world *w, enum world_kind kind, const char *rules)
{
    world_start_closed(w, kind, rules);
    open_or_exit(w);
}

void world_again(struct world *w, enum world_kind kind, const char *rules)
{
    AUTO(mem_auto) char *script = script_for(kind, rules);
    engine_close(w->g);
    fake_again(&w->fake, script);
    open_or_exit(w);
}

void world_stop(struct world *w)
{
    engine_close(w->g);
    fake_stop(&w->fake);
}

int world_calls(struct world *w, const char *call)
{
    AUTO(mem_auto) char *part = mem_format("\"call\": \"%s", call);
    return fake_count(&w->fake, part);
}

static char *find_load(struct world *w, int n)
{
    const char *at = fake_log(&w->fake);
    for (int i = 0; i <= n; i++) {
        at = strstr(at, "\"load\": {");
        if (at == NULL)
            return NULL;
        at += strlen("\"load\": ");
    }
    return at[strcspn(at, "\n")] == '\n' ? mem_text_n(at, strcspn(at, "\n")) : NULL;
}

char *world_load(struct world *w, int n)
{
    for (int i = 0; i < 3000; i++) {
        char *load = find_load(w, n);
        if (load != NULL)
            return load;
        usleep(10000); /* of one that was broken off it hears a moment later */
    }
    fprintf(stderr, "load %d did not come\n", n);
    exit(1);
}

/* --- images ------------------------------------------------------------------------------------------------------- */

struct layer_source {
    struct source source;
    const struct buf *content;
    size_t at;
    enum layer_how how;
};

static bool layer_read(struct source *s, void *to, size_t n, size_t *got, struct err *e)
{
    struct layer_source *l = (struct layer_source *)s;
    size_t end = l->how == LAYER_SHORT ? l->content->len - 1 : l->content->len;
    if (l->how == LAYER_SLOW && l->at == 0)
        usleep(1200000); /* a medium that is slower than the patience of an engine */
    *got = n < end - l->at ? n : end - l->at;
    memcpy(to, l->content->data + l->at, *got);
    l->at += *got;
    if (*got == 0 && l->how == LAYER_FAILS_AT_END)
        return err_set(e, ERR_INTEGRITY, "layer: digest is sha256:0, expected sha256:1");
    if (*got == 0 && l->how == LAYER_LONG)
        memset(to, 'x', *got = n);
    return true;
}

static void layer_free(struct source *s)
{
    mem_free(s);
}

static struct source *layer_open(void *ctx, size_t layer, struct err *e)
{
    static const struct source_ops ops = { layer_read, layer_free };
    struct image *i = ctx;
    i->n_opened[layer]++;
    if (i->how[layer] == LAYER_FAILS_TO_OPEN) {
        err_set(e, ERR_IO, "layer %zu: the medium is gone", layer);
        return NULL;
    }
    struct layer_source *l = mem_new(sizeof *l);
    *l = (struct layer_source){ .source = { &ops }, .content = &i->content[layer], .how = i->how[layer] };
    return &l->source;
}

static void make_config(struct image *i)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(sizeof i->config - 1);
    buf_addf(&text, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"User\":\"%s\"},\"rootfs\":{\"type\":\"layers\"}}", i->load.name.tag);
    snprintf(i->config, sizeof i->config, "%s", buf_text(&text));
    i->load.config = i->config;
    i->load.config_bytes = text.len;
    sha256_of(&i->load.config_digest, i->config, text.len);
}

/* By hand, and so independent of load_archive.c: the bytes of the manifest are what decides the id in containerd's store. */
static void set_containerd_id(struct image *i)
{
    AUTO(buf_clear_auto) struct buf m = BUF_LIMIT(4096);
    buf_addf(&m, "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":"
                 "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
             DIGEST_SHOWN(&i->load.config_digest), i->load.config_bytes);
    for (size_t n = 0; n < i->load.n_layers; n++)
        buf_addf(&m, "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%llu}", n == 0 ? "" : ",",
                 DIGEST_SHOWN(&i->layers[n].diff_id), (unsigned long long)i->layers[n].size);
    buf_adds(&m, "]}\n");
    sha256_of(&i->id_containerd, m.data, m.len);
    i->manifest_bytes = m.len;
}

void image_set_layer(struct image *i, size_t layer, const char *bytes, size_t n)
{
    buf_clear(&i->content[layer]);
    i->content[layer].max = n;
    buf_add(&i->content[layer], bytes, n);
    sha256_of(&i->layers[layer].diff_id, bytes, n);
    i->layers[layer].size = n;
    i->layers[layer].open = layer_open;
    set_containerd_id(i);
}

void image_make(struct image *i, const char *tag, size_t n_layers)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *name = mem_format("registry.example:5000/shop/api:%s", tag);
    *i = (struct image){ 0 };
    BUG_IF(n_layers > IMAGE_LAYERS_MAX || !ref_parse(&i->load.name, name, &e) || !platform_parse(&i->load.platform, "linux/amd64", &e));
    i->load.n_layers = n_layers;
    i->load.layers = i->layers;
    i->load.ctx = i;
    make_config(i);
    for (size_t n = 0; n < n_layers; n++) {
        char text[32];
        image_set_layer(i, n, text, (size_t)snprintf(text, sizeof text, "layer %zu\n", n));
    }
}

void image_drop(struct image *i)
{
    for (size_t n = 0; n < IMAGE_LAYERS_MAX; n++)
        buf_clear(&i->content[n]);
}

const struct digest *image_id(const struct image *i, enum world_kind kind)
{
    return kind == WORLD_CONTAINERD || kind == WORLD_CONTAINERD_27 ? &i->id_containerd : &i->load.config_digest;
}

char *inspect_document(const struct image *i, const struct digest *id, size_t n_layers, const char *architecture)
{
    struct buf text = BUF_LIMIT(4096);
    buf_addf(&text, "{\"Id\": \"%s\", \"Os\": \"linux\", \"Architecture\": \"%s\", \"RootFS\": {\"Type\": \"layers\", \"Layers\": [",
             DIGEST_SHOWN(id), architecture);
    for (size_t n = 0; n < n_layers; n++)
        buf_addf(&text, "%s\"%s\"", n == 0 ? "" : ", ", DIGEST_SHOWN(&i->layers[n].diff_id));
    buf_adds(&text, "]}}");
    return buf_take(&text);
}

/* The first question is by id, before anything is sent. */
char *rules_for(const struct image *i, enum world_kind kind)
{
    AUTO(mem_auto) char *document = inspect_document(i, image_id(i, kind), i->load.n_layers, "amd64");
    const char *id = DIGEST_SHOWN(image_id(i, kind));
    const char *tag = i->load.name.tag;
    return mem_format("{\"call\": \"GET /images/%s/json\", \"times\": 1, \"status\": 404},"
                      "{\"call\": \"GET /images/(%s|registry.example:5000/shop/api:%s)/json\", \"json\": %s},"
                      "{\"call\": \"GET /images/json.*filters=.*true.*\", \"json\": [{\"Id\": \"%s\"}]},",
                      id, id, tag, document, id);
}
