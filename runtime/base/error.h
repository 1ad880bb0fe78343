/* The one error type: a code, a text, and the error that caused it.
 *
 * Functions that can fail take `struct error *error` as their last parameter and return a negative errno
 * (the error's -code). On success the error is untouched. Passing NULL discards the text. An error starts
 * as ERROR_INIT and is released with error_clear, or by _cleanup_error_.
 *
 * Texts name the thing, the value and what to do: "max_pids must be 0 or more, got -1". */
#ifndef DIEGO_BASE_ERROR_H
#define DIEGO_BASE_ERROR_H

#include <errno.h>
#include <stdbool.h>

#include "runtime/base/macros.h"

struct error {
    int code;            /* errno value, > 0 once set */
    char *text;          /* owned; NULL when memory for it was short */
    struct error *cause; /* owned; what error_wrap found */
};

#define ERROR_INIT ((struct error){0})

/* Sets the error (dropping an earlier one) and returns -code. */
int error_set(struct error *error, int code, const char *format, ...) _printf_(3, 4);

/* The same, with ": " and strerror(code) behind the text. */
int error_set_errno(struct error *error, int code, const char *format, ...) _printf_(3, 4);

/* Puts context in front of an error that is set ("context: cause") and returns its -code. A NULL error has no
 * code: then it is -EIO, so where the caller may pass NULL and tells codes apart, return the code at hand
 * instead. */
int error_wrap(struct error *error, const char *format, ...) _printf_(2, 3);

/* Out of memory: sets ENOMEM without allocating and returns -ENOMEM. */
int error_set_no_memory(struct error *error);

static inline bool error_is_set(const struct error *error) {
    return error->code != 0;
}

/* The whole chain as one text, "context: cause: cause". Caller frees. NULL when out of memory. */
char *error_format(const struct error *error);

/* Copies source (not NULL) onto an unset target; both stay valid. */
void error_copy(struct error *target, const struct error *source);

void error_clear(struct error *error);

#define _cleanup_error_ _cleanup_(error_clear)

#endif
