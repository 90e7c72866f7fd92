/* Logging in to registries: what is sent, and above all what is not. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/credential_helper.h"
#include "registry/host.h"
#include "registry/manifests.h"
#include "registry/token.h"
#include "tests/support/fake.h"

#include "base/banned.h"

#define MANIFEST "{\\\"schemaVersion\\\":2,\\\"mediaType\\\":\\\"application/vnd.oci.image.index.v1+json\\\",\\\"manifests\\\":[]}"
#define OK "\"headers\": [[\"Content-Type\", \"application/vnd.oci.image.index.v1+json\"]], \"body\": \"" MANIFEST "\""
#define ASK(realm) "\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Bearer realm=\\\"" realm "\\\",service=\\\"fake\\\"\"]]"
#define SELF "http://127.0.0.1:{port0}"

struct setting {
    struct fake f;
    char host[64];
    const char *plain[1];
    struct registry *r;
    struct credentials *logins;
};

static void begin(struct setting *s, const char *script, const char *logins)
{
    struct err e = { 0 };
    memset(s, 0, sizeof *s);
    fake_start(&s->f, script);
    snprintf(s->host, sizeof s->host, "127.0.0.1:%u", s->f.ports[0]);
    s->plain[0] = s->host;
    AUTO(mem_auto) char *text = mem_format("{\"auths\": {\"%s\": {%s}}}", s->host, logins != NULL ? logins : "");
    if (logins != NULL && logins[0] == '!') {
        mem_free(text);
        text = mem_format("{\"credHelpers\": {\"%s\": \"%s\"}}", s->host, logins + 1);
    }
    s->logins = credentials_read(text, strlen(text), "config.json", &e);
    assert_non_null(s->logins);
    struct registry_options o = { .plain_http = s->plain, .n_plain_http = 1, .credentials = s->logins, .tries = 2, .first_wait_ms = 10,
                                  .stall_timeout_ms = 5000 };
    s->r = registry_open(&o, &e);
    assert_non_null(s->r);
}

static void end(struct setting *s)
{
    registry_free(s->r);
    credentials_free(s->logins);
    fake_stop(&s->f);
}

static bool fetch(struct setting *s, const char *repository, struct err *e)
{
    struct ref ref = { .tag = "1" };
    assert_true(text_copy(ref.host, sizeof ref.host, s->host) && text_copy(ref.repository, sizeof ref.repository, repository));
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    return registry_manifest(s->r, &ref, NULL, &d, e);
}

static void expect_good(struct setting *s, const char *repository)
{
    struct err e = { 0 };
    if (!fetch(s, repository, &e))
        fail_msg("%s\n%s", e.msg, fake_log(&s->f));
}

static void expect_refusal(struct setting *s, enum err_code code, const char *part)
{
    struct err e = { 0 };
    assert_false(fetch(s, "app", &e));
    if (strstr(e.msg, part) == NULL || e.code != code)
        fail_msg("%s: %s (expected %s: %s)", err_name(e.code), e.msg, err_name(code), part);
}

static void anonymous_pulls_ask_for_a_token_once(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/v2/app/manifests/1\", \"lacks\": \"Authorization\", " ASK(SELF "/token?x=y") "},"
              "{\"path\": \"/token?x=y&service=fake&scope=repository%3Aapp%3Apull\", \"lacks\": \"Authorization\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
              "{\"path\": \"/v2/app/manifests/1\", \"has\": \"Authorization: Bearer t1\", " OK "}]}", NULL);
    expect_good(&s, "app");
    expect_good(&s, "app");
    assert_int_equal(fake_count(&s.f, "/token"), 1);
    assert_int_equal(fake_count(&s.f, "/v2/app"), 3);
    end(&s);
}

static void each_repository_has_its_own_token(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"lacks\": \"Authorization\", \"path\": \"/v2/a/manifests/1\", " ASK(SELF "/token") "},"
              "{\"lacks\": \"Authorization\", \"path\": \"/v2/b/manifests/1\", " ASK(SELF "/token") "},"
              "{\"path\": \"/token?service=fake&scope=repository%3Aa%3Apull\", \"body\": \"{\\\"access_token\\\": \\\"ta\\\"}\"},"
              "{\"path\": \"/token?service=fake&scope=repository%3Ab%3Apull\", \"body\": \"{\\\"token\\\": \\\"tb\\\", \\\"expires_in\\\": 300}\"},"
              "{\"path\": \"/v2/a/manifests/1\", \"has\": \"Authorization: Bearer ta\", " OK "},"
              "{\"path\": \"/v2/b/manifests/1\", \"has\": \"Authorization: Bearer tb\", " OK "}]}", NULL);
    expect_good(&s, "a");
    expect_good(&s, "b");
    expect_good(&s, "a");
    assert_int_equal(fake_count(&s.f, "/token"), 2);
    end(&s);
}

static void the_password_goes_to_the_token_server_only(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/v2/app/manifests/1\", \"lacks\": \"Authorization\", \"status\": 401, \"headers\": [[\"WWW-Authenticate\","
              " \"Bearer realm=\\\"" SELF "/token\\\",service=\\\"fake\\\",scope=\\\"repository:app:pull repository:base:pull\\\"\"]]},"
              "{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull&scope=repository%3Abase%3Apull\", \"has\": \"Authorization: Basic dTpw\","
              "\"body\": \"{\\\"token\\\": \\\"t1\\\"}\"}, {\"has\": \"Authorization: Bearer t1\", " OK "}]}", "\"auth\": \"dTpw\"");
    expect_good(&s, "app");
    assert_int_equal(fake_count(&s.f, "Basic dTpw"), 1);
    end(&s);
}

static void basic_registries_get_the_password_after_they_asked(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"has\": \"Authorization: Basic dTpw\", " OK "},"
              "{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=\\\"x\\\"\"]]}]}", "\"username\": \"u\", \"password\": \"p\"");
    expect_good(&s, "app");
    expect_good(&s, "other");
    assert_int_equal(fake_count(&s.f, "\"method\""), 3);
    end(&s);
}

static void refuses_to_repeat_what_was_sent(const char *message, const char *told)
{
    struct setting s;
    struct err e = { 0 };
    AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"has\": \"Authorization: Basic dTpzM2NyM3Q=\", \"status\": 403, \"body\": "
                                             "\"{\\\"errors\\\":[{\\\"code\\\":\\\"DENIED\\\",\\\"message\\\":\\\"%s\\\"}]}\"},"
                                             "{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=\\\"x\\\"\"]]}]}", message);
    begin(&s, script, "\"auth\": \"dTpzM2NyM3Q=\"");
    assert_false(fetch(&s, "app", &e));
    assert_int_equal(e.code, ERR_AUTH);
    assert_non_null(strstr(e.msg, told));
    assert_null(strstr(e.msg, "s3cr3t"));
    assert_null(strstr(e.msg, "dTpzM2NyM3Q="));
    end(&s);
}

static void a_registry_that_repeats_our_login_is_not_quoted(void **state)
{
    (void)state;
    refuses_to_repeat_what_was_sent("not for builders", "access denied (DENIED: not for builders)");
    refuses_to_repeat_what_was_sent("you sent Basic dTpzM2NyM3Q=", "access denied");
    refuses_to_repeat_what_was_sent("s3cr3t is wrong", "access denied");
}

/* header: of the answer to who is logged in, with status. */
static void is_not_told(const char *header, unsigned status, enum err_code code)
{
    struct setting s;
    struct err e = { 0 };
    AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"has\": \"Authorization: Basic dTpzM2NyM3Q=\", \"status\": %u, \"headers\": [%s]},"
                                             "{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=\\\"x\\\"\"]]}]}", status, header);
    begin(&s, script, "\"auth\": \"dTpzM2NyM3Q=\"");
    assert_false(fetch(&s, "app", &e));
    assert_int_equal(e.code, code);
    if (strcasestr(e.msg, "dTpzM2NyM3Q") != NULL || strcasestr(e.hint, "dTpzM2NyM3Q") != NULL || strstr(e.msg, "s3cr3t") != NULL)
        fail_msg("%s (%s)", e.msg, e.hint);
    assert_non_null(strstr(e.msg, "app"));
    end(&s);
}

