/* What registries that exist ask for, as they document it, and what they get from us. The server is the tests' own. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/manifests.h"
#include "tests/support/fake.h"

#include "base/banned.h"

#define MANIFEST "{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"application/vnd.oci.image.index.v1+json\\\",\\\"manifests\\\":[]}"
#define OK "\"headers\": [[\"Content-Type\", \"application/vnd.oci.image.index.v1+json\"]], \"body\": \"" MANIFEST "\""
#define Q "\\\""
#define SELF "http://127.0.0.1:{port@}" /* @: that of the product */
#define FORM(grant, rest) "grant_type=" grant "&client_id=archon-bundle" rest

static const struct product {
    const char *name, *repository;
    const char *headers[2]; /* of the 401 */
    const char *login;      /* an entry of auths, or null */
    const char *token_path; /* null: no token */
    const char *method;     /* for the token; other methods are answered as `other` */
    unsigned other;
    const char *token_has;  /* a header of that request, or null: none of ours */
    const char *form;       /* its body, or null */
    const char *answer;     /* to it */
    const char *sent;       /* Authorization to the registry in the end */
    bool is_second_way;     /* the token server refuses the first way of asking */
} products[] = {
    { "Docker Hub, anonymous", "library/nginx", { "Bearer realm=" Q SELF "/token" Q ",service=" Q "registry.docker.io" Q ",scope=" Q "repository:library/nginx:pull" Q }, NULL,
      "/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull", "GET", 405, NULL, NULL,
      "{" Q "token" Q ":" Q "t" Q "," Q "access_token" Q ":" Q "t" Q "," Q "expires_in" Q ":300," Q "issued_at" Q ":" Q "2026-11-21T20:00:00.654321Z" Q "}", "Bearer t", false },
    { "Docker Hub, a personal access token", "acme/app", { "Bearer realm=" Q SELF "/token" Q ",service=" Q "registry.docker.io" Q ",scope=" Q "repository:acme/app:pull" Q },
      "\"auth\": \"dTpw\"", "/token?service=registry.docker.io&scope=repository%3Aacme%2Fapp%3Apull", "GET", 405, "Authorization: Basic dTpw", NULL,
      "{" Q "token" Q ":" Q "t" Q "," Q "expires_in" Q ":300}", "Bearer t", false },
    { "GHCR", "acme/app", { "Bearer realm=" Q SELF "/token" Q ",service=" Q "ghcr.io" Q ",scope=" Q "repository:acme/app:pull" Q }, "\"auth\": \"dTpw\"",
      "/token?service=ghcr.io&scope=repository%3Aacme%2Fapp%3Apull", "GET", 405, "Authorization: Basic dTpw", NULL, "{" Q "token" Q ":" Q "djE6" Q "}", "Bearer djE6", false },
    { "ECR", "app", { "Basic realm=" Q "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/" Q ",service=" Q "ecr.amazonaws.com" Q }, "\"username\": \"AWS\", \"password\": \"p\"",
      NULL, NULL, 0, NULL, NULL, NULL, "Basic QVdTOnA=", false },
    { "ECR Public", "docker/library/nginx", { "Bearer realm=" Q SELF "/token/" Q ",service=" Q "public.ecr.aws" Q ",scope=" Q "aws" Q }, NULL,
      "/token/?service=public.ecr.aws&scope=aws", "GET", 405, NULL, NULL, "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "Artifact Registry", "acme/images/app", { "Bearer realm=" Q SELF "/v2/token" Q ",service=" Q "europe-docker.pkg.dev" Q ",scope=" Q "repository:acme/images/app:pull" Q },
      "\"username\": \"oauth2accesstoken\", \"password\": \"p\"", "/v2/token?service=europe-docker.pkg.dev&scope=repository%3Aacme%2Fimages%2Fapp%3Apull", "GET", 405,
      "Authorization: Basic b2F1dGgyYWNjZXNzdG9rZW46cA==", NULL, "{" Q "token" Q ":" Q "ya29" Q "," Q "expires_in" Q ":43199}", "Bearer ya29", false },
    { "ACR, a password", "app", { "Bearer realm=" Q SELF "/oauth2/token" Q ",service=" Q "acme.azurecr.io" Q ",scope=" Q "repository:app:pull" Q }, "\"auth\": \"dTpw\"",
      "/oauth2/token?service=acme.azurecr.io&scope=repository%3Aapp%3Apull", "GET", 405, "Authorization: Basic dTpw", NULL, "{" Q "access_token" Q ":" Q "eyJ" Q "}", "Bearer eyJ", false },
    { "ACR, what az acr login leaves", "app", { "Bearer realm=" Q SELF "/oauth2/token" Q ",service=" Q "acme.azurecr.io" Q ",scope=" Q "repository:app:pull" Q },
      "\"auth\": \"MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOg==\", \"identitytoken\": \"re/fresh\"", "/oauth2/token", "POST", 405, NULL,
      FORM("refresh_token", "&service=acme.azurecr.io&scope=repository%3Aapp%3Apull&refresh_token=re%2Ffresh"), "{" Q "access_token" Q ":" Q "eyJ" Q "}", "Bearer eyJ", false },
    { "ACR, a refresh token as the password, which GET refuses", "app", { "Bearer realm=" Q SELF "/oauth2/token" Q ",service=" Q "acme.azurecr.io" Q ",scope=" Q "repository:app:pull" Q },
      "\"username\": \"00000000-0000-0000-0000-000000000000\", \"password\": \"fresh\"", "/oauth2/token", "POST", 401, NULL,
      FORM("refresh_token", "&service=acme.azurecr.io&scope=repository%3Aapp%3Apull&refresh_token=fresh"), "{" Q "access_token" Q ":" Q "eyJ" Q "}", "Bearer eyJ", true },
    { "Quay, a robot account", "acme/app", { "Bearer realm=" Q SELF "/v2/auth" Q ",service=" Q "quay.io" Q ",scope=" Q "repository:acme/app:pull" Q },
      "\"username\": \"acme+robot\", \"password\": \"p\"", "/v2/auth?service=quay.io&scope=repository%3Aacme%2Fapp%3Apull", "GET", 405, "Authorization: Basic YWNtZStyb2JvdDpw", NULL,
      "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "Harbor, a robot account", "team/app", { "Bearer realm=" Q SELF "/service/token" Q ",service=" Q "harbor-registry" Q ",scope=" Q "repository:team/app:pull" Q },
      "\"username\": \"robot$builds\", \"password\": \"p\"", "/service/token?service=harbor-registry&scope=repository%3Ateam%2Fapp%3Apull", "GET", 405,
      "Authorization: Basic cm9ib3QkYnVpbGRzOnA=", NULL, "{" Q "token" Q ":" Q "t" Q "," Q "access_token" Q ":" Q Q "," Q "expires_in" Q ":1800," Q "issued_at" Q ":" Q "2026-11-21T20:00:00Z" Q "}",
      "Bearer t", false },
    { "GitLab, a deploy token", "group/project/app", { "Bearer realm=" Q SELF "/jwt/auth" Q ",service=" Q "container_registry" Q ",scope=" Q "repository:group/project/app:pull" Q },
      "\"auth\": \"dTpw\"", "/jwt/auth?service=container_registry&scope=repository%3Agroup%2Fproject%2Fapp%3Apull", "GET", 404, "Authorization: Basic dTpw", NULL,
      "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "Artifactory, by token", "docker-local/app",
      { "Bearer realm=" Q SELF "/artifactory/api/docker/docker-local/v2/token" Q ",service=" Q "artifactory.example:443" Q ",scope=" Q "repository:docker-local/app:pull" Q }, "\"auth\": \"dTpw\"",
      "/artifactory/api/docker/docker-local/v2/token?service=artifactory.example%3A443&scope=repository%3Adocker-local%2Fapp%3Apull", "GET", 401, "Authorization: Basic dTpw", NULL,
      "{" Q "token" Q ":" Q "t" Q "," Q "expires_in" Q ":3600}", "Bearer t", false },
    { "Artifactory, without tokens", "docker-local/app", { "Basic realm=" Q "Artifactory Realm" Q }, "\"auth\": \"dTpw\"", NULL, NULL, 0, NULL, NULL, NULL, "Basic dTpw", false },
    { "distribution with htpasswd", "app", { "Basic realm=" Q "Registry Realm" Q }, "\"auth\": \"dTpw\"", NULL, NULL, 0, NULL, NULL, NULL, "Basic dTpw", false },
    { "distribution with a token server of its own", "app", { "Bearer realm=" Q SELF "/auth" Q ",service=" Q "registry.example" Q ",scope=" Q "repository:app:pull" Q }, "\"auth\": \"dTpw\"",
      "/auth?service=registry.example&scope=repository%3Aapp%3Apull", "GET", 405, "Authorization: Basic dTpw", NULL, "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "Zot with htpasswd", "app", { "Basic realm=" Q "Authorization Required" Q ", charset=" Q "UTF-8" Q }, "\"auth\": \"dTpw\"", NULL, NULL, 0, NULL, NULL, NULL, "Basic dTpw", false },
    { "Zot with a token server, in small letters", "app", { "bearer realm=" Q SELF "/auth" Q ",service=" Q "zot" Q ",scope=" Q Q }, NULL, "/auth?service=zot&scope=repository%3Aapp%3Apull", "GET", 405,
      NULL, NULL, "{" Q "access_token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "Nexus, two challenges in two headers", "app", { "Basic realm=" Q "Sonatype Nexus Repository Manager" Q, "Bearer realm=" Q SELF "/v2/token" Q ",service=" Q "nexus" Q }, NULL,
      "/v2/token?service=nexus&scope=repository%3Aapp%3Apull", "GET", 405, NULL, NULL, "{" Q "token" Q ":" Q "DockerToken.1" Q "}", "Bearer DockerToken.1", false },
    { "two challenges in one header", "app", { "Basic realm=" Q "x" Q ", Bearer realm=" Q SELF "/v2/token" Q ",service=" Q "s" Q }, "\"auth\": \"dTpw\"",
      "/v2/token?service=s&scope=repository%3Aapp%3Apull", "GET", 405, "Authorization: Basic dTpw", NULL, "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
    { "a token server that knows OAuth2 only", "app", { "Bearer realm=" Q SELF "/oauth" Q ",service=" Q "s" Q }, "\"username\": \"u&v\", \"password\": \"p=%\"", "/oauth", "POST", 405, NULL,
      FORM("password", "&service=s&scope=repository%3Aapp%3Apull&username=u%26v&password=p%3D%25"), "{" Q "access_token" Q ":" Q "t" Q "}", "Bearer t", true },
    { "a registry that proposes more than to pull", "app", { "Bearer realm=" Q SELF "/t" Q ",service=" Q "s" Q ",scope=" Q "repository:app:pull,push,delete" Q }, NULL,
      "/t?service=s&scope=repository%3Aapp%3Apull", "GET", 405, NULL, NULL, "{" Q "token" Q ":" Q "t" Q "}", "Bearer t", false },
};

enum { PORTS = 8 }; /* each server plays so many products */

static void add(struct buf *script, int port, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '@' && script->len > 5 && text_ends(buf_text(script), "{port"))
            buf_addf(script, "%d", port);
        else
            buf_addc(script, *text);
    }
}

