/* Where an image comes from, as an author writes it: a reference alone is a registry's; with one of the prefixes that skopeo knows it is another place.
 *
 *     registry.example/web:1   docker://registry.example/web:1   docker-daemon:web:1   oci:DIR[:TAG]   oci-archive:FILE[:TAG]   docker-archive:FILE[:REFERENCE]
 *
 * Any of them may have a name in front, which the image has on the host: registry.example/web:1=oci:images/web:dev. */
#ifndef APP_IMAGE_PLACE_H
#define APP_IMAGE_PLACE_H

#include "format/ref.h"

enum place_kind { PLACE_REGISTRY, PLACE_ENGINE, PLACE_OCI, PLACE_OCI_ARCHIVE, PLACE_DOCKER_ARCHIVE, PLACE_KINDS };

struct image_place {
    enum place_kind kind;
    bool has_ref;
    struct ref ref; /* registry and engine: what to ask for */
    char *path;     /* of a directory or file; null for registry and engine */
    char *inside;   /* which of the images there: a tag, a reference, @N; null: the only one */
    char *written;  /* without the name in front, for messages */
};
void image_place_clear(struct image_place *p);
void image_place_clear_auto(struct image_place *p);

/* A place with a name in front or not; a reference alone is its own name. folder: relative paths start there (null: here). ERR_USAGE, and nothing to clear. */
MUST_CHECK bool image_place_parse(struct image_place *out, struct ref *name, bool *has_name, const char *text, const char *folder, struct err *e);

/* Does the text begin with one of the prefixes? */
bool image_place_has_prefix(const char *text);
/* The same place in the same words? */
bool image_place_equal(const struct image_place *a, const struct image_place *b);

/* In a file of this machine, so that something can be read there without asking anybody? */
static inline bool image_place_is_file(const struct image_place *p)
{
    return p->kind >= PLACE_OCI;
}

#endif