static void headers_that_repeat_our_login_are_not_quoted(void **state)
{
    (void)state;
    is_not_told("[\"Location\", \"gopher://dTpzM2NyM3Q.evil.test/\"]", 307, ERR_NET);
    is_not_told("[\"Location\", \"gopher://evil.test/s3cr3t\"]", 307, ERR_NET);
    is_not_told("[\"WWW-Authenticate\", \"Bearer realm=\\\"https://dTpzM2NyM3Q.evil.test/\\\"\"]", 401, ERR_AUTH);
}

static void identity_tokens_are_posted(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/v2/app/manifests/1\", \"lacks\": \"Authorization\", " ASK(SELF "/oauth") "},"
              "{\"path\": \"/oauth\", \"method\": \"POST\", \"lacks\": \"Authorization\", \"body\": \"{\\\"access_token\\\": \\\"t1\\\"}\"},"
              "{\"has\": \"Authorization: Bearer t1\", " OK "}]}", "\"identitytoken\": \"re/fresh\"");
    expect_good(&s, "app");
    assert_int_equal(fake_count(&s.f, "grant_type=refresh_token&client_id=archon-bundle&service=fake&scope=repository%3Aapp%3Apull&refresh_token=re%2Ffresh"), 1);
    end(&s);
}

static void a_token_that_is_no_longer_taken_is_renewed(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"times\": 1, \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
              "{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"body\": \"{\\\"token\\\": \\\"t2\\\"}\"},"
              "{\"has\": \"Authorization: Bearer t1\", \"times\": 1, " OK "}, {\"has\": \"Authorization: Bearer t2\", " OK "},"
              "{" ASK(SELF "/token") "}]}", NULL);
    expect_good(&s, "app");
    expect_good(&s, "app");
    assert_int_equal(fake_count(&s.f, "/token"), 2);
    end(&s);
}

