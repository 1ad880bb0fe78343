/* A growing byte buffer that also builds strings.
 *
 * Appends never fail one by one: after memory ran short `failed` stays set, further appends do nothing, and
 * the taker reports it once. The bytes are always followed by a NUL that `size` does not count. */
#ifndef DIEGO_BASE_BUFFER_H
#define DIEGO_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/error.h"
#include "runtime/base/macros.h"

struct buffer {
    char *data; /* owned; NULL while nothing was ever appended */
    size_t size;
    size_t capacity;
    bool failed;
};

#define BUFFER_INIT ((struct buffer){0})

void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
void buffer_append_char(struct buffer *buffer, char character);

/* Makes room for `size` more bytes and returns where they go, or NULL; buffer_commit counts them in. */
char *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_commit(struct buffer *buffer, size_t size);

/* Drops the first `size` bytes. */
void buffer_consume(struct buffer *buffer, size_t size);

/* The bytes as a string that the caller frees; the buffer is empty afterwards. -ENOMEM when it had failed. */
int buffer_take_string(struct buffer *buffer, char **ret, struct error *error);

void buffer_clear(struct buffer *buffer);   /* keeps the memory */
void buffer_release(struct buffer *buffer); /* frees it */

#define _cleanup_buffer_ _cleanup_(buffer_release)

#endif
