#include "plugin/config/value_msgpack.h"

#include <inttypes.h>

#include "plugin/config/path.h"
#include "plugin/config/value.h"

enum { DEPTH_LIMIT = 256, VALUE_LIMIT = 200000 };

struct reader {
    const uint8_t *next;
    size_t left;
    size_t values;
    struct error *error;
};

static int read_value(struct reader *reader, const struct config_path *path, int depth, json_t **ret);

static int fail_truncated(struct reader *reader, const struct config_path *path) {
    return config_fail(path, reader->error, "msgpack ends in the middle of a value");
}

/* Takes `width` bytes (1, 2, 4 or 8) as a big-endian number. */
static int take_number(struct reader *reader, const struct config_path *path, size_t width, uint64_t *ret) {
    if (reader->left < width)
        return fail_truncated(reader, path);
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | reader->next[i];
    reader->next += width;
    reader->left -= width;
    *ret = number;
    return 0;
}

static int finish(struct reader *reader, json_t *value, json_t **ret) {
    if (value == NULL)
        return error_set_no_memory(reader->error);
    *ret = value;
    return 0;
}

static int read_unsigned(struct reader *reader, const struct config_path *path, size_t width, json_t **ret) {
    uint64_t number = 0;
    int r = take_number(reader, path, width, &number);
    if (r < 0)
        return r;
    if (number <= INT64_MAX)
        return finish(reader, json_integer((json_int_t)number), ret);
    return finish(reader, json_sprintf("%" PRIu64, number), ret);
}

static int read_signed(struct reader *reader, const struct config_path *path, size_t width, json_t **ret) {
    uint64_t bits = 0;
    int r = take_number(reader, path, width, &bits);
    if (r < 0)
        return r;
    unsigned shift = 64 - 8 * (unsigned)width;
    return finish(reader, json_integer((int64_t)(bits << shift) >> shift), ret);
}

static int read_float(struct reader *reader, const struct config_path *path, size_t width, json_t **ret) {
    uint64_t bits = 0;
    int r = take_number(reader, path, width, &bits);
    if (r < 0)
        return r;
    double number;
    if (width == sizeof(float)) {
        float narrow;
        memcpy(&narrow, &(uint32_t){(uint32_t)bits}, sizeof narrow);
        number = (double)narrow;
    } else {
        memcpy(&number, &bits, sizeof number);
    }
    if (number != number || number - number != 0)
        return config_fail(path, reader->error, "must be a finite number, got %g", number);
    return finish(reader, json_real(number), ret);
}

static int take_bytes(struct reader *reader, const struct config_path *path, size_t size, const char **ret) {
    if (reader->left < size)
        return fail_truncated(reader, path);
    *ret = (const char *)reader->next;
    reader->next += size;
    reader->left -= size;
    return 0;
}

static int read_string(struct reader *reader, const struct config_path *path, uint64_t size, json_t **ret) {
    const char *bytes = NULL;
    int r = take_bytes(reader, path, size, &bytes);
    if (r < 0)
        return r;
    return finish(reader, json_stringn_nocheck(bytes, size), ret);
}

static int read_list(struct reader *reader, const struct config_path *path, uint64_t count, int depth,
                     json_t **ret) {
    json_auto_t *list = json_array();
    if (list == NULL)
        return error_set_no_memory(reader->error);
    for (uint64_t i = 0; i < count; i++) {
        const struct config_path element = {.parent = path, .index = i};
        json_t *value = NULL;
        int r = read_value(reader, &element, depth, &value);
        if (r < 0)
            return r;
        if (json_array_append_new(list, value) < 0)
            return error_set_no_memory(reader->error);
    }
    *ret = TAKE_PTR(list);
    return 0;
}

static int read_key(struct reader *reader, const struct config_path *path, char **ret) {
    json_auto_t *key = NULL;
    int r = read_value(reader, path, DEPTH_LIMIT - 1, &key);
    if (r < 0)
        return r;
    if (!json_is_string(key))
        return config_fail(path, reader->error, "has a key that is not text");
    return value_to_text(key, path, ret, reader->error);
}

static int read_map(struct reader *reader, const struct config_path *path, uint64_t count, int depth,
                    json_t **ret) {
    json_auto_t *map = json_object();
    if (map == NULL)
        return error_set_no_memory(reader->error);
    for (uint64_t i = 0; i < count; i++) {
        _cleanup_free_ char *key = NULL;
        int r = read_key(reader, path, &key);
        if (r < 0)
            return r;
        const struct config_path member = {.parent = path, .name = key};
        if (json_object_get(map, key) != NULL)
            return config_fail(&member, reader->error, "is there twice");
        json_t *value = NULL;
        r = read_value(reader, &member, depth, &value);
        if (r < 0)
            return r;
        if (json_object_set_new_nocheck(map, key, value) < 0)
            return error_set_no_memory(reader->error);
    }
    *ret = TAKE_PTR(map);
    return 0;
}