static void endless_refusals_end(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"}, {" ASK(SELF "/token") "}]}",
          "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "app: the registry refused the login of u");
    assert_int_equal(fake_count(&s.f, "/v2/app"), 2);
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}]}", NULL);
    struct err e = { 0 };
    assert_false(fetch(&s, "app", &e));
    assert_int_equal(e.code, ERR_AUTH);
    assert_non_null(strstr(e.msg, "app needs a login or does not exist"));
    assert_non_null(strstr(e.hint, "--authfile"));
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Negotiate\"]]}]}", NULL);
    expect_refusal(&s, ERR_AUTH, "neither Basic nor Bearer");
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 401}]}", NULL);
    expect_refusal(&s, ERR_AUTH, "neither Basic nor Bearer");
    end(&s);
}

static void a_missing_program_matters_only_when_the_registry_insists(void **state)
{
    (void)state;
    struct setting s;
    static const char missing[] = "config.json: docker-credential-archon-missing: no such program in /usr/local/bin";
    begin(&s, "{\"rules\": [{" OK "}]}", "!archon-missing");
    expect_good(&s, "app");
    end(&s);
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"lacks\": \"Authorization\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
              "{\"has\": \"Authorization: Bearer t1\", " OK "}, {" ASK(SELF "/token") "}]}", "!archon-missing");
    expect_good(&s, "app"); /* anonymous */
    end(&s);
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"status\": 401}, {" ASK(SELF "/token") "}]}", "!archon-missing");
    expect_refusal(&s, ERR_CONFIG, missing);
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}]}", "!archon-missing");
    expect_refusal(&s, ERR_CONFIG, missing);
    end(&s);
}

