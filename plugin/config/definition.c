#include "plugin/config/definition.h"

#include "plugin/config/decode.h"
#include "plugin/config/value.h"

enum handling {
    KEY,         /* a key of the task block too */
    LABEL,       /* the scheduler's: carried */
    RECORD,      /* Diego's own notes on a Task: nothing to do */
    UNSUPPORTED, /* refused when it asks for something */
};

static const struct {
    const char *name;
    enum handling handling;
    bool lrp_only;
} FIELDS[] = {
    {"rootfs", KEY, false},
    {"action", KEY, false},
    {"env", KEY, false},
    {"privileged", KEY, false},
    {"memory_mb", KEY, false},
    {"cpu_weight", KEY, false},
    {"max_pids", KEY, false},
    {"log_source", KEY, false},
    {"task_guid", LABEL, false},
    {"domain", LABEL, false},
    {"annotation", LABEL, false},
    {"log_guid", LABEL, false},
    {"metrics_guid", LABEL, false},
    {"placement_tags", LABEL, false},
    {"metric_tags", LABEL, false},
    {"process_guid", LABEL, true},
    {"instances", LABEL, true},
    {"routes", LABEL, true},
    {"modification_tag", LABEL, true},
    {"update_strategy", LABEL, true},
    {"created_at", RECORD, false},
    {"updated_at", RECORD, false},
    {"first_completed_at", RECORD, false},
    {"state", RECORD, false},
    {"cell_id", RECORD, false},
    {"result", RECORD, false},
    {"failed", RECORD, false},
    {"failure_reason", RECORD, false},
    {"rejection_count", RECORD, false},
    {"rejection_reason", RECORD, false},
    {"disk_mb", UNSUPPORTED, false},
    {"result_file", UNSUPPORTED, false},
    {"completion_callback_url", UNSUPPORTED, false},
    {"egress_rules", UNSUPPORTED, false},
    {"cached_dependencies", UNSUPPORTED, false},
    {"legacy_download_user", UNSUPPORTED, false},
    {"trusted_system_certificates_path", UNSUPPORTED, false},
    {"volume_mounts", UNSUPPORTED, false},
    {"volume_mounted_files", UNSUPPORTED, false},
    {"network", UNSUPPORTED, false},
    {"certificate_properties", UNSUPPORTED, false},
    {"image_username", UNSUPPORTED, false},
    {"image_password", UNSUPPORTED, false},
    {"image_layers", UNSUPPORTED, false},
    {"log_rate_limit", UNSUPPORTED, false},
    {"setup", UNSUPPORTED, true},
    {"monitor", UNSUPPORTED, true},
    {"check_definition", UNSUPPORTED, true},
    {"sidecars", UNSUPPORTED, true},
    {"ports", UNSUPPORTED, true},
    {"start_timeout_ms", UNSUPPORTED, true},
    {"deprecated_timeout_ns", UNSUPPORTED, true},
};

static int find_field(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
        if (strcmp(FIELDS[i].name, name) == 0)
            return (int)i;
    return -ENOENT;
}

static int add_label(struct task_config *config, const char *name, const json_t *value, struct error *error) {
    _cleanup_free_ char *text = json_is_string(value) ? strdup(json_string_value(value))
                                                      : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    return text == NULL ? error_set_no_memory(error)
                        : config_append_variable(&config->n_labels, &config->labels, name, text, error);
}

static int read_field(const char *name, const json_t *value, const struct config_path *path,
                      struct task_config *config, bool *is_lrp, struct error *error) {
    int number = find_field(name);
    if (number < 0)
        return config_fail(path, error, "unknown field");
    if (value_is_empty(value))
        return 0;
    *is_lrp |= FIELDS[number].lrp_only;
    if (FIELDS[number].handling == UNSUPPORTED)
        return config_fail(path, error,
                           "this version of the driver does not do this; take it out of the definition");
    return FIELDS[number].handling == LABEL ? add_label(config, name, value, error) : 0;
}

int definition_read(const char *text, const struct config_path *path, struct task_config *config,
                    json_t **ret, bool *ret_is_lrp, struct error *error) {
    json_auto_t *object = NULL;
    int r = value_parse_json(text, path, &object, error);
    if (r < 0)
        return r;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        const struct config_path place = {.parent = path, .name = name};
        r = read_field(name, value, &place, config, ret_is_lrp, error);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(object);
    return 0;
}
