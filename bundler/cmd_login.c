/* archon-bundle login: does what we have for a registry work, and who are we there? Stores nothing. */
#include <string.h>

#include "bundler/access.h"
#include "bundler/commands.h"
#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

struct login_options {
    struct cli_list hosts;
    struct access_options access;
};

static const char *scheme_name(enum challenge_kind scheme)
{
    switch (scheme) {
    case CHALLENGE_BASIC: return "basic";
    case CHALLENGE_BEARER: return "bearer";
    case CHALLENGE_OTHER: break;
    }
    return "none";
}

static const char *kind_name(enum credential_kind kind)
{
    switch (kind) {
    case CREDENTIAL_PASSWORD: return "password";
    case CREDENTIAL_IDENTITY: return "identity token";
    case CREDENTIAL_TOKEN: return "registry token";
    case CREDENTIAL_NONE: break;
    }
    return "none";
}

static bool report_json(struct cli_context *ctx, const char *host, const struct registry_login *l, struct err *e)
{
    struct jwrite *w = cli_json_open(ctx);
    jwrite_str(w, "registry", host);
    jwrite_str(w, "address", l->address.text);
    jwrite_bool(w, "anonymous", l->is_anonymous);
    jwrite_str(w, "scheme", scheme_name(l->scheme));
    jwrite_str(w, "login", kind_name(l->kind));
    if (l->user[0] != '\0')
        jwrite_str(w, "user", l->user);
    if (l->from != NULL)
        jwrite_str(w, "from", l->from);
    if (l->token_server.text[0] != '\0')
        jwrite_str(w, "token_server", l->token_server.text);
    return cli_json_close(ctx, w, e);
}

static void report_text(struct cli_context *ctx, const char *host, const struct registry_login *l, const char *sources)
{
    AUTO(mem_auto) char *who = l->user[0] != '\0' ? mem_text(SHOWN(l->user)) : mem_format("the holder of the %s", kind_name(l->kind));
    if (!l->is_anonymous)
        cli_print(ctx, "%s: logged in as %s, from %s\n", host, who, SHOWN(l->from));
    else if (l->from != NULL)
        cli_print(ctx, "%s: anonymous: it asks for no login; that of %s, from %s, was not sent\n", host, who, SHOWN(l->from));
    else
        cli_print(ctx, "%s: anonymous: no login was found%s%s\n", host, sources[0] != '\0' ? " in " : "", sources);
    if (l->token_server.text[0] != '\0')
        cli_print(ctx, "  tokens from %s\n", l->token_server.text);
}

/* "HOST", or "HOST/REPOSITORY" for an entry of a part of the registry. */
static bool split(const char *argument, char **host, const char **repository, struct err *e)
{
    char name[256];
    uint16_t port;
    size_t n = strcspn(argument, "/");
    *host = mem_text_n(argument, n);
    *repository = argument[n] == '/' ? argument + n + 1 : "";
    if (strstr(argument, "//") == NULL && url_split_host(*host, name, &port))
        return true;
    err_set(e, ERR_USAGE, "%s: expected the host of a registry", SHOWN(argument));
    return err_hint(e, "as in the names of its images: docker.io, registry.example:5000");
}

static bool run_login(struct cli_context *ctx, const void *options, struct err *e)
{
    const struct login_options *o = options;
    AUTO(access_close_auto) struct access a = { 0 };
    AUTO(mem_auto) char *host = NULL;
    const char *repository = NULL;
    struct registry_login l;
    if (!split(o->hosts.items[0], &host, &repository, e) || !access_open(&a, &o->access, 0, 0, e) || !registry_login(a.registry, host, repository, &l, e))
        return false;
    if (cli_wants_json(ctx))
        return report_json(ctx, host, &l, e);
    report_text(ctx, host, &l, credentials_sources(a.credentials));
    return true;
}

static const struct cli_option login_rows[] = { ACCESS_ROWS(struct login_options, access) };

const struct cli_command cmd_login = {
    .name = "login",
    .arguments = "HOST[/REPOSITORY]",
    .summary = "check that credentials work, and say as whom",
    .details = "Looks for a login where create does, tries it, and stores nothing.",
    CLI_OPTIONS(login_rows),
    CLI_INTO(struct login_options, hosts),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_login,
};
