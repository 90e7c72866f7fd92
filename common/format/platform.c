/* Platforms under the names that containerd gives them, so that "x86_64" on one side and "amd64" on the other are one. */
#include "format/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"

#include "base/banned.h"

struct alias {
    const char *from;
    const char *architecture;
    const char *variant; /* where none is given */
};

static const struct alias aliases[] = {
    { "i386", "386", "" },     { "i486", "386", "" },      { "i586", "386", "" },     { "i686", "386", "" },
    { "x86_64", "amd64", "" }, { "x86-64", "amd64", "" },  { "aarch64", "arm64", "" }, { "armv8l", "arm", "v7" },
    { "armhf", "arm", "v7" },  { "armv7l", "arm", "v7" },  { "armv6l", "arm", "v6" }, { "armel", "arm", "v6" },
};

static void set_text(char out[32], const char *text)
{
    BUG_IF(!text_copy(out, 32, text));
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

static void rename_architecture(struct platform *p)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (strcmp(p->architecture, aliases[i].from) == 0) {
            set_text(p->architecture, aliases[i].architecture);
            if (p->variant[0] == '\0')
                set_text(p->variant, aliases[i].variant);
            return;
        }
}

/* "7" is "v7"; the variant that everybody means is not written, except for arm, where containerd writes it. */
static void settle_variant(struct platform *p)
{
    if (p->variant[0] >= '0' && p->variant[0] <= '9') {
        char digits[sizeof p->variant];
        memcpy(digits, p->variant, sizeof digits);
        digits[sizeof digits - 2] = '\0';
        snprintf(p->variant, sizeof p->variant, "v%.30s", digits);
    }
    if (strcmp(p->architecture, "arm64") == 0 && strcmp(p->variant, "v8") == 0)
        p->variant[0] = '\0';
    if (strcmp(p->architecture, "amd64") == 0 && strcmp(p->variant, "v1") == 0)
        p->variant[0] = '\0';
    if (strcmp(p->architecture, "arm") == 0 && p->variant[0] == '\0')
        set_text(p->variant, "v7");
}

void platform_normalise(struct platform *p)
{
    lower(p->os);
    lower(p->architecture);
    lower(p->variant);
    if (strcmp(p->os, "macos") == 0)
        set_text(p->os, "darwin");
    rename_architecture(p);
    settle_variant(p);
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (!is_ok)
            return false;
    }
    return s.n > 0 && s.n < 32 && strchr("_.-", s.p[0]) == NULL;
}

bool platform_parse(struct platform *out, const char *text, struct err *e)
{
    char *fields[] = { out->os, out->architecture, out->variant };
    size_t n = 0;
    *out = (struct platform){ 0 };
    for (const char *p = text; p != NULL; n++) {
        const char *slash = strchr(p, '/');
        struct slice word = { p, slash == NULL ? strlen(p) : (size_t)(slash - p) };
        if (n == ARRAY_LEN(fields) || !is_word(word)) {
            n = 0;
            break;
        }
        memcpy(fields[n], word.p, word.n);
        p = slash == NULL ? NULL : slash + 1;
    }
    if (n >= 2) {
        platform_normalise(out);
        return true;
    }
    *out = (struct platform){ 0 };
    err_set(e, ERR_USAGE, "platform \"%s\": expected OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT", SHOWN(text)); // NOLINT(clang-analyzer-unix.cstring.NullArg): text is a string
    return err_hint(e, "for example linux/amd64 or linux/arm64");
}

bool platform_equal(const struct platform *a, const struct platform *b)
{
    return strcmp(a->os, b->os) == 0 && strcmp(a->architecture, b->architecture) == 0 && strcmp(a->variant, b->variant) == 0;
}

const char *platform_format(struct platform_text *out, const struct platform *p)
{
    snprintf(out->text, sizeof out->text, "%s/%s%s%s", p->os, p->architecture, p->variant[0] == '\0' ? "" : "/", p->variant);
    return out->text;
}

void platform_host(struct platform *out)
{
    struct utsname host;
    *out = (struct platform){ .os = "linux" };
    BUG_IF(uname(&host) != 0);
    snprintf(out->architecture, sizeof out->architecture, "%.31s", host.machine);
    platform_normalise(out);
}
