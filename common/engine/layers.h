/* The exact tars of layers, taken back out of an engine: which image holds them, and the layers themselves out of what the engine gives
 * away (GET /images/NAME/get). That archive is read as it streams, whatever its shape: ID/layer.tar, HEX.tar, blobs/sha256/HEX, raw or
 * compressed. Only what may be a layer that is wanted touches the disk, one unlinked file each, and counts when its SHA-256 is the diff_id.
 *
 *     struct layer_place places[n];
 *     layers_find(g, diff_ids, places, n, e)
 *     struct layer_file files[] = { { .diff_id = diff_ids[0], .fd = -1 }, ... };      those of one image
 *     layers_fetch(g, &places[0].image, dir, files, n_files, &is_there, progress, e)
 *     layer_files_close(files, n_files) */
#ifndef ENGINE_LAYERS_H
#define ENGINE_LAYERS_H

#include "base/progress.h"
#include "engine/engine.h"
#include "format/digest.h"
#include "stream/sink.h"

struct layer_place {
    bool is_found;
    struct digest image; /* its id in this engine */
};
/* As few images as will do hold all that can be found. An image that the engine shows but has lost parts of does not count. */
MUST_CHECK bool layers_find(struct engine *g, const struct digest *diff_ids, struct layer_place *places, size_t n, struct err *e);

struct layer_file {
    struct digest diff_id;
    uint64_t size; /* of the tar; 0: not known. Set when it was fetched */
    int fd;        /* -1 before. Unlinked */
};
/* Fetches layers of one image, all of them or none that counts. dir: where the files are made. *is_there: false when the image is gone.
 * Phase "base" of progress, in bytes of the archive. ERR_INTEGRITY when the archive holds no layer with one of these digests, ERR_ENGINE,
 * ERR_SPACE, ERR_INTERRUPTED. */
MUST_CHECK bool layers_fetch(struct engine *g, const struct digest *image, const char *dir, struct layer_file *layers, size_t n,
                             bool *is_there, const struct progress *progress, struct err *e);
/* The same of an archive that is there already, which is freed. What is not in it keeps fd -1. To be tried with hostile bytes. */
MUST_CHECK bool layers_read(struct source *archive, const char *dir, struct layer_file *layers, size_t n, struct err *e);
void layer_files_close(struct layer_file *layers, size_t n);

#endif
