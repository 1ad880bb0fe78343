#include "plugin/config/schema.h"

#include <stdbool.h>

#include "plugin/config/field.h"
#include "runtime/base/macros.h"

typedef Hashicorp__Nomad__Plugins__Shared__Hclspec__Spec Spec;

#define HCLSPEC(name) Hashicorp__Nomad__Plugins__Shared__Hclspec__##name
#define HCLSPEC_INIT(type, name) hashicorp__nomad__plugins__shared__hclspec__##name##__init(type)
#define HCLSPEC_CASE(name) HASHICORP__NOMAD__PLUGINS__SHARED__HCLSPEC__SPEC__BLOCK_##name

/* The types of attributes, as HCL expressions; NULL: a block of some kind. */
static const char *const TYPES[] = {
    [FIELD_BOOL] = "bool",
    [FIELD_NUMBER] = "number",
    [FIELD_STRING] = "string",
    [FIELD_DURATION] = "string",
    [FIELD_STRING_LIST] = "list(string)",
    [FIELD_ENVIRONMENT] = "any",
    [FIELD_ACTION] = "any",
    [FIELD_BLOCK_LIST] = NULL,
};

static Spec *make_object(const struct config_table *table);

static Spec *make_attribute(const struct config_field *field) {
    Spec *spec = malloc(sizeof *spec);
    HCLSPEC(Attr) *attribute = malloc(sizeof *attribute);
    if (spec == NULL || attribute == NULL) {
        free(spec);
        free(attribute);
        return NULL;
    }
    HCLSPEC_INIT(spec, spec);
    HCLSPEC_INIT(attribute, attr);
    spec->block_case = HCLSPEC_CASE(ATTR);
    spec->attr = attribute;
    attribute->name = strdup(field->name);
    attribute->type = strdup(TYPES[field->kind]);
    attribute->required = field->required;
    return spec;
}

/* BlockAttrs takes both forms of a map, in the agent's HCL1 too. */
static Spec *make_map(const struct config_field *field) {
    Spec *spec = malloc(sizeof *spec);
    HCLSPEC(BlockAttrs) *map = malloc(sizeof *map);
    if (spec == NULL || map == NULL) {
        free(spec);
        free(map);
        return NULL;
    }
    HCLSPEC_INIT(spec, spec);
    HCLSPEC_INIT(map, block_attrs);
    spec->block_case = HCLSPEC_CASE(BLOCK_ATTRS);
    spec->block_attrs = map;
    map->name = strdup(field->name);
    map->type = strdup("string");
    return spec;
}

static Spec *make_block(const struct config_field *field) {
    Spec *spec = malloc(sizeof *spec);
    HCLSPEC(Block) *block = malloc(sizeof *block);
    if (spec == NULL || block == NULL) {
        free(spec);
        free(block);
        return NULL;
    }
    HCLSPEC_INIT(spec, spec);
    HCLSPEC_INIT(block, block);
    spec->block_case = HCLSPEC_CASE(BLOCK_VALUE);
    spec->block_value = block;
    block->name = strdup(field->name);
    block->nested = make_object(field->nested);
    return spec;
}

static Spec *make_block_list(const struct config_field *field) {
    Spec *spec = malloc(sizeof *spec);
    HCLSPEC(BlockList) *list = malloc(sizeof *list);
    if (spec == NULL || list == NULL) {
        free(spec);
        free(list);
        return NULL;
    }
    HCLSPEC_INIT(spec, spec);
    HCLSPEC_INIT(list, block_list);
    spec->block_case = HCLSPEC_CASE(BLOCK_LIST);
    spec->block_list = list;
    list->name = strdup(field->name);
    list->nested = make_object(field->nested);
    return spec;
}

static Spec *make_field(const struct config_field *field) {
    switch (field->kind) {
    case FIELD_STRING_MAP:
        return make_map(field);
    case FIELD_BLOCK:
        return make_block(field);
    case FIELD_BLOCK_LIST:
        return make_block_list(field);
    default:
        return make_attribute(field);
    }
}

static HCLSPEC(Object__AttributesEntry) * make_entry(const struct config_field *field) {
    HCLSPEC(Object__AttributesEntry) *entry = malloc(sizeof *entry);
    if (entry == NULL)
        return NULL;
    HCLSPEC_INIT(entry, object__attributes_entry);
    entry->key = strdup(field->name);
    entry->value = make_field(field);
    return entry;
}

static Spec *make_object(const struct config_table *table) {
    Spec *spec = malloc(sizeof *spec);
    HCLSPEC(Object) *object = malloc(sizeof *object);
    HCLSPEC(Object__AttributesEntry) **entries = calloc(table->count + 1, sizeof *entries);
    if (spec == NULL || object == NULL || entries == NULL) {
        free(spec);
        free(object);
        free(entries);
        return NULL;
    }
    HCLSPEC_INIT(spec, spec);
    HCLSPEC_INIT(object, object);
    spec->block_case = HCLSPEC_CASE(OBJECT);
    spec->object = object;
    object->attributes = entries;
    for (size_t i = 0; i < table->count; i++) {
        entries[object->n_attributes] = make_entry(&table->fields[i]);
        object->n_attributes += entries[object->n_attributes] != NULL;
    }
    return spec;
}

Spec *config_schema_plugin(void) {
    return make_object(&plugin_config_table);
}

/* `definition` is no field of the task's struct: its keys become others. */
Spec *config_schema_task(void) {
    static const struct config_field definition = {"definition", FIELD_STRING, .help = ""};
    Spec *spec = make_object(&task_config_table);
    HCLSPEC(Object__AttributesEntry) *entry = spec != NULL ? make_entry(&definition) : NULL;
    if (entry != NULL)
        spec->object->attributes[spec->object->n_attributes++] = entry;
    return spec;
}
