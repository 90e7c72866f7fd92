/* The header region. What arrives here is not authenticated: every length is compared with a constant and with what the file holds before memory
 * is asked for, every byte that is not content is generated and compared. */
#include "bundle/header.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bundle/tar.h"

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

static bool read_start(struct bundle_file *f, uint64_t *content, struct err *e)
{
    uint64_t file_bytes = bundle_file_bytes(f);
    uint8_t start[FRAME_PREFIX] = { 0 };
    size_t n = file_bytes < FRAME_PREFIX ? (size_t)file_bytes : FRAME_PREFIX;
    if (!bundle_file_read(f, start, n, 0, "header", e))
        return false;
    if (n < FRAME_PREFIX)
        return err_set(e, ERR_FORMAT, "not an archon bundle: %zu bytes", n);
    if (memcmp(start, frame_start, sizeof frame_start) != 0)
        return err_set(e, ERR_FORMAT, "not an archon bundle: expected a zstd header frame of stored blocks, found %s",
                       what_is_it(start, n));
    *content = num_le64(start + 5);
    if (*content < LAYOUT_TAR_BLOCK || *content > LAYOUT_HEADER_MAX || *content % LAYOUT_TAR_BLOCK != 0)
        return err_set(e, ERR_FORMAT, "header frame: content size %llu is not allowed", (unsigned long long)*content);
    if (frame_length(*content) > file_bytes) {
        err_set(e, ERR_FORMAT, "header frame: file ends at %llu, the header at %llu", (unsigned long long)file_bytes,
                (unsigned long long)frame_length(*content));
        return err_hint(e, "copy the bundle again");
    }
    return true;
}

/* The content of the frame: the blocks put together. */
struct content {
    struct bundle_file *file;
    uint64_t n;
    uint64_t at; /* cursor */
};

/* Where a byte of the content lies in the file: each block has its prefix. */
static uint64_t file_offset(uint64_t at)
{
    return FRAME_PREFIX + at + BLOCK_PREFIX * (at / LAYOUT_STORED_BLOCK + 1);
}

static bool check_blocks(const struct content *c, struct err *e)
{
    for (uint64_t done = 0; done < c->n; done += LAYOUT_STORED_BLOCK) {
        uint64_t left = c->n - done;
        uint8_t want[BLOCK_PREFIX];
        uint8_t found[BLOCK_PREFIX];
        block_header(want, left < LAYOUT_STORED_BLOCK ? left : LAYOUT_STORED_BLOCK, left <= LAYOUT_STORED_BLOCK);
        if (!bundle_file_read(c->file, found, sizeof found, file_offset(done) - BLOCK_PREFIX, "header", e))
            return false;
        if (memcmp(want, found, sizeof want) != 0)
            return err_set(e, ERR_FORMAT, "header frame: block at offset %llu is not the stored block that belongs there",
                           (unsigned long long)(file_offset(done) - BLOCK_PREFIX));
    }
    return true;
}

/* The next n bytes, which the caller knows to be there. */
static bool read_content(struct content *c, uint8_t *to, uint64_t n, struct err *e)
{
    BUG_IF(n > c->n - c->at);
    while (n > 0) {
        uint64_t in_block = LAYOUT_STORED_BLOCK - c->at % LAYOUT_STORED_BLOCK;
        uint64_t take = n < in_block ? n : in_block;
        if (!bundle_file_read(c->file, to, (size_t)take, file_offset(c->at), "header", e))
            return false;
        c->at += take;
        to += take;
        n -= take;
    }
    return true;
}

/* A tar header and what it must be. */
struct expected {
    const char *name;
    uint64_t min, max; /* size */
};

