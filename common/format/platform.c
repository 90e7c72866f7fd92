/* Platforms under the names that containerd gives them, so that "x86_64" on one side and "amd64" on the other are one. */
#include "format/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/num.h"
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

/* The variant as a number that grows with what the processor can do: "v8.2" is 802. 0: not one that can be compared. */
static unsigned level_of(const struct platform *p)
{
    static const struct {
        const char *architecture;
        unsigned level;
    } unwritten[] = { { "amd64", 100 }, { "arm64", 800 } };
    for (size_t i = 0; i < ARRAY_LEN(unwritten) && p->variant[0] == '\0'; i++)
        if (text_is(p->architecture, unwritten[i].architecture))
            return unwritten[i].level;
    uint64_t major = 0, minor = 0;
    if (p->variant[0] != 'v')
        return 0;
    struct slice rest = slice_of(p->variant + 1);
    const char *dot = memchr(rest.p, '.', rest.n);
    size_t n = dot == NULL ? rest.n : (size_t)(dot - rest.p);
    if (!num_parse(&major, rest.p, n, 99) || (dot != NULL && !num_parse(&minor, dot + 1, rest.n - n - 1, 99)))
        return 0;
    return (unsigned)(major * 100 + minor);
}

unsigned platform_suits(const struct platform *has, const struct platform *wanted)
{
    static const char *const ordered[] = { "amd64", "arm64", "arm" }; /* each variant runs what the lower ones do */
    if (!text_is(has->os, wanted->os) || !text_is(has->architecture, wanted->architecture))
        return 0;
    if (text_is(has->variant, wanted->variant))
        return PLATFORM_SAME;
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        unsigned level = level_of(has);
        if (text_is(has->architecture, ordered[i]))
            return level > 0 && level <= level_of(wanted) ? level : 0;
    }
    return has->variant[0] == '\0' ? 1 : 0;
}

const char *platform_format(struct platform_text *out, const struct platform *p)
{
    snprintf(out->text, sizeof out->text, "%s/%s%s%s", p->os, p->architecture, p->variant[0] == '\0' ? "" : "/", p->variant);
    return out->text;
}

/* The levels of the x86-64 psABI. */
static void read_processor(struct platform *p)
{
#if defined(__x86_64__)
    if (!text_is(p->architecture, "amd64"))
        return;
    __builtin_cpu_init();
    bool has_v2 = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    bool has_v3 = has_v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    bool has_v4 = has_v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    set_text(p->variant, has_v4 ? "v4" : has_v3 ? "v3" : has_v2 ? "v2" : "");
#else
    (void)p;
#endif
}

void platform_host(struct platform *out)
{
    struct utsname host;
    *out = (struct platform){ .os = "linux" };
    BUG_IF(uname(&host) != 0);
    snprintf(out->architecture, sizeof out->architecture, "%.31s", host.machine);
    platform_normalise(out);
    read_processor(out);
}

void platform_refine(struct platform *p)
{
    struct platform host;
    platform_host(&host);
    if (p->variant[0] == '\0' && text_is(p->os, host.os) && text_is(p->architecture, host.architecture))
        *p = host;
}
