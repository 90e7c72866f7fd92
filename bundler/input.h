/* What is to be packed, read from where it lies: a definition, compose files alone, images alone, or the built-in application. create, plan and lint start here.
 *
 *     struct input in = { 0 };
 *     bool ok = input_read(&in, &options->input, &findings, e) && ... in.app, in.origin ...
 *     input_clear(&in);                                                               */
#ifndef BUNDLER_INPUT_H
#define BUNDLER_INPUT_H

#include "app/application.h"
#include "cli/command.h"

struct input_options {
    struct cli_list images;
    struct cli_list compose;
    const char *file;
    const char *version;
    const char *platforms; /* "linux/amd64,linux/arm64" */
    const char *env_file;
};

/* Rows for a command whose options struct has `struct input_options input`. */
#define INPUT_ROWS(type)                                                                                                                        \
    CLI_TEXT_ROW("file", 'f', type, input.file, "FILE", "the definition (./bundle.yaml)"),                                                       \
        CLI_LIST_ROW("compose", 0, type, input.compose, "FILE", "a compose file instead of a definition; repeatable"),                           \
        CLI_TEXT_ROW("version", 0, type, input.version, "V", "version of the release, in place of the definition's"),                            \
        CLI_TEXT_ROW("platform", 0, type, input.platforms, "P[,P]", "platforms to pack, in place of the definition's"),                          \
        CLI_TEXT_ROW("env-file", 0, type, input.env_file, "FILE", "values for image locations in compose files (.env beside the definition)")

enum input_kind { INPUT_DEFINITION, INPUT_COMPOSE, INPUT_IMAGES, INPUT_EMBEDDED };

struct input {
    enum input_kind kind;
    struct application *app;
    struct origin *origin;        /* null: images alone */
    struct origin_file *embedded; /* of the origin, when it is the built-in application */
    struct buf env_text;
};

/* Trouble in the files goes to f as far as it is theirs, and the first of it to e. ERR_USAGE when several sources are named; ERR_CONFIG. in must be empty; it is cleared by
 * the caller in any case. */
MUST_CHECK bool input_read(struct input *in, const struct input_options *o, struct findings *f, struct err *e);
void input_clear(struct input *in);

/* "shop 1.0.0: 3 images, 2 migrations, 8 files". */
struct input_summary {
    char text[256];
};
const char *input_summary(struct input_summary *out, const struct application *app);

/* The name of a folder, also of "." and "shop/". Owned by the caller. */
char *input_folder_name(const char *dir);

/* The built-in application's files as an origin; *files is owned by the caller (mem_free) and must outlive it. */
struct origin *input_embedded_origin(struct origin_file **files);

#endif
