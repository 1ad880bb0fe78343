#include "runtime/base/log.h"

#include <errno.h>
#include <stdarg.h>

static const char *const LEVEL_NAMES[] = {
    [LOG_TRACE] = "trace", [LOG_DEBUG] = "debug", [LOG_INFO] = "info",
    [LOG_WARN] = "warn",   [LOG_ERROR] = "error",
};

const char *log_level_name(enum log_level level) {
    return LEVEL_NAMES[level];
}

int log_level_parse(const char *name, enum log_level *ret) {
    for (size_t i = 0; i < ARRAY_SIZE(LEVEL_NAMES); i++) {
        if (strcasecmp(name, LEVEL_NAMES[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

void log_message(const struct logger *logger, enum log_level level, const char *format, ...) {
    if (logger == NULL || level < logger->level)
        return;
    _cleanup_free_ char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0) {
        text = NULL;
        return;
    }
    logger->write(logger, level, text);
}
