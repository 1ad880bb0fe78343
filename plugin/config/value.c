#include "plugin/config/value.h"

#include <math.h>

#include "runtime/base/buffer.h"

enum { SHOWN = 100 };

/* How much of a text is shown, never half a UTF-8 character. */
static int shown_length(const char *text, size_t size) {
    size_t length = MIN_OF(size, (size_t)SHOWN);
    while (length < size && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return (int)length;
}

void value_describe(const json_t *value, char text[static 128]) {
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_OBJECT:
        snprintf(text, 128, "an object");
        break;
    case JSON_ARRAY:
        snprintf(text, 128, "a list of %zu", json_array_size(value));
        break;
    case JSON_STRING:
        snprintf(text, 128, "\"%.*s\"%s", shown_length(json_string_value(value), json_string_length(value)),
                 json_string_value(value), json_string_length(value) > SHOWN ? "..." : "");
        break;
    case JSON_INTEGER:
        snprintf(text, 128, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(text, 128, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
        snprintf(text, 128, "true");
        break;
    case JSON_FALSE:
        snprintf(text, 128, "false");
        break;
    case JSON_NULL:
        snprintf(text, 128, "null");
        break;
    }
}

static int fail_type(const json_t *value, const char *wanted, const struct config_path *path,
                     struct error *error) {
    char shown[128];
    value_describe(value, shown);
    return config_fail(path, error, "must be %s, got %s", wanted, shown);
}

int value_parse_json(const char *text, const struct config_path *path, json_t **ret, struct error *error) {
    size_t size = strlen(text);
    if (size > VALUE_SIZE_LIMIT)
        return config_fail(path, error, "has %zu bytes, more than %zu", size, VALUE_SIZE_LIMIT);
    json_error_t fault;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
    if (value == NULL)
        return config_fail(path, error, "not JSON: %s (line %d, column %d)", fault.text, fault.line,
                           fault.column);
    if (!json_is_object(value)) {
        int r = fail_type(value, "a JSON object", path, error);
        json_decref(value);
        return r;
    }
    *ret = value;
    return 0;
}

bool value_is_set(const json_t *value) {
    return value != NULL && !json_is_null(value) &&
           !(json_is_string(value) && json_string_length(value) == 0);
}

bool value_is_empty(const json_t *value) {
    if (!value_is_set(value))
        return true;
    size_t index;
    const char *name;
    json_t *part;
    switch (json_typeof(value)) {
    case JSON_ARRAY:
        json_array_foreach(value, index, part) if (!value_is_empty(part)) return false;
        return true;
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, name, part) if (!value_is_empty(part)) return false;
        return true;
    default:
        return json_is_false(value) || (json_is_number(value) && json_number_value(value) == 0);
    }
}

int value_to_bool(const json_t *value, const struct config_path *path, bool *ret, struct error *error) {
    const char *text = json_string_value(value);
    if (json_is_true(value) || (text != NULL && strcmp(text, "true") == 0))
        *ret = true;
    else if (json_is_false(value) || (text != NULL && strcmp(text, "false") == 0))
        *ret = false;
    else
        return fail_type(value, "true or false", path, error);
    return 0;
}

static int parse_int64(const char *text, int64_t *ret) {
    const char *digits = text + (*text == '-');
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return -EINVAL;
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno != 0)
        return -errno;
    *ret = number;
    return 0;
}

int value_to_int64(const json_t *value, const struct config_path *path, int64_t *ret, struct error *error) {
    if (json_is_integer(value)) {
        *ret = json_integer_value(value);
        return 0;
    }
    if (json_is_real(value)) {
        double number = json_real_value(value);
        if (trunc(number) == number && number >= -0x1p63 && number < 0x1p63) {
            *ret = (int64_t)number;
            return 0;
        }
    }
    if (json_is_string(value) && parse_int64(json_string_value(value), ret) == 0)
        return 0;
    return fail_type(value, "a whole number of 64 bits", path, error);
}

/* The shortest decimal text that is this very number. */
static void format_real(double number, char text[static 32]) {
    int precision = 15;
    do
        snprintf(text, 32, "%.*g", precision, number);
    while (strtod(text, NULL) != number && precision++ < 17);
}

int value_to_text(const json_t *value, const struct config_path *path, char **ret, struct error *error) {
    char number[32];
    const char *text = number;
    if (json_is_string(value)) {
        text = json_string_value(value);
        if (strlen(text) != json_string_length(value))
            return config_fail(path, error, "must not contain a NUL byte, got one after %zu bytes",
                               strlen(text));
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        format_real(json_real_value(value), number);
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "true" : "false";
    } else {
        return fail_type(value, "text", path, error);
    }
    *ret = strdup(text);
    return *ret == NULL ? error_set_no_memory(error) : 0;
}

int value_to_object(const json_t *value, const struct config_path *path, const json_t **ret,
                    struct error *error) {
    const json_t *object = value;
    if (json_is_array(value) && json_array_size(value) == 1)
        object = json_array_get(value, 0);
    if (!json_is_object(object))
        return fail_type(value, "an object", path, error);
    *ret = object;
    return 0;
}
