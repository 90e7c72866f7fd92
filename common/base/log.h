/* The story of a run: one line per event, four levels. Layers below the programs log at debug only, except for warnings
 * about clean-up that failed. Nothing below cli/ writes to a stream: lines go to the one writer that main installed
 * (the single module state of this project). No secret is ever logged. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/auto.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

typedef void (*log_writer)(void *ctx, enum log_level level, const char *line);

/* Installs the writer; lines below `least` are not formatted. Called once by main, before threads. */
void log_install(log_writer writer, void *ctx, enum log_level least);

/* One line without newline, at most 1000 bytes. Thread: any; lines do not mix. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)

#endif
