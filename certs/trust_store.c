/* The host's store of trusted keys. Whoever can write here decides what runs as root on this machine, so every directory
 * and file is checked on every use, and a file that does not belong is an error: it may be a key that somebody believes
 * to be trusted, or revoked. */
#include "certs/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "certs/keyring.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define TRUST_DIR TRUST_STORE_DIR "/trust.d"
#define REVOKED_DIR TRUST_STORE_DIR "/revoked.d"
#define POLICY_FILE TRUST_STORE_DIR "/policy.json"

char *trust_store_path(const char *root, const char *path)
{
    return root == NULL || text_is(root, "/") ? mem_text(path) : mem_format("%s%s", root, path);
}

/* ---- what may be there ---- */

static bool is_name(const char *text, size_t max, const char *allowed)
{
    size_t n = strlen(text);
    return n > 0 && n < max && strspn(text, allowed) == n && text[0] != '.' && text[0] != '-';
}

static bool is_role(const char *text)
{
    return is_name(text, TRUST_ROLE_BYTES, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

static bool is_key_name(const char *text)
{
    return is_name(text, TRUST_NAME_BYTES, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

bool trust_store_check_dir(const char *path, bool *is_there, struct err *e)
{
    struct stat st;
    *is_there = lstat(path, &st) == 0;
    if (!*is_there)
        return errno == ENOENT || file_fail(e, errno, "look at", path) || err_as(e, ERR_CONFIG);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: expected a directory, not a link or file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(e, ERR_CONFIG, "%s: belongs to user %u, expected root or user %u", path, (unsigned)st.st_uid,
                       (unsigned)geteuid());
    if ((st.st_mode & 022) != 0) {
        err_set(e, ERR_CONFIG, "%s: mode is %04o, others could change it", path, (unsigned)st.st_mode & 07777);
        return err_hint(e, "chmod go-w %s", path);
    }
    return true;
}

/* The sorted names in a checked directory; none when it does not exist. */
static bool list_dir(const char *path, struct path_names *names, struct err *e)
{
    bool is_there;
    if (!trust_store_check_dir(path, &is_there, e))
        return false;
    return !is_there || path_list(path, LIMIT_TRUSTED_KEYS, names, e) || err_as(e, ERR_CONFIG);
}

static bool refuse_entry(const char *path, const char *expected, struct err *e)
{
    err_set(e, ERR_CONFIG, "%s: does not belong in the trust store, expected %s", SHOWN(path), expected);
    return err_hint(e, "remove it, or give it its right name");
}

/* ---- reading ---- */

static bool read_key(struct keyring *k, const char *dir, const char *role, const char *file, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(dir, file);
    AUTO(mem_auto) char *name = mem_text_n(file, text_ends(file, ".pub") ? strlen(file) - 4 : 0);
    if (!is_key_name(name))
        return refuse_entry(path, "<name>.pub", e);
    struct key_public *key = key_public_load(path, e);
    return key != NULL && keyring_add(k, role, name, key, e);
}

static bool read_role(struct keyring *k, const char *trust_dir, const char *role, struct err *e)
{
    AUTO(path_names_clear) struct path_names files = { 0 };
    AUTO(mem_auto) char *dir = path_join(trust_dir, role);
    if (!is_role(role))
        return refuse_entry(dir, "a directory named by a role in lower case", e);
    if (!list_dir(dir, &files, e))
        return false;
    for (size_t i = 0; i < files.n; i++) {
        if (text_is(files.text[i], "x509"))
            return err_set(e, ERR_CONFIG, "%s/x509: certificates as signers are not in this version", dir);
        if (!read_key(k, dir, role, files.text[i], e))
            return false;
    }
    return true;
}

static bool read_trusted(struct keyring *k, const char *root, struct err *e)
{
    AUTO(path_names_clear) struct path_names roles = { 0 };
    AUTO(mem_auto) char *dir = trust_store_path(root, TRUST_DIR);
    if (!list_dir(dir, &roles, e))
        return false;
    for (size_t i = 0; i < roles.n; i++)
        if (!read_role(k, dir, roles.text[i], e))
            return false;
    return true;
}

static void mark_revoked(struct keyring *k, struct trust_entry *revoked)
{
    for (size_t i = 0; i < k->n; i++) {
        struct trust_entry *entry = &k->keys[i].entry;
        if (!digest_equal(&entry->id, &revoked->id))
            continue;
        entry->is_revoked = true;
        memcpy(entry->reason, revoked->reason, sizeof entry->reason);
        memcpy(revoked->role, entry->role, sizeof revoked->role);
        memcpy(revoked->name, entry->name, sizeof revoked->name);
        revoked->type = entry->type;
    }
}

static bool read_revocation(struct keyring *k, const char *dir, const char *file, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(dir, file);
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    struct trust_entry entry = { .is_revoked = true };
    struct err wrong_name = { 0 };
    if (!digest_parse_hex(&entry.id, file, "name", &wrong_name))
        return refuse_entry(path, "a key id of 64 digits", e);
    if (!file_read(path, FILE_NO_LINK | FILE_TRUSTED, LIMIT_KEY_FILE_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    snprintf(entry.reason, sizeof entry.reason, "%s", SHOWN_N(buf_text(&text), strcspn(buf_text(&text), "\r\n")));
    mark_revoked(k, &entry);
    MEM_PUSH(k->revoked, k->n_revoked, k->revoked_cap) = entry;
    return true;
}

static bool read_revoked(struct keyring *k, const char *root, struct err *e)
{
    AUTO(path_names_clear) struct path_names files = { 0 };
    AUTO(mem_auto) char *dir = trust_store_path(root, REVOKED_DIR);
    if (!list_dir(dir, &files, e))
        return false;
    for (size_t i = 0; i < files.n; i++)
        if (!read_revocation(k, dir, files.text[i], e))
            return false;
    return true;
}

/* A policy that is not obeyed must not be there: its author relies on it. */
static bool refuse_policy(const char *root, struct err *e)
{
    bool is_there;
    AUTO(mem_auto) char *path = trust_store_path(root, POLICY_FILE);
    if (!file_exists(path, &is_there, e))
        return err_as(e, ERR_CONFIG);
    return !is_there || err_set(e, ERR_CONFIG, "%s: policies are not in this version", path);
}

struct keyring *keyring_read_store(const char *root, struct err *e)
{
    bool is_there;
    AUTO(keyring_free_auto) struct keyring *k = keyring_new();
    AUTO(mem_auto) char *dir = trust_store_path(root, TRUST_STORE_DIR);
    if (!trust_store_check_dir(dir, &is_there, e) || !refuse_policy(root, e) || !read_trusted(k, root, e) || !read_revoked(k, root, e))
        return NULL;
    return TAKE(k);
}

struct keyring *keyring_from_store(const char *root, struct err *e)
{
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(root, e);
    if (k == NULL)
        return NULL;
    for (size_t i = 0; i < k->n; i++)
        if (keyring_may_sign_bundles(&k->keys[i].entry))
            return TAKE(k);
    AUTO(mem_auto) char *dir = trust_store_path(root, TRUST_DIR);
    err_set(e, ERR_TRUST, "no trusted keys in %s", dir);
    err_hint(e, "get the vendor's public key by a way you trust, then: archon-load trust add KEY.pub, or for this run only: --trust KEY.pub");
    return NULL;
}

/* ---- adding ---- */

static bool refuse_known(const struct keyring *k, const struct digest *id, const char *role, const char *name, struct err *e)
{
    char shown[TRUST_ROLE_BYTES + TRUST_NAME_BYTES + 24];
    for (size_t i = 0; i < k->n_revoked; i++)
        if (digest_equal(&k->revoked[i].id, id))
            return err_set(e, ERR_TRUST, "key %s is revoked%s%s", DIGEST_HEX(id), k->revoked[i].reason[0] == '\0' ? "" : ": ",
                           k->revoked[i].reason);
    for (size_t i = 0; i < k->n; i++) {
        const struct trust_entry *entry = &k->keys[i].entry;
        bool is_same_key = digest_equal(&entry->id, id);
        bool is_same_name = text_is(entry->role, role) && text_is(entry->name, name);
        if (is_same_key && !is_same_name)
            return err_set(e, ERR_CONFIG, "this key is trusted already, as %s", keyring_shown(shown, entry));
        if (is_same_name && !is_same_key)
            return err_set(e, ERR_CONFIG, "another key has that name already: %s", keyring_shown(shown, entry));
    }
    return true;
}

/* A file under construction must not be seen by a reader that refuses what it does not know: PUBLISH_NEW shows none. */
static bool publish_key(const char *root, const char *role, const char *name, const struct key_public *key, struct err *e)
{
    bool is_there;
    AUTO(mem_auto) char *dir = trust_store_path(root, TRUST_DIR);
    AUTO(mem_auto) char *role_dir = path_join(dir, role);
    AUTO(mem_auto) char *file = mem_format("%s/%s.pub", role_dir, name);
    if (!path_make_dirs(role_dir, 0755, e) || !file_exists(file, &is_there, e))
        return false;
    if (is_there)
        return true; /* the same key, as refuse_known has made sure */
    const char *pem = key_public_pem(key);
    AUTO(publish_drop_auto) struct publish *p = publish_open(file, 0644, e);
    return p != NULL && fd_write_all(publish_fd(p), pem, strlen(pem), file, e) && publish_commit(p, PUBLISH_NEW, e);
}

/* The file comes from elsewhere (a stick, another user's directory) and is read once: what counts is that the operator
 * named it and compares the key id that is shown. */
static struct key_public *load_foreign(const char *path, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_KEY_FILE_BYTES);
    if (!file_read(path, FILE_NO_LINK, LIMIT_KEY_FILE_BYTES, &text, e)) {
        err_as(e, ERR_CONFIG);
        return NULL;
    }
    return key_public_parse(buf_text(&text), text.len, path, e);
}

bool trust_store_add(const char *root, const char *role, const char *name, const char *pub_path, struct digest *id, struct err *e)
{
    const char *base = path_base(pub_path);
    AUTO(mem_auto) char *own_name = mem_text_n(base, strlen(base) - (text_ends(base, ".pub") ? 4 : 0));
    role = role == NULL ? TRUST_ROLE_RELEASE : role;
    name = name == NULL ? own_name : name;
    if (!is_role(role))
        return err_set(e, ERR_USAGE, "role %s: expected at most 32 lower-case letters, digits and -", SHOWN(role));
    if (!is_key_name(name))
        return err_set(e, ERR_USAGE, "key name %s: expected at most 64 letters, digits and . _ -", SHOWN(name));
    AUTO(key_public_free_auto) struct key_public *key = load_foreign(pub_path, e);
    if (key == NULL)
        return false;
    AUTO(keyring_free_auto) struct keyring *k = keyring_read_store(root, e);
    if (k == NULL || !refuse_known(k, key_public_id(key), role, name, e))
        return false;
    if (id != NULL)
        *id = *key_public_id(key);
    return publish_key(root, role, name, key, e);
}
