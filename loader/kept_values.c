/* values.env. */
#include "loader/kept_values.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include "base/banned.h"

bool kept_values_read(struct env_pairs *out, const char *path, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    bool exists = false;
    if (!file_exists(path, &exists, e))
        return false;
    if (!exists)
        return true;
    return (file_read(path, FILE_NO_LINK | FILE_PRIVATE, LIMIT_ENV_FILE_BYTES, &text, e) &&
            env_file_read(out, buf_text(&text), text.len, path, e)) ||
           err_as(e, ERR_CONFIG);
}

/* What is in the file and not among the values. Borrows names from the pairs. */
static void find_others(struct values *others, const struct env_pairs *kept, const struct values *v)
{
    for (size_t i = 0; i < kept->n; i++) {
        const struct env_pair *p = &kept->items[i];
        if (values_get(v, p->name) == NULL)
            MEM_PUSH(others->items, others->n, others->cap) = (struct value){ p->name, secret_of(p->value, strlen(p->value)), VALUE_STORED, true };
    }
}

bool kept_values_text(struct buf *out, const struct values *v, const char *path, struct err *e)
{
    AUTO(env_pairs_clear_auto) struct env_pairs kept = { 0 };
    AUTO(values_clear_auto) struct values others = { 0 };
    if (!kept_values_read(&kept, path, e))
        return false;
    find_others(&others, &kept, v);
    return values_write(out, v, e) && values_write(out, &others, e);
}

bool kept_values_write(const struct values *v, const char *path, struct err *e)
{
    AUTO(buf_wipe_auto) struct buf text = BUF_LIMIT(LIMIT_ENV_FILE_BYTES);
    return kept_values_text(&text, v, path, e) && file_publish(path, buf_text(&text), text.len, 0600, e);
}
