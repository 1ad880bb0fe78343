#include "plugin/config/reference.h"

#include "plugin/config/field.h"
#include "runtime/base/macros.h"

static const char *const KINDS[] = {
    [FIELD_BOOL] = "bool",
    [FIELD_NUMBER] = "number",
    [FIELD_STRING] = "string",
    [FIELD_DURATION] = "duration",
    [FIELD_STRING_LIST] = "list(string)",
    [FIELD_STRING_MAP] = "map(string)",
    [FIELD_ENVIRONMENT] = "list or map",
    [FIELD_ACTION] = "action",
    [FIELD_BLOCK] = "block",
    [FIELD_BLOCK_LIST] = "blocks",
    [FIELD_IGNORED] = "any",
};

static const char *default_of(const struct config_field *field) {
    if (field->required)
        return "required";
    if (field->default_text != NULL)
        return field->default_text;
    switch (field->kind) {
    case FIELD_BOOL:
        return "false";
    case FIELD_NUMBER:
        return "0";
    default:
        return "";
    }
}

static void print_fields(FILE *stream, const struct config_table *table, const char *prefix) {
    for (size_t i = 0; i < table->count; i++) {
        const struct config_field *field = &table->fields[i];
        fprintf(stream, "| `%s%s` | %s | %s | %s |\n", prefix, field->name, KINDS[field->kind],
                default_of(field), field->help);
        if (field->nested == NULL)
            continue;
        char nested[128];
        snprintf(nested, sizeof nested, "%s%s.", prefix, field->name);
        print_fields(stream, field->nested, nested);
    }
}

static void print_table(FILE *stream, const struct config_table *table) {
    fputs("| key | type | default | meaning |\n|---|---|---|---|\n", stream);
    print_fields(stream, table, "");
    fputs("\n", stream);
}

void config_print_reference(FILE *stream) {
    fputs("# Configuration\n\nWritten by `nomad-driver-diego --config-reference` from the tables that the "
          "driver reads.\n\n"
          "## The task's config block\n\n"
          "`definition` (string) takes a whole Diego Task or DesiredLRP as JSON text; keys set beside it "
          "replace the\n"
          "definition's. Fields that only a scheduler uses (`instances`, `routes`, `placement_tags`, ...) "
          "are carried and\n"
          "shown by inspection; fields that this version does not do are an error when they ask for "
          "something.\n\n",
          stream);
    print_table(stream, &task_config_table);
    fputs("### action.run\n\nIn block form `action { run { ... } }`, in attribute form `action = { run = { "
          "... } }`.\n\n",
          stream);
    print_table(stream, &run_action_table);
    fputs("## The plugin block of the agent\n\n", stream);
    print_table(stream, &plugin_config_table);
}
