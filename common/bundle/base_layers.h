/* Where a delta's base layers are read from (docs/FORMAT.md section 3.6): the tars of base.layers of its manifest, at any offset. Who has
 * them - an engine, a kept bundle, a folder - gives this to bundle_use_base; from then on every reader of layers works as it does with a
 * full bundle.
 *
 *     struct base_layers base = { .read = spool_read, .ctx = spools };
 *     bundle_use_base(delta, &base);
 *     layer_reader_open(delta, cache, i, e) ...                                        */
#ifndef BUNDLE_BASE_LAYERS_H
#define BUNDLE_BASE_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct base_layers {
    /* Exactly n bytes from offset of the tar of base.layers[k], k from 0; all within its size. Its bytes need not be proven: whatever is
     * rebuilt from them is compared with its diff_id. Fails with ERR_IO, ERR_INTEGRITY, ERR_SPACE, ERR_ENGINE, or ERR_POLICY when this
     * place does not have the layer (any more). Thread: any. */
    bool (*read)(void *ctx, size_t k, uint64_t offset, void *to, size_t n, struct err *e);
    void *ctx;
};

#endif
