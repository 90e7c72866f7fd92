/* The config of an image: what it is made of, and what it asks of the engine that runs it. */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/oci_parts.h"

#include "base/banned.h"

static void read_rootfs(struct jnode o, struct oci_config *out)
{
    static const char *const known[] = { "type", "diff_ids" };
    char type[32];
    struct jnode ids;
    oci_part_refuse_lookalikes(o, known, ARRAY_LEN(known));
    jread_str(o, "type", type, sizeof type);
    if (strcmp(type, "layers") != 0)
        jread_fail(o, "type", "expected \"layers\", found \"%s\"", SHOWN(type));
    if (!jread_has(o, "diff_ids") && jread_is_null(o, "diff_ids"))
        return; /* what Go writes for an image without layers */
    out->n_diff_ids = jread_array(o, "diff_ids", LIMIT_LAYERS_PER_IMAGE, &ids);
    out->diff_ids = mem_new_array(out->n_diff_ids, sizeof *out->diff_ids);
    for (size_t i = 0; i < out->n_diff_ids; i++)
        jread_item_digest(ids, i, &out->diff_ids[i]);
}

bool oci_config_read(struct oci_config *out, const char *text, size_t n, const char *what, struct err *e)
{
    static const char *const known[] = { "os", "architecture", "variant", "created", "rootfs", "config", "history" };
    *out = (struct oci_config){ 0 };
    AUTO(jread_free_auto) struct jread *doc = oci_part_open(text, n, LIMIT_OCI_CONFIG_BYTES, what, e);
    struct jnode root = jread_root(doc);
    oci_part_refuse_lookalikes(root, known, ARRAY_LEN(known));
    jread_str(root, "os", out->platform.os, sizeof out->platform.os);
    jread_str(root, "architecture", out->platform.architecture, sizeof out->platform.architecture);
    oci_part_optional_str(root, "variant", out->platform.variant, sizeof out->platform.variant);
    out->has_variant = out->platform.variant[0] != '\0';
    platform_normalise(&out->platform);
    oci_part_optional_str(root, "created", out->created, sizeof out->created);
    read_rootfs(jread_object(root, "rootfs"), out);
    if (jread_done(doc, e))
        return true;
    oci_config_clear(out);
    return err_as(e, ERR_REGISTRY);
}

void oci_config_clear(struct oci_config *x)
{
    mem_free(x->diff_ids);
    *x = (struct oci_config){ 0 };
}

/* ---- what it asks for ---- */

static void refuse_reserved_labels(struct jnode labels)
{
    static const char *const reserved[] = { "containerd.io/", "io.cri-containerd" };
    for (size_t i = 0, n = jread_members(labels); i < n; i++)
        for (size_t k = 0; k < ARRAY_LEN(reserved); k++)
            if (strncasecmp(jread_member_key(labels, i), reserved[k], strlen(reserved[k])) == 0)
                jread_fail(labels, NULL, "label \"%s\" is reserved: containerd obeys it", SHOWN(jread_member_key(labels, i)));
}

/* The path as an engine means it: from the root, without ".", ".." and doubled slashes. "" is the root. */
static void clean_path(struct buf *out, const char *path)
{
    for (const char *at = path; *at != '\0';) {
        size_t n = strcspn(at, "/");
        struct slice word = { at, n };
        if (slice_is(word, "..")) {
            while (out->len > 0 && out->data[out->len - 1] != '/')
                out->data[--out->len] = '\0';
            if (out->len > 0)
                out->data[--out->len] = '\0';
        } else if (n > 0 && !slice_is(word, ".")) {
            buf_addc(out, '/');
            buf_add(out, at, n);
        }
        at += n + (at[n] == '/');
    }
}

static bool is_of_the_system(const char *path)
{
    static const char *const folders[] = { "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr" };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (text_is(path, folders[i]))
            return true;
    return false;
}

static void judge_volumes(struct jnode volumes, char odd_volume[128])
{
    for (size_t i = 0, n = jread_members(volumes); i < n; i++) {
        const char *path = jread_member_key(volumes, i);
        AUTO(buf_clear_auto) struct buf clean = BUF_LIMIT(LIMIT_PATH_BYTES);
        clean_path(&clean, path);
        if (clean.over)
            jread_fail(volumes, NULL, "volume \"%s\" is longer than %d bytes", SHOWN(path), LIMIT_PATH_BYTES);
        else if (clean.len == 0)
            jread_fail(volumes, NULL, "volume \"%s\" is the root of the file system", SHOWN(path));
        else if (odd_volume[0] == '\0' && is_of_the_system(buf_text(&clean)))
            BUG_IF(!text_copy(odd_volume, 128, buf_text(&clean)));
    }
}

/* A number beyond what the kernel knows is truncated by some runtimes, to 0 in the worst case (CVE-2024-40635). */
static void refuse_user_number(struct jnode config, const char *user, struct slice part)
{
    uint64_t id;
    size_t sign = part.n > 0 && (part.p[0] == '-' || part.p[0] == '+') ? 1 : 0;
    size_t zeros = sign;
    while (zeros + 1 < part.n && part.p[zeros] == '0')
        zeros++;
    for (size_t i = sign; i < part.n; i++)
        if (part.p[i] < '0' || part.p[i] > '9')
            return; /* a name */
    if (part.n > sign && (part.p[0] == '-' || !num_parse(&id, part.p + zeros, part.n - zeros, INT32_MAX)))
        jread_fail(config, "User", "\"%s\" is not a user number, at most %d", SHOWN(user), INT32_MAX);
}

static void judge_user(struct jnode config)
{
    if (!jread_has(config, "User"))
        return;
    AUTO(mem_auto) char *user = jread_text(config, "User", LIMIT_PATH_BYTES);
    size_t n = strcspn(user, ":");
    refuse_user_number(config, user, (struct slice){ user, n });
    if (user[n] == ':')
        refuse_user_number(config, user, slice_of(user + n + 1));
}

bool oci_config_judge(const char *text, size_t n, const char *what, char odd_volume[128], struct err *e)
{
    static const char *const known[] = { "User", "Volumes", "Labels" };
    odd_volume[0] = '\0';
    AUTO(jread_free_auto) struct jread *doc = oci_part_open(text, n, LIMIT_OCI_CONFIG_BYTES, what, e);
    struct jnode root = jread_root(doc);
    if (doc != NULL && jread_has(root, "config")) {
        struct jnode config = jread_object(root, "config");
        oci_part_refuse_lookalikes(config, known, ARRAY_LEN(known));
        judge_user(config);
        if (jread_has(config, "Volumes"))
            judge_volumes(jread_object(config, "Volumes"), odd_volume);
        if (jread_has(config, "Labels"))
            refuse_reserved_labels(jread_object(config, "Labels"));
    }
    return jread_done(doc, e) || err_as(e, ERR_REGISTRY);
}
