/* The header region. What arrives here is not authenticated: every length is compared with a constant before it is used, every byte that is
 * not content is generated and compared. */
#include "bundle/header.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/tar.h"
#include "sys/file.h"

#include "base/banned.h"

enum {
    FRAME_PREFIX = 13,  /* magic, descriptor, content size */
    BLOCK_PREFIX = 3,
    PADDING_PREFIX = 8, /* skippable magic, length */
};
static const uint8_t frame_start[5] = { 0x28, 0xB5, 0x2F, 0xFD, 0xE0 };
static const uint8_t padding_magic[4] = { 0x50, 0x2A, 0x4D, 0x18 };

void header_clear(struct header *h)
{
    mem_free(h->manifest);
    mem_free(h->table);
    mem_free(h->signatures);
    *h = (struct header){ 0 };
}

void header_clear_auto(struct header *h)
{
    header_clear(h);
}

uint64_t header_len_for(uint64_t manifest_bytes, uint64_t table_bytes)
{
    return num_round_up(manifest_bytes + table_bytes + LAYOUT_HEADER_SIGNATURES, LAYOUT_HEADER_UNIT);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const char *what_is_it(const uint8_t *p, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *name;
    } known[] = { { "\x1f\x8b", 2, "gzip" }, { "\xfd" "7zXZ", 5, "xz" }, { "\x7f" "ELF", 4, "an ELF program" }, { "BZh", 3, "bzip2" },
                  { "PK\x03\x04", 4, "zip" } };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
            return known[i].name;
    return n >= 4 && memcmp(p, frame_start, 4) == 0 ? "an ordinary zstd file" : "something else";
}

static uint64_t frame_length(uint64_t content)
{
    uint64_t n_blocks = (content + LAYOUT_STORED_BLOCK - 1) / LAYOUT_STORED_BLOCK;
    return FRAME_PREFIX + content + BLOCK_PREFIX * n_blocks;
}

static void block_header(uint8_t out[BLOCK_PREFIX], uint64_t size, bool is_last)
{
    uint32_t v = (uint32_t)(size << 3) | (is_last ? 1 : 0);
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
    out[2] = (uint8_t)(v >> 16);
}

static bool read_start(int fd, uint64_t file_bytes, uint64_t *content, struct err *e)
{
    uint8_t start[FRAME_PREFIX] = { 0 };
    size_t n = file_bytes < FRAME_PREFIX ? (size_t)file_bytes : FRAME_PREFIX;
    if (!fd_pread_exact(fd, start, n, 0, "header", e))
        return false;
    if (n < FRAME_PREFIX)
        return err_set(e, ERR_FORMAT, "not an archon bundle: %zu bytes", n);
    if (memcmp(start, frame_start, sizeof frame_start) != 0)
        return err_set(e, ERR_FORMAT, "not an archon bundle: expected a zstd header frame of stored blocks, found %s",
                       what_is_it(start, n));
    *content = num_le64(start + 5);
    if (*content < LAYOUT_TAR_BLOCK || *content > LAYOUT_HEADER_MAX || *content % LAYOUT_TAR_BLOCK != 0)
        return err_set(e, ERR_FORMAT, "header frame: content size %llu is not allowed", (unsigned long long)*content);
    if (frame_length(*content) > file_bytes)
        return err_set(e, ERR_FORMAT, "header frame: file ends at %llu, the header at %llu", (unsigned long long)file_bytes,
                       (unsigned long long)frame_length(*content));
    return true;
}

/* Reads the blocks into one piece of memory of `content` bytes. */
static bool read_blocks(int fd, uint8_t *out, uint64_t content, struct err *e)
{
    uint64_t at = FRAME_PREFIX;
    for (uint64_t done = 0; done < content;) {
        uint64_t left = content - done;
        uint64_t size = left < LAYOUT_STORED_BLOCK ? left : LAYOUT_STORED_BLOCK;
        uint8_t want[BLOCK_PREFIX], found[BLOCK_PREFIX];
        block_header(want, size, size == left);
        if (!fd_pread_exact(fd, found, sizeof found, at, "header", e))
            return false;
        if (memcmp(want, found, sizeof want) != 0)
            return err_set(e, ERR_FORMAT, "header frame: block at offset %llu is not the stored block that belongs there",
                           (unsigned long long)at);
        if (!fd_pread_exact(fd, out + done, (size_t)size, at + BLOCK_PREFIX, "header", e))
            return false;
        at += BLOCK_PREFIX + size;
        done += size;
    }
    return true;
}

