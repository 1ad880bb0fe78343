#include "plugin/config/plugin_config.h"

#include "plugin/config/checks.h"
#include "plugin/config/decode.h"
#include "plugin/config/value.h"
#include "plugin/config/value_msgpack.h"

static const struct config_field CGROUP_FIELDS[] = {
    {"required_controllers", FIELD_STRING_LIST, FIELD_LIST_AT(struct plugin_cgroup, required_controllers),
     .check = check_controller, .default_text = "cpuset cpu io memory pids",
     .help = "cgroup v2 controllers without which the driver does not offer itself; `[]` runs tasks without "
             "limits "
             "where they are missing, and every task says so in an event"},
};
static const struct config_table CGROUP = CONFIG_TABLE(CGROUP_FIELDS, struct plugin_cgroup);

static const struct config_field DEFAULT_FIELDS[] = {
    {"max_pids", FIELD_NUMBER, FIELD_AT(struct plugin_defaults, max_pids),
     .help = "processes and threads of a task that sets no `max_pids`; 0: no limit"},
    {"cpu_weight", FIELD_NUMBER, FIELD_AT(struct plugin_defaults, cpu_weight),
     .help = "Diego's weight of a task that sets none; 0: from Nomad's `cpu`"},
    {"nofile", FIELD_NUMBER, FIELD_AT(struct plugin_defaults, nofile), .maximum = 1073741816,
     .help = "open files of a process that sets no limit; 0: the agent's own"},
    {"graceful_shutdown", FIELD_DURATION, FIELD_AT(struct plugin_defaults, graceful_shutdown_ms),
     .default_text = "10s", .help = "between SIGTERM and SIGKILL where Diego itself cancels a step"},
};
static const struct config_table DEFAULTS = CONFIG_TABLE(DEFAULT_FIELDS, struct plugin_defaults);

static const struct config_field FIELDS[] = {
    {"enabled", FIELD_BOOL, FIELD_AT(struct plugin_config, enabled), .default_text = "true",
     .help = "whether this node offers the driver"},
    {"state_dir", FIELD_STRING, FIELD_AT(struct plugin_config, state_dir), .check = check_absolute_path,
     .default_text = "/var/lib/nomad-driver-diego",
     .help = "writable layers and unpacked root file systems; survives a reboot; on ext4, xfs or btrfs"},
    {"run_dir", FIELD_STRING, FIELD_AT(struct plugin_config, run_dir), .check = check_absolute_path,
     .default_text = "/run/nomad-driver-diego", .help = "sockets and records of running tasks; does not"},
    {"log_level", FIELD_STRING, FIELD_AT(struct plugin_config, log_level), .check = check_log_level,
     .default_text = "info", .help = "`trace`, `debug`, `info`, `warn` or `error`"},
    {"cgroup", FIELD_BLOCK, FIELD_AT(struct plugin_config, cgroup), .nested = &CGROUP, .help = "cgroup v2"},
    {"preloaded_rootfs", FIELD_STRING_MAP, FIELD_LIST_AT(struct plugin_config, preloaded_rootfs),
     .check = check_absolute_path, .help = "name → directory, `.tar` or `.tar.gz` on this node"},
    {"allow_privileged", FIELD_BOOL, FIELD_AT(struct plugin_config, allow_privileged),
     .help = "whether jobs may set `privileged`, `device`, `user_namespace = \"host\"` and "
             "`seccomp = \"unconfined\"`: each is as good as root on this node"},
    {"allow_caps", FIELD_STRING_LIST, FIELD_LIST_AT(struct plugin_config, allow_caps),
     .check = check_capability,
     .default_text =
         "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE "
         "SYS_CHROOT KILL AUDIT_WRITE",
     .help = "capabilities that tasks may have; `[\"all\"]` for every one"},
    {"allow_bind", FIELD_STRING_LIST, FIELD_LIST_AT(struct plugin_config, allow_bind),
     .check = check_absolute_path, .help = "host directories that `mount` may bind, with all below them"},
    {"defaults", FIELD_BLOCK, FIELD_AT(struct plugin_config, defaults), .nested = &DEFAULTS,
     .help = "what a task gets that says nothing else"},
};
const struct config_table plugin_config_table = CONFIG_TABLE(FIELDS, struct plugin_config);

/* Unknown keys at the top are the agent's business, which checked them against the schema. */
static int decode(const json_t *value, struct plugin_config *config, struct error *error) {
    const struct config_path top = {0};
    if (!value_is_set(value))
        return config_decode_table(&plugin_config_table, NULL, 0, config, error);
    struct config_source source = {.path = &top};
    int r = value_to_object(value, &top, &source.object, error);
    return r < 0 ? r : config_decode_table(&plugin_config_table, &source, 1, config, error);
}

int plugin_config_decode(const void *msgpack, size_t size, struct plugin_config **ret, struct error *error) {
    json_auto_t *value = NULL;
    int r = value_read_msgpack(msgpack, size, &value, error);
    if (r < 0)
        return r;
    struct plugin_config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return error_set_no_memory(error);
    r = decode(value, config, error);
    if (r < 0) {
        plugin_config_destroy(config);
        return r;
    }
    *ret = config;
    return 0;
}

void plugin_config_destroy(struct plugin_config *config) {
    if (config == NULL)
        return;
    config_release_table(&plugin_config_table, config);
    free(config);
}
