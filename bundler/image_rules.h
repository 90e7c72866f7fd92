/* Whose signatures the images of a bundle must carry: verify: of the definition and --cosign-key. No network.
 *
 *     AUTO(image_rules_clear_auto) struct image_rules rules = { 0 };
 *     image_rules_load(&rules, app, origin, &options->cosign_keys, e);
 *     const struct image_rule *rule = image_rules_for(&rules, &app->images[i]);    // null: nobody asks */
#ifndef BUNDLER_IMAGE_RULES_H
#define BUNDLER_IMAGE_RULES_H

#include "app/application.h"
#include "certs/image_key.h"
#include "cli/command.h"

/* Row for a command whose options struct has `struct cli_list cosign_keys`. */
#define IMAGE_RULES_ROW(type)                                \
    CLI_LIST_ROW("cosign-key", 0, type, cosign_keys, "FILE", \
                 "public key: images that no verify: covers must be signed by one of them; repeatable")

struct image_rule_key {
    char *name; /* of its file, as the author wrote it */
    struct image_key *key;
};
struct image_rule {
    const struct definition_verify *verify; /* null: --cosign-key */
    size_t n;
    struct image_rule_key *keys; /* a signature by one of them is enough */
};
struct image_rules {
    const struct definition *definition;
    size_t n;
    struct image_rule *items;
};

/* Reads and checks all keys. Borrows app. origin may be null when the definition has no verify:. ERR_CONFIG: a key file is missing or
 * wrong, an entry of verify: covers no image; ERR_USAGE: a key is given twice. *out is cleared by the caller in any case. */
MUST_CHECK bool image_rules_load(struct image_rules *out, const struct application *app, const struct origin *origin,
                                 const struct cli_list *cosign_keys, struct err *e);
void image_rules_clear(struct image_rules *r);
void image_rules_clear_auto(struct image_rules *r);

/* The one rule that decides: the entry of verify: with the longest prefix of the image's name; else of the place that it is taken from;
 * else --cosign-key. Null: none. */
const struct image_rule *image_rules_for(const struct image_rules *r, const struct application_image *image);

/* Did the signer mean this image? named: the repository in what was signed. With signed_as it must be that of the image below the other
 * prefix, else the repository of its name or of the place that it is taken from. expected, for messages, is one of those. */
struct image_rule_name {
    char text[LIMIT_REF_BYTES];
};
bool image_rule_accepts_name(const struct image_rule *rule, const struct application_image *image, const struct ref *named,
                             struct image_rule_name *expected);

/* "keys/a.pub" or "keys/a.pub, keys/b.pub" (mem_free). */
char *image_rule_key_names(const struct image_rule *rule);

#endif
