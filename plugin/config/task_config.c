#include "plugin/config/task_config.h"

#include "plugin/config/checks.h"
#include "plugin/config/decode.h"
#include "plugin/config/definition.h"
#include "plugin/config/value.h"
#include "plugin/config/value_msgpack.h"

static const struct config_field ISOLATION_FIELDS[] = {
    {"cap_add", FIELD_STRING_LIST, FIELD_LIST_AT(struct task_isolation, cap_add), .check = check_capability,
     .help = "capabilities beside the default 14, as far as the plugin's `allow_caps` goes"},
    {"cap_drop", FIELD_STRING_LIST, FIELD_LIST_AT(struct task_isolation, cap_drop), .check = check_capability,
     .help = "capabilities to go without; `[\"all\"]` for every default one"},
    {"no_new_privileges", FIELD_BOOL, FIELD_AT(struct task_isolation, no_new_privileges),
     .default_text = "true", .help = "setuid programs gain nothing"},
    {"readonly_rootfs", FIELD_BOOL, FIELD_AT(struct task_isolation, readonly_rootfs),
     .help = "the rootfs cannot be written"},
    {"seccomp", FIELD_STRING, FIELD_AT(struct task_isolation, seccomp), .check = check_seccomp,
     .default_text = "default", .help = "`default` (Docker's filter) or `unconfined`"},
    {"user_namespace", FIELD_STRING, FIELD_AT(struct task_isolation, user_namespace),
     .check = check_user_namespace, .default_text = "auto",
     .help = "`auto`: the task's root is an unprivileged id of the host; `host`: it is root"},
    {"hostname", FIELD_STRING, FIELD_AT(struct task_isolation, hostname), .check = check_hostname,
     .help = "default: from the allocation's id and the task's name"},
    {"extra_hosts", FIELD_STRING_LIST, FIELD_LIST_AT(struct task_isolation, extra_hosts),
     .check = check_extra_host, .help = "`name:address`, for `/etc/hosts`"},
    {"sysctl", FIELD_STRING_MAP, FIELD_LIST_AT(struct task_isolation, sysctl),
     .help = "kernel parameters of the task's own namespaces: `net.*` (not on the host's network), "
             "`fs.mqueue.*`, "
             "`kernel.msg*`, `kernel.sem`, `kernel.shm*`, `kernel.domainname`"},
    {"shm_size_mb", FIELD_NUMBER, FIELD_AT(struct task_isolation, shm_size_mb),
     .help = "size of `/dev/shm`; 0: 64; its pages count against the task's memory"},
    {"ulimit", FIELD_STRING_MAP, FIELD_LIST_AT(struct task_isolation, ulimit),
     .help = "name (`nofile`, `memlock`, ...) → `soft` or `soft:hard`, numbers or `unlimited`"},
};
static const struct config_table ISOLATION = CONFIG_TABLE(ISOLATION_FIELDS, struct task_isolation);

static const struct config_field MOUNT_FIELDS[] = {
    {"type", FIELD_STRING, FIELD_AT(struct task_mount, type), .check = check_mount_type,
     .default_text = "bind", .help = "`bind` or `tmpfs`"},
    {"source", FIELD_STRING, FIELD_AT(struct task_mount, source), .check = check_absolute_path,
     .help = "of a bind: absolute host path below one of the plugin's `allow_bind`"},
    {"target", FIELD_STRING, .required = true, FIELD_AT(struct task_mount, target),
     .check = check_absolute_path, .help = "absolute path in the container, made when missing"},
    {"readonly", FIELD_BOOL, FIELD_AT(struct task_mount, readonly), .help = "cannot be written"},
    {"size_mb", FIELD_NUMBER, FIELD_AT(struct task_mount, size_mb),
     .help = "of a tmpfs; 0: half of the node's memory, as the kernel has it"},
    {"propagation", FIELD_STRING, FIELD_AT(struct task_mount, propagation), .check = check_propagation,
     .help = "of a bind: `private` (default), `host-to-task`, or `bidirectional` with `user_namespace = "
             "\"host\"`"},
};
static const struct config_table MOUNT = CONFIG_TABLE(MOUNT_FIELDS, struct task_mount);

