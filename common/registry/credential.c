/* The value, and the names of registries. */
#include "registry/credential.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/base64.h"

#include "base/banned.h"

void credential_clear(struct credential *c)
{
    secret_clear(&c->secret);
    *c = (struct credential){ 0 };
}

void credential_clear_auto(struct credential *c)
{
    credential_clear(c);
}

struct credential credential_copy(const struct credential *c)
{
    struct credential copy = *c;
    copy.secret = secret_of(c->secret.bytes, c->secret.n);
    return copy;
}

void credential_set_secret(struct credential *c, enum credential_kind kind, const char *text)
{
    secret_clear(&c->secret);
    c->kind = kind;
    c->secret = secret_of(text, strlen(text));
}

bool credential_set_password(struct credential *c, const char *user, const char *password)
{
    for (const char *at = user; *at != '\0'; at++)
        if (*at == ':' || (unsigned char)*at < ' ' || *at == 0x7F)
            return false;
    if (!text_copy(c->user, sizeof c->user, user))
        return false;
    credential_set_secret(c, CREDENTIAL_PASSWORD, password);
    return true;
}

struct secret credential_basic(const struct credential *c)
{
    AUTO(secret_clear_auto) struct secret both = { .n = strlen(c->user) + 1 + c->secret.n };
    both.bytes = mem_new(both.n + 1);
    memcpy(both.bytes, c->user, strlen(c->user));
    both.bytes[strlen(c->user)] = ':';
    if (c->secret.n > 0)
        memcpy(both.bytes + strlen(c->user) + 1, c->secret.bytes, c->secret.n);
    AUTO(secret_clear_auto) struct secret text = base64_of(both.bytes, both.n);
    struct secret value = { .n = text.n + 6 };
    value.bytes = mem_new(value.n + 1);
    memcpy(value.bytes, "Basic ", 6);
    memcpy(value.bytes + 6, text.bytes, text.n);
    return value;
}

static bool is_hub(const char *host)
{
    static const char *const names[] = { "docker.io", "index.docker.io", "registry-1.docker.io" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_is(host, names[i]))
            return true;
    return false;
}

char *credential_registry_name(const char *key)
{
    static const char *const old_paths[] = { "/v1", "/v2", "/v1/", "/v2/", "/" };
    if (text_starts(key, "https://"))
        key += 8;
    else if (text_starts(key, "http://"))
        key += 7;
    AUTO(mem_auto) char *text = mem_text(key);
    size_t host_n = strcspn(text, "/");
    for (size_t i = 0; i < host_n; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    for (size_t i = 0; i < ARRAY_LEN(old_paths); i++)
        if (text_is(text + host_n, old_paths[i]))
            text[host_n] = '\0';
    AUTO(mem_auto) char *host = mem_text_n(text, host_n);
    return mem_format("%s%s", is_hub(host) ? "docker.io" : host, text + host_n);
}
