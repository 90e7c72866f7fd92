/* What inspect tells, collected before a word is printed. Private to this folder. */
#ifndef SHOW_FACTS_H
#define SHOW_FACTS_H

#include "app/release.h"
#include "bundle/index.h"
#include "certs/trust.h"
#include "gates/reports.h"

struct facts_image { /* one platform of one image */
    const struct release_image *image;
    const struct release_platform *platform;
    uint64_t bytes;        /* of its layers' tars */
    uint64_t shared_bytes; /* of layers that another image or platform has too */
    size_t n_attestations; /* that travel with the image, whichever platform they speak of */
    size_t n_signatures;
};

struct facts {
    const struct index *index;
    const struct verdict *verdict; /* null: nobody was asked */
    struct release release;
    struct reports reports; /* empty for a bundle without a summary of them */
    struct facts_image *images;
    size_t n_images;
    uint64_t image_bytes;  /* of all images, each counted alone */
    uint64_t layer_bytes;  /* of the distinct layers */
    uint64_t stored_bytes; /* of the data stream: pieces that occur once */
};

/* Borrows x and verdict. Cleared by the caller in any case. ERR_FORMAT, ERR_INTEGRITY, ERR_POLICY. */
MUST_CHECK bool facts_collect(struct facts *f, const struct index *x, const struct verdict *verdict, struct err *e);
void facts_clear(struct facts *f);
void facts_clear_auto(struct facts *f);

#endif