static const struct config_field DEVICE_FIELDS[] = {
    {"host_path", FIELD_STRING, .required = true, FIELD_AT(struct task_device, host_path),
     .check = check_device_path, .help = "a device of the node"},
    {"container_path", FIELD_STRING, FIELD_AT(struct task_device, container_path), .check = check_device_path,
     .help = "below `/dev`; default: as `host_path`"},
    {"permissions", FIELD_STRING, FIELD_AT(struct task_device, permissions), .check = check_permissions,
     .default_text = "rwm", .help = "of `r`, `w` and `m`"},
};
static const struct config_table DEVICE = CONFIG_TABLE(DEVICE_FIELDS, struct task_device);

static const struct config_field MEMORY_FIELDS[] = {
    {"high_mb", FIELD_NUMBER, FIELD_AT(struct task_memory, high_mb),
     .help = "above this the task is slowed down and its memory reclaimed; 0: nowhere"},
    {"swap_mb", FIELD_NUMBER, FIELD_AT(struct task_memory, swap_mb), .help = "swap space the task may use"},
    {"oom_group", FIELD_BOOL, FIELD_AT(struct task_memory, oom_group),
     .help = "out of memory kills the whole task instead of one process"},
};
static const struct config_table MEMORY = CONFIG_TABLE(MEMORY_FIELDS, struct task_memory);

static const struct config_field FIELDS[] = {
    {"lifecycle", FIELD_STRING, FIELD_AT(struct task_config, lifecycle), .check = check_lifecycle,
     .help =
         "`task` or `lrp`; default: `lrp` when the definition has a field that only LRPs have, else `task`"},
    {"rootfs", FIELD_STRING, FIELD_AT(struct task_config, rootfs), .check = check_rootfs,
     .help = "`preloaded:NAME`, a name of the plugin's `preloaded_rootfs`"},
    {"command", FIELD_STRING, FIELD_AT(struct task_config, command), .check = check_not_empty,
     .help = "short for `action { run { path = ... } }`"},
    {"args", FIELD_STRING_LIST, FIELD_LIST_AT(struct task_config, args), .help = "arguments of `command`"},
    {"user", FIELD_STRING, FIELD_AT(struct task_config, user),
     .help = "user of `command`; default: the task's Nomad `user`, then `root`"},
    {"dir", FIELD_STRING, FIELD_AT(struct task_config, dir), .check = check_absolute_path,
     .help = "directory of `command`; default: the user's home"},
    {"action", FIELD_ACTION, FIELD_AT(struct task_config, action), .help = "what to run: `run { ... }`"},
    {"env", FIELD_ENVIRONMENT, FIELD_LIST_AT(struct task_config, env),
     .help = "list of `{ name, value }` or a map; added to Nomad's environment"},
    {"privileged", FIELD_BOOL, FIELD_AT(struct task_config, privileged),
     .help = "root of the node with every capability and device; needs the plugin's `allow_privileged`"},
    {"memory_mb", FIELD_NUMBER, FIELD_AT(struct task_config, memory_mb),
     .help = "MiB; may only lower what Nomad granted; 0: that"},
    {"cpu_weight", FIELD_NUMBER, FIELD_AT(struct task_config, cpu_weight),
     .help = "Diego's weight, 100 for one share of 1024; 0: the plugin's default"},
    {"max_pids", FIELD_NUMBER, FIELD_AT(struct task_config, max_pids),
     .help = "processes and threads; 0: the plugin's default"},
    {"log_source", FIELD_STRING, FIELD_AT(struct task_config, log_source), .default_text = "APP",
     .help = "name of the task in failure reasons"},
    {"log_format", FIELD_STRING, FIELD_AT(struct task_config, log_format), .check = check_log_format,
     .default_text = "lines",
     .help = "`lines`: whole lines, never interleaved, bytes unchanged; `raw`: processes hold Nomad's FIFO "
             "themselves"},
    {"isolation", FIELD_BLOCK, FIELD_AT(struct task_config, isolation), .nested = &ISOLATION,
     .help = "what separates the task from the node"},
    {"mount", FIELD_BLOCK_LIST, FIELD_LIST_AT(struct task_config, mount), .nested = &MOUNT,
     .help = "host directories and memory file systems in the task"},
    {"device", FIELD_BLOCK_LIST, FIELD_LIST_AT(struct task_config, device), .nested = &DEVICE,
     .help = "devices of the node in the task; needs the plugin's `allow_privileged`"},
    {"memory", FIELD_BLOCK, FIELD_AT(struct task_config, memory), .nested = &MEMORY,
     .help = "more on memory"},
};
const struct config_table task_config_table = CONFIG_TABLE(FIELDS, struct task_config);

