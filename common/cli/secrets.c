/* Reading one secret. */
#include "cli/secrets.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/term.h"

#include "base/banned.h"

static bool take(struct secret *out, const struct buf *text, const char *what, struct err *e)
{
    size_t n = text->len;
    if (n > 0 && text->data[n - 1] == '\n')
        n--;
    if (n > 0 && text->data[n - 1] == '\r')
        n--;
    if (n == 0)
        return err_set(e, ERR_CONFIG, "%s: is empty, expected a secret", what);
    if (memchr(text->data, '\0', n) != NULL)
        return err_set(e, ERR_CONFIG, "%s: has a NUL byte in it", what);
    *out = secret_of(text->data, n);
    return true;
}

static bool read_file(const char *path, struct secret *out, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_SECRET_BYTES);
    buf_reserve(&text, LIMIT_SECRET_BYTES);
    if (!file_read(path, FILE_PRIVATE, LIMIT_SECRET_BYTES, &text, e))
        return err_as(e, ERR_CONFIG);
    return take(out, &text, path, e);
}

static bool read_fd(const struct cli_secret_source *s, struct secret *out, struct err *e)
{
    uint64_t fd;
    size_t got;
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_SECRET_BYTES + 1);
    if (!num_parse(&fd, s->fd, strlen(s->fd), 1 << 20) || fd == 1 || fd == 2)
        return err_set(e, ERR_USAGE, "--%s-fd %s: expected the number of a descriptor that is open for reading", s->name, SHOWN(s->fd));
    void *to = buf_reserve(&text, LIMIT_SECRET_BYTES + 1);
    if (!fd_read_full((int)fd, to, LIMIT_SECRET_BYTES + 1, &got, s->name, e))
        return err_as(e, ERR_USAGE);
    text.len = got;
    if (got > LIMIT_SECRET_BYTES)
        return err_set(e, ERR_CONFIG, "--%s-fd: more than %u bytes", s->name, (unsigned)LIMIT_SECRET_BYTES);
    return take(out, &text, s->name, e);
}

bool cli_secret_read(const struct cli_secret_source *s, struct secret *out, struct err *e)
{
    if (s->file != NULL && s->fd != NULL)
        return err_set(e, ERR_USAGE, "--%s-file and --%s-fd: expected one of them", s->name, s->name);
    if (s->file != NULL)
        return read_file(s->file, out, e);
    if (s->fd != NULL)
        return read_fd(s, out, e);
    if (s->prompt == NULL)
        return true;
    return term_ask_secret(s->prompt, out, e) || err_hint(e, "--%s-file FILE or --%s-fd N", s->name, s->name);
}