static void token_servers_elsewhere_get_nothing(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"ports\": 2, \"rules\": [{" ASK("https://tokens.evil.example/t") "}]}", "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "token server https://tokens.evil.example is not on the registry's host");
    end(&s);
}

static void realms_that_are_no_place_for_a_password_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *realm, *part;
    } rows[] = {
        { "", "names no token server" },
        { "http://registry.example/t", "is not https" },
        { "file:///etc/passwd", "" },
        { "ftp://registry.example/t", "" },
        { "gopher://registry.example/t", "" },
        { "https://user:s3cret@registry.example/t", "" },
        { "https://registry.example:0/t", "" },
        { "/relative", "" },
        { "https://169.254.169.254/t", "not on the registry's host" },
        { "https://[::1]/t", "not on the registry's host" },
        { "https://0.0.0.0/t", "not on the registry's host" },
        { "https://2852039166/t", "not on the registry's host" },
        { "https://127.0.0.1/t", "not on the registry's host" },
        { "https://registry.example.evil/t", "not on the registry's host" },
        { "https://evilregistry.example/t", "not on the registry's host" },
        { "https://registry.example@evil.example/t", "" },
    };
    struct url base;
    struct err setup = { 0 };
    assert_true(url_parse(&base, "https://registry.example/", "x", &setup));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct challenge c = { .kind = CHALLENGE_BEARER };
        struct token_request q = { .challenge = &c, .base = &base, .repository = "app" };
        struct url server;
        struct err e = { 0 };
        assert_true(text_copy(c.realm, sizeof c.realm, rows[i].realm));
        if (token_server(&server, &q, &e))
            fail_msg("accepted %s", rows[i].realm);
        assert_int_equal(e.code, ERR_AUTH);
        assert_non_null(strstr(e.msg, rows[i].part));
        assert_null(strstr(e.msg, "s3cret"));
    }
}

static void realms_that_belong_to_the_registry_are_taken(void **state)
{
    (void)state;
    static const char *const named[] = { "gitlab.site.example" };
    static const char *const rows[][2] = {
        { "https://registry.example/", "https://registry.example/token" },  { "https://registry.example/", "https://REGISTRY.example:5001/auth" },
        { "https://registry-1.docker.io/", "https://auth.docker.io/token" }, { "https://registry.example/", "https://gitlab.site.example/jwt/auth" },
        { "http://127.0.0.1:5000/", "http://localhost:5001/token" }, { "https://registry.gitlab.com/", "https://gitlab.com/jwt/auth" },
        { "https://acme.azurecr.io/", "https://acme.azurecr.io/oauth2/token" }, { "https://docker.elastic.co/", "https://docker-auth.elastic.co/auth" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url base, server;
        struct err e = { 0 };
        assert_true(url_parse(&base, rows[i][0], "x", &e));
        struct challenge c = { .kind = CHALLENGE_BEARER };
        assert_true(text_copy(c.realm, sizeof c.realm, rows[i][1]));
        struct token_request q = { .challenge = &c, .base = &base, .repository = "app", .more_hosts = named, .n_more_hosts = 1 };
        if (!token_server(&server, &q, &e))
            fail_msg("%s", e.msg);
    }
    struct url base, server;
    struct err e = { 0 };
    assert_true(url_parse(&base, "https://registry.example/", "x", &e));
    struct challenge c = { .kind = CHALLENGE_BEARER, .realm = "https://auth.docker.io/token" }; /* only for its own registry */
    struct token_request q = { .challenge = &c, .base = &base, .repository = "app" };
    assert_false(token_server(&server, &q, &e));
}

static void token_servers_do_not_send_us_elsewhere(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"ports\": 2, \"rules\": [{\"port\": 0, \"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"status\": 307,"
              "\"headers\": [[\"Location\", \"http://127.0.0.1:{port1}/t\"]]}, {\"port\": 0, " ASK(SELF "/token") "}]}", "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "redirects, which is refused");
    assert_int_equal(fake_count(&s.f, "\"port\": 1"), 0);
    end(&s);
}

static void token_answers_that_are_no_tokens_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = { "", "{}", "{\\\"token\\\": \\\"\\\"}", "{\\\"token\\\": 7}", "<html>", "{\\\"token\\\": \\\"a\\\", \\\"expires_in\\\": -1}" };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct setting s;
        AUTO(mem_auto) char *script = mem_format("{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%%3Aapp%%3Apull\", \"body\": \"%s\"}, {%s}]}",
                                                 bodies[i], ASK(SELF "/token"));
        begin(&s, script, NULL);
        expect_refusal(&s, ERR_AUTH, "token");
        end(&s);
    }
    /* A token with a line break would be a second header. */
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"body\": \"{\\\"token\\\": \\\"a\\\\r\\\\nX-Evil: 1\\\"}\"}, {" ASK(SELF "/token") "}]}", NULL);
    expect_refusal(&s, ERR_AUTH, "characters that no token has");
    assert_int_equal(fake_count(&s.f, "X-Evil"), 0);
    end(&s);
}