struct walk {
    const uint8_t *bytes;
    uint64_t n;
    uint64_t at;
};

/* The member at the cursor must be exactly this one; its content is left in *content. */
static bool walk_member(struct walk *w, const char *name, uint64_t min, uint64_t max, const uint8_t **content, uint64_t *size,
                        struct err *e)
{
    uint8_t want[LAYOUT_TAR_BLOCK];
    if (w->n - w->at < LAYOUT_TAR_BLOCK)
        return err_set(e, ERR_FORMAT, "header frame: ends where %s is expected", name);
    const uint8_t *found = w->bytes + w->at;
    if (!tar_header_size(found, size) || *size < min || *size > max)
        return err_set(e, ERR_FORMAT, "header frame: size of %s is not allowed", name);
    tar_header(want, name, *size, false);
    if (memcmp(want, found, sizeof want) != 0)
        return err_set(e, ERR_FORMAT, "header frame: tar header at content offset %llu is not the canonical one of %s",
                       (unsigned long long)w->at, name);
    if (tar_member_bytes(*size) > w->n - w->at)
        return err_set(e, ERR_FORMAT, "header frame: %s is longer than the frame", name);
    *content = found + LAYOUT_TAR_BLOCK;
    for (uint64_t i = 0; i < tar_fill(*size); i++)
        if ((*content)[*size + i] != 0)
            return err_set(e, ERR_FORMAT, "header frame: fill bytes of %s are not zero", name);
    w->at += tar_member_bytes(*size);
    return true;
}

enum signature_kind { SIGNATURE_NONE, SIGNATURE_KEY, SIGNATURE_CMS };

/* The name in a tar header, when it has the form of a signature's. */
static enum signature_kind signature_name(const uint8_t *found, size_t n, char name[LAYOUT_SIGNATURE_NAME])
{
    size_t len = strnlen((const char *)found, n < LAYOUT_SIGNATURE_NAME - 1 ? n : LAYOUT_SIGNATURE_NAME - 1);
    size_t folder = strlen(FOLDER_SIGNATURES);
    memcpy(name, found, len);
    name[len] = '\0';
    if (!text_starts(name, FOLDER_SIGNATURES))
        return SIGNATURE_NONE;
    uint8_t id[8];
    if (len == folder + 20 && text_ends(name, ".sig") && text_unhex(id, sizeof id, name + folder, 16))
        return SIGNATURE_KEY;
    if (len == folder + 5 && text_ends(name, ".p7s") && name[folder] >= '0' && name[folder] < '0' + LIMIT_CMS_SIGNATURES)
        return SIGNATURE_CMS;
    return SIGNATURE_NONE;
}

static bool is_after(const struct header *h, enum signature_kind kind, const char *name)
{
    if (h->n_signatures == 0)
        return true;
    const char *last = h->signatures[h->n_signatures - 1].name;
    if (text_ends(last, ".p7s") != (kind == SIGNATURE_CMS))
        return kind == SIGNATURE_CMS;
    return strcmp(last, name) < 0;
}

static size_t count_kind(const struct header *h, const char *suffix)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_signatures; i++)
        n += text_ends(h->signatures[i].name, suffix);
    return n;
}

