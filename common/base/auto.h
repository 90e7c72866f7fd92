/* Scope release: an owner variable is declared with AUTO(x_auto) where it is created, and given away only by TAKE().
 *
 *     AUTO(buf_clear_auto) struct buf text = BUF_LIMIT(LIMIT_CONFIG_BYTES);
 *     return TAKE(ptr);
 *
 * A release function for a pointer type T* is made with AUTO_FREE(T, free_function); it accepts null and keeps errno. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTO(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* Defines the function `name_auto(T **)` for AUTO() from a function that frees a T pointer. */
#define AUTO_FREE(type, free_fn)                                       \
    static inline __attribute__((unused)) void free_fn##_auto(type **p) \
    {                                                                  \
        int saved = errno;                                             \
        if (*p != NULL)                                                \
            free_fn(*p);                                               \
        errno = saved;                                                 \
    }

/* Hands a pointer over: the variable is null afterwards, its AUTO does nothing. */
#define TAKE(ptr)                      \
    __extension__({                    \
        __typeof__(ptr) taken = (ptr); \
        (ptr) = NULL;                  \
        taken;                         \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
