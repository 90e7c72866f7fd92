/* Credentials files. Keys are "HOST", "HOST:PORT", "https://HOST/v1/" from old files, "HOST/namespace/repository" from
 * Podman; Docker Hub is "https://index.docker.io/v1/". */
#include "registry/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/base64.h"
#include "format/jread.h"
#include "sys/file.h"

#include "base/banned.h"

enum { ENTRIES_MAX = 1000, KEY_BYTES = 512 };

struct entry {
    char *key; /* normalised: "docker.io", "h:5000/team/app" */
    struct credential credential;
};
struct credentials {
    struct entry *entries;
    size_t n, cap;
};

void credential_clear(struct credential *c)
{
    secret_clear(&c->secret);
    *c = (struct credential){ 0 };
}

void credential_clear_auto(struct credential *c)
{
    credential_clear(c);
}

struct secret credential_basic(const struct credential *c)
{
    AUTO(secret_clear_auto) struct secret both = { .n = strlen(c->user) + 1 + c->secret.n };
    both.bytes = mem_new(both.n + 1);
    memcpy(both.bytes, c->user, strlen(c->user));
    both.bytes[strlen(c->user)] = ':';
    memcpy(both.bytes + strlen(c->user) + 1, c->secret.bytes, c->secret.n);
    AUTO(secret_clear_auto) struct secret text = base64_of(both.bytes, both.n);
    struct secret value = { .n = text.n + 6 };
    value.bytes = mem_new(value.n + 1);
    memcpy(value.bytes, "Basic ", 6);
    memcpy(value.bytes + 6, text.bytes, text.n);
    return value;
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n; i++) {
        mem_free(c->entries[i].key);
        credential_clear(&c->entries[i].credential);
    }
    mem_free(c->entries);
    mem_free(c);
}

static bool is_hub(const char *host)
{
    return text_is(host, "index.docker.io") || text_is(host, "registry-1.docker.io") || text_is(host, "docker.io");
}

/* "https://Index.docker.io/v1/" -> "docker.io". */
static char *normalise(const char *key)
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

static void wipe_text(char **text)
{
    if (*text != NULL)
        secret_wipe(*text, strlen(*text));
    mem_free(*text);
}

/* An optional secret text; null when absent or empty. */
static char *secret_text(struct jnode o, const char *key)
{
    if (!jread_has(o, key))
        return NULL;
    char *text = jread_text(o, key, 64 * KIB);
    if (text[0] == '\0') {
        mem_free(text);
        return NULL;
    }
    return text;
}

static void set_secret(struct credential *c, enum credential_kind kind, const char *text)
{
    secret_clear(&c->secret);
    c->kind = kind;
    c->secret = secret_of(text, strlen(text));
}

/* auth: base64 of "user:password"; the password may have colons. */
static void read_auth(struct jnode o, const char *auth, struct credential *c)
{
    AUTO(secret_clear_auto) struct secret both = { 0 };
    if (!base64_read(&both, auth, strlen(auth)) || memchr(both.bytes, '\0', both.n) != NULL) {
        jread_fail(o, "auth", "not base64");
        return;
    }
    char *colon = strchr(both.bytes, ':');
    if (colon == NULL) {
        jread_fail(o, "auth", "expected base64 of user:password");
        return;
    }
    *colon = '\0';
    if (!text_copy(c->user, sizeof c->user, both.bytes)) {
        jread_fail(o, "auth", "user name is too long");
        return;
    }
    set_secret(c, CREDENTIAL_PASSWORD, colon + 1);
}

static void read_entry(struct jnode o, struct credential *c)
{
    AUTO(wipe_text) char *auth = secret_text(o, "auth");
    AUTO(wipe_text) char *user = secret_text(o, "username");
    AUTO(wipe_text) char *password = secret_text(o, "password");
    AUTO(wipe_text) char *identity = secret_text(o, "identitytoken");
    AUTO(wipe_text) char *token = secret_text(o, "registrytoken");
    if (user != NULL && password != NULL && auth == NULL) {
        if (!text_copy(c->user, sizeof c->user, user))
            jread_fail(o, "username", "too long");
        set_secret(c, CREDENTIAL_PASSWORD, password);
    }
    if (auth != NULL)
        read_auth(o, auth, c);
    if (identity != NULL)
        set_secret(c, CREDENTIAL_IDENTITY, identity);
    if (token != NULL)
        set_secret(c, CREDENTIAL_TOKEN, token);
}

static struct entry *add_entry(struct credentials *c, const char *key)
{
    struct entry *found = NULL;
    char *name = normalise(key);
    for (size_t i = 0; i < c->n; i++)
        if (text_is(c->entries[i].key, name))
            found = &c->entries[i];
    if (found == NULL) {
        MEM_PUSH(c->entries, c->n, c->cap) = (struct entry){ .key = name };
        return &c->entries[c->n - 1];
    }
    mem_free(name);
    return found;
}