static bool walk_signature(struct walk *w, struct header *h, struct err *e)
{
    struct header_signature s = { 0 };
    enum signature_kind kind = signature_name(w->bytes + w->at, (size_t)(w->n - w->at), s.name);
    if (kind == SIGNATURE_NONE)
        return err_set(e, ERR_FORMAT, "header frame: \"%s\" is not the name of a signature", SHOWN(s.name));
    if (!is_after(h, kind, s.name))
        return err_set(e, ERR_FORMAT, "header frame: %s is out of order or twice", s.name);
    size_t limit = kind == SIGNATURE_KEY ? LIMIT_SIGNATURES : LIMIT_CMS_SIGNATURES;
    if (count_kind(h, kind == SIGNATURE_KEY ? ".sig" : ".p7s") >= limit)
        return err_set(e, ERR_FORMAT, "header frame: more than %zu signatures of one kind", limit);
    const uint8_t *content;
    uint64_t size;
    if (!walk_member(w, s.name, kind == SIGNATURE_CMS, kind == SIGNATURE_KEY ? LIMIT_SIGNATURE_BYTES : LIMIT_CMS_BYTES, &content, &size,
                     e))
        return false;
    s.n = (size_t)size;
    memcpy(s.bytes, content, s.n);
    h->signatures[h->n_signatures++] = s;
    return true;
}

static bool walk_all(struct walk *w, struct header *h, struct err *e)
{
    const uint8_t *content;
    uint64_t size;
    if (!walk_member(w, MEMBER_MANIFEST, 1, LIMIT_MANIFEST_BYTES, &content, &size, e))
        return false;
    h->manifest = mem_copy(content, (size_t)size);
    h->manifest_bytes = (size_t)size;
    if (!walk_member(w, MEMBER_CHUNKS, LAYOUT_TABLE_ENTRY, (uint64_t)LAYOUT_TABLE_ENTRY * LIMIT_CHUNKS, &content, &size, e))
        return false;
    if (size % LAYOUT_TABLE_ENTRY != 0)
        return err_set(e, ERR_FORMAT, "header frame: %s has %llu bytes, not a multiple of %d", MEMBER_CHUNKS, (unsigned long long)size,
                       LAYOUT_TABLE_ENTRY);
    h->table = mem_copy(content, (size_t)size);
    h->table_bytes = (size_t)size;
    h->signatures = mem_new_array(LIMIT_SIGNATURES + LIMIT_CMS_SIGNATURES, sizeof *h->signatures);
    while (w->at < w->n)
        if (!walk_signature(w, h, e))
            return false;
    return true;
}

