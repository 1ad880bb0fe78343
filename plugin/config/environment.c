#include "plugin/config/decode.h"
#include "plugin/config/value.h"

/* The kernel's MAX_ARG_STRLEN less the NUL. */
enum { VARIABLE_LIMIT = 131071 };

static int append(const char *name, const json_t *value, const struct config_path *path, size_t *count,
                  Diego__Supervisor__Variable ***list, struct error *error) {
    _cleanup_free_ char *text = NULL;
    int r = value == NULL || json_is_null(value)
                ? ((text = strdup("")) == NULL ? error_set_no_memory(error) : 0)
                : value_to_text(value, path, &text, error);
    if (r < 0)
        return r;
    if (name[0] == '\0' || strchr(name, '=') != NULL)
        return config_fail(path, error, "a variable's name must not be empty or contain '=', got \"%s\"",
                           name);
    size_t size = strlen(name) + 1 + strlen(text);
    if (size > VARIABLE_LIMIT)
        return config_fail(path, error, "variable %s has %zu bytes with its name, more than the kernel's %d",
                           name, size, VARIABLE_LIMIT);
    return config_append_variable(count, list, name, text, error);
}

static bool is_pair(const json_t *element) {
    const json_t *object = element;
    if (json_is_array(element) && json_array_size(element) == 1)
        object = json_array_get(element, 0);
    size_t expected = json_object_get(object, "value") != NULL ? 2 : 1;
    return json_is_object(object) && json_is_string(json_object_get(object, "name")) &&
           json_object_size(object) == expected;
}

static bool is_list_of_pairs(const json_t *value) {
    size_t index;
    const json_t *element;
    json_array_foreach(value, index, element) if (!is_pair(element)) return false;
    return json_is_array(value);
}

static int decode_pairs(const json_t *value, const struct config_path *path, size_t *count,
                        Diego__Supervisor__Variable ***list, struct error *error) {
    size_t index;
    const json_t *element, *pair;
    int r = 0;
    json_array_foreach(value, index, element) {
        const struct config_path place = {.parent = path, .index = index};
        r = value_to_object(element, &place, &pair, error);
        if (r < 0)
            break;
        const json_t *name = json_object_get(pair, "name");
        r = append(json_string_value(name), json_object_get(pair, "value"), &place, count, list, error);
        if (r < 0)
            break;
    }
    return r;
}

static int decode_map(const json_t *value, const struct config_path *path, size_t *count,
                      Diego__Supervisor__Variable ***list, struct error *error) {
    const json_t *map;
    int r = value_to_object(value, path, &map, error);
    if (r < 0)
        return r;
    const char *name;
    json_t *part;
    json_object_foreach((json_t *)map, name, part) {
        const struct config_path place = {.parent = path, .name = name};
        r = append(name, part, &place, count, list, error);
        if (r < 0)
            break;
    }
    return r;
}

int environment_decode(const json_t *value, const struct config_path *path, size_t *count,
                       Diego__Supervisor__Variable ***list, struct error *error) {
    if (is_list_of_pairs(value))
        return decode_pairs(value, path, count, list, error);
    return decode_map(value, path, count, list, error);
}
