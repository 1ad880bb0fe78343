#include "plugin/config/decode.h"

#include <inttypes.h>

#include "plugin/config/action.h"
#include "plugin/config/duration.h"
#include "plugin/config/value.h"

/* One field on its way into its struct. */
struct slot {
    const struct config_field *field;
    const struct config_path *path;
    void *at;      /* the value's place */
    size_t *count; /* the count's, of lists */
    struct error *error;
};

static struct slot make_slot(const struct config_field *field, const struct config_path *path, void *target,
                             struct error *error) {
    return (struct slot){.field = field,
                         .path = path,
                         .at = (char *)target + field->offset,
                         .count = (size_t *)(void *)((char *)target + field->count_offset),
                         .error = error};
}

/* --- lists of texts --- */

static int append_text(const struct slot *slot, char *text) {
    char ***list = slot->at;
    char **longer = reallocarray(*list, *slot->count + 1, sizeof *longer);
    if (longer == NULL) {
        free(text);
        return error_set_no_memory(slot->error);
    }
    longer[(*slot->count)++] = text;
    *list = longer;
    return 0;
}

int config_append_variable(size_t *count, Diego__Supervisor__Variable ***list, const char *name,
                           const char *value, struct error *error) {
    Diego__Supervisor__Variable **longer = reallocarray(*list, *count + 1, sizeof *longer);
    if (longer == NULL)
        return error_set_no_memory(error);
    *list = longer;
    Diego__Supervisor__Variable *variable = malloc(sizeof *variable);
    if (variable == NULL)
        return error_set_no_memory(error);
    diego__supervisor__variable__init(variable);
    variable->name = strdup(name);
    variable->value = strdup(value);
    longer[(*count)++] = variable;
    if (variable->name == NULL || variable->value == NULL) {
        variable->name = variable->name != NULL ? variable->name : (char *)protobuf_c_empty_string;
        variable->value = variable->value != NULL ? variable->value : (char *)protobuf_c_empty_string;
        return error_set_no_memory(error);
    }
    return 0;
}

void config_free_variables(size_t count, Diego__Supervisor__Variable **list) {
    for (size_t i = 0; i < count; i++)
        diego__supervisor__variable__free_unpacked(list[i], NULL);
    free(list);
}

/* --- one value of each kind --- */

static int check_text(const struct slot *slot, const struct config_path *path, const char *text) {
    const char *wrong = slot->field->check != NULL ? slot->field->check(text) : NULL;
    return wrong == NULL ? 0 : config_fail(path, slot->error, "%s, got \"%.100s\"", wrong, text);
}

static int decode_bool(const struct slot *slot, const json_t *value) {
    return value_to_bool(value, slot->path, slot->at, slot->error);
}

static int decode_number(const struct slot *slot, const json_t *value) {
    int64_t number;
    int r = value_to_int64(value, slot->path, &number, slot->error);
    if (r < 0)
        return r;
    int64_t maximum = slot->field->maximum != 0 ? slot->field->maximum : INT32_MAX;
    if (number < slot->field->minimum)
        return config_fail(slot->path, slot->error, "must be %" PRId64 " or more, got %" PRId64,
                           slot->field->minimum, number);
    if (number > maximum)
        return config_fail(slot->path, slot->error, "must be %" PRId64 " or less, got %" PRId64, maximum,
                           number);
    *(int64_t *)slot->at = number;
    return 0;
}

static int decode_string(const struct slot *slot, const json_t *value) {
    _cleanup_free_ char *text = NULL;
    int r = value_to_text(value, slot->path, &text, slot->error);
    if (r >= 0)
        r = check_text(slot, slot->path, text);
    if (r >= 0)
        *(char **)slot->at = TAKE_PTR(text);
    return r;
}

static int decode_duration(const struct slot *slot, const json_t *value) {
    _cleanup_free_ char *text = NULL;
    int r = value_to_text(value, slot->path, &text, slot->error);
    if (r < 0)
        return r;
    if (duration_parse_ms(text, slot->at) < 0)
        return config_fail(slot->path, slot->error,
                           "must be a duration such as \"10s\", \"1m30s\" or \"250ms\", got \"%.100s\"",
                           text);
    return 0;
}

