/* Writes a bundle. Members, then layers piece by piece, then the header with its signatures; the file gets its name last.
 *
 *     AUTO(writer_drop_auto) struct writer *w = writer_open(&spec, e);
 *     writer_add_member(w, "release.json", ...);                                 // first; then app/, images/, docs/, bin/, reports/
 *     for each layer:  writer_begin_layer(w, e); writer_add_piece(w, ...)...; writer_end_layer(w, &layer, e);
 *     writer_add_member(w, "reports/...", ...);                                  // made from layers
 *     writer_finish(w, sign, ctx, e);   check output_file(writer_output(w), e);   writer_publish(w, e);
 *
 * With head->mode MANIFEST_EXACT layers are blobs:
 *     writer_begin_blob(w, &digest, size, is_packed, e); writer_put_blob(w, ...)...; writer_end_blob(w, e);      each once, documents too; in any order
 *     writer_add_exact_layer(w, &layer, e);                                                                     once for each layer
 *     writer_add_member(w, "oci-layout" ...), "index.json", "manifest.json"                                     last of all
 *
 * Between layers, writer_checkpoint remembers the state and writer_rewind goes back to it: a layer whose bytes turn out to be wrong is as if it had never been begun.
 *
 * The bytes depend only on what is added, never on jobs or timing. Memory: (jobs + 2) * 8 MiB, compression contexts, the table of pieces. */
#ifndef BUNDLE_WRITER_H
#define BUNDLE_WRITER_H

#include "bundle/header.h"
#include "bundle/manifest.h"
#include "bundle/output.h"

struct writer_spec {
    const char *path;             /* final name; the temporary file lies beside it */
    const struct manifest *head;  /* name, version, release digest, created, platforms, average, release of the base, builder are copied */
    uint64_t part_bytes;          /* of every part but the last; 0: one file (bundle/output.h) */
    size_t n_layers;              /* exactly */
    size_t n_blobs;               /* for the bound of the manifest */
    size_t n_members;
    size_t n_base_layers;         /* at most; 0 for a full bundle */
    uint64_t raw_estimate;        /* bytes of all layers and members; when it is too low the payload is moved at the end */
    uint64_t expected_bytes;      /* of the file, for the message when the disk is full; 0: not known */
    int level;                    /* 1 to 19 */
    unsigned jobs;                /* compression threads, at least 1 */
    uint64_t data_member_bytes;   /* 0: as docs/FORMAT.md allows. Tests make members smaller: a multiple of 4 MiB */
};

struct writer;
/* Fails with ERR_IO, ERR_SPACE, ERR_LOCKED; so do all the others. */
MUST_CHECK struct writer *writer_open(const struct writer_spec *spec, struct err *e);
/* Drops what was not published. */
void writer_drop(struct writer *w);
AUTO_FREE(struct writer, writer_drop)

/* Members before the first layer and after the last one, in file order; no layer after those. Borrows. */
MUST_CHECK bool writer_add_member(struct writer *w, const char *name, const void *bytes, size_t n, bool is_executable, struct err *e);

/* The same for one of any size: begin, its bytes in pieces, end. Another number of bytes than size is ERR_CONFIG ("changed while it was read"). *sha256, which may be null,
 * is that of the content. */
MUST_CHECK bool writer_begin_member(struct writer *w, const char *name, uint64_t size, bool is_executable, struct err *e);
MUST_CHECK bool writer_put_member(struct writer *w, const void *bytes, size_t n, struct err *e);
MUST_CHECK bool writer_end_member(struct writer *w, struct digest *sha256, struct err *e);

/* A delta (docs/FORMAT.md section 3.6). Before the first layer: the layers that the host has, one after another, each with the pieces that its tar is cut into, as those of new
 * layers are cut. A bundle none of whose layers can make use of them becomes a full one. */
void writer_begin_base(struct writer *w, const struct digest *diff_id);
void writer_add_base_piece(struct writer *w, const uint8_t hash[16], uint32_t n);
/* All pieces of one of them. */
uint64_t writer_base_bytes(struct writer *w, const struct digest *diff_id);
/* In place of begin, pieces and end: a layer of size bytes that the host has as it is. It need not be one of those layers. */
MUST_CHECK bool writer_add_whole(struct writer *w, const struct manifest_layer *layer, uint64_t size, struct err *e);

MUST_CHECK bool writer_begin_layer(struct writer *w, struct err *e);
/* hash: the first 16 bytes of the SHA-256 of the piece. */
MUST_CHECK bool writer_add_piece(struct writer *w, const uint8_t hash[16], const void *bytes, uint32_t n, struct err *e);
/* layer: diff_id and blobs (copied); its size is set here. */
MUST_CHECK bool writer_end_layer(struct writer *w, const struct manifest_layer *layer, struct err *e);

/* Blobs of an exact bundle. Nobody hashes one here: whoever verifies the finished file does, and a digest that is wrong is found there. is_packed: it is compressed already. Another
 * number of bytes than size is ERR_INTEGRITY. */
MUST_CHECK bool writer_begin_blob(struct writer *w, const struct digest *digest, uint64_t size, bool is_packed, struct err *e);
MUST_CHECK bool writer_put_blob(struct writer *w, const void *bytes, size_t n, struct err *e);
MUST_CHECK bool writer_end_blob(struct writer *w, struct err *e);
/* Says of which layer blobs are forms: diff_id and blobs (copied), each of which is in the bundle. */
MUST_CHECK bool writer_add_exact_layer(struct writer *w, const struct manifest_layer *layer, struct err *e);

/* Between layers, or between blobs. A later checkpoint takes the place of an earlier one. */
MUST_CHECK bool writer_checkpoint(struct writer *w, struct err *e);
/* Goes back to it, also from the middle of a layer, and as often as is needed: what is written after that is what would have been written at the checkpoint. Not after
 * the writer itself has failed. */
MUST_CHECK bool writer_rewind(struct writer *w, struct err *e);

/* Signs the text of bundle.json by adding signatures to the header. May be null: the bundle is unsigned. */
typedef bool (*writer_sign_fn)(void *ctx, const void *manifest, size_t n, struct header *h, struct err *e);
MUST_CHECK bool writer_finish(struct writer *w, writer_sign_fn sign, void *ctx, struct err *e);

/* The finished file without a name, for the self-check. Borrows. */
struct output *writer_output(const struct writer *w);
/* For it (verify_how.sums): valid after finish, borrowed. */
const uint64_t *writer_sums(const struct writer *w);
/* What was written: valid after finish. */
const struct manifest *writer_manifest(const struct writer *w);
uint64_t writer_new_bytes(const struct writer *w); /* raw bytes of the data stream, or of all blobs */
/* Syncs and names the file; an existing one is refused unless may_replace. Before that nothing is to be seen of it. */
MUST_CHECK bool writer_publish(struct writer *w, bool may_replace, struct err *e);

#endif
