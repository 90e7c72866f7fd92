/* Compose's interpolation: $A ${A} ${A:-x} ${A-x} ${A:?m} ${A?m} ${A:+x} ${A+x} $$. Values are put in once: what a value
 * contains is never looked at again.
 *
 *     template_expand(&out, "${REGISTRY:-registry.example}/web:1", "services.web.image", lookup, ctx, e)
 */
#ifndef APP_TEMPLATE_H
#define APP_TEMPLATE_H

#include "base/buf.h"
#include "base/text.h"

enum template_op {
    TEMPLATE_PLAIN,          /* $A ${A}  */
    TEMPLATE_DEFAULT,        /* ${A:-x}  x when A is unset or empty */
    TEMPLATE_DEFAULT_UNSET,  /* ${A-x}   x when A is unset */
    TEMPLATE_REQUIRED,       /* ${A:?m}  m is the error when A is unset or empty */
    TEMPLATE_REQUIRED_UNSET, /* ${A?m}   */
    TEMPLATE_OTHER,          /* ${A:+x}  x when A is set and not empty, else nothing */
    TEMPLATE_OTHER_SET,      /* ${A+x}   */
};

struct template_use {
    struct slice name;
    enum template_op op;
    struct slice argument; /* x or m as written, which may itself hold variables */
    unsigned depth;        /* 0: not within the argument of another one */
};

/* Calls fn for every variable that is mentioned, also within arguments. ERR_CONFIG for a dollar sign that is none of the forms
 * above; what names the place. fn may be null: then this only checks the form. */
typedef bool (*template_use_fn)(void *ctx, const struct template_use *use, struct err *e);
MUST_CHECK bool template_uses(const char *text, const char *what, template_use_fn fn, void *ctx, struct err *e);

/* The value of a variable, or null when it is unset. Borrowed until the next call. May fail by setting e. */
typedef const char *(*template_lookup_fn)(void *ctx, const char *name, struct err *e);
/* Appends the text with every variable replaced. A plain ${A} that is unset is ERR_CONFIG (compose would put nothing and warn). */
MUST_CHECK bool template_expand(struct buf *out, const char *text, const char *what, template_lookup_fn lookup, void *ctx,
                                struct err *e);

/* Is there a variable in the text (an escaped $$ is none)? True also for malformed text. */
bool template_has_variables(const char *text);
/* Text that is nothing but ${NAME}: copies NAME. */
bool template_is_variable(const char *text, char *name, size_t size);

#endif
