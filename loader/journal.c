/* The journal. Lines are appended with one write and synced; a crash leaves at most one torn line at the end. */
#include "loader/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#include "base/banned.h"

#define JOURNAL_MAX (4 * MIB)
enum { LINE_MAX_BYTES = 512, N_FIELDS = 7 };

static const char *const event_names[N_JOURNAL_EVENTS] = { "begin", "start", "done", "failed", "undo", "end" };

struct journal {
    int fd;
    char *path;
    uint64_t sequence;
    uint64_t good_bytes; /* end of the last whole line */
    struct journal_last last;
};

/* CRC-32C (Castagnoli, RFC 3720 B.4), bit by bit: lines are short. */
static uint32_t crc32c(const char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82F63B78u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool split(const char *line, size_t n, struct slice fields[N_FIELDS])
{
    size_t count = 0;
    for (size_t start = 0, i = 0; i <= n; i++) {
        if (i < n && line[i] != ' ')
            continue;
        if (count == N_FIELDS)
            return false;
        fields[count++] = (struct slice){ line + start, i - start };
        start = i + 1;
    }
    return count == N_FIELDS;
}

static bool event_of(struct slice s, enum journal_event *out)
{
    for (size_t i = 0; i < N_JOURNAL_EVENTS; i++)
        if (slice_is(s, event_names[i])) {
            *out = (enum journal_event)i;
            return true;
        }
    return false;
}

static void copy_field(char *to, size_t size, struct slice s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    memcpy(to, s.p, n);
    to[n] = '\0';
}

static void note(struct journal_last *last, enum journal_event event, const struct slice f[N_FIELDS], uint64_t at)
{
    last->event = event;
    last->at = (int64_t)at;
    last->is_unfinished = event != JOURNAL_END;
    copy_field(last->release, sizeof last->release, f[2]);
    copy_field(last->version, sizeof last->version, f[3]);
    if (event != JOURNAL_END)
        copy_field(last->step, sizeof last->step, f[5]);
}

static bool read_line(struct journal *j, const char *line, size_t n)
{
    struct slice f[N_FIELDS];
    char crc[9];
    uint64_t sequence, at;
    enum journal_event event;
    if (n >= LINE_MAX_BYTES || !split(line, n, f) || f[6].n != 8)
        return false;
    snprintf(crc, sizeof crc, "%08x", crc32c(line, n - 9));
    if (memcmp(crc, f[6].p, 8) != 0 || !num_parse(&sequence, f[0].p, f[0].n, UINT64_MAX) || !num_parse(&at, f[1].p, f[1].n, INT64_MAX) ||
        !event_of(f[4], &event) || sequence != j->sequence + 1)
        return false;
    j->sequence = sequence;
    j->last.sequence = sequence;
    note(&j->last, event, f, at);
    return true;
}

static bool read_all(struct journal *j, const char *text, size_t n, struct err *e)
{
    bool is_first = true;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end == NULL ? n - at : (size_t)(end - text) - at;
        if (is_first && end != NULL) { /* older lines may have been dropped: any sequence may come first */
            uint64_t first = 0;
            if (num_parse(&first, text + at, strcspn(text + at, " \n"), UINT64_MAX) && first > 0)
                j->sequence = first - 1;
        }
        is_first = false;
        bool is_last = end == NULL || at + len + 1 == n;
        if (end == NULL)
            return true; /* torn */
        if (!read_line(j, text + at, len)) {
            if (is_last)
                return true;
            err_set(e, ERR_CONFIG, "%s: byte %zu: the line is damaged", j->path, at);
            return err_hint(e, "look at it, move it away, then run install again: it is only a record");
        }
        at += len + 1;
        j->good_bytes = at;
    }
    return true;
}

static bool load(struct journal *j, struct err *e)
{
    AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(2 * JOURNAL_MAX);
    bool exists = false;
    if (!file_exists(j->path, &exists, e))
        return false;
    if (!exists)
        return true;
    return file_read(j->path, FILE_NO_LINK | FILE_TRUSTED, text.max, &text, e) && read_all(j, buf_text(&text), text.len, e);
}

bool journal_parse(struct journal_last *last, const char *text, size_t n, const char *what, struct err *e)
{
    AUTO(mem_auto) char *path = mem_text(what);
    struct journal j = { .fd = -1, .path = path };
    bool ok = read_all(&j, text, n, e);
    *last = ok ? j.last : (struct journal_last){ 0 };
    return ok;
}

bool journal_look(const char *path, struct journal_last *last, struct err *e)
{
    AUTO(journal_close_auto) struct journal *j = mem_new(sizeof *j);
    j->fd = -1;
    j->path = mem_text(path);
    if (!load(j, e))
        return false;
    *last = j->last;
    return true;
}

/* Its name must survive a power cut as its lines do. */
static bool make_if_missing(const char *path, struct err *e)
{
    bool exists = false;
    return file_exists(path, &exists, e) && (exists || file_publish(path, "", 0, 0600, e));
}

struct journal *journal_open(const char *path, struct err *e)
{
    AUTO(journal_close_auto) struct journal *j = mem_new(sizeof *j);
    j->fd = -1;
    j->path = mem_text(path);
    if (!load(j, e))
        return NULL;
    if (!make_if_missing(path, e))
        return NULL;
    j->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd < 0 || ftruncate(j->fd, (off_t)j->good_bytes) != 0) {
        err_set(e, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    return TAKE(j);
}

void journal_close(struct journal *j)
{
    fd_auto(&j->fd);
    mem_free(j->path);
    mem_free(j);
}

const struct journal_last *journal_last(const struct journal *j)
{
    return &j->last;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

bool journal_add(struct journal *j, enum journal_event event, const char *step, struct err *e)
{
    AUTO(buf_clear_auto) struct buf line = BUF_LIMIT(LINE_MAX_BYTES);
    uint64_t now = (uint64_t)clock_unix();
    if (strlen(step) >= JOURNAL_STEP_BYTES)
        return err_set(e, ERR_INTERNAL, "journal: step %s: name too long", step);
    buf_addf(&line, "%llu %llu %s %s %s %s", (unsigned long long)j->sequence + 1, (unsigned long long)now, j->last.release,
             j->last.version, event_names[event], step);
    buf_addf(&line, " %08x\n", crc32c(buf_text(&line), line.len));
    if (!buf_done(&line, "journal line", e) || !fd_pwrite_all(j->fd, line.data, line.len, j->good_bytes, j->path, e) ||
        !fd_sync(j->fd, j->path, e))
        return false;
    j->good_bytes += line.len;
    j->sequence++;
    j->last.sequence = j->sequence;
    j->last.event = event;
    j->last.is_unfinished = event != JOURNAL_END;
    j->last.at = (int64_t)now;
    return event == JOURNAL_END || text_copy(j->last.step, sizeof j->last.step, step);
}

bool journal_begin(struct journal *j, const char *release12, const char *version, struct err *e)
{
    if (j->good_bytes > JOURNAL_MAX) {
        if (ftruncate(j->fd, 0) != 0)
            return err_set(e, ERR_IO, "%s: cannot be shortened: %s", j->path, strerror(errno));
        j->good_bytes = 0;
    }
    copy_field(j->last.release, sizeof j->last.release, slice_of(release12));
    copy_field(j->last.version, sizeof j->last.version, slice_of(version));
    return journal_add(j, JOURNAL_BEGIN, "start", e);
}
