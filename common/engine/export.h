/* Images as an engine gives them away (GET /images/NAME/get, docker save): a docker-archive in any of its shapes, with manifest.json, configurations and layers. From
 * an engine it is fetched whole into an unlinked file, because its table of contents may stand at its end.
 *
 *     AUTO(export_close_auto) struct export *x = export_fetch(g, DIGEST_SHOWN(&id), dir, progress, e);
 *     const struct export_image *i = export_image(x, 0);
 *     export_layers(x, i, take, ctx, e)                                             */
#ifndef ENGINE_EXPORT_H
#define ENGINE_EXPORT_H

#include "base/progress.h"
#include "engine/engine.h"
#include "format/digest.h"
#include "format/oci.h"
#include "stream/tarball.h"

struct export_layer {
    char *path;           /* of the file that holds it, links followed */
    uint64_t size;
    bool has_digest;      /* the archive names the file by its digest; */
    struct digest digest; /* otherwise it is the layer's tar itself, so that its digest is the diff_id */
};
enum { EXPORT_NAMES_MAX = 1000 };
struct export_image { /* one platform */
    char **names; /* RepoTags as written; none for what was saved by its id */
    size_t n_names;
    struct buf config; /* exact bytes */
    struct oci_config c;
    size_t n_layers; /* as many as c.diff_ids, in that order */
    struct export_layer *layers;
};

struct export;
/* name: a reference or an id. dir: where the file is made. ERR_ENGINE, ERR_SPACE, ERR_INTERRUPTED. Phase "export" of progress. */
MUST_CHECK struct export *export_fetch(struct engine *g, const char *name, const char *dir, const struct progress *progress, struct err *e);
/* An archive that is there already, taken over on failure too; null: opening it failed, e has why. blame: the class of error when it is unusable. */
MUST_CHECK struct export *export_of(struct tarball *tar, enum err_code blame, struct err *e);
void export_close(struct export *x);
AUTO_FREE(struct export, export_close)

/* The bytes of such an archive into a sink, which is not finished. *is_there: false when the engine has no such image. For the files of this folder. */
struct export_request {
    const char *name;
    const char *phase; /* of progress */
    const struct progress *progress;
};
MUST_CHECK bool export_get(struct engine *g, const struct export_request *q, struct sink *out, bool *is_there, struct err *e);

/* Borrowed. */
size_t export_n_images(const struct export *x);
const struct export_image *export_image(const struct export *x, size_t i);

/* Calls fn once for each distinct file among the layers of an image, in the order of the archive. layer: the first one that it holds. What is not read of content
 * is passed over. */
typedef bool (*export_layer_fn)(void *ctx, size_t layer, struct source *content, struct err *e);
MUST_CHECK bool export_layers(struct export *x, const struct export_image *i, export_layer_fn fn, void *ctx, struct err *e);

#endif