/* The encodings that are a first byte, a number of `width` bytes, and what that number counts or is. */
enum encoding { UNSIGNED = 1, SIGNED, FLOAT, STRING, LIST, MAP };

static const struct {
    enum encoding encoding; /* 0: nothing that a configuration may hold */
    uint8_t width;
} ENCODINGS[] = {
    [0xc4] = {STRING, 1},   [0xc5] = {STRING, 2},   [0xc6] = {STRING, 4}, /* bin */
    [0xca] = {FLOAT, 4},    [0xcb] = {FLOAT, 8},                          /**/
    [0xcc] = {UNSIGNED, 1}, [0xcd] = {UNSIGNED, 2}, [0xce] = {UNSIGNED, 4}, [0xcf] = {UNSIGNED, 8},
    [0xd0] = {SIGNED, 1},   [0xd1] = {SIGNED, 2},   [0xd2] = {SIGNED, 4},   [0xd3] = {SIGNED, 8},
    [0xd9] = {STRING, 1},   [0xda] = {STRING, 2},   [0xdb] = {STRING, 4}, /* str */
    [0xdc] = {LIST, 2},     [0xdd] = {LIST, 4},     [0xde] = {MAP, 2},      [0xdf] = {MAP, 4},
};

static int read_sized(struct reader *reader, const struct config_path *path, uint8_t first, int depth,
                      json_t **ret) {
    enum encoding encoding = first < ARRAY_SIZE(ENCODINGS) ? ENCODINGS[first].encoding : 0;
    size_t width = encoding != 0 ? ENCODINGS[first].width : 0;
    switch (encoding) {
    case UNSIGNED:
        return read_unsigned(reader, path, width, ret);
    case SIGNED:
        return read_signed(reader, path, width, ret);
    case FLOAT:
        return read_float(reader, path, width, ret);
    case STRING:
    case LIST:
    case MAP:
        break;
    default:
        return config_fail(path, reader->error, "msgpack type 0x%02x is not supported", first);
    }
    uint64_t count = 0;
    int r = take_number(reader, path, width, &count);
    if (r < 0)
        return r;
    if (encoding == STRING)
        return read_string(reader, path, count, ret);
    return encoding == LIST ? read_list(reader, path, count, depth, ret)
                            : read_map(reader, path, count, depth, ret);
}

static int read_value(struct reader *reader, const struct config_path *path, int depth, json_t **ret) {
    if (++depth > DEPTH_LIMIT)
        return config_fail(path, reader->error, "is nested deeper than %d levels", DEPTH_LIMIT);
    if (++reader->values > VALUE_LIMIT)
        return config_fail(path, reader->error, "has more than %d values before it", VALUE_LIMIT);
    uint64_t first = 0;
    int r = take_number(reader, path, 1, &first);
    if (r < 0)
        return r;
    if (first <= 0x7f)
        return finish(reader, json_integer((json_int_t)first), ret);
    if (first <= 0x8f)
        return read_map(reader, path, first & 0x0f, depth, ret);
    if (first <= 0x9f)
        return read_list(reader, path, first & 0x0f, depth, ret);
    if (first <= 0xbf)
        return read_string(reader, path, first & 0x1f, ret);
    if (first >= 0xe0)
        return finish(reader, json_integer((json_int_t)first - 0x100), ret);
    if (first == 0xc0)
        return finish(reader, json_null(), ret);
    if (first == 0xc2 || first == 0xc3)
        return finish(reader, json_boolean(first == 0xc3), ret);
    return read_sized(reader, path, (uint8_t)first, depth, ret);
}

int value_read_msgpack(const void *bytes, size_t size, json_t **ret, struct error *error) {
    const struct config_path top = {0};
    if (size > VALUE_SIZE_LIMIT)
        return config_fail(&top, error, "has %zu bytes, more than %zu", size, VALUE_SIZE_LIMIT);
    if (size == 0) {
        *ret = json_null();
        return 0;
    }
    struct reader reader = {.next = bytes, .left = size, .error = error};
    json_auto_t *value = NULL;
    int r = read_value(&reader, &top, 0, &value);
    if (r < 0)
        return r;
    if (reader.left > 0)
        return config_fail(&top, error, "%zu bytes follow the msgpack value", reader.left);
    *ret = TAKE_PTR(value);
    return 0;
}