static void a_busy_token_server_is_asked_again(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"times\": 1, \"status\": 503},"
              "{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
              "{\"has\": \"Authorization: Bearer t1\", " OK "}, {" ASK(SELF "/token") "}]}", NULL);
    expect_good(&s, "app");
    end(&s);
}

static void no_secret_goes_over_plain_http_to_another_host(void **state)
{
    (void)state;
    struct fake f;
    fake_start(&f, "{\"rules\": [{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}]}");
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", f.ports[0]); /* stands in for the network */
    setenv("http_proxy", proxy, 1);
    struct err e = { 0 };
    static const char text[] = "{\"auths\": {\"registry.example\": {\"auth\": \"dTpw\"}}}";
    AUTO(credentials_free_auto) struct credentials *logins = credentials_read(text, sizeof text - 1, "x", &e);
    static const char *const plain[] = { "registry.example" };
    struct registry_options o = { .plain_http = plain, .n_plain_http = 1, .credentials = logins, .use_proxy_env = true, .tries = UINT_MAX };
    AUTO(registry_free_auto) struct registry *r = registry_open(&o, &e);
    struct ref ref = { .host = "registry.example", .repository = "app", .tag = "1" };
    AUTO(registry_document_clear_auto) struct registry_document d = { 0 };
    assert_false(registry_manifest(r, &ref, NULL, &d, &e));
    assert_int_equal(e.code, ERR_AUTH);
    assert_non_null(strstr(e.msg, "none is sent over plain HTTP"));
    assert_int_equal(fake_count(&f, "http://registry.example/v2/app/manifests/1"), 1);
    assert_int_equal(fake_count(&f, "uthorization\""), 0);
    unsetenv("http_proxy");
    fake_stop(&f);
}

/* ---- several transfers, and logins that expire ---- */

static struct http_response answer_401(struct setting *s)
{
    struct http_response rs = { .status = 401, .n_headers = 1 };
    rs.headers = mem_new(sizeof *rs.headers);
    rs.headers[0].name = mem_text("www-authenticate");
    rs.headers[0].value = mem_format("Bearer realm=\"http://%s/token\",service=\"fake\"", s->host);
    return rs;
}

