/* Running them. A program that can be exchanged by anyone but root would be a way to run code as whoever packs, so the whole path to
 * it is checked, links resolved. */
#include "registry/credential_helper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/jread.h"
#include "sys/path.h"
#include "sys/proc.h"

#include "base/banned.h"

enum {
    TIMEOUT_MS = 60 * 1000, /* those of cloud providers ask a server */
    KEEP_MS = 5 * 60 * 1000,
    NAME_MAX_CHARS = 64,
    OUTPUT_MAX = 2 * LIMIT_LOGIN_BYTES,
    VARIABLES_MAX = 256,
};

struct helper_options helper_defaults(void)
{
    static const char *const folders[] = { "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", NULL };
    return (struct helper_options){ .folders = folders, .timeout_ms = TIMEOUT_MS, .keep_ms = KEEP_MS };
}

/* Finding the program */

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_CHARS && name[0] != '.' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

/* Can nobody but root change what path names? In a folder with the sticky bit nobody can replace what is root's. */
static bool is_root_only(const struct helper_options *o, const char *path, bool is_folder)
{
    struct stat st;
    if (stat(path, &st) != 0 || (st.st_uid != 0 && st.st_uid != o->owner))
        return false;
    if (is_folder)
        return S_ISDIR(st.st_mode) && ((st.st_mode & 022) == 0 || (st.st_mode & S_ISVTX) != 0);
    return S_ISREG(st.st_mode) && (st.st_mode & 022) == 0 && (st.st_mode & 0111) != 0;
}

/* The program behind links, when it and all folders above may be trusted. Owned by the caller. */
static char *trusted(const struct helper_options *o, const char *path, struct err *e)
{
    AUTO(mem_auto) char *real = realpath(path, NULL);
    if (real == NULL || !is_root_only(o, real, false)) {
        err_set(e, ERR_CONFIG, "%s: not a program that belongs to root and that only root can change", path);
        return NULL;
    }
    AUTO(mem_auto) char *at = path_dir(real);
    while (true) {
        if (!is_root_only(o, at, true)) {
            err_set(e, ERR_CONFIG, "%s: not only root can change the folder %s", path, SHOWN(at));
            return NULL;
        }
        if (text_is(at, "/"))
            return TAKE(real);
        char *above = path_dir(at);
        mem_free(at);
        at = above;
    }
}

static char *find_program(const struct helper_options *o, const char *program, struct err *e)
{
    struct stat st;
    AUTO(buf_clear_auto) struct buf folders = BUF_LIMIT(LIMIT_PATH_BYTES);
    for (size_t i = 0; o->folders[i] != NULL; i++) {
        AUTO(mem_auto) char *path = path_join(o->folders[i], program);
        if (lstat(path, &st) == 0)
            return trusted(o, path, e);
        buf_addf(&folders, "%s%s", i > 0 ? ", " : "", o->folders[i]);
    }
    err_set(e, ERR_CONFIG, "%s: no such program in %s", program, buf_text(&folders));
    err_hint(e, "install it there as root, or write the login into a file: --authfile FILE");
    return NULL;
}

/* Its environment */

/* What real programs need; everything else stays here, first of all the log-ins that we were given for registries. */
static const char *const passed[] = {
    "HOME=",                     /* pass, gcloud, aws: their files are below it */
    "USER=", "LOGNAME=",         /* keyrings are by user */
    "XDG_RUNTIME_DIR=",          /* sockets of gpg-agent and of the keyring */
    "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=",
    "DBUS_SESSION_BUS_ADDRESS=", /* secretservice */
    "GNUPGHOME=", "GPG_TTY=", "PASSWORD_STORE_DIR=", /* pass */
    "AWS_",                      /* ecr-login: profile, region, keys, web identity */
    "GOOGLE_", "CLOUDSDK_",      /* gcloud, gcr */
    "AZURE_", "ACR_", "IDENTITY_", "MSI_", /* acr-env, acr-login: service principal, managed and workload identity */
    "KUBERNETES_SERVICE_",       /* identity of a pod */
    "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=", "http_proxy=", "https_proxy=", "no_proxy=", /* those that ask a server */
};

static bool is_passed(const char *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(passed); i++)
        if (text_starts(entry, passed[i]))
            return true;
    return false;
}

static void fill_environment(const char *out[VARIABLES_MAX + 3])
{
    size_t n = 0;
    out[n++] = "PATH=" PROC_PATH;
    out[n++] = "LC_ALL=C";
    for (size_t i = 0; environ != NULL && environ[i] != NULL && n < VARIABLES_MAX; i++)
        if (is_passed(environ[i]))
            out[n++] = environ[i];
    out[n] = NULL;
}

