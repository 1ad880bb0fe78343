#include "runtime/base/error.h"

#include <stdarg.h>

_printf_(1, 0) static char *format_text(const char *format, va_list arguments) {
    char *text = NULL;
    return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

static int set_text(struct error *error, int code, char *text) {
    if (error == NULL) {
        free(text);
        return -code;
    }
    error_clear(error);
    error->code = code;
    error->text = text;
    return -code;
}

int error_set(struct error *error, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = error != NULL ? format_text(format, arguments) : NULL;
    va_end(arguments);
    return set_text(error, code, text);
}

int error_set_errno(struct error *error, int code, const char *format, ...) {
    if (error == NULL)
        return -code;
    va_list arguments;
    va_start(arguments, format);
    _cleanup_free_ char *what = format_text(format, arguments);
    va_end(arguments);
    char reason[128];
    char *text = NULL;
    if (what != NULL && asprintf(&text, "%s: %s", what, strerror_r(code, reason, sizeof reason)) < 0)
        text = NULL;
    return set_text(error, code, text);
}

int error_wrap(struct error *error, const char *format, ...) {
    if (error == NULL)
        return -EIO;
    int code = error->code;
    struct error *cause = malloc(sizeof *cause);
    if (cause == NULL)
        return -code;
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    if (text == NULL) {
        free(cause);
        return -code;
    }
    *cause = *error;
    *error = (struct error){.code = code, .text = text, .cause = cause};
    return -code;
}

int error_set_no_memory(struct error *error) {
    return set_text(error, ENOMEM, NULL);
}

char *error_format(const struct error *error) {
    char *whole = NULL;
    for (const struct error *link = error; link != NULL; link = link->cause) {
        char reason[128];
        const char *text = link->text != NULL ? link->text : strerror_r(link->code, reason, sizeof reason);
        char *longer = NULL;
        int written =
            whole == NULL ? asprintf(&longer, "%s", text) : asprintf(&longer, "%s: %s", whole, text);
        free(whole);
        if (written < 0)
            return NULL;
        whole = longer;
    }
    return whole;
}

void error_copy(struct error *target, const struct error *source) {
    if (target == NULL)
        return;
    set_text(target, source->code, error_format(source));
}

void error_clear(struct error *error) {
    if (error == NULL)
        return;
    struct error *cause = error->cause;
    free(error->text);
    *error = ERROR_INIT;
    while (cause != NULL) {
        struct error *next = cause->cause;
        free(cause->text);
        free(cause);
        cause = next;
    }
}
