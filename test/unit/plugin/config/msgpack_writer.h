/* JSON text as msgpack, for tests that say what a configuration holds. */
#ifndef DIEGO_TEST_MSGPACK_WRITER_H
#define DIEGO_TEST_MSGPACK_WRITER_H

#include <jansson.h>

#include "runtime/base/buffer.h"
#include "support/test.h"

static inline void msgpack_append_size(struct buffer *buffer, unsigned char type, size_t size) {
    const unsigned char bytes[] = {type, (unsigned char)(size >> 24), (unsigned char)(size >> 16),
                                   (unsigned char)(size >> 8), (unsigned char)size};
    buffer_append(buffer, bytes, sizeof bytes);
}

static inline void msgpack_append_text(struct buffer *buffer, const char *text) {
    msgpack_append_size(buffer, 0xdb, strlen(text));
    buffer_append_string(buffer, text);
}

static inline void msgpack_append_value(struct buffer *buffer, json_t *value) {
    size_t index;
    const char *name;
    json_t *part;
    if (json_is_object(value)) {
        msgpack_append_size(buffer, 0xdf, json_object_size(value));
        json_object_foreach(value, name, part) {
            msgpack_append_text(buffer, name);
            msgpack_append_value(buffer, part);
        }
    } else if (json_is_array(value)) {
        msgpack_append_size(buffer, 0xdd, json_array_size(value));
        json_array_foreach(value, index, part) msgpack_append_value(buffer, part);
    } else if (json_is_string(value)) {
        msgpack_append_text(buffer, json_string_value(value));
    } else if (json_is_integer(value)) {
        uint64_t bits = (uint64_t)json_integer_value(value);
        msgpack_append_size(buffer, 0xd3, bits >> 32);
        for (int shift = 24; shift >= 0; shift -= 8)
            buffer_append_char(buffer, (char)(bits >> shift));
    } else {
        buffer_append_char(buffer, json_is_true(value) ? '\xc3' : json_is_false(value) ? '\xc2' : '\xc0');
    }
}

static inline struct buffer msgpack_from_json(const char *text) {
    struct buffer buffer = BUFFER_INIT;
    json_error_t fault;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &fault);
    if (value == NULL)
        fail_msg("%s: %s", text, fault.text);
    msgpack_append_value(&buffer, value);
    json_decref(value);
    return buffer;
}

#endif
