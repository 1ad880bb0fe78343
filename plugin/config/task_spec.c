#include "plugin/config/task_spec.h"

#include "plugin/config/action.h"
#include "plugin/config/spec_builder.h"
#include "runtime/base/buffer.h"
#include "runtime/base/text.h"

typedef Hashicorp__Nomad__Plugins__Drivers__Proto__TaskConfig NomadTaskConfig;
typedef Hashicorp__Nomad__Plugins__Drivers__Proto__NetworkIsolationSpec NetworkIsolation;

/* --- the builder --- */

char *spec_copy(struct spec_builder *builder, const char *text) {
    if (text == NULL || *text == '\0')
        return (char *)protobuf_c_empty_string;
    char *copy = strdup(text);
    builder->failed |= copy == NULL;
    return copy != NULL ? copy : (char *)protobuf_c_empty_string;
}

void *spec_new(struct spec_builder *builder, size_t size, void (*init)(void *message)) {
    void *message = malloc(size);
    if (message == NULL)
        builder->failed = true;
    else
        init(message);
    return message;
}

void spec_append(struct spec_builder *builder, size_t *count, void *list, void *element) {
    void ***elements = list;
    void **longer = reallocarray(*elements, *count + 1, sizeof *longer);
    if (longer == NULL) {
        builder->failed = true;
        return;
    }
    longer[(*count)++] = element;
    *elements = longer;
}

void spec_append_variable(struct spec_builder *builder, size_t *count, Diego__Supervisor__Variable ***list,
                          const char *name, const char *value) {
    Diego__Supervisor__Variable *variable = SPEC_NEW(builder, Variable, variable);
    if (variable == NULL)
        return;
    variable->name = spec_copy(builder, name);
    variable->value = spec_copy(builder, value);
    spec_append(builder, count, list, variable);
}

/* --- rootfs --- */

static const char *find_rootfs(const struct plugin_config *plugin, const char *name) {
    for (size_t i = 0; i < plugin->n_preloaded_rootfs; i++)
        if (strcmp(plugin->preloaded_rootfs[i]->name, name) == 0)
            return plugin->preloaded_rootfs[i]->value;
    return NULL;
}

static int fail_rootfs(const struct spec_builder *builder, const char *name) {
    _cleanup_buffer_ struct buffer known = BUFFER_INIT;
    for (size_t i = 0; i < builder->plugin->n_preloaded_rootfs; i++)
        buffer_append_format(&known, "%s%s", i > 0 ? ", " : "", builder->plugin->preloaded_rootfs[i]->name);
    return error_set(
        builder->error, EINVAL,
        "rootfs: this node has no preloaded rootfs \"%s\" (it has: %s); add it to preloaded_rootfs in the "
        "plugin block",
        name, known.size > 0 ? known.data : "none");
}

static int build_rootfs(struct spec_builder *builder) {
    Diego__Supervisor__Rootfs *rootfs = builder->spec->rootfs = SPEC_NEW(builder, Rootfs, rootfs);
    const char *name = builder->task->rootfs + strlen("preloaded:");
    const char *source = find_rootfs(builder->plugin, name);
    if (source == NULL)
        return fail_rootfs(builder, name);
    if (rootfs == NULL)
        return 0;
    _cleanup_free_ char *store = NULL;
    if (asprintf(&store, "%s/rootfs", builder->plugin->state_dir) < 0)
        store = NULL;
    builder->failed |= store == NULL;
    rootfs->source = spec_copy(builder, source);
    rootfs->store_dir = spec_copy(builder, store);
    rootfs->label = spec_copy(builder, builder->task->rootfs);
    rootfs->readonly = builder->task->isolation.readonly_rootfs;
    return 0;
}

/* --- namespaces and network files --- */

/* Letters, digits and dashes of the allocation's id and the task's name, no longer than a DNS label. */
static void default_hostname(const NomadTaskConfig *nomad, char name[static 64]) {
    snprintf(name, 64, "%.8s%s%s", nomad->alloc_id, nomad->alloc_id[0] != '\0' ? "-" : "",
             nomad->name[0] != '\0' ? nomad->name : "task");
    for (char *next = name; *next != '\0'; next++) {
        bool plain = (*next >= '0' && *next <= '9') || (*next >= 'a' && *next <= 'z') ||
                     (*next >= 'A' && *next <= 'Z');
        if (!plain)
            *next = '-';
    }
}