static bool check_header(const struct content *c, const uint8_t found[LAYOUT_TAR_BLOCK], const struct expected *x, uint64_t *size,
                         struct err *e)
{
    uint8_t want[LAYOUT_TAR_BLOCK];
    if (!tar_header_size(found, size) || *size < x->min || *size > x->max)
        return err_set(e, ERR_FORMAT, "header frame: size of %s is not allowed", x->name);
    tar_header(want, x->name, *size, false);
    if (memcmp(want, found, sizeof want) != 0)
        return err_set(e, ERR_FORMAT, "header frame: tar header at content offset %llu is not the canonical one of %s",
                       (unsigned long long)(c->at - LAYOUT_TAR_BLOCK), x->name);
    if (*size + tar_fill(*size) > c->n - c->at)
        return err_set(e, ERR_FORMAT, "header frame: %s is longer than the frame", x->name);
    return true;
}

static bool check_fill(struct content *c, const char *name, uint64_t size, struct err *e)
{
    uint8_t fill[LAYOUT_TAR_BLOCK];
    uint64_t n = tar_fill(size);
    if (!read_content(c, fill, n, e))
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (fill[i] != 0)
            return err_set(e, ERR_FORMAT, "header frame: fill bytes of %s are not zero", name);
    return true;
}

/* The member at the cursor must be exactly this one; its content is left in *bytes. */
static bool read_member(struct content *c, const struct expected *x, uint8_t **bytes, size_t *n, struct err *e)
{
    uint8_t found[LAYOUT_TAR_BLOCK];
    uint64_t size;
    if (c->n - c->at < LAYOUT_TAR_BLOCK)
        return err_set(e, ERR_FORMAT, "header frame: ends where %s is expected", x->name);
    if (!read_content(c, found, sizeof found, e) || !check_header(c, found, x, &size, e))
        return false;
    *n = (size_t)size;
    *bytes = mem_new(*n);
    return read_content(c, *bytes, size, e) && check_fill(c, x->name, size, e);
}

enum signature_kind { SIGNATURE_NONE, SIGNATURE_KEY, SIGNATURE_CMS };

/* The name in a tar header, when it has the form of a signature's. */
static enum signature_kind signature_name(const void *found, size_t n, char name[LAYOUT_SIGNATURE_NAME])
{
    size_t len = strnlen(found, n < LAYOUT_SIGNATURE_NAME - 1 ? n : LAYOUT_SIGNATURE_NAME - 1);
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

static bool is_full(const struct header *h, enum signature_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_signatures; i++)
        n += text_ends(h->signatures[i].name, ".p7s") == (kind == SIGNATURE_CMS);
    return n >= (kind == SIGNATURE_CMS ? LIMIT_CMS_SIGNATURES : LIMIT_SIGNATURES);
}

static bool check_signature_name(const struct header *h, enum signature_kind kind, const char *name, struct err *e)
{
    if (kind == SIGNATURE_NONE)
        return err_set(e, ERR_FORMAT, "header frame: \"%s\" is not the name of a signature", SHOWN(name));
    if (!is_after(h, kind, name))
        return err_set(e, ERR_FORMAT, "header frame: %s is out of order or twice", name);
    if (is_full(h, kind))
        return err_set(e, ERR_FORMAT, "header frame: more than %d %s", kind == SIGNATURE_CMS ? LIMIT_CMS_SIGNATURES : LIMIT_SIGNATURES,
                       kind == SIGNATURE_CMS ? "CMS signatures" : "signatures");
    return true;
}

static bool read_signature(struct content *c, struct header *h, struct err *e)
{
    uint8_t found[LAYOUT_TAR_BLOCK];
    uint64_t size;
    struct header_signature *s = &h->signatures[h->n_signatures];
    if (!read_content(c, found, sizeof found, e))
        return false;
    enum signature_kind kind = signature_name(found, sizeof found, s->name);
    struct expected x = { .name = s->name, .min = kind == SIGNATURE_CMS, .max = kind == SIGNATURE_CMS ? LIMIT_CMS_BYTES : LIMIT_SIGNATURE_BYTES };
    if (!check_signature_name(h, kind, s->name, e) || !check_header(c, found, &x, &size, e) || !read_content(c, s->bytes, size, e) ||
        !check_fill(c, s->name, size, e))
        return false;
    s->n = (size_t)size;
    h->n_signatures++;
    return true;
}

