/* The parts of loading several images: requests and what they wait for. For the files of this folder. */
#ifndef ENGINE_LOAD_SET_PARTS_H
#define ENGINE_LOAD_SET_PARTS_H

#include "engine/load_parts.h"
#include "engine/load_set.h"

/* One archive: an image, or layers that several images or requests build on. */
struct load_request {
    struct load_image image;
    struct buf config;     /* of a base */
    const struct load_image *of; /* the image that was asked for; null: a base */
    bool *needed;          /* layers in the archive */
    uint64_t bytes;        /* of them */
    uint64_t weight;       /* bytes of this one and of the longest row of those that wait for it */
    size_t *after;         /* requests with lower numbers that must be done before this one is committed */
    size_t n_after, after_cap;
    bool is_sent;          /* its last blob has left */
    enum load_request_state { LOAD_REQUEST_WAITS, LOAD_REQUEST_RUNS, LOAD_REQUEST_DONE } state;
};

struct load_set {
    struct engine *g;
    struct load_request *requests;
    size_t n, cap;
};

/* The first n_layers layers of an image as an image without a name: the same bytes whenever it is made. Borrows of; config is filled. */
MUST_CHECK bool load_base_make(struct load_image *base, struct buf *config, const struct load_image *of, size_t n_layers, struct err *e);

#endif
