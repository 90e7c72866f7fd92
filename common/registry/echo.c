/* Only the beginning is compared, as what is shown is cut; of the header without regard to case, as names of hosts lose it. */
#include "registry/echo.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/base64.h"

#include "base/banned.h"

enum { BEGINNING = 24, SHORTEST = 6 };

static bool has(const char *text, const char *value, size_t n, char *(*find)(const char *text, const char *part))
{
    char beginning[BEGINNING + 1];
    if (n > BEGINNING)
        n = BEGINNING;
    memcpy(beginning, value, n);
    beginning[n] = '\0';
    bool found = find(text, beginning) != NULL;
    secret_wipe(beginning, sizeof beginning);
    return found;
}

static bool repeats(const char *text, const struct secret *authorization, size_t least)
{
    const char *value = secret_is_set(authorization) ? strchr(authorization->bytes, ' ') : NULL;
    if (value == NULL)
        return false;
    size_t n = strcspn(++value, "=");
    if (n >= SHORTEST && has(text, value, n, strcasestr))
        return true;
    AUTO(secret_clear_auto) struct secret login = { 0 };
    const char *password =
        text_starts(authorization->bytes, "Basic ") && base64_read(&login, value, strlen(value)) ? strchr(login.bytes, ':') : NULL;
    n = password == NULL ? 0 : strlen(++password);
    return n >= least && has(text, password, n, strstr);
}

bool echo_is_in(const char *text, const struct secret *authorization)
{
    return repeats(text, authorization, 1);
}

/* The beginning of a message is ours. */
static const char *behind(const char *text, const char *what)
{
    return what != NULL && text_starts(text, what) ? text + strlen(what) : text;
}

void echo_hide(struct err *e, const char *what, const struct secret *authorization)
{
    enum err_code code = e->code;
    if (repeats(e->hint, authorization, SHORTEST))
        e->hint[0] = '\0';
    if (!repeats(behind(e->msg, what), authorization, SHORTEST))
        return;
    *e = (struct err){ 0 };
    err_set(e, code, "%s: the registry's answer repeats our login and is not shown", what);
}