static int check_network(const struct spec_builder *builder, const NetworkIsolation *network) {
    bool wanted =
        network != NULL &&
        network->mode !=
            HASHICORP__NOMAD__PLUGINS__DRIVERS__PROTO__NETWORK_ISOLATION_SPEC__NETWORK_ISOLATION_MODE__HOST;
    if (wanted && network->path[0] == '\0')
        return error_set(
            builder->error, EINVAL,
            "network: the agent gave no network namespace for this mode; use mode = \"bridge\", \"host\" or "
            "a CNI network");
    return 0;
}

static int build_namespaces(struct spec_builder *builder) {
    const NomadTaskConfig *nomad = builder->nomad;
    const NetworkIsolation *network = nomad->network_isolation_spec;
    int r = check_network(builder, network);
    Diego__Supervisor__Namespaces *namespaces = SPEC_NEW(builder, Namespaces, namespaces);
    builder->spec->namespaces = namespaces;
    if (r < 0 || namespaces == NULL)
        return r;
    char hostname[64];
    default_hostname(nomad, hostname);
    namespaces->network_path = spec_copy(builder, network != NULL ? network->path : NULL);
    namespaces->host_user =
        builder->task->privileged || strcmp(builder->task->isolation.user_namespace, "host") == 0;
    namespaces->first_id = CONTAINER_FIRST_ID;
    namespaces->id_count = CONTAINER_ID_COUNT;
    namespaces->hostname = spec_copy(
        builder, builder->task->isolation.hostname != NULL ? builder->task->isolation.hostname : hostname);
    return 0;
}

static void copy_list(struct spec_builder *builder, size_t *count, char ***list, char *const *texts,
                      size_t text_count) {
    for (size_t i = 0; i < text_count; i++)
        spec_append(builder, count, list, spec_copy(builder, texts[i]));
}

static void build_network_files(struct spec_builder *builder) {
    const NomadTaskConfig *nomad = builder->nomad;
    Diego__Supervisor__NetworkFiles *files = SPEC_NEW(builder, NetworkFiles, network_files);
    builder->spec->network_files = files;
    if (files == NULL)
        return;
    if (nomad->dns != NULL) {
        copy_list(builder, &files->n_dns_servers, &files->dns_servers, nomad->dns->servers,
                  nomad->dns->n_servers);
        copy_list(builder, &files->n_dns_searches, &files->dns_searches, nomad->dns->searches,
                  nomad->dns->n_searches);
        copy_list(builder, &files->n_dns_options, &files->dns_options, nomad->dns->options,
                  nomad->dns->n_options);
    }
    const NetworkIsolation *network = nomad->network_isolation_spec;
    if (network != NULL && network->hostsconfig != NULL && network->hostsconfig->address[0] != '\0') {
        char *entry = NULL;
        if (asprintf(&entry, "%s:%s", network->hostsconfig->hostname, network->hostsconfig->address) < 0)
            builder->failed = true;
        else
            spec_append(builder, &files->n_extra_hosts, &files->extra_hosts, entry);
    }
    copy_list(builder, &files->n_extra_hosts, &files->extra_hosts, builder->task->isolation.extra_hosts,
              builder->task->isolation.n_extra_hosts);
}

/* --- environment: Nomad's, then an LRP's own, then the definition's; later wins --- */

static const char *nomad_variable(const NomadTaskConfig *nomad, const char *name) {
    for (size_t i = 0; i < nomad->n_env; i++)
        if (strcmp(nomad->env[i]->key, name) == 0)
            return nomad->env[i]->value;
    return "";
}

static void build_environment(struct spec_builder *builder) {
    const NomadTaskConfig *nomad = builder->nomad;
    Diego__Supervisor__TaskSpec *spec = builder->spec;
    for (size_t i = 0; i < nomad->n_env; i++)
        spec_append_variable(builder, &spec->n_env, &spec->env, nomad->env[i]->key, nomad->env[i]->value);
    if (strcmp(builder->task->lifecycle, "lrp") == 0) {
        const char *index = nomad_variable(nomad, "NOMAD_ALLOC_INDEX");
        spec_append_variable(builder, &spec->n_env, &spec->env, "INSTANCE_GUID", nomad->alloc_id);
        spec_append_variable(builder, &spec->n_env, &spec->env, "INSTANCE_INDEX", index);
        spec_append_variable(builder, &spec->n_env, &spec->env, "CF_INSTANCE_GUID", nomad->alloc_id);
        spec_append_variable(builder, &spec->n_env, &spec->env, "CF_INSTANCE_INDEX", index);
    }
    for (size_t i = 0; i < builder->task->n_env; i++)
        spec_append_variable(builder, &spec->n_env, &spec->env, builder->task->env[i]->name,
                             builder->task->env[i]->value);
}

