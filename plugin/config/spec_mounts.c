#include "plugin/config/spec_builder.h"
#include "runtime/base/macros.h"
#include "runtime/base/text.h"

static Diego__Supervisor__Mount *add_mount(struct spec_builder *builder, const char *source,
                                           const char *target, bool readonly) {
    Diego__Supervisor__Mount *mount = SPEC_NEW(builder, Mount, mount);
    if (mount == NULL)
        return NULL;
    mount->source = spec_copy(builder, source);
    mount->target = spec_copy(builder, target);
    mount->readonly = readonly;
    mount->idmap = true;
    spec_append(builder, &builder->spec->n_mounts, &builder->spec->mounts, mount);
    return mount;
}

/* --- Nomad's directories: tasks write in them, so no link in them is followed --- */

static void add_directory(struct spec_builder *builder, const char *below, const char *name,
                          const char *target) {
    const char *root = builder->nomad->alloc_dir;
    _cleanup_free_ char *source = NULL;
    if (asprintf(&source, "%s%s%s/%s", root, *below != '\0' ? "/" : "", below, name) < 0) {
        source = NULL;
        builder->failed = true;
        return;
    }
    Diego__Supervisor__Mount *mount = add_mount(builder, source, target, false);
    if (mount != NULL)
        mount->source_root = spec_copy(builder, root);
}

static void add_directories(struct spec_builder *builder) {
    if (builder->nomad->alloc_dir[0] == '\0')
        return;
    add_directory(builder, "", "alloc", "/alloc");
    add_directory(builder, builder->nomad->name, "local", "/local");
    add_directory(builder, builder->nomad->name, "secrets", "/secrets");
}

/* --- volumes and the job's own mounts --- */

static void add_volumes(struct spec_builder *builder) {
    for (size_t i = 0; i < builder->nomad->n_mounts; i++) {
        const Hashicorp__Nomad__Plugins__Drivers__Proto__Mount *volume = builder->nomad->mounts[i];
        Diego__Supervisor__Mount *mount =
            add_mount(builder, volume->host_path, volume->task_path, volume->readonly);
        if (mount != NULL)
            mount->propagation = spec_copy(builder, volume->propagation_mode);
    }
}

/* The allowed directory that `source` is in, or NULL. */
static const char *find_allowed(const struct plugin_config *plugin, const char *source) {
    for (size_t i = 0; i < plugin->n_allow_bind; i++) {
        size_t length = strlen(plugin->allow_bind[i]);
        if (text_has_prefix(source, plugin->allow_bind[i]) &&
            (source[length] == '/' || source[length] == '\0'))
            return plugin->allow_bind[i];
    }
    return NULL;
}

static int add_job_mounts(struct spec_builder *builder) {
    for (size_t i = 0; i < builder->task->n_mount; i++) {
        const struct task_mount *asked = &builder->task->mount[i];
        bool is_bind = asked->source != NULL;
        const char *allowed = is_bind ? find_allowed(builder->plugin, asked->source) : NULL;
        if (is_bind && allowed == NULL)
            return error_set(
                builder->error, EPERM,
                "mount[%zu].source: %s may not be bound on this node: it is not below allow_bind of the "
                "plugin block",
                i, asked->source);
        Diego__Supervisor__Mount *mount = add_mount(builder, asked->source, asked->target, asked->readonly);
        if (mount == NULL)
            return 0;
        mount->type = is_bind ? DIEGO__SUPERVISOR__MOUNT__TYPE__BIND : DIEGO__SUPERVISOR__MOUNT__TYPE__TMPFS;
        mount->size_mb = (uint64_t)asked->size_mb;
        mount->propagation = spec_copy(builder, asked->propagation);
        mount->source_root = spec_copy(builder, allowed); /* tasks may have put links below it */
    }
    return 0;
}

/* --- devices --- */

static void add_device(struct spec_builder *builder, const char *host_path, const char *container_path,
                       const char *permissions) {
    Diego__Supervisor__Device *device = SPEC_NEW(builder, Device, device);
    if (device == NULL)
        return;
    device->host_path = spec_copy(builder, host_path);
    device->container_path =
        spec_copy(builder, container_path != NULL && *container_path != '\0' ? container_path : host_path);
    device->permissions =
        spec_copy(builder, permissions != NULL && *permissions != '\0' ? permissions : "rwm");
    spec_append(builder, &builder->spec->n_devices, &builder->spec->devices, device);
}

static void add_devices(struct spec_builder *builder) {
    for (size_t i = 0; i < builder->nomad->n_devices; i++)
        add_device(builder, builder->nomad->devices[i]->host_path, builder->nomad->devices[i]->task_path,
                   builder->nomad->devices[i]->cgroup_permissions);
    for (size_t i = 0; i < builder->task->n_device; i++)
        add_device(builder, builder->task->device[i].host_path, builder->task->device[i].container_path,
                   builder->task->device[i].permissions);
}

int spec_build_mounts(struct spec_builder *builder) {
    add_directories(builder);
    add_volumes(builder);
    add_devices(builder);
    return add_job_mounts(builder);
}
