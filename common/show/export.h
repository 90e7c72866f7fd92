/* export: images of a verified bundle in the forms that other tools read. */
#ifndef SHOW_EXPORT_H
#define SHOW_EXPORT_H

#include "bundle/verify.h"
#include "cli/command.h"

struct show_export_options {
    struct cli_list images; /* --image; none: all */
    const char *platforms;  /* null: all */
    const char *format;
    const char *out;
};

/* The rows of export, for the options struct of either program. */
#define SHOW_EXPORT_ROWS(type, field)                                                                                      \
    CLI_TEXT_ROW("format", 0, type, field.format, "FORM", "oci, docker-archive, dir or rootfs"),                           \
        CLI_TEXT_ROW("output", 'o', type, field.out, "PATH", "the file or directory to make"),                             \
        CLI_LIST_ROW("image", 0, type, field.images, "NAME", "only this image: a reference, or its end (again for more)"), \
        CLI_TEXT_ROW("platform", 0, type, field.platforms, "P[,P]", "only these platforms, linux/amd64")

/* What is wrong with the options alone, before a bundle is opened. ERR_USAGE. */
MUST_CHECK bool show_export_check(const struct show_export_options *o, struct err *e);
MUST_CHECK bool show_export(struct cli_context *ctx, const struct bundle *b, const struct show_export_options *o, struct err *e);

#endif
