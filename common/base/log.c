/* The log: formats a line and hands it to the writer under a lock. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

static struct {
    pthread_mutex_t lock;
    log_writer writer;
    void *ctx;
    enum log_level least;
} the_log = { .lock = PTHREAD_MUTEX_INITIALIZER };

void log_install(log_writer writer, void *ctx, enum log_level least)
{
    the_log.writer = writer;
    the_log.ctx = ctx;
    the_log.least = least;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (the_log.writer == NULL || level < the_log.least)
        return;
    char line[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    pthread_mutex_lock(&the_log.lock);
    the_log.writer(the_log.ctx, level, line);
    pthread_mutex_unlock(&the_log.lock);
}