/* Asking */

/* Docker's word for "I have none", which every program repeats on its output and Podman looks for, too. */
static bool says_not_found(const struct buf *out, const struct buf *err_out)
{
    static const char words[] = "credentials not found";
    return strstr(buf_text(out), words) != NULL || strstr(buf_text(err_out), words) != NULL;
}

/* What it said in place of an answer, unless that might be one. */
static struct slice first_line(const struct buf *out, const struct buf *err_out)
{
    const char *text = out->len > 0 ? buf_text(out) : buf_text(err_out);
    text += strspn(text, " \t\r\n");
    bool may_be_secret = strchr(text, '{') != NULL || strstr(text, "Secret") != NULL;
    return may_be_secret ? slice_of("nothing that could be shown") : (struct slice){ text, strcspn(text, "\r\n") };
}

static bool judge(const struct helper_options *o, const char *program, const struct proc_result *r, const struct buf *out, const struct buf *err_out,
                  struct err *e)
{
    if (r->is_timeout)
        return err_set(e, ERR_CONFIG, "%s: no answer within %u seconds", program, (o->timeout_ms + 999) / 1000);
    if (r->status != 0) {
        struct slice said = first_line(out, err_out);
        return err_set(e, ERR_CONFIG, "%s: ended with status %d: %s", program, r->status, SHOWN_N(said.p, said.n));
    }
    return out->len < out->max || err_set(e, ERR_CONFIG, "%s: an answer of more than %d bytes", program, (int)OUTPUT_MAX);
}

bool helper_read(const char *text, size_t n, const char *what, struct credential *out, struct err *e)
{
    *out = (struct credential){ 0 };
    AUTO(jread_free_auto) struct jread *doc = jread_open(text, n, what, JREAD_OCI, e);
    if (doc == NULL)
        return err_as(e, ERR_CONFIG);
    struct jnode root = jread_root(doc);
    AUTO(mem_auto) char *user = jread_text(root, "Username", sizeof out->user);
    char *secret = jread_text(root, "Secret", LIMIT_LOGIN_BYTES);
    bool has_secret = secret[0] != '\0';
    if (has_secret && text_is(user, "<token>"))
        credential_set_secret(out, CREDENTIAL_IDENTITY, secret);
    else if (has_secret && !credential_set_password(out, user, secret))
        jread_fail(root, "Username", "too long, or with a colon or control characters");
    if (!has_secret && user[0] != '\0') /* docker-credential-pass answers with two empty texts for what it does not know */
        jread_fail(root, "Secret", "empty");
    secret_wipe(secret, strlen(secret));
    mem_free(secret);
    if (jread_done(doc, e))
        return true;
    credential_clear(out);
    return err_as(e, ERR_CONFIG);
}

bool helper_get(const struct helper_options *o, const char *name, const char *registry, struct credential *out, struct err *e)
{
    *out = (struct credential){ 0 };
    if (!is_name(name))
        return err_set(e, ERR_CONFIG, "docker-credential-%s: not a name of a credential helper", SHOWN(name));
    AUTO(mem_auto) char *program = mem_format("docker-credential-%s", name);
    AUTO(mem_auto) char *path = find_program(o, program, e);
    if (path == NULL)
        return false;
    const char *argv[] = { path, "get", NULL };
    const char *envp[VARIABLES_MAX + 3];
    const char *server = text_is(registry, "docker.io") ? "https://index.docker.io/v1/" : registry;
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(OUTPUT_MAX), story = BUF_LIMIT(LIMIT_LINE_BYTES);
    char *room = buf_reserve(&text, OUTPUT_MAX); /* growing would leave copies behind */
    BUG_IF(room == NULL);
    room[0] = '\0';
    fill_environment(envp);
    struct proc_spec spec = { .argv = argv, .envp = envp, .input = server, .input_bytes = strlen(server), .timeout_ms = o->timeout_ms,
                              .out = &text, .err_out = &story };
    struct proc_result r;
    if (!proc_run(&spec, &r, e))
        return e->code == ERR_INTERRUPTED ? false : err_as(e, ERR_CONFIG);
    if (r.status != 0 && !r.is_timeout && says_not_found(&text, &story))
        return true;
    return judge(o, program, &r, &text, &story, e) && helper_read(buf_text(&text), text.len, program, out, e);
}
