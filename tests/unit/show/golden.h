/* The golden bundle, opened for the tests of show, and what a command says about it. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdio.h>

#include "bundle/verify.h"
#include "cli/command.h"
#include "tests/support/scratch.h"

static inline char *golden_path(const char *name)
{
    return mem_format("%s/tests/golden/%s", getenv("ARCHON_SOURCE_DIR"), name);
}

/* Nobody vouches for it. */
static inline struct index *golden_open(const char *path)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *golden = golden_path("golden.bundle.tar.zst");
    struct bundle_file *f = bundle_file_open(path == NULL ? golden : path, NULL, &e);
    struct index *x = f == NULL ? NULL : index_open(f, &(struct authority){ .is_unproven = true }, &e);
    if (x == NULL) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    return x;
}

static inline struct keyring *golden_keys(void)
{
    struct err e = { 0 };
    AUTO(mem_auto) char *path = golden_path("golden.pub");
    const char *const paths[] = { path };
    struct keyring *k = keyring_from_files(paths, 1, &e);
    if (k == NULL)
        abort();
    return k;
}

/* Standard output and error of one command. */
struct heard {
    struct cli_context ctx;
    FILE *out_file, *err_file;
    char *out, *err;
    size_t out_bytes, err_bytes;
};

/* json: null, "" or "stream". */
static inline void heard_open(struct heard *h, const char *json)
{
    struct err e = { 0 };
    struct cli_globals g = { .json = json };
    h->out_file = open_memstream(&h->out, &h->out_bytes);
    h->err_file = open_memstream(&h->err, &h->err_bytes);
    if (h->out_file == NULL || h->err_file == NULL || !cli_context_open(&h->ctx, "test", &g, h->out_file, h->err_file, &e))
        abort();
}

static inline const char *heard_out(struct heard *h)
{
    fflush(h->out_file);
    return h->out;
}

static inline void heard_close(struct heard *h)
{
    cli_context_close(&h->ctx);
    fclose(h->out_file);
    fclose(h->err_file);
    free(h->out);
    free(h->err);
}

#endif
