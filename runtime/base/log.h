/* Where a module says something that is not an error of its caller: through the logger it was handed.
 * Library code never prints by itself; the plugin's sink writes hclog lines, the supervisor's a file. */
#ifndef DIEGO_BASE_LOG_H
#define DIEGO_BASE_LOG_H

#include "runtime/base/macros.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct logger {
    enum log_level level; /* less than this is dropped */
    void (*write)(const struct logger *logger, enum log_level level, const char *text);
    void *context; /* the sink's own */
};

/* "trace" ... "error"; NULL is never returned. */
const char *log_level_name(enum log_level level);

/* The level of a name, or -EINVAL. */
int log_level_parse(const char *name, enum log_level *ret);

/* Formats and hands over one message; nothing happens when logger is NULL or the level too low. */
void log_message(const struct logger *logger, enum log_level level, const char *format, ...) _printf_(3, 4);

#endif