static void transfers_share_a_token_and_its_renewal(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, "{\"rules\": [{\"times\": 1, \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"}, {\"body\": \"{\\\"token\\\": \\\"t2\\\"}\"}]}", NULL);
    struct registry_host *h = registry_host(s.r, s.host, &e);
    AUTO(http_response_clear_auto) struct http_response rs = answer_401(&s);
    AUTO(secret_clear_auto) struct secret none = registry_authorization(h, "app");
    assert_false(secret_is_set(&none));
    assert_true(registry_challenged(h, "app", &none, &rs, &e)); /* the first of many */
    assert_true(registry_challenged(h, "app", &none, &rs, &e)); /* the second was under way meanwhile */
    assert_int_equal(fake_count(&s.f, "/token"), 1);
    AUTO(secret_clear_auto) struct secret first = registry_authorization(h, "app");
    assert_string_equal(first.bytes, "Bearer t1");
    assert_true(registry_challenged(h, "app", &first, &rs, &e)); /* it expired in the middle of the run */
    assert_true(registry_challenged(h, "app", &first, &rs, &e));
    assert_int_equal(fake_count(&s.f, "/token"), 2);
    AUTO(secret_clear_auto) struct secret second = registry_authorization(h, "app");
    assert_string_equal(second.bytes, "Bearer t2");
    end(&s);
}

static void a_login_that_was_sent_as_it_is_is_not_sent_again(void **state)
{
    (void)state;
    struct setting s;
    struct err e = { 0 };
    begin(&s, "{\"rules\": []}", "\"auth\": \"dTpw\"");
    struct registry_host *h = registry_host(s.r, s.host, &e);
    AUTO(http_response_clear_auto) struct http_response rs = answer_401(&s);
    mem_free(rs.headers[0].value);
    rs.headers[0].value = mem_text("Basic realm=x");
    AUTO(secret_clear_auto) struct secret none = { 0 };
    assert_true(registry_challenged(h, "app", &none, &rs, &e));
    AUTO(secret_clear_auto) struct secret basic = registry_authorization(h, "app");
    assert_string_equal(basic.bytes, "Basic dTpw");
    assert_false(registry_challenged(h, "app", &basic, &rs, &e));
    assert_int_equal(e.code, ERR_AUTH);
    assert_non_null(strstr(e.msg, "app: the registry refused the login of u from config.json"));
    assert_non_null(strstr(e.hint, "archon-bundle login 127.0.0.1"));
    end(&s);
}

