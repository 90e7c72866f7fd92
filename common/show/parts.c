/* Asking for discs. */
#include "show/parts.h"

#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "sys/term.h"

#include "base/banned.h"

enum { ANSWER = 64 };

static bool insert(void *ctx, size_t part, size_t n, const char *why, struct err *e)
{
    char prompt[256];
    char of[32] = "";
    char answer[ANSWER];
    (void)ctx;
    if (n > 0)
        snprintf(of, sizeof of, " of %zu", n);
    snprintf(prompt, sizeof prompt, "%s%sinsert the disc with part %zu%s, then press Enter; q gives up", why == NULL ? "" : why, why == NULL ? "" : "; ", part, of);
    if (!term_ask_line(prompt, answer, sizeof answer, e))
        return false;
    return !(text_is(answer, "q") || text_is(answer, "Q")) || err_set(e, ERR_INTEGRITY, "part %zu%s is missing", part, of);
}

/* With too little room there is no choice. */
static bool may_copy(void *ctx, const char *spool_dir, uint64_t need, uint64_t room, bool *yes, struct err *e)
{
    (void)ctx;
    char a[24];
    char b[24];
    char prompt[512];
    char answer[ANSWER];
    text_bytes(a, need);
    text_bytes(b, room);
    *yes = room > need;
    if (!*yes)
        log_info("%s are needed in %s to copy the discs, %s are free: each will be asked for whenever it is needed", a, spool_dir, b);
    if (!*yes)
        return true;
    snprintf(prompt, sizeof prompt, "the bundle is on several discs, and is read more than once. Copy them to %s (%s, %s are free), so that each is asked for once? [Y/n]",
             spool_dir, a, b);
    if (!term_ask_line(prompt, answer, sizeof answer, e))
        return false;
    *yes = !(answer[0] == 'n' || answer[0] == 'N');
    return true;
}

struct bundle_file *show_parts_open(const char *path, const struct show_parts *parts, const char *spool_dir, bool is_read_again, struct err *e)
{
    struct bundle_asker ask = { .insert = insert, .may_copy = is_read_again ? may_copy : NULL };
    struct bundle_where where = { .path = path, .folders = parts == NULL ? NULL : parts->from.items, .n_folders = parts == NULL ? 0 : parts->from.n,
                                  .spool_dir = spool_dir, .ask = term_is_interactive() ? &ask : NULL };
    AUTO(bundle_file_close_auto) struct bundle_file *f = bundle_file_open_where(&where, e);
    if (f == NULL || (parts != NULL && parts->is_from_medium && !bundle_file_read_medium(f, e)))
        return NULL;
    return TAKE(f);
}