static void add_challenges(struct buf *script, const struct product *p, int port)
{
    buf_addf(script, "{\"port\": %d, \"lacks\": \"Authorization\", \"status\": 401, \"headers\": [", port);
    for (size_t i = 0; i < 2 && p->headers[i] != NULL; i++) {
        buf_adds(script, i > 0 ? ", [\"WWW-Authenticate\", \"" : "[\"WWW-Authenticate\", \"");
        add(script, port, p->headers[i]);
        buf_adds(script, "\"]");
    }
    buf_adds(script, "]}");
}

static void add_token_server(struct buf *script, const struct product *p, int port)
{
    static const char *const queries[] = { "", "?service=acme.azurecr.io&scope=repository%3Aapp%3Apull", "?service=s&scope=repository%3Aapp%3Apull" };
    buf_addf(script, "{\"port\": %d, \"path\": \"%s\", \"method\": \"%s\", \"%s\": \"%s\", \"body\": \"%s\"},", port, p->token_path, p->method,
             p->token_has != NULL ? "has" : "lacks", p->token_has != NULL ? p->token_has : "Authorization", p->answer);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) /* asked in another way */
        buf_addf(script, "{\"port\": %d, \"path\": \"%s%s\", \"status\": %u},", port, p->token_path, queries[i], p->other);
}

