/* Paths of an installation. */
#include "loader/site.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/path.h"

#include "base/banned.h"

enum { ENV_NAME_MAX = 32 };

static bool check_env(const char *env, struct err *e)
{
    size_t n = strspn(env, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || env[n] != '\0' || n > ENV_NAME_MAX || env[0] == '-')
        return err_set(e, ERR_USAGE, "--env \"%s\": expected 1 to %d of a-z, 0-9 and -", SHOWN(env), ENV_NAME_MAX);
    return true;
}

bool site_describe(struct site *s, const char *root, const char *env, struct err *e)
{
    env = env == NULL ? SITE_DEFAULT_ENV : env;
    root = root == NULL || text_is(root, "/") ? "" : root;
    if (!check_env(env, e))
        return false;
    if (root[0] != '\0' && root[0] != '/')
        return err_set(e, ERR_USAGE, "--root %s: expected an absolute path", SHOWN(root));
    s->root = mem_text(root);
    s->env = mem_text(env);
    s->dir = mem_format("%s/var/lib/archon/%s", root, env);
    s->lock_path = path_join(s->dir, "run.lock");
    s->journal_path = path_join(s->dir, "journal");
    s->state_path = path_join(s->dir, "state.json");
    s->values_path = path_join(s->dir, "values.env");
    s->loaded_path = path_join(s->dir, "loaded");
    s->database_url_path = path_join(s->dir, "database.url");
    s->database_ca_path = path_join(s->dir, "database-ca.pem");
    s->releases_dir = path_join(s->dir, "releases");
    return true;
}

void site_clear(struct site *s)
{
    char *all[] = { s->root, s->env, s->dir, s->lock_path, s->journal_path, s->state_path, s->values_path, s->loaded_path,
                    s->database_url_path, s->database_ca_path, s->releases_dir };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        mem_free(all[i]);
    *s = (struct site){ 0 };
}

void site_clear_auto(struct site *s)
{
    site_clear(s);
}

static bool check_owner(const char *dir, struct err *e)
{
    struct stat st;
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: is not a directory", dir);
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022) != 0) {
        err_set(e, ERR_CONFIG, "%s: belongs to somebody else, or others may write to it", dir);
        return err_hint(e, "chown root %s; chmod 700 %s", dir, dir);
    }
    return true;
}

bool site_make(const struct site *s, struct err *e)
{
    return path_make_dirs(s->dir, 0700, e) && check_owner(s->dir, e) &&
           path_make_dirs(s->releases_dir, 0700, e) && check_owner(s->releases_dir, e);
}

char *site_release_dir(const struct site *s, const char *version, const struct digest *release)
{
    return mem_format("%s/%s-%.12s", s->releases_dir, version, DIGEST_HEX(release));
}