/* --- rules between keys --- */

static int check_action(const struct task_config *config, struct error *error) {
    if (config->command != NULL && config->action != NULL)
        return error_set(error, EINVAL, "command and action are both set: use one of them");
    if (config->command == NULL && config->action == NULL)
        return error_set(error, EINVAL,
                         "Invalid field: action (set command, action, or a definition with an action)");
    if (config->command == NULL && (config->n_args > 0 || config->user != NULL || config->dir != NULL))
        return error_set(error, EINVAL,
                         "args, user and dir belong to command; in an action they stand in its run");
    if (config->rootfs == NULL)
        return error_set(
            error, EINVAL,
            "Invalid field: rootfs (set rootfs = \"preloaded:NAME\", with a name of the plugin's "
            "preloaded_rootfs)");
    return 0;
}

static int check_mounts(const struct task_config *config, struct error *error) {
    for (size_t i = 0; i < config->n_mount; i++) {
        const struct task_mount *mount = &config->mount[i];
        bool is_bind = strcmp(mount->type, "bind") == 0;
        if (is_bind && mount->source == NULL)
            return error_set(error, EINVAL, "mount[%zu].source: must be set for a bind mount", i);
        if (!is_bind && (mount->source != NULL || mount->propagation != NULL))
            return error_set(error, EINVAL, "mount[%zu]: source and propagation are for type \"bind\"", i);
        if (is_bind && mount->size_mb > 0)
            return error_set(error, EINVAL, "mount[%zu].size_mb: is for type \"tmpfs\"", i);
    }
    return 0;
}

static int decide_lifecycle(struct task_config *config, bool is_lrp, struct error *error) {
    if (config->lifecycle != NULL && strcmp(config->lifecycle, "task") == 0 && is_lrp)
        return error_set(
            error, EINVAL,
            "lifecycle is \"task\", but the definition has fields that only an LRP has (process_guid, "
            "instances, routes, ...)");
    if (config->lifecycle == NULL)
        config->lifecycle = strdup(is_lrp ? "lrp" : "task");
    return config->lifecycle == NULL ? error_set_no_memory(error) : 0;
}

/* --- the block and its definition --- */

/* `command` in the block replaces the definition's action. */
static int drop_replaced_action(const json_t *block, json_t *definition) {
    return definition != NULL && value_is_set(json_object_get(block, "command"))
               ? json_object_del(definition, "action")
               : 0;
}

static int decode(const json_t *value, struct task_config *config, struct error *error) {
    const struct config_path top = {0}, definition_path = {.parent = &top, .name = "definition"};
    struct config_source sources[2] = {{.path = &top}, {.path = &definition_path}};
    int r = value_to_object(value, &top, &sources[0].object, error);
    if (r < 0)
        return r;
    const json_t *text = json_object_get(sources[0].object, "definition");
    json_auto_t *definition = NULL;
    bool is_lrp = false;
    if (value_is_set(text)) {
        _cleanup_free_ char *owned = NULL;
        r = value_to_text(text, &definition_path, &owned, error);
        if (r >= 0)
            r = definition_read(owned, &definition_path, config, &definition, &is_lrp, error);
        if (r < 0)
            return r;
        drop_replaced_action(sources[0].object, definition);
        sources[1].object = definition;
    }
    r = config_decode_table(&task_config_table, sources, definition != NULL ? 2 : 1, config, error);
    if (r >= 0)
        r = check_action(config, error);
    if (r >= 0)
        r = check_mounts(config, error);
    return r < 0 ? r : decide_lifecycle(config, is_lrp, error);
}

int task_config_decode(const void *msgpack, size_t size, struct task_config **ret, struct error *error) {
    json_auto_t *value = NULL;
    int r = value_read_msgpack(msgpack, size, &value, error);
    if (r < 0)
        return r;
    struct task_config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return error_set_no_memory(error);
    r = decode(value, config, error);
    if (r < 0) {
        task_config_destroy(config);
        return r;
    }
    *ret = config;
    return 0;
}

void task_config_destroy(struct task_config *config) {
    if (config == NULL)
        return;
    config_free_variables(config->n_labels, config->labels);
    config_release_table(&task_config_table, config);
    free(config);
}
