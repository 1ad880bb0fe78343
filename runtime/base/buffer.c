#include "runtime/base/buffer.h"

#include <stdint.h>

enum { SMALLEST_CAPACITY = 64 };

char *buffer_reserve(struct buffer *buffer, size_t size) {
    if (buffer->failed)
        return NULL;
    if (size > SIZE_MAX / 2 - buffer->size - 1) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->size + size + 1;
    if (needed > buffer->capacity) {
        size_t capacity = MAX_OF((size_t)SMALLEST_CAPACITY, buffer->capacity);
        while (capacity < needed)
            capacity *= 2;
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_commit(struct buffer *buffer, size_t size) {
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size) {
    char *room = buffer_reserve(buffer, size);
    if (room == NULL)
        return;
    if (size > 0)
        memcpy(room, bytes, size);
    buffer_commit(buffer, size);
}

void buffer_append_string(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char character) {
    buffer_append(buffer, &character, 1);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *room = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size);
    if (room == NULL) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer_commit(buffer, (size_t)size);
}

void buffer_consume(struct buffer *buffer, size_t size) {
    if (size == 0)
        return;
    memmove(buffer->data, buffer->data + size, buffer->size - size + 1);
    buffer->size -= size;
}

int buffer_take_string(struct buffer *buffer, char **ret, struct error *error) {
    if (buffer_reserve(buffer, 0) == NULL) {
        buffer_release(buffer);
        return error_set_no_memory(error);
    }
    buffer_commit(buffer, 0);
    *ret = TAKE_PTR(buffer->data);
    *buffer = BUFFER_INIT;
    return 0;
}

void buffer_clear(struct buffer *buffer) {
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_release(struct buffer *buffer) {
    free(buffer->data);
    *buffer = BUFFER_INIT;
}