static void read_auths(struct credentials *c, struct jnode root)
{
    if (!jread_has(root, "auths") || jread_is_null(root, "auths"))
        return;
    struct jnode auths = jread_object(root, "auths");
    size_t n = jread_members(auths);
    if (n > ENTRIES_MAX)
        jread_fail(root, "auths", "more than %d entries", ENTRIES_MAX);
    for (size_t i = 0; i < n && i < ENTRIES_MAX; i++) {
        const char *key = jread_member_key(auths, i);
        struct jnode o = jread_member(auths, i);
        if (key == NULL || strlen(key) > KEY_BYTES) {
            jread_fail(auths, NULL, "a registry's name is too long");
            return;
        }
        /* The same registry under an old and a new name: the one with a secret counts, of two the first. */
        struct credential found = { 0 };
        read_entry(o, &found);
        struct entry *entry = add_entry(c, key);
        if (entry->credential.kind == CREDENTIAL_NONE)
            entry->credential = found;
        else
            credential_clear(&found);
    }
}

static void set_helper(struct credential *c, const char *name)
{
    credential_clear(c);
    c->kind = CREDENTIAL_HELPER;
    if (!text_copy(c->user, sizeof c->user, name))
        c->user[0] = '\0';
}

/* credHelpers names a program for a registry; credsStore one for all, and leaves empty entries in auths behind. */
static void read_helpers(struct credentials *c, struct jnode root)
{
    if (jread_has(root, "credsStore")) {
        AUTO(mem_auto) char *store = jread_text(root, "credsStore", KEY_BYTES);
        for (size_t i = 0; i < c->n && store[0] != '\0'; i++)
            if (c->entries[i].credential.kind == CREDENTIAL_NONE)
                set_helper(&c->entries[i].credential, store);
    }
    if (!jread_has(root, "credHelpers"))
        return;
    struct jnode helpers = jread_object(root, "credHelpers");
    size_t n = jread_members(helpers);
    for (size_t i = 0; i < n && i < ENTRIES_MAX; i++) {
        const char *key = jread_member_key(helpers, i);
        AUTO(mem_auto) char *name = jread_member_text(helpers, i, KEY_BYTES);
        if (key != NULL && strlen(key) <= KEY_BYTES)
            set_helper(&add_entry(c, key)->credential, name);
    }
}

struct credentials *credentials_read(const char *text, size_t n, const char *what, struct err *e)
{
    AUTO(credentials_free_auto) struct credentials *c = mem_new(sizeof *c);
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    if (doc != NULL) {
        struct jnode root = jread_root(doc);
        read_auths(c, root);
        read_helpers(c, root);
    }
    if (doc == NULL || !jread_done(doc, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    return TAKE(c);
}

struct credentials *credentials_open(const char *path, bool must_exist, struct err *e)
{
    bool is_there = false;
    if (path != NULL && !file_exists(path, &is_there, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    if (!is_there && !must_exist)
        return mem_new(sizeof(struct credentials));
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    struct credentials *c = NULL;
    if (file_read(path, FILE_PRIVATE, LIMIT_CONFIG_FILE_BYTES, &text, e))
        c = credentials_read(buf_text(&text), text.len, path, e);
    secret_wipe(text.data, text.len);
    if (c == NULL)
        err_as(e, ERR_CONFIG);
    return c;
}

static char *from_environment(const char *name, const char *below)
{
    const char *dir = getenv(name);
    return dir != NULL && dir[0] == '/' ? mem_format("%s%s", dir, below) : NULL;
}

void credentials_locate(const char *authfile, char **path, bool *must_exist)
{
    const char *named = authfile != NULL ? authfile : getenv("REGISTRY_AUTH_FILE");
    *must_exist = named != NULL && named[0] != '\0';
    if (*must_exist) {
        *path = mem_text(named);
        return;
    }
    struct err ignored = { 0 };
    bool is_there = false;
    *path = from_environment("DOCKER_CONFIG", "/config.json");
    if (*path == NULL)
        *path = from_environment("HOME", "/.docker/config.json");
    if (*path != NULL && file_exists(*path, &is_there, &ignored) && is_there)
        return;
    char *podman = from_environment("XDG_RUNTIME_DIR", "/containers/auth.json");
    if (podman != NULL && file_exists(podman, &is_there, &ignored) && is_there) {
        mem_free(*path);
        *path = podman;
        return;
    }
    mem_free(podman);
}

/* Is key the whole of name, or a prefix of it that ends at a slash? */
static bool covers(const char *key, const char *name)
{
    size_t n = strlen(key);
    return strncmp(key, name, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

void credentials_find(const struct credentials *c, const char *host, const char *repository, struct credential *out)
{
    *out = (struct credential){ 0 };
    AUTO(mem_auto) char *normal_host = normalise(host);
    AUTO(mem_auto) char *name = mem_format("%s/%s", normal_host, repository);
    const struct entry *best = NULL;
    for (size_t i = 0; c != NULL && i < c->n; i++)
        if (c->entries[i].credential.kind != CREDENTIAL_NONE && covers(c->entries[i].key, name) &&
            (best == NULL || strlen(c->entries[i].key) > strlen(best->key)))
            best = &c->entries[i];
    if (best == NULL)
        return;
    *out = best->credential;
    out->secret = secret_of(best->credential.secret.bytes, best->credential.secret.n);
}
