/* Every document of an engine: what is accepted keeps the promises of the headers, what is not is ERR_ENGINE and leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "engine/containers.h"
#include "engine/facts.h"
#include "engine/images.h"
#include "engine/volumes.h"
#include "format/digest_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void run_facts(const char *text, size_t n)
{
    struct engine_facts f = { 0 };
    struct err e = { 0 }, d = { 0 };
    if (facts_read_version(&f, text, n, &e))
        must(f.api_newest >= 140 && strncmp(f.api, "1.", 2) == 0);
    else
        must(e.code == ERR_ENGINE);
    if (!facts_read_info(&f, text, n, &d))
        must(d.code == ERR_ENGINE);
}

static void run_images(const char *text, size_t n)
{
    struct err e = { 0 }, f = { 0 }, g = { 0 };
    struct engine_image image;
    struct digest_set set = { 0 };
    struct digest *ids = NULL;
    size_t n_ids = 0;
    if (image_read(&image, text, n, &e))
        must(image.is_found && image.n_diff_ids <= LIMIT_LAYERS_PER_IMAGE);
    else
        must(e.code == ERR_ENGINE && !image.is_found && image.diff_ids == NULL);
    must(image_read_list(&ids, &n_ids, text, n, &f) ? ids != NULL : ids == NULL && f.code == ERR_ENGINE);
    bool is_read = image_read_complete(&set, text, n, &g);
    must(is_read ? set.n <= n_ids : g.code == ERR_ENGINE);
    engine_image_clear(&image);
    digest_set_clear(&set);
    free(ids);
}

static void run_containers(const char *text, size_t n)
{
    struct err e = { 0 }, f = { 0 };
    struct container c = { 0 };
    struct container_list list;
    char shown[64];
    if (container_read(&c, text, n, &e)) {
        must(strspn(c.state, "abcdefghijklmnopqrstuvwxyz") == strlen(c.state) && c.state[0] != '\0');
        must(!(container_is_ready(&c) && container_is_lost(&c)));
        must(strlen(container_shown(shown, &c)) < sizeof shown);
    } else {
        must(e.code == ERR_ENGINE);
    }
    if (container_read_list(&list, text, n, &f)) {
        for (size_t i = 0; i < list.n; i++)
            must(strlen(list.items[i].id) == 64);
        container_list_clear(&list);
    } else {
        must(f.code == ERR_ENGINE && list.items == NULL);
    }
}

static void run_volumes(const char *text, size_t n)
{
    struct err e = { 0 };
    struct volume_list list;
    if (volume_read_list(&list, text, n, &e))
        volume_list_clear(&list);
    else
        must(e.code == ERR_ENGINE && list.names == NULL);
}

static void run_logs(const char *text, size_t n)
{
    AUTO(buf_clear_auto) struct buf out = BUF_LIMIT(n);
    container_read_logs(&out, text, n);
    must(!out.over); /* never more than came in */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n > 0 ? (const char *)bytes : "";
    run_facts(text, n);
    run_images(text, n);
    run_containers(text, n);
    run_volumes(text, n);
    run_logs(text, n);
    return 0;
}
