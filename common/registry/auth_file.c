/* Keys are "HOST", "HOST:PORT", "https://HOST/v1/" from old files, "HOST/namespace/repository" from Podman; Docker Hub is
 * "https://index.docker.io/v1/". A file that only names programs holds no secret, and others may read it. */
#include "registry/auth_file.h"

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
    char *key; /* as of credential_registry_name */
    struct credential credential;
    char *helper; /* of credHelpers; "": none, not that of credsStore either; null: not named there */
};
struct auth_file {
    char *name;
    char *store; /* credsStore, or null */
    struct entry *entries;
    size_t n, cap;
};

void auth_file_free(struct auth_file *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n; i++) {
        mem_free(f->entries[i].key);
        mem_free(f->entries[i].helper);
        credential_clear(&f->entries[i].credential);
    }
    mem_free(f->entries);
    mem_free(f->store);
    mem_free(f->name);
    mem_free(f);
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
    char *text = jread_text(o, key, 2 * LIMIT_LOGIN_BYTES);
    if (text[0] == '\0') {
        mem_free(text);
        return NULL;
    }
    return text;
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
    if (!credential_set_password(c, both.bytes, colon + 1))
        jread_fail(o, "auth", "the user name is too long or has control characters");
}

static void read_entry(struct jnode o, struct credential *c)
{
    AUTO(wipe_text) char *auth = secret_text(o, "auth");
    AUTO(wipe_text) char *user = secret_text(o, "username");
    AUTO(wipe_text) char *password = secret_text(o, "password");
    AUTO(wipe_text) char *identity = secret_text(o, "identitytoken");
    AUTO(wipe_text) char *token = secret_text(o, "registrytoken");
    if (user != NULL && password != NULL && auth == NULL && !credential_set_password(c, user, password))
        jread_fail(o, "username", "too long, or with a colon or control characters");
    if (auth != NULL)
        read_auth(o, auth, c);
    if (identity != NULL)
        credential_set_secret(c, CREDENTIAL_IDENTITY, identity);
    if (token != NULL)
        credential_set_secret(c, CREDENTIAL_TOKEN, token);
}

static struct entry *add_entry(struct auth_file *f, const char *key)
{
    AUTO(mem_auto) char *name = credential_registry_name(key);
    for (size_t i = 0; i < f->n; i++)
        if (text_is(f->entries[i].key, name))
            return &f->entries[i];
    MEM_PUSH(f->entries, f->n, f->cap) = (struct entry){ .key = TAKE(name) };
    return &f->entries[f->n - 1];
}

/* Null, after a failure, for a key that is too long. */
static const char *key_of(struct jnode o, size_t i)
{
    const char *key = jread_member_key(o, i);
    if (key != NULL && strlen(key) <= KEY_BYTES)
        return key;
    jread_fail(o, NULL, "a registry's name is too long");
    return NULL;
}

static size_t members_of(struct jnode root, const char *key, struct jnode *o)
{
    if (!jread_has(root, key))
        return 0;
    *o = jread_object(root, key);
    size_t n = jread_members(*o);
    if (n <= ENTRIES_MAX)
        return n;
    jread_fail(root, key, "more than %d entries", ENTRIES_MAX);
    return 0;
}

static void read_auths(struct auth_file *f, struct jnode root)
{
    struct jnode auths = { 0 };
    size_t n = members_of(root, "auths", &auths);
    for (size_t i = 0; i < n; i++) {
        const char *key = key_of(auths, i);
        if (key == NULL)
            return;
        /* The same registry under an old and a new name: the one with a secret counts, of two the first. */
        AUTO(credential_clear_auto) struct credential found = { 0 };
        read_entry(jread_member(auths, i), &found);
        struct entry *entry = add_entry(f, key);
        if (entry->credential.kind != CREDENTIAL_NONE)
            continue;
        entry->credential = found;
        entry->credential.from = f->name;
        found = (struct credential){ 0 };
    }
}

static void read_helpers(struct auth_file *f, struct jnode root)
{
    struct jnode helpers = { 0 };
    size_t n = members_of(root, "credHelpers", &helpers);
    if (jread_has(root, "credsStore"))
        f->store = jread_text(root, "credsStore", KEY_BYTES);
    for (size_t i = 0; i < n; i++) {
        const char *key = key_of(helpers, i);
        if (key == NULL)
            return;
        struct entry *entry = add_entry(f, key);
        mem_free(entry->helper);
        entry->helper = jread_member_text(helpers, i, KEY_BYTES);
    }
}

struct auth_file *auth_file_read(const char *text, size_t n, const char *what, struct err *e)
{
    AUTO(auth_file_free_auto) struct auth_file *f = mem_new(sizeof *f);
    f->name = mem_text(what);
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    if (doc != NULL) {
        struct jnode root = jread_root(doc);
        read_auths(f, root);
        read_helpers(f, root);
    }
    if (doc == NULL || !jread_done(doc, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    return TAKE(f);
}

static bool has_secrets(const struct auth_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->entries[i].credential.kind != CREDENTIAL_NONE)
            return true;
    return false;
}

/* The check of file_open_read, which words the refusal. */
static bool is_private(const char *path, struct err *e)
{
    AUTO(fd_auto) int fd = file_open_read(path, FILE_PRIVATE, e);
    return fd >= 0;
}

struct auth_file *auth_file_open(const char *path, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_FILE_BYTES);
    AUTO(auth_file_free_auto) struct auth_file *f = NULL;
    if (file_read(path, FILE_TRUSTED, LIMIT_CONFIG_FILE_BYTES, &text, e))
        f = auth_file_read(buf_text(&text), text.len, path, e);
    if (f != NULL && (!has_secrets(f) || is_private(path, e)))
        return TAKE(f);
    err_as(e, ERR_CONFIG);
    return NULL;
}

/* Is key the whole of name, or a prefix of it that ends at a slash? */
static bool covers(const char *key, const char *name)
{
    size_t n = strlen(key);
    return strncmp(key, name, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

struct auth_found auth_file_find(const struct auth_file *f, const char *host, const char *repository)
{
    AUTO(mem_auto) char *normal_host = credential_registry_name(host);
    AUTO(mem_auto) char *name = mem_format("%s/%s", normal_host, repository);
    const struct entry *best = NULL; /* the longest that says something; credsStore leaves empty entries behind */
    for (size_t i = 0; i < f->n; i++) {
        const struct entry *entry = &f->entries[i];
        bool says_something = entry->credential.kind != CREDENTIAL_NONE || entry->helper != NULL;
        if (says_something && covers(entry->key, name) && (best == NULL || strlen(entry->key) > strlen(best->key)))
            best = entry;
    }
    struct auth_found found = { 0 };
    if (best != NULL && best->helper != NULL && best->helper[0] != '\0')
        found.helper = best->helper;
    else if (best != NULL && best->credential.kind != CREDENTIAL_NONE)
        found.credential = &best->credential;
    else if (best == NULL && f->store != NULL && f->store[0] != '\0')
        found.helper = f->store;
    return found;
}

const char *auth_file_name(const struct auth_file *f)
{
    return f->name;
}
