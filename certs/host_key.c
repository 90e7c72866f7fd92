/* Made by whoever comes first: two programs at once end with one key, because a key file is never replaced. */
#include "certs/host_key.h"

#include <string.h>

#include "base/mem.h"
#include "certs/keyring.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define HOST_KEY TRUST_STORE_DIR "/host"

char *host_key_public_path(const char *root)
{
    return trust_store_path(root, HOST_KEY ".pub");
}

static bool make(const char *root, const char *key_path, bool *was_made, struct err *e)
{
    struct err trouble = { 0 };
    bool is_there = false;
    AUTO(mem_auto) char *name = trust_store_path(root, HOST_KEY);
    AUTO(key_private_free_auto) struct key_private *key = key_private_generate(KEY_ED25519, e);
    if (key == NULL)
        return false;
    if (key_private_write_pair(key, name, NULL, &trouble)) {
        *was_made = true;
        return true;
    }
    if (file_exists(key_path, &is_there, e) && is_there)
        return true; /* another run was quicker */
    *e = trouble;
    return false;
}

/* A run that was killed between the two files leaves the first. */
static bool ensure_public(const struct key_private *key, const char *root, struct err *e)
{
    bool is_there = false;
    AUTO(mem_auto) char *path = host_key_public_path(root);
    const char *pem = key_public_pem(key_private_public(key));
    return file_exists(path, &is_there, e) && (is_there || file_publish(path, pem, strlen(pem), 0644, e));
}

struct key_private *host_key_open(const char *root, bool *was_made, struct err *e)
{
    bool is_there = false;
    AUTO(mem_auto) char *dir = trust_store_path(root, TRUST_STORE_DIR);
    AUTO(mem_auto) char *path = trust_store_path(root, HOST_KEY ".key");
    *was_made = false;
    if (!path_make_dirs(dir, 0755, e) || !trust_store_check_dir(dir, &is_there, e) || !file_exists(path, &is_there, e) ||
        (!is_there && !make(root, path, was_made, e)))
        return NULL;
    AUTO(key_private_free_auto) struct key_private *key = key_private_load(path, NULL, NULL, e);
    return key != NULL && ensure_public(key, root, e) ? TAKE(key) : NULL;
}
