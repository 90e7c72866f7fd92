/* What is told, and whoever waits for it, under one mutex: blobs are few and large. */
#include "bundler/arrivals.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/file.h"
#include "sys/work.h"

#include "base/banned.h"

struct arrival {
    struct digest digest;
    struct work_mutex *mutex; /* of all */
    bool has_come, is_proven;
    bool is_told;
    int fd;            /* -1: nothing of it is there, or all */
    uint64_t n_there;
    bool was_wrong;
    struct arrival *next;
};

struct arrivals {
    struct work_mutex *mutex;
    bool is_over;
    struct arrival **slots; /* lists, by the first bytes of the digest */
};

enum { SLOTS = 4096, LOOK_AGAIN_MS = 1000 };

struct arrivals *arrivals_new(void)
{
    struct arrivals *a = mem_new(sizeof *a);
    a->mutex = work_mutex_new();
    a->slots = mem_new_array(SLOTS, sizeof(struct arrival *));
    return a;
}

void arrivals_free(struct arrivals *a)
{
    for (size_t i = 0; i < SLOTS; i++)
        while (a->slots[i] != NULL) {
            struct arrival *x = a->slots[i];
            a->slots[i] = x->next;
            fd_auto(&x->fd);
            mem_free(x);
        }
    work_mutex_free(a->mutex);
    mem_free(a->slots);
    mem_free(a);
}

static struct arrival **slot_of(const struct arrivals *a, const struct digest *d)
{
    return &a->slots[(d->bytes[0] << 8 | d->bytes[1]) % SLOTS];
}

static struct arrival *find(const struct arrivals *a, const struct digest *d)
{
    struct arrival *x = *slot_of(a, d);
    while (x != NULL && !digest_equal(&x->digest, d))
        x = x->next;
    return x;
}

struct arrival *arrivals_expect(struct arrivals *a, const struct digest *d)
{
    struct arrival *x = find(a, d);
    if (x != NULL)
        return x;
    struct arrival **slot = slot_of(a, d);
    x = mem_new(sizeof *x);
    *x = (struct arrival){ .digest = *d, .mutex = a->mutex, .fd = -1, .next = *slot };
    return *slot = x;
}

static void tell(struct arrival *x, bool has_come, bool is_proven)
{
    if (x == NULL || x->is_told)
        return;
    x->has_come = has_come;
    x->is_proven = is_proven;
    x->is_told = true;
    fd_auto(&x->fd);
}

void arrivals_tell(struct arrivals *a, const struct digest *d, bool is_proven)
{
    work_mutex_lock(a->mutex);
    tell(find(a, d), true, is_proven);
    work_mutex_wake(a->mutex);
    work_mutex_unlock(a->mutex);
}

void arrivals_end(struct arrivals *a)
{
    work_mutex_lock(a->mutex);
    for (size_t i = 0; i < SLOTS; i++)
        for (struct arrival *x = a->slots[i]; x != NULL; x = x->next)
            tell(x, false, false);
    a->is_over = true;
    work_mutex_wake(a->mutex);
    work_mutex_unlock(a->mutex);
}

bool arrivals_are_over(struct arrivals *a)
{
    work_mutex_lock(a->mutex);
    bool is_over = a->is_over;
    work_mutex_unlock(a->mutex);
    return is_over;
}

bool arrival_wait(struct arrival *a, bool *is_proven)
{
    work_mutex_lock(a->mutex);
    while (!a->is_told)
        work_mutex_wait(a->mutex, LOOK_AGAIN_MS);
    *is_proven = a->is_proven;
    bool has_come = a->has_come;
    work_mutex_unlock(a->mutex);
    return has_come;
}

void arrivals_wait_end(struct arrivals *a)
{
    work_mutex_lock(a->mutex);
    while (!a->is_over)
        work_mutex_wait(a->mutex, LOOK_AGAIN_MS);
    work_mutex_unlock(a->mutex);
}

/* --- while it comes ----------------------------------------------------------------------------------------------- */

/* No descriptor left: then it is waited for as a whole. */
static void grow(struct arrival *x, int fd, uint64_t n)
{
    if (x == NULL || x->is_told)
        return;
    x->was_wrong = x->was_wrong || n < x->n_there;
    if (x->fd < 0)
        x->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    x->n_there = n;
}

void arrivals_grow(struct arrivals *a, const struct digest *d, int fd, uint64_t n)
{
    work_mutex_lock(a->mutex);
    grow(find(a, d), fd, n);
    work_mutex_wake(a->mutex);
    work_mutex_unlock(a->mutex);
}

static bool has_more(const struct arrival *x, uint64_t at, int *fd)
{
    if (x->n_there <= at || x->was_wrong || x->fd < 0)
        return false;
    if (*fd < 0)
        *fd = fcntl(x->fd, F_DUPFD_CLOEXEC, 0);
    return *fd >= 0;
}

static enum arrival_news latest(const struct arrival *x, bool has_begun)
{
    if (x->is_told && !x->has_come)
        return ARRIVAL_NEVER;
    if (x->was_wrong && has_begun)
        return ARRIVAL_AGAIN;
    return x->is_told ? ARRIVAL_CAME : ARRIVAL_BYTES;
}

/* False: nothing new. */
static bool look(const struct arrival *x, uint64_t at, int *fd, enum arrival_news *news)
{
    *news = latest(x, *fd >= 0);
    return *news != ARRIVAL_BYTES || has_more(x, at, fd);
}

enum arrival_news arrival_follow(struct arrival *a, uint64_t at, int *fd, uint64_t *n)
{
    enum arrival_news news;
    work_mutex_lock(a->mutex);
    while (!look(a, at, fd, &news))
        work_mutex_wait(a->mutex, LOOK_AGAIN_MS);
    *n = a->n_there;
    work_mutex_unlock(a->mutex);
    return news;
}
