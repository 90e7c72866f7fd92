/* Paths of an installation. */
#include "loader/site.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

#define SITE_PARENT "/var/lib/archon"
enum { ENV_NAME_MAX = 32 };

bool site_is_env(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && name[n] == '\0' && n <= ENV_NAME_MAX && name[0] != '-';
}

static bool check_env(const char *env, struct err *e)
{
    return site_is_env(env) || err_set(e, ERR_USAGE, "--env \"%s\": expected 1 to %d of a-z, 0-9 and -", SHOWN(env), ENV_NAME_MAX);
}

bool site_describe(struct site *s, const char *root, const char *env, struct err *e)
{
    env = env == NULL ? SITE_DEFAULT_ENV : env;
    root = root == NULL || text_is(root, "/") ? "" : root;
    if (!check_env(env, e))
        return false;
    if (root[0] != '\0' && root[0] != '/')
        return err_set(e, ERR_USAGE, "--root %s: expected an absolute path", SHOWN(root));
    s->root = root[0] == '\0' ? mem_text("") : path_trim(root);
    s->env = mem_text(env);
    s->parent = mem_format("%s" SITE_PARENT, s->root);
    s->dir = path_join(s->parent, env);
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
    char *all[] = { s->root, s->env, s->parent, s->dir, s->lock_path, s->journal_path, s->state_path, s->values_path, s->loaded_path,
                    s->database_url_path, s->database_ca_path, s->releases_dir };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        mem_free(all[i]);
    *s = (struct site){ 0 };
}

void site_clear_auto(struct site *s)
{
    site_clear(s);
}

/* Who may write to a directory may replace what is in it, whatever the modes of the files. */
static bool check_owner(const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return errno == ENOENT || file_fail(e, errno, "look at", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: is not a directory", dir);
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022) != 0) {
        err_set(e, ERR_CONFIG, "%s: belongs to somebody else, or others may write to it", dir);
        return err_hint(e, "chown root %s; chmod 700 %s", dir, dir);
    }
    return true;
}

bool site_check(const struct site *s, struct err *e)
{
    return check_owner(s->parent, e) && check_owner(s->dir, e) && check_owner(s->releases_dir, e);
}

bool site_make(const struct site *s, struct err *e)
{
    return site_check(s, e) && path_make_dirs(s->dir, 0700, e) && path_make_dirs(s->releases_dir, 0700, e) && site_check(s, e);
}

bool site_made(const struct site *s, const char *config_files)
{
    AUTO(mem_auto) char *below = mem_format(SITE_PARENT "/%s/releases/", s->env);
    return strstr(config_files, below) != NULL;
}

char *site_release_dir(const struct site *s, const char *version, const struct digest *release)
{
    return mem_format("%s/%s-%.12s", s->releases_dir, version, DIGEST_HEX(release));
}
