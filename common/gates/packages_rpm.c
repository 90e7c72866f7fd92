/* rpm's database has three formats, all of them made for librpm alone. Its own program reads them: as a child, so that what an image holds
 * is parsed in a process that has nothing of ours, and so that no build needs librpm. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "gates/packages_parts.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/proc.h"

#include "base/banned.h"

enum { RPM_TIMEOUT_MS = 120 * 1000, COPY_BYTES = 256 * 1024, FIELDS = 5 };
#define RPM_ANSWER_BYTES (64 * MIB)
#define RPM_FORMAT "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n"

static bool write_file(const struct layer_file *f, const struct spool *s, const char *dir, struct err *e)
{
    AUTO(mem_auto) char *path = path_join(dir, path_base(f->path));
    AUTO(mem_auto) uint8_t *block = mem_new(COPY_BYTES);
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0600, e);
    if (p == NULL)
        return false;
    for (uint64_t done = 0; done < f->size;) {
        size_t n = f->size - done < COPY_BYTES ? (size_t)(f->size - done) : COPY_BYTES;
        if (!spool_read(s, f->at + done, block, n, e) || !fd_write_all(publish_fd(p), block, n, path, e))
            return false;
        done += n;
    }
    return publish_commit(p, PUBLISH_NEW, e);
}

/* "glibc\t0\t2.36\t9.fc37\tx86_64" */
static bool add_line(struct packages *out, char *line, struct err *e)
{
    char *fields[FIELDS] = { line };
    for (size_t i = 1; i < FIELDS; i++) {
        char *tab = strchr(fields[i - 1], '\t');
        if (tab == NULL)
            return err_set(e, ERR_REGISTRY, "rpm: expected %d fields, found \"%s\"", FIELDS, SHOWN(line));
        *tab = '\0';
        fields[i] = tab + 1;
    }
    if (text_is(fields[0], "gpg-pubkey"))
        return true; /* a key, no package */
    AUTO(mem_auto) char *version = mem_format("%s-%s", fields[2], fields[3]);
    struct package_facts f = { .type = "rpm", .usual_namespace = "redhat", .name = slice_of(fields[0]), .version = slice_of(version) };
    if (!text_is(fields[1], "0"))
        f.epoch = slice_of(fields[1]);
    if (!text_is(fields[4], "(none)"))
        f.architecture = slice_of(fields[4]);
    return packages_add(out, &f, "rpm", e);
}

static bool add_lines(struct packages *out, char *text, struct err *e)
{
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end == NULL)
            return err_set(e, ERR_REGISTRY, "rpm: the answer ends in the middle");
        *end = '\0';
        if (!add_line(out, line, e))
            return false;
        line = end + 1;
    }
    return true;
}

static bool query(struct packages *out, const char *dir, bool *is_read, struct err *e)
{
    AUTO(mem_auto) char *home = mem_format("HOME=%s", dir);
    const char *const argv[] = { "rpm",           "--dbpath",      dir,        "--query", "--all", "--nodigest",
                                 "--nosignature", "--queryformat", RPM_FORMAT, NULL };
    const char *const envp[] = { "PATH=" PROC_PATH, "LC_ALL=C", home, NULL };
    AUTO(buf_clear_auto) struct buf answer = BUF_LIMIT(RPM_ANSWER_BYTES);
    AUTO(buf_clear_auto) struct buf said = BUF_LIMIT(LIMIT_LINE_BYTES);
    struct proc_spec spec = { .argv = argv, .envp = envp, .timeout_ms = RPM_TIMEOUT_MS, .out = &answer, .err_out = &said };
    struct proc_result result = { 0 };
    if (!proc_run(&spec, &result, e))
        return false;
    *is_read = !result.is_missing;
    if (result.is_missing)
        return true;
    if (result.status != 0 || result.is_timeout || answer.over)
        return err_set(e, ERR_REGISTRY, "rpm's database: rpm ended with status %d%s: %s", result.status,
                       result.is_timeout ? ", after a time limit" : "", SHOWN(buf_text(&said)));
    AUTO(mem_auto) char *text = buf_take(&answer);
    return add_lines(out, text, e);
}

bool packages_read_rpm(struct packages *out, const struct layer_files *files, const struct spool *s, bool *is_read, struct err *e)
{
    char dir[] = "/tmp/archon-rpm-XXXXXX";
    if (mkdtemp(dir) == NULL)
        return file_fail(e, errno, "make", dir);
    bool ok = true;
    for (size_t i = 0; i < files->n_files && ok; i++)
        if (files->files[i].kind == LAYER_RPM)
            ok = write_file(&files->files[i], s, dir, e);
    ok = ok && query(out, dir, is_read, e);
    struct err ignored = { 0 };
    if (!path_remove_tree(dir, &ignored))
        log_warn("%s", ignored.msg);
    return ok;
}
