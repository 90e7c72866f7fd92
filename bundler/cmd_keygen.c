/* archon-bundle keygen: a key pair that signs bundles. */
#include "bundler/commands.h"
#include "certs/key.h"
#include "cli/secrets.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct keygen_options {
    struct cli_list names;
    const char *passphrase_file;
    const char *passphrase_fd;
    unsigned type; /* enum key_type: the choices below are in its order */
    bool is_encrypted;
};

static bool ask_passphrase(const struct keygen_options *o, struct secret *passphrase, struct err *e)
{
    struct cli_secret_source first = { .name = "passphrase", .file = o->passphrase_file, .fd = o->passphrase_fd };
    if (o->passphrase_file != NULL || o->passphrase_fd != NULL)
        return cli_secret_read(&first, passphrase, e);
    if (!o->is_encrypted)
        return true;
    AUTO(secret_clear_auto) struct secret again = { 0 };
    struct cli_secret_source second = first;
    first.prompt = "Passphrase for the new key: ";
    second.prompt = "The same again: ";
    if (!cli_secret_read(&first, passphrase, e) || !cli_secret_read(&second, &again, e))
        return false;
    return secret_equal(passphrase, &again) || err_set(e, ERR_USAGE, "the two passphrases differ");
}

static bool report(struct cli_context *ctx, const char *name, const struct key_public *key, bool is_encrypted, struct err *e)
{
    AUTO(mem_auto) char *private_file = mem_format("%s.key", name);
    AUTO(mem_auto) char *public_file = mem_format("%s.pub", name);
    if (cli_wants_json(ctx)) {
        struct jwrite *w = cli_json_open(ctx);
        jwrite_str(w, "key", private_file);
        jwrite_str(w, "public", public_file);
        jwrite_str(w, "type", key_type_name(key_public_type(key)));
        jwrite_digest_hex(w, "id", key_public_id(key));
        jwrite_bool(w, "encrypted", is_encrypted);
        return cli_json_close(ctx, w, e);
    }
    cli_print(ctx, "%s  private, %s: stays with you\n", SHOWN(private_file), is_encrypted ? "encrypted" : "not encrypted");
    cli_print(ctx, "%s  public: goes to the hosts, archon-load trust add\n", SHOWN(public_file));
    cli_print(ctx, "key id %s (%s)\n", DIGEST_HEX(key_public_id(key)), key_type_name(key_public_type(key)));
    return true;
}

static bool run_keygen(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct keygen_options *o = options;
    const char *name = o->names.items[0];
    AUTO(secret_clear_auto) struct secret passphrase = { 0 };
    if (!ask_passphrase(o, &passphrase, e))
        return false;
    AUTO(key_private_free_auto) struct key_private *key = key_private_generate((enum key_type)o->type, e);
    bool is_encrypted = secret_is_set(&passphrase);
    return key != NULL && key_private_write_pair(key, name, is_encrypted ? &passphrase : NULL, e) &&
           report(ctx, name, key_private_public(key), is_encrypted, e);
}

static const struct cli_option keygen_rows[] = {
    CLI_CHOICE_ROW("type", 0, struct keygen_options, type, "ed25519|ecdsa-p256|ecdsa-p384", "kind of key; the ECDSA ones for hosts that must use FIPS cryptography"),
    CLI_FLAG_ROW("encrypt", 0, struct keygen_options, is_encrypted, "ask for a passphrase that the private key is encrypted with"),
    CLI_TEXT_ROW("passphrase-file", 0, struct keygen_options, passphrase_file, "FILE", "the passphrase, in a file with mode 0600"),
    CLI_TEXT_ROW("passphrase-fd", 0, struct keygen_options, passphrase_fd, "N", "the passphrase, from an open descriptor"),
};

const struct cli_command cmd_keygen = { .name = "keygen", .arguments = "NAME", .summary = "make a key pair NAME.key and NAME.pub", CLI_OPTIONS(keygen_rows),
                                        CLI_INTO(struct keygen_options, names), .min_arguments = 1, .max_arguments = 1, .run = run_keygen };