/* One place more than there may be: what is found there is looked at before it is refused. */
static void room_for_signatures(struct header *h)
{
    if (h->signatures == NULL)
        h->signatures = mem_new_array(LIMIT_SIGNATURES + LIMIT_CMS_SIGNATURES + 1, sizeof *h->signatures);
}

static bool read_members(struct content *c, struct header *h, struct err *e)
{
    static const struct expected manifest = { MEMBER_MANIFEST, 1, LIMIT_MANIFEST_BYTES };
    static const struct expected table = { MEMBER_CHUNKS, LAYOUT_TABLE_ENTRY, (uint64_t)LAYOUT_TABLE_ENTRY * LIMIT_CHUNKS };
    if (!read_member(c, &manifest, &h->manifest, &h->manifest_bytes, e) || !read_member(c, &table, &h->table, &h->table_bytes, e))
        return false;
    if (h->table_bytes % LAYOUT_TABLE_ENTRY != 0)
        return err_set(e, ERR_FORMAT, "header frame: %s has %zu bytes, not a multiple of %d", MEMBER_CHUNKS, h->table_bytes,
                       LAYOUT_TABLE_ENTRY);
    room_for_signatures(h);
    while (c->at < c->n)
        if (!read_signature(c, h, e))
            return false;
    return true;
}

bool header_read(struct header *h, struct bundle_file *f, struct err *e)
{
    struct content c = { .file = f };
    if (!read_start(f, &c.n, e) || !check_blocks(&c, e))
        return false;
    h->frame_bytes = frame_length(c.n);
    return read_members(&c, h, e);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

bool header_check_padding(const struct header *h, struct bundle_file *f, uint64_t header_len, struct err *e)
{
    uint8_t prefix[PADDING_PREFIX];
    AUTO(mem_auto) uint8_t *block = mem_new(LAYOUT_STORED_BLOCK);
    if (h->frame_bytes + PADDING_PREFIX > header_len)
        return err_set(e, ERR_FORMAT, "header padding: header frame ends at %llu, header_len is %llu", (unsigned long long)h->frame_bytes,
                       (unsigned long long)header_len);
    if (!bundle_file_read(f, prefix, sizeof prefix, h->frame_bytes, "header padding", e))
        return false;
    uint64_t at = h->frame_bytes + PADDING_PREFIX;
    if (memcmp(prefix, padding_magic, sizeof padding_magic) != 0 || num_le32(prefix + 4) != header_len - at)
        return err_set(e, ERR_FORMAT, "header padding: at offset %llu is not one skippable frame that ends at %llu",
                       (unsigned long long)h->frame_bytes, (unsigned long long)header_len);
    for (size_t n; at < header_len; at += n) {
        n = header_len - at < LAYOUT_STORED_BLOCK ? (size_t)(header_len - at) : LAYOUT_STORED_BLOCK;
        if (!bundle_file_read(f, block, n, at, "header padding", e))
            return false;
        if (!all_zero(block, n))
            return err_set(e, ERR_FORMAT, "header padding: bytes after offset %llu are not zero", (unsigned long long)at);
    }
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
    enum signature_kind kind = signature_name(name, strlen(name), s.name);
    BUG_IF(kind == SIGNATURE_NONE || n > sizeof s.bytes);
    memcpy(s.bytes, bytes, n);
    room_for_signatures(h);
    size_t at = 0;
    while (at < h->n_signatures && compare_signatures(&h->signatures[at], &s) < 0)
        at++;
    if (at < h->n_signatures && text_is(h->signatures[at].name, s.name)) {
        h->signatures[at] = s;
        return true;
    }
    if (is_full(h, kind))
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