/* --- action, logs, identity --- */

static void build_action(struct spec_builder *builder) {
    const struct task_config *task = builder->task;
    if (task->action != NULL) { /* moved: the decoded configuration is not used again */
        builder->spec->action = task->action;
        ((struct task_config *)task)->action = NULL;
        return;
    }
    const char *candidates[] = {task->user, builder->nomad->user, "root"};
    size_t first = 0;
    while (candidates[first] == NULL || candidates[first][0] == '\0')
        first++;
    builder->spec->action =
        action_create_run(task->command, task->args, task->n_args, candidates[first], task->dir);
    builder->failed |= builder->spec->action == NULL;
}

static void build_logs(struct spec_builder *builder) {
    Diego__Supervisor__Logs *logs = builder->spec->logs = SPEC_NEW(builder, Logs, logs);
    if (logs == NULL)
        return;
    const NomadTaskConfig *nomad = builder->nomad;
    logs->stdout_path = spec_copy(builder, nomad->stdout_path[0] != '\0' ? nomad->stdout_path : "/dev/null");
    logs->stderr_path = spec_copy(builder, nomad->stderr_path[0] != '\0' ? nomad->stderr_path : "/dev/null");
    logs->format = spec_copy(builder, builder->task->log_format);
    logs->source = spec_copy(builder, builder->task->log_source);
}

static void build_identity(struct spec_builder *builder, const char *task_dir, const char *layer_dir) {
    Diego__Supervisor__TaskSpec *spec = builder->spec;
    spec->version = 1;
    spec->id = spec_copy(builder, builder->nomad->id);
    spec->name = spec_copy(builder, builder->nomad->name);
    spec->alloc_id = spec_copy(builder, builder->nomad->alloc_id);
    spec->lifecycle = spec_copy(builder, builder->task->lifecycle);
    spec->task_dir = spec_copy(builder, task_dir);
    spec->layer_dir = spec_copy(builder, layer_dir);
    for (size_t i = 0; i < builder->task->n_labels; i++)
        spec_append_variable(builder, &spec->n_labels, &spec->labels, builder->task->labels[i]->name,
                             builder->task->labels[i]->value);
    spec->default_nofile = (uint64_t)builder->plugin->defaults.nofile;
    spec->graceful_shutdown_ms = builder->plugin->defaults.graceful_shutdown_ms;
}

static int build(struct spec_builder *builder, const char *task_dir, const char *layer_dir) {
    static int (*const parts[])(struct spec_builder *) = {build_rootfs, build_namespaces, spec_build_security,
                                                          spec_build_limits, spec_build_mounts};
    build_identity(builder, task_dir, layer_dir);
    build_network_files(builder);
    build_environment(builder);
    build_logs(builder);
    build_action(builder);
    for (size_t i = 0; i < ARRAY_SIZE(parts) && !builder->failed; i++) {
        int r = parts[i](builder);
        if (r < 0)
            return r;
    }
    return builder->failed ? error_set_no_memory(builder->error) : 0;
}

int task_spec_build(const NomadTaskConfig *task, const struct plugin_config *config, const char *task_dir,
                    const char *layer_dir, Diego__Supervisor__TaskSpec **ret, struct error *error) {
    struct task_config *decoded = NULL;
    int r = task_config_decode(task->msgpack_driver_config.data, task->msgpack_driver_config.len, &decoded,
                               error);
    if (r < 0)
        return r;
    struct spec_builder builder = {.nomad = task, .plugin = config, .task = decoded, .error = error};
    builder.spec = SPEC_NEW(&builder, TaskSpec, task_spec);
    r = builder.spec == NULL ? error_set_no_memory(error) : build(&builder, task_dir, layer_dir);
    if (r >= 0)
        *ret = TAKE_PTR(builder.spec);
    if (builder.spec != NULL)
        diego__supervisor__task_spec__free_unpacked(builder.spec, NULL);
    task_config_destroy(decoded);
    return r;
}
