#include <fcntl.h>
#include <sched.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/device_program.h"
#include "runtime/sys/path.h"
#include "runtime/sys/user_namespace.h"

int container_host_enter_nursery(const struct container_host *host, struct error *error) {
    if (setns(host->nursery_namespace, CLONE_NEWNS) < 0)
        return error_set_errno(error, errno, "cannot enter the containers' mount namespace");
    return 0;
}

int container_host_leave_nursery(const struct container_host *host, struct error *error) {
    if (setns(host->host_namespace, CLONE_NEWNS) < 0 || fchdir(host->host_root) < 0 || chroot(".") < 0)
        return error_set_errno(error, errno, "cannot return to the host's mount namespace");
    return 0;
}

/* Ours alone: below it are the writable layers of all tasks. */
static int make_directory(const char *path, struct error *error) {
    _cleanup_close_ int root = path_open_host_directory("/", error);
    if (root < 0)
        return root;
    _cleanup_close_ int fd =
        path_make_directories(root, path, 0700, (uid_t)-1, (gid_t)-1, PATH_FOLLOW_IN_ROOT, error);
    return fd < 0 ? error_wrap(error, "cannot use directory %s", path) : 0;
}

static int open_host(struct container_host *host, struct error *error) {
    host->host_namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (host->host_namespace < 0)
        return error_set_errno(error, errno, "cannot open the host's mount namespace");
    host->host_root = path_open_host_directory("/", error);
    return host->host_root;
}

static int make_nursery(struct container_host *host, struct error *error) {
    int r = nursery_create(host->state_dir, &host->nursery_namespace, &host->layers_fd, error);
    int back = container_host_leave_nursery(host, r < 0 ? NULL : error);
    return r < 0 ? r : back;
}

/* A kernel without device programs still runs tasks: each says so in a notice. */
static int load_device_program(struct container_host *host, struct error *error) {
    int r = device_program_load(NULL, 0, &host->device_program, error);
    if (r != -ENOTSUP)
        return r;
    if (error != NULL)
        error_clear(error);
    return 0;
}

int container_host_create(const Diego__Supervisor__Prepare *config, struct container_host **ret,
                          struct error *error) {
    struct container_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        return error_set_no_memory(error);
    *host = (struct container_host){
        .host_namespace = -1,
        .host_root = -1,
        .nursery_namespace = -1,
        .layers_fd = -1,
        .user_namespace = -1,
        .device_program = -1,
        .first_id = config->first_id,
        .id_count = config->id_count,
        .state_dir = strdup(config->state_dir),
    };
    int r = host->state_dir == NULL ? error_set_no_memory(error) : make_directory(config->state_dir, error);
    if (r >= 0)
        r = make_directory(config->run_dir, error);
    if (r >= 0)
        r = open_host(host, error);
    if (r >= 0)
        r = user_namespace_create(config->first_id, config->id_count, &host->user_namespace, error);
    if (r >= 0)
        r = make_nursery(host, error);
    if (r >= 0)
        r = seccomp_filter_compile_default(capability_default_set, &host->seccomp, error);
    if (r >= 0)
        r = load_device_program(host, error);
    if (r < 0) {
        container_host_destroy(host);
        return r;
    }
    *ret = host;
    return 0;
}

void container_host_destroy(struct container_host *host) {
    if (host == NULL)
        return;
    fd_close(host->host_namespace);
    fd_close(host->host_root);
    fd_close(host->nursery_namespace);
    fd_close(host->layers_fd);
    fd_close(host->user_namespace);
    fd_close(host->device_program);
    seccomp_filter_destroy(host->seccomp);
    free(host->state_dir);
    free(host);
}
