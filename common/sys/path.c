/* Paths as text. */
#include "sys/path.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"

#include "base/banned.h"

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("._+@-", c) != NULL);
}

/* Why a name is illegal, or null. */
static const char *objection(const char *text)
{
    size_t depth = 0;
    if (text[0] == '\0')
        return "it is empty";
    if (text[0] == '/')
        return "it is absolute";
    if (strlen(text) > LIMIT_NAME_BYTES)
        return "it is longer than 100 bytes";
    while (*text != '\0') {
        size_t n = strcspn(text, "/");
        for (size_t i = 0; i < n; i++)
            if (!is_plain(text[i]))
                return "only letters, digits and . _ + @ - are allowed";
        if (n == 0 || (text[n] == '/' && text[n + 1] == '\0'))
            return "it has an empty component";
        if ((n == 1 && text[0] == '.') || (n == 2 && text[0] == '.' && text[1] == '.'))
            return "it has a component . or ..";
        if (++depth > LIMIT_NAME_DEPTH)
            return "it is deeper than 8 folders";
        text += n + (text[n] == '/');
    }
    return NULL;
}

bool safe_path_parse(struct safe_path *out, const char *text, const char *what, struct err *e)
{
    const char *why = objection(text);
    *out = (struct safe_path){ { 0 } };
    if (why != NULL)
        return err_set(e, ERR_FORMAT, "%s: illegal name \"%s\" (%s)", what, SHOWN(text), why);
    return text_copy(out->text, sizeof out->text, text);
}

char *path_join(const char *dir, const char *name)
{
    if (name[0] == '/')
        return mem_text(name);
    return mem_format("%s%s%s", dir, text_ends(dir, "/") ? "" : "/", name);
}

static size_t trimmed(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n;
}

bool path_is_directory(const char *path)
{
    struct stat st;
    return text_ends(path, "/") || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

char *path_trim(const char *path)
{
    return mem_text_n(path, trimmed(path));
}

char *path_dir(const char *path)
{
    size_t n = trimmed(path);
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n == 0)
        return mem_text(".");
    while (n > 1 && path[n - 1] == '/')
        n--;
    return mem_text_n(path, n);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