/* A program whose answers are numbered: s1, s2, ... */
static void install_counter(struct setting *s)
{
    AUTO(mem_auto) char *script = mem_format("#!/bin/sh\necho x >>%s/n\nprintf '{\"Username\": \"u\", \"Secret\": \"s%%s\"}' \"$(wc -l <%s/n)\"\n", s->f.dir, s->f.dir);
    int fd = open(fake_path(&s->f, "docker-credential-counter"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_true(fd >= 0 && write(fd, script, strlen(script)) == (ssize_t)strlen(script) && fchmod(fd, 0755) == 0 && close(fd) == 0);
    fd = open(fake_path(&s->f, "config.json"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, "{\"credsStore\": \"counter\"}", 25) == 25 && close(fd) == 0);
}

static void fetch_with_counter(const char *script, unsigned keep_ms, struct err *e, int *n_asked)
{
    struct setting s;
    begin(&s, script, NULL);
    install_counter(&s);
    const char *folders[] = { s.f.dir, NULL };
    struct helper_options helpers = helper_defaults();
    helpers.folders = folders;
    helpers.owner = geteuid();
    helpers.keep_ms = keep_ms;
    struct err setup = { 0 };
    struct credentials_options o = { .authfile = fake_path(&s.f, "config.json"), .helpers = &helpers };
    credentials_free(s.logins);
    s.logins = credentials_open(&o, &setup);
    struct registry_options r = { .plain_http = s.plain, .n_plain_http = 1, .credentials = s.logins, .tries = UINT_MAX };
    registry_free(s.r);
    s.r = registry_open(&r, &setup);
    assert_non_null(s.r);
    (void)!fetch(&s, "app", e);
    struct stat st;
    *n_asked = stat(fake_path(&s.f, "n"), &st) == 0 ? (int)(st.st_size / 2) : 0;
    end(&s);
}

static void a_program_is_asked_again_when_what_it_gave_is_old_and_refused(void **state)
{
    (void)state;
    /* u:s1 is dTpzMQ==, u:s2 is dTpzMg== */
    static const char by_token[] = "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"has\": \"Authorization: Basic dTpzMg==\", \"body\": \"{\\\"token\\\": \\\"t\\\"}\"},"
                                   "{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"status\": 401}, {\"has\": \"Authorization: Bearer t\", " OK "}, {" ASK(SELF "/token") "}]}";
    struct err good = { 0 }, young = { 0 };
    int n_asked = 0;
    fetch_with_counter(by_token, 0, &good, &n_asked);
    if (good.code != ERR_NONE)
        fail_msg("%s", good.msg);
    assert_int_equal(n_asked, 2);
    fetch_with_counter(by_token, 3600 * 1000, &young, &n_asked);
    assert_int_equal(young.code, ERR_AUTH);
    assert_non_null(strstr(young.msg, "refused the login of u from docker-credential-counter ("));
    assert_int_equal(n_asked, 1);
}

static void challenges_that_change_end(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "{\"rules\": [{\"path\": \"/token?service=fake&scope=repository%3Aapp%3Apull\", \"body\": \"{\\\"token\\\": \\\"t1\\\"}\"},"
              "{\"has\": \"Authorization: Basic dTpw\", " ASK(SELF "/token") "}, {\"has\": \"Authorization: Bearer t1\", \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]},"
              "{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}]}", "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "app: the registry refused the login of u");
    assert_true(fake_count(&s.f, "/v2/app") <= 3);
    end(&s);
    AUTO(buf_clear_auto) struct buf many = BUF_LIMIT(16 * KIB);
    buf_adds(&many, "{\"rules\": [{\"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"");
    for (int i = 0; i < 100; i++)
        buf_addf(&many, "%sBasic realm=%d", i > 0 ? ", " : "", i);
    buf_adds(&many, "\"]]}]}");
    begin(&s, buf_text(&many), "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "too many challenges");
    assert_int_equal(fake_count(&s.f, "/v2/app"), 1);
    assert_int_equal(fake_count(&s.f, "dTpw"), 0);
    end(&s);
}

/* ---- limits ---- */

static void who_asks_too_often_is_told_of_a_login(void **state)
{
    (void)state;
    static const char limited[] = "{\"rules\": [{\"status\": 429, \"headers\": [[\"ratelimit-remaining\", \"0;w=21600\"], [\"Retry-After\", \"0\"]], \"body\":"
                                  "\"{\\\"errors\\\":[{\\\"code\\\":\\\"TOOMANYREQUESTS\\\",\\\"message\\\":\\\"You have reached your pull rate limit.\\\"}]}\"}]}";
    static const struct {
        const char *login, *hint;
    } rows[] = { { NULL, "log in with: docker login 127.0.0.1" }, { "\"auth\": \"dTpw\"", "the limit of the login from config.json is reached" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setting s;
        struct err e = { 0 };
        begin(&s, limited, rows[i].login);
        assert_false(fetch(&s, "app", &e));
        assert_int_equal(e.code, ERR_NET);
        if (strstr(e.hint, rows[i].hint) == NULL)
            fail_msg("%s; hint: %s", e.msg, e.hint);
        assert_non_null(strstr(e.msg, "TOOMANYREQUESTS"));
        assert_int_equal(fake_count(&s.f, "dTpw"), 0); /* it did not ask for it */
        end(&s);
    }
}

static void who_may_not_read_is_told_as_whom_it_was_asked(void **state)
{
    (void)state;
    static const char script[] = "{\"rules\": [{\"lacks\": \"Authorization\", \"path\": \"/v2/app/manifests/1\", \"status\": 401, \"headers\": [[\"WWW-Authenticate\", \"Basic realm=x\"]]}, {\"status\": 403}]}";
    struct setting s;
    begin(&s, script, "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "; asked as u from config.json");
    end(&s);
    begin(&s, "{\"rules\": [{\"status\": 403}]}", "\"auth\": \"dTpw\"");
    expect_refusal(&s, ERR_AUTH, "; asked without a login");
    end(&s);
}

/* ---- tokens ---- */

static void lifetimes_are_counted_from_when_the_token_was_made(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t lifetime_s;
    } rows[] = {
        { "{\"token\": \"t\"}", 60 },
        { "{\"token\": \"t\", \"expires_in\": 300}", 300 },
        { "{\"token\": \"t\", \"expires_in\": 7}", 60 },
        { "{\"token\": \"t\", \"expires_in\": 300, \"issued_at\": \"2026-11-21T19:58:20.5Z\"}", 200 },
        { "{\"token\": \"t\", \"expires_in\": 300, \"issued_at\": \"2026-11-21T20:30:00Z\"}", 300 }, /* our clock is behind */
        { "{\"token\": \"t\", \"expires_in\": 300, \"issued_at\": \"2020-01-01T00:00:00Z\"}", 60 },
        { "{\"token\": \"t\", \"expires_in\": 300, \"issued_at\": \"soon\"}", 300 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = { 0 };
        AUTO(secret_clear_auto) struct secret token = { 0 };
        uint64_t lifetime_s = 0;
        assert_true(token_read(rows[i].text, strlen(rows[i].text), 1795291200, &token, &lifetime_s, &e)); /* 2026-11-21T20:00:00Z */
        if (lifetime_s != rows[i].lifetime_s)
            fail_msg("%s: %llu", rows[i].text, (unsigned long long)lifetime_s);
    }
}

static void no_more_than_pulling_is_asked_for(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "repository:a/b:pull", "repository:a/b:pull" }, { "repository:a/b:pull,push", "repository:a/b:pull" }, { "repository:a/b:*", "repository:a/b:pull" },
        { "repository:h:5000/a:delete", "repository:h:5000/a:pull" }, { "aws", "aws" }, { "repository:", "repository:" }, { "registry:catalog:*", "registry:catalog:*" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_auto) char *scope = token_scope(rows[i][0], strlen(rows[i][0]));
        assert_string_equal(scope, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anonymous_pulls_ask_for_a_token_once),
        cmocka_unit_test(each_repository_has_its_own_token),
        cmocka_unit_test(the_password_goes_to_the_token_server_only),
        cmocka_unit_test(basic_registries_get_the_password_after_they_asked),
        cmocka_unit_test(a_registry_that_repeats_our_login_is_not_quoted),
        cmocka_unit_test(headers_that_repeat_our_login_are_not_quoted),
        cmocka_unit_test(identity_tokens_are_posted),
        cmocka_unit_test(a_token_that_is_no_longer_taken_is_renewed),
        cmocka_unit_test(endless_refusals_end),
        cmocka_unit_test(a_missing_program_matters_only_when_the_registry_insists),
        cmocka_unit_test(token_servers_elsewhere_get_nothing),
        cmocka_unit_test(realms_that_are_no_place_for_a_password_are_refused),
        cmocka_unit_test(realms_that_belong_to_the_registry_are_taken),
        cmocka_unit_test(token_servers_do_not_send_us_elsewhere),
        cmocka_unit_test(token_answers_that_are_no_tokens_are_refused),
        cmocka_unit_test(a_busy_token_server_is_asked_again),
        cmocka_unit_test(transfers_share_a_token_and_its_renewal),
        cmocka_unit_test(a_login_that_was_sent_as_it_is_is_not_sent_again),
        cmocka_unit_test(a_program_is_asked_again_when_what_it_gave_is_old_and_refused),
        cmocka_unit_test(challenges_that_change_end),
        cmocka_unit_test(who_asks_too_often_is_told_of_a_login),
        cmocka_unit_test(who_may_not_read_is_told_as_whom_it_was_asked),
        cmocka_unit_test(lifetimes_are_counted_from_when_the_token_was_made),
        cmocka_unit_test(no_more_than_pulling_is_asked_for),
        cmocka_unit_test(no_secret_goes_over_plain_http_to_another_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