static void start(struct fake *f, const struct product *first, size_t n)
{
    AUTO(buf_clear_auto) struct buf script = BUF_LIMIT(256 * KIB);
    buf_addf(&script, "{\"ports\": %d, \"rules\": [", PORTS);
    for (size_t i = 0; i < n; i++) {
        const struct product *p = &first[i];
        buf_addf(&script, "%s{\"port\": %zu, \"has\": \"Authorization: %s\", \"path\": \"/v2/%s/manifests/1\", %s},", i > 0 ? "," : "", i, p->sent, p->repository, OK);
        if (p->token_path != NULL)
            add_token_server(&script, p, (int)i);
        add_challenges(&script, p, (int)i);
    }
    buf_adds(&script, "]}");
    fake_start(f, buf_text(&script));
}

static void check(struct fake *f, const struct product *p, int port)
{
    struct err e = { 0 };
    struct ref ref = { .tag = "1" };
    snprintf(ref.host, sizeof ref.host, "127.0.0.1:%u", f->ports[port]);
    assert_true(text_copy(ref.repository, sizeof ref.repository, p->repository));
    AUTO(mem_auto) char *text = mem_format("{\"auths\": {\"%s\": {%s}}}", ref.host, p->login != NULL ? p->login : "");
    AUTO(credentials_free_auto) struct credentials *logins = credentials_read(text, strlen(text), "config.json", &e);
    const char *const plain[] = { ref.host };
    struct registry_options o = { .plain_http = plain, .n_plain_http = 1, .credentials = logins, .tries = UINT_MAX };
    AUTO(registry_free_auto) struct registry *r = registry_open(&o, &e);
    for (int i = 0; i < 2; i++) { /* the second time with what is known from the first */
        AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
        if (!registry_manifest(r, &ref, NULL, &d, &e))
            fail_msg("%s: %s\n%s", p->name, e.msg, fake_log(f));
    }
    AUTO(mem_auto) char *pulls = mem_format("\"Host\", \"%s\"", ref.host);
    int n_asked = p->token_path == NULL ? 0 : p->is_second_way ? 2 : 1;
    if (fake_count(f, pulls) != 3 + n_asked)
        fail_msg("%s: expected 3 pulls and %d token requests\n%s", p->name, n_asked, fake_log(f));
    if (p->form != NULL && fake_count(f, p->form) != 1)
        fail_msg("%s: no form %s\n%s", p->name, p->form, fake_log(f));
}

static void every_product_gets_what_it_asks_for(void **state)
{
    (void)state;
    for (size_t at = 0; at < ARRAY_LEN(products); at += PORTS) {
        struct fake f;
        size_t n = ARRAY_LEN(products) - at < PORTS ? ARRAY_LEN(products) - at : PORTS;
        start(&f, &products[at], n);
        for (size_t i = 0; i < n; i++)
            check(&f, &products[at + i], (int)i);
        fake_stop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_product_gets_what_it_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