bool header_read(struct header *h, int fd, uint64_t file_bytes, struct err *e)
{
    uint64_t content = 0;
    if (!read_start(fd, file_bytes, &content, e))
        return false;
    AUTO(mem_auto) uint8_t *bytes = mem_new((size_t)content);
    if (!read_blocks(fd, bytes, content, e))
        return false;
    struct walk w = { bytes, content, 0 };
    h->frame_bytes = frame_length(content);
    return walk_all(&w, h, e);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

bool header_check_padding(const struct header *h, int fd, uint64_t header_len, struct err *e)
{
    if (h->frame_bytes + PADDING_PREFIX > header_len)
        return err_set(e, ERR_FORMAT, "header padding: header frame ends at %llu, header_len is %llu", (unsigned long long)h->frame_bytes,
                       (unsigned long long)header_len);
    size_t n = (size_t)(header_len - h->frame_bytes);
    AUTO(mem_auto) uint8_t *bytes = mem_new(n);
    if (!fd_pread_exact(fd, bytes, n, h->frame_bytes, "header padding", e))
        return false;
    if (memcmp(bytes, padding_magic, sizeof padding_magic) != 0 || num_le32(bytes + 4) != n - PADDING_PREFIX)
        return err_set(e, ERR_FORMAT, "header padding: at offset %llu is not one skippable frame that ends at %llu",
                       (unsigned long long)h->frame_bytes, (unsigned long long)header_len);
    if (!all_zero(bytes + PADDING_PREFIX, n - PADDING_PREFIX))
        return err_set(e, ERR_FORMAT, "header padding: bytes after offset %llu are not zero", (unsigned long long)h->frame_bytes);
    return true;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static int compare_signatures(const struct header_signature *a, const struct header_signature *b)
{
    bool a_cms = text_ends(a->name, ".p7s");
    bool b_cms = text_ends(b->name, ".p7s");
    return a_cms != b_cms ? (a_cms ? 1 : -1) : strcmp(a->name, b->name);
}

bool header_add_signature(struct header *h, const char *name, const void *bytes, size_t n, struct err *e)
{
    struct header_signature s = { .n = n };
    enum signature_kind kind = signature_name((const uint8_t *)name, strlen(name), s.name);
    BUG_IF(kind == SIGNATURE_NONE || n > sizeof s.bytes);
    memcpy(s.bytes, bytes, n);
    if (h->signatures == NULL)
        h->signatures = mem_new_array(LIMIT_SIGNATURES + LIMIT_CMS_SIGNATURES, sizeof *h->signatures);
    size_t at = 0;
    while (at < h->n_signatures && compare_signatures(&h->signatures[at], &s) < 0)
        at++;
    if (at < h->n_signatures && text_is(h->signatures[at].name, s.name)) {
        h->signatures[at] = s;
        return true;
    }
    if (count_kind(h, kind == SIGNATURE_KEY ? ".sig" : ".p7s") >= (kind == SIGNATURE_KEY ? LIMIT_SIGNATURES : LIMIT_CMS_SIGNATURES))
        return err_set(e, ERR_FORMAT, "the bundle has as many signatures as fit");
    memmove(&h->signatures[at + 1], &h->signatures[at], (h->n_signatures - at) * sizeof s);
    h->signatures[at] = s;
    h->n_signatures++;
    return true;
}

static void add_member(struct buf *tar, const char *name, const void *bytes, size_t n)
{
    uint8_t header[LAYOUT_TAR_BLOCK];
    static const uint8_t zeros[LAYOUT_TAR_BLOCK];
    tar_header(header, name, n, false);
    buf_add(tar, header, sizeof header);
    buf_add(tar, bytes, n);
    buf_add(tar, zeros, (size_t)tar_fill(n));
}

static void add_frame(struct buf *out, const struct buf *tar)
{
    uint8_t size[8];
    num_put_le64(size, tar->len);
    buf_add(out, frame_start, sizeof frame_start);
    buf_add(out, size, sizeof size);
    for (size_t done = 0; done < tar->len;) {
        size_t left = tar->len - done;
        size_t n = left < LAYOUT_STORED_BLOCK ? left : LAYOUT_STORED_BLOCK;
        uint8_t prefix[BLOCK_PREFIX];
        block_header(prefix, n, n == left);
        buf_add(out, prefix, sizeof prefix);
        buf_add(out, tar->data + done, n);
        done += n;
    }
}

bool header_build(const struct header *h, uint64_t header_len, struct buf *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf tar = BUF_LIMIT(LAYOUT_HEADER_MAX);
    add_member(&tar, MEMBER_MANIFEST, h->manifest, h->manifest_bytes);
    add_member(&tar, MEMBER_CHUNKS, h->table, h->table_bytes);
    for (size_t i = 0; i < h->n_signatures; i++)
        add_member(&tar, h->signatures[i].name, h->signatures[i].bytes, h->signatures[i].n);
    if (!buf_done(&tar, "header", e))
        return false;
    if (frame_length(tar.len) + PADDING_PREFIX > header_len)
        return err_set(e, ERR_FORMAT, "header: %llu bytes do not fit into the %llu that are reserved",
                       (unsigned long long)frame_length(tar.len), (unsigned long long)header_len);
    add_frame(out, &tar);
    uint8_t padding[PADDING_PREFIX];
    size_t fill = (size_t)(header_len - out->len - PADDING_PREFIX);
    memcpy(padding, padding_magic, 4);
    num_put_le32(padding + 4, (uint32_t)fill);
    buf_add(out, padding, sizeof padding);
    uint8_t *zeros = buf_reserve(out, fill);
    if (zeros != NULL) {
        memset(zeros, 0, fill);
        out->len += fill;
    }
    return buf_done(out, "header", e);
}
