/* Asking the file system itself: what may be written where is more than the modes of a folder tell (a medium that is read-only, a folder of
 * the system). */
#include "sys/place.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include "base/banned.h"

static bool refuse_pipe(struct err *e)
{
    err_set(e, ERR_USAGE, "-o -: the output is a file, not a pipe");
    return err_hint(e, "a file of that name is called ./-");
}

bool place_check(const char *path, struct err *e)
{
    AUTO(mem_auto) char *dir = path_dir(path);
    if (text_is(path, "-"))
        return refuse_pipe(e);
    if (!path_is_directory(dir)) {
        err_set(e, ERR_IO, "%s: is not an existing directory", SHOWN(dir));
        return err_hint(e, "make it first (mkdir), or name another place: -o OUT");
    }
    AUTO(publish_drop_auto) struct publish *p = publish_open(path, 0600, e);
    return p != NULL || err_hint(e, "name another place: -o OUT");
}
