/* A fake engine, an engine opened on it, and images to load: for the tests of this folder.
 *
 *     struct world w;  world_start(&w, WORLD_CLASSIC, "{\"call\": \"GET /info\", \"status\": 500},");
 *     struct image i;  image_make(&i, 3);
 *     ... load_image(w.g, &i.load, ...)
 *     world_stop(&w); */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include "base/buf.h"
#include "engine/api.h"
#include "engine/load.h"
#include "tests/support/fake.h"

enum { IMAGE_LAYERS_MAX = 4 };

enum world_kind { WORLD_CLASSIC, WORLD_CONTAINERD, WORLD_CONTAINERD_27, WORLD_PODMAN };
struct world {
    struct fake fake;
    struct engine *g;
};
/* rules come before those of an engine that is empty and takes everything; each ends with a comma. Stops the program when the engine cannot be opened. */
void world_start(struct world *w, enum world_kind kind, const char *rules);
/* The same without opening. */
void world_start_closed(struct world *w, enum world_kind kind, const char *rules);
/* Another engine in the place of this one, with an empty log: much quicker than another world. */
void world_again(struct world *w, enum world_kind kind, const char *rules);
/* Opens: waits for seconds at most where wait is short, else for long. */
struct engine *world_open(struct world *w, bool is_impatient, struct err *e);
void world_stop(struct world *w);
int world_calls(struct world *w, const char *call); /* how often this was called: "POST /images/load" (a beginning) */
/* What the load number n (from 0) brought, as JSON; waits for it. Mem_free. */
char *world_load(struct world *w, int n);

enum layer_how { LAYER_GOOD, LAYER_FAILS_AT_END, LAYER_FAILS_TO_OPEN, LAYER_SHORT, LAYER_LONG, LAYER_SLOW };
struct image {
    struct load_image load;
    struct load_layer layers[IMAGE_LAYERS_MAX];
    struct buf content[IMAGE_LAYERS_MAX];
    enum layer_how how[IMAGE_LAYERS_MAX];
    int n_opened[IMAGE_LAYERS_MAX];
    char config[512];
    struct digest id_containerd;
    size_t manifest_bytes;
};
/* Layers "layer 0\n", "layer 1\n", ...; names and configs differ by tag. */
void image_make(struct image *i, const char *tag, size_t n_layers);
/* Another content for a layer (its digest follows). */
void image_set_layer(struct image *i, size_t layer, const char *bytes, size_t n);
void image_drop(struct image *i);

/* The rules of an engine that lacks the image, takes it, and then shows it. kind decides its id. Mem_free. */
char *rules_for(const struct image *i, enum world_kind kind);
/* What inspect shows: {"Id": ...}. Mem_free. */
char *inspect_document(const struct image *i, const struct digest *id, size_t n_layers, const char *architecture);
const struct digest *image_id(const struct image *i, enum world_kind kind);

#endif