static int decode_string_list(const struct slot *slot, const json_t *value) {
    if (!json_is_array(value))
        return config_fail(slot->path, slot->error, "must be a list of texts");
    size_t index;
    const json_t *element;
    json_array_foreach(value, index, element) {
        const struct config_path path = {.parent = slot->path, .index = index};
        _cleanup_free_ char *text = NULL;
        int r = value_to_text(element, &path, &text, slot->error);
        if (r >= 0)
            r = check_text(slot, &path, text);
        if (r >= 0)
            r = append_text(slot, TAKE_PTR(text));
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_string_map(const struct slot *slot, const json_t *value) {
    const json_t *map;
    int r = value_to_object(value, slot->path, &map, slot->error);
    if (r < 0)
        return r;
    const char *name;
    json_t *part;
    json_object_foreach((json_t *)map, name, part) {
        const struct config_path path = {.parent = slot->path, .name = name};
        _cleanup_free_ char *text = NULL;
        r = value_to_text(part, &path, &text, slot->error);
        if (r >= 0)
            r = check_text(slot, &path, text);
        if (r >= 0)
            r = config_append_variable(slot->count, slot->at, name, text, slot->error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_environment(const struct slot *slot, const json_t *value) {
    return environment_decode(value, slot->path, slot->count, slot->at, slot->error);
}

static int decode_action(const struct slot *slot, const json_t *value) {
    return action_decode(value, slot->path, slot->at, slot->error);
}

static int decode_object(const struct config_table *table, const json_t *value,
                         const struct config_path *path, void *target, struct error *error) {
    const json_t *object;
    int r = value_to_object(value, path, &object, error);
    if (r >= 0)
        r = config_refuse_unknown(table, object, path, error);
    const struct config_source source = {.object = object, .path = path};
    return r < 0 ? r : config_decode_table(table, &source, 1, target, error);
}

static int decode_block(const struct slot *slot, const json_t *value) {
    return decode_object(slot->field->nested, value, slot->path, slot->at, slot->error);
}

static int decode_block_list(const struct slot *slot, const json_t *value) {
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    char *list = calloc(MAX_OF(count, (size_t)1), slot->field->nested->size);
    if (list == NULL)
        return error_set_no_memory(slot->error);
    *(void **)slot->at = list;
    *slot->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct config_path path = {.parent = slot->path, .index = i};
        const json_t *element = json_is_array(value) ? json_array_get(value, i) : value;
        int r = decode_object(slot->field->nested, element, &path, list + i * slot->field->nested->size,
                              slot->error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_ignored(_unused_ const struct slot *slot, _unused_ const json_t *value) {
    return 0;
}

static int (*const DECODERS[])(const struct slot *slot, const json_t *value) = {
    [FIELD_BOOL] = decode_bool,
    [FIELD_NUMBER] = decode_number,
    [FIELD_STRING] = decode_string,
    [FIELD_DURATION] = decode_duration,
    [FIELD_STRING_LIST] = decode_string_list,
    [FIELD_STRING_MAP] = decode_string_map,
    [FIELD_ENVIRONMENT] = decode_environment,
    [FIELD_ACTION] = decode_action,
    [FIELD_BLOCK] = decode_block,
    [FIELD_BLOCK_LIST] = decode_block_list,
    [FIELD_IGNORED] = decode_ignored,
};

/* --- defaults --- */

static int default_list(const struct slot *slot) {
    for (const char *word = slot->field->default_text; *word != '\0'; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        char *text = strndup(word, length);
        int r = text == NULL ? error_set_no_memory(slot->error) : append_text(slot, text);
        if (r < 0)
            return r;
        word += length;
    }
    return 0;
}

/* A block that is not there has its fields' defaults. */
static int set_default(const struct slot *slot) {
    if (slot->field->kind == FIELD_BLOCK)
        return config_decode_table(slot->field->nested, NULL, 0, slot->at, slot->error);
    if (slot->field->default_text == NULL)
        return 0;
    if (slot->field->kind == FIELD_STRING_LIST)
        return default_list(slot);
    json_auto_t *text = json_string(slot->field->default_text);
    return text == NULL ? error_set_no_memory(slot->error) : DECODERS[slot->field->kind](slot, text);
}

/* --- tables --- */

static bool is_set(const struct config_field *field, const json_t *value) {
    bool may_be_empty = field->kind == FIELD_STRING_LIST || field->kind == FIELD_STRING_MAP;
    return value_is_set(value) && (may_be_empty || !json_is_array(value) || json_array_size(value) > 0);
}

static int decode_field(const struct config_field *field, const struct config_source *sources, size_t count,
                        void *target, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(sources[i].object, field->name);
        if (!is_set(field, value))
            continue;
        const struct config_path path = {.parent = sources[i].path, .name = field->name};
        const struct slot slot = make_slot(field, &path, target, error);
        return DECODERS[field->kind](&slot, value);
    }
    const struct config_path path = {.parent = count > 0 ? sources[0].path : NULL, .name = field->name};
    if (field->required)
        return config_fail(&path, error, "must be set");
    const struct slot slot = make_slot(field, &path, target, error);
    return set_default(&slot);
}

int config_decode_table(const struct config_table *table, const struct config_source *sources, size_t count,
                        void *target, struct error *error) {
    for (size_t i = 0; i < table->count; i++) {
        int r = decode_field(&table->fields[i], sources, count, target, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool has_field(const struct config_table *table, const char *name) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->fields[i].name, name) == 0)
            return true;
    return false;
}

int config_refuse_unknown(const struct config_table *table, const json_t *object,
                          const struct config_path *path, struct error *error) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        const struct config_path unknown = {.parent = path, .name = name};
        if (!has_field(table, name))
            return config_fail(&unknown, error, "unknown field");
    }
    return 0;
}

/* --- the end of what was decoded --- */

static void release_field(const struct slot *slot) {
    switch (slot->field->kind) {
    case FIELD_STRING:
        free(*(char **)slot->at);
        break;
    case FIELD_STRING_LIST:
        for (size_t i = 0; i < *slot->count; i++)
            free((*(char ***)slot->at)[i]);
        free(*(char ***)slot->at);
        break;
    case FIELD_STRING_MAP:
    case FIELD_ENVIRONMENT:
        config_free_variables(*slot->count, *(Diego__Supervisor__Variable ***)slot->at);
        break;
    case FIELD_ACTION:
        if (*(Diego__Supervisor__Action **)slot->at != NULL)
            diego__supervisor__action__free_unpacked(*(Diego__Supervisor__Action **)slot->at, NULL);
        break;
    case FIELD_BLOCK:
        config_release_table(slot->field->nested, slot->at);
        break;
    case FIELD_BLOCK_LIST:
        for (size_t i = 0; i < *slot->count; i++)
            config_release_table(slot->field->nested, *(char **)slot->at + i * slot->field->nested->size);
        free(*(void **)slot->at);
        break;
    default:
        break;
    }
}

void config_release_table(const struct config_table *table, void *target) {
    for (size_t i = 0; i < table->count; i++) {
        const struct slot slot = make_slot(&table->fields[i], NULL, target, NULL);
        release_field(&slot);
    }
    memset(target, 0, table->size);
}
