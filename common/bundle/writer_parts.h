/* What writer.c (members, data, layers) and writer_end.c (recipes, sizes, header) share. Private to them. */
#ifndef BUNDLE_WRITER_PARTS_H
#define BUNDLE_WRITER_PARTS_H

#include "bundle/chunk_writer.h"
#include "bundle/dedup.h"
#include "bundle/writer.h"

struct writer_data_header {
    size_t chunk;  /* index in the table */
    size_t member; /* index in the manifest */
};

struct writer {
    char *path;
    uint64_t expected_bytes;
    struct output *output;
    struct chunk_writer *chunks;
    struct digest *base_ids; /* diff_id of each base layer of dedup */
    size_t n_base_ids, base_ids_cap;
    struct dedup *dedup; /* null when the file is finished, and in an exact bundle */
    uint64_t new_bytes;  /* then */
    struct manifest m;
    size_t members_cap;
    size_t layers_cap;
    struct sha256 *member_hash; /* of the member that is being written, or null */
    uint64_t member_left;
    uint64_t data_member_bytes; /* where a data member is full */
    uint64_t data_in_member;
    bool is_in_blob;     /* between begin_blob and end_blob */
    bool is_blob_light;  /* it has chunks of its own */
    bool is_in_layer;    /* between begin_layer and end_layer */
    bool is_data_closed; /* no layer comes any more */
    size_t n_data; /* members, and their headers */
    struct writer_data_header *data_headers;
    size_t data_headers_cap;
    struct writer_checkpoint {
        bool is_set;
        uint64_t new_bytes;
        uint64_t data_in_member;
        size_t n_data;
        size_t n_members;
        size_t n_layers;
        size_t n_base_ids;
    } checkpoint;
};

/* A member of the manifest, checked; its header is put next. Null on failure. */
struct manifest_member *writer_new_member(struct writer *w, const char *name, uint64_t size, struct err *e);
MUST_CHECK bool writer_put_header(struct writer *w, const struct manifest_member *x, struct err *e);
MUST_CHECK bool writer_put_zeros(struct writer *w, uint64_t n, struct err *e);
/* The end of the data stream, once; nothing the second time. */
MUST_CHECK bool writer_close_data(struct writer *w, struct err *e);

/* Passes ok on; a disk that is full is told how much is needed. */
bool writer_result(const struct writer *w, bool ok, struct err *e);

#endif
