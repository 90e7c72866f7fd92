/* Images of an engine: what is there, by reference or id; names. */
#ifndef ENGINE_IMAGES_H
#define ENGINE_IMAGES_H

#include "engine/engine.h"
#include "format/digest.h"
#include "format/ref.h"

struct engine_image {
    bool is_found;
    struct digest id; /* classic and Podman: of the config; containerd store: of the manifest */
    struct platform platform; /* parts that the engine does not know are empty */
    size_t n_diff_ids;        /* 0 when the engine has lost parts of the image */
    struct digest *diff_ids;
};
/* name: a reference or "sha256:...". Not found is not an error. */
MUST_CHECK bool image_inspect(struct engine *g, const char *name, struct engine_image *out, struct err *e);
void engine_image_clear(struct engine_image *i);
void engine_image_clear_auto(struct engine_image *i);

/* The same for every image that the engine lists. One that cannot be inspected (it is being removed, it is damaged) is left out. false of fn stops. */
typedef bool (*image_visit_fn)(void *ctx, const struct engine_image *image, struct err *e);
MUST_CHECK bool image_visit(struct engine *g, image_visit_fn fn, void *ctx, struct err *e);

/* Ids of all images. *ids is owned by the caller (mem_free). */
MUST_CHECK bool image_list(struct engine *g, struct digest **ids, size_t *n, struct err *e);
/* Is everything that the image consists of there? In a containerd store a load that failed leaves an image that can be inspected as if it were whole.
 * IMAGE_AS_SEEN looks at all images when it is asked first and remembers; IMAGE_NOW, for an image that was just loaded, looks. True elsewhere. */
enum image_when { IMAGE_AS_SEEN, IMAGE_NOW };
MUST_CHECK bool image_has_content(struct engine *g, const struct digest *id, enum image_when when, bool *yes, struct err *e);
/* Gives image id the name; the one that had it loses it. Reads back. */
MUST_CHECK bool image_tag(struct engine *g, const struct digest *id, const struct ref *name, struct err *e);
/* Takes the name away, and the image with its last name. Not found and in use by a container are fine: *how tells. */
enum image_removal { IMAGE_REMOVED, IMAGE_NOT_THERE, IMAGE_IN_USE };
MUST_CHECK bool image_remove(struct engine *g, const char *name, enum image_removal *how, struct err *e);

/* One inspect document. ERR_ENGINE. For the files of this folder, and to be tried with hostile bytes. */
MUST_CHECK bool image_read(struct engine_image *out, const char *text, size_t n, struct err *e);
/* The list's document. */
MUST_CHECK bool image_read_list(struct digest **ids, size_t *n_ids, const char *text, size_t n, struct err *e);
/* The same document of a containerd store: adds the ids of those that are complete. */
struct digest_set;
MUST_CHECK bool image_read_complete(struct digest_set *out, const char *text, size_t n, struct err *e);

#endif
