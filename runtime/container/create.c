#include <sched.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/message.h"
#include "runtime/sys/path.h"
#include "runtime/sys/user_namespace.h"

static void record_timing(struct container *container, const char *name) {
    int64_t now = clock_monotonic_ns();
    container->timings[container->timing_count++] =
        (struct container_timing){.name = name, .duration_ns = now - container->last_timing_ns};
    container->last_timing_ns = now;
}

/* --- the scope cgroup --- */

enum { LEFTOVER_ATTEMPTS = 2000 };

/* What an earlier attempt left in the cgroup must neither count against this one's limits nor live on. */
static int kill_leftovers(int cgroup_fd, struct error *error) {
    bool populated = false;
    int r = cgroup_is_populated(cgroup_fd, &populated, error);
    if (r < 0 || !populated)
        return r;
    r = cgroup_kill(cgroup_fd, error);
    for (int attempt = 0; r >= 0 && populated && attempt < LEFTOVER_ATTEMPTS; attempt++) {
        usleep(1000);
        r = cgroup_is_populated(cgroup_fd, &populated, error);
    }
    if (r >= 0 && populated)
        r = error_set(error, EBUSY, "processes of an earlier attempt are still in the task's cgroup");
    return r;
}

static int set_up_cgroup(struct container *container, struct buffer *missing, struct error *error) {
    const Diego__Supervisor__Cgroup *limits = container->spec->cgroup;
    _cleanup_error_ struct error cause = ERROR_INIT;
    if (limits->path[0] != '\0') {
        container->cgroup_fd = cgroup_open(limits->path, &cause);
        if (container->cgroup_fd < 0 && container->cgroup_fd != -ENOTSUP) {
            error_copy(error, &cause);
            return container->cgroup_fd;
        }
    }
    int r = container->cgroup_fd >= 0 ? kill_leftovers(container->cgroup_fd, error) : 0;
    if (r >= 0)
        r = cgroup_apply_limits(container->cgroup_fd, limits, missing, error);
    return r < 0 ? r : container_attach_devices(container, missing, error);
}

/* --- what is allowed --- */

static int set_up_security(struct container *container, struct error *error) {
    const Diego__Supervisor__Security *security = container->spec->security;
    if (security->privileged) {
        container->capabilities = capability_full_set;
        return 0;
    }
    int r = capability_set_parse((const char *const *)security->capabilities, security->n_capabilities,
                                 &container->capabilities, error);
    if (r < 0 || !security->seccomp || container->capabilities == capability_default_set)
        return r;
    return seccomp_filter_compile_default(container->capabilities, &container->seccomp, error);
}

/* --- the plan --- */

static void plan_release(struct plan *plan) {
    fd_close(plan->layer_clone);
    fd_close(plan->root_mount);
    fd_close(plan->dev_mount);
    fd_close(plan->sysfs_mount);
    for (size_t i = 0; i < plan->mount_count; i++)
        fd_close(plan->mounts[i].fd);
    free(plan->mounts);
    for (size_t i = 0; i < PLAN_FILES; i++)
        buffer_release(&plan->files[i]);
}

static int prepare(struct plan *plan, const char *lower_dir, struct error *error) {
    int r = plan_open_layer(plan, lower_dir, error);
    if (r >= 0)
        r = plan_open_mounts(plan, error);
    if (r >= 0)
        r = plan_enter_network(plan, error);
    if (r >= 0)
        r = plan_write_files(plan, error);
    return r < 0 ? r : plan_make_dev(plan, error);
}

/* --- pid 1 --- */

static const uint64_t NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

static int clone_init(struct plan *plan, int *ret_fd, struct error *error) {
    struct container *container = plan->container;
    int ends[2];
    int r = message_socketpair(ends, false, error);
    if (r < 0)
        return r;
    uint64_t flags = NAMESPACES | (container_has_user_namespace(container) ? CLONE_NEWUSER : 0);
    pid_t pid = process_clone(flags, container->cgroup_fd, &container->init_pidfd);
    if (pid == 0) {
        fd_close(ends[0]);
        container_init_run(plan, ends[1]);
    }
    fd_close(ends[1]);
    if (pid < 0) {
        fd_close(ends[0]);
        return error_set_errno(error, -pid, "cannot create the container's first process");
    }
    container->init_pid = pid;
    *ret_fd = ends[0];
    return 0;
}

static int begin_init(const struct container *container, int init_fd, struct error *error) {
    if (container_has_user_namespace(container)) {
        int r = user_namespace_map(container->init_pid, container->host->first_id, container->host->id_count,
                                   error);
        if (r < 0)
            return r;
    }
    return message_send(init_fd, "", 1, NULL, 0, error);
}

/* Inside the nursery: what follows copies its few mounts, not the host's thousands. */
static int create_from_nursery(struct plan *plan, int *ret_init_fd, struct error *error) {
    int r = plan_make_overlay(plan, error);
    if (r < 0)
        return r;
    record_timing(plan->container, "rootfs");
    r = clone_init(plan, ret_init_fd, error);
    return r < 0 ? r : begin_init(plan->container, *ret_init_fd, error);
}

static int create(struct plan *plan, const char *lower_dir, struct buffer *missing, struct error *error) {
    struct container *container = plan->container;
    int r = set_up_security(container, error);
    if (r >= 0)
        r = set_up_cgroup(container, missing, error);
    if (r < 0)
        return r;
    record_timing(container, "limits");
    r = prepare(plan, lower_dir, error);
    if (r >= 0)
        r = container_host_enter_nursery(container->host, error);
    if (r < 0)
        return r;
    _cleanup_close_ int init_fd = -1;
    r = create_from_nursery(plan, &init_fd, error);
    int back = container_host_leave_nursery(container->host, r < 0 ? NULL : error);
    if (r < 0 || back < 0)
        return r < 0 ? r : back;
    record_timing(container, "namespaces");
    r = container_init_receive_report(init_fd, &container->root_fd, error);
    record_timing(container, "mounts");
    return r;
}

int container_create(struct container_host *host, const Diego__Supervisor__TaskSpec *spec,
                     const char *lower_dir, struct container **ret, struct buffer *missing,
                     struct error *error) {
    struct container *container = calloc(1, sizeof *container);
    if (container == NULL)
        return error_set_no_memory(error);
    *container = (struct container){
        .host = host,
        .spec = spec,
        .cgroup_fd = -1,
        .device_program = -1,
        .init_pidfd = -1,
        .root_fd = -1,
        .null_fd = -1,
        .last_timing_ns = clock_monotonic_ns(),
    };
    _cleanup_(plan_release) struct plan plan = {
        .container = container, .layer_clone = -1, .root_mount = -1, .dev_mount = -1, .sysfs_mount = -1};
    int r = create(&plan, lower_dir, missing, error);
    if (r < 0) {
        container_destroy(container);
        return r;
    }
    *ret = container;
    return 0;
}
