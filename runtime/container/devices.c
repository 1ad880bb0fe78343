#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/container/internal.h"
#include "runtime/sys/device_program.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

/* The nodes are made from outside, since a user namespace may not. */
static const struct {
    const char *name;
    unsigned major;
    unsigned minor;
} NODES[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
             {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const struct {
    const char *name;
    const char *target;
} LINKS[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},         {"core", "/proc/kcore"},
};

static const char *const DIRECTORIES[] = {"pts", "shm", "mqueue"};

static int make_node(int dir_fd, const char *name, mode_t mode, dev_t device, uid_t owner) {
    if (mknodat(dir_fd, name, mode, device) < 0 ||
        fchownat(dir_fd, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

static int populate(int dev_fd, uid_t owner) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(NODES); i++)
        r = make_node(dev_fd, NODES[i].name, S_IFCHR | 0666, makedev(NODES[i].major, NODES[i].minor), owner);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(LINKS); i++)
        r = symlinkat(LINKS[i].target, dev_fd, LINKS[i].name) < 0 ? -errno : 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(DIRECTORIES); i++)
        r = mkdirat(dev_fd, DIRECTORIES[i], 0755) < 0 ? -errno : 0;
    return r;
}

/* --- devices of the job --- */

static int look_at(const Diego__Supervisor__Device *device, struct stat *ret, struct error *error) {
    if (stat(device->host_path, ret) < 0)
        return error_set_errno(error, errno, "cannot find device %s", device->host_path);
    if (!S_ISCHR(ret->st_mode) && !S_ISBLK(ret->st_mode))
        return error_set(error, EINVAL, "%s is not a device", device->host_path);
    return 0;
}

static int make_job_device(int dev_fd, const Diego__Supervisor__Device *device, uid_t owner,
                           struct error *error) {
    struct stat status;
    int r = look_at(device, &status, error);
    if (r < 0)
        return r;
    if (!text_has_prefix(device->container_path, "/dev/"))
        return error_set(error, EINVAL, "container_path of device %s must be below /dev, got \"%s\"",
                         device->host_path, device->container_path);
    const char *name = device->container_path + strlen("/dev/");
    const char *slash = strrchr(name, '/');
    _cleanup_free_ char *parent_path = slash != NULL ? strndup(name, (size_t)(slash - name)) : strdup(".");
    if (parent_path == NULL)
        return error_set_no_memory(error);
    _cleanup_close_ int parent =
        path_make_directories(dev_fd, parent_path, 0755, owner, owner, PATH_NO_LINKS, error);
    if (parent < 0)
        return parent;
    const char *base = slash != NULL ? slash + 1 : name;
    unlinkat(parent, base, 0); /* a job may replace a standard node */
    r = make_node(parent, base, status.st_mode, status.st_rdev, owner);
    return r < 0 ? error_set_errno(error, -r, "cannot make device %s", device->container_path) : 0;
}

static int make_all(const struct plan *plan, int dev_fd, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = plan->container->spec;
    uid_t owner = container_host_id(plan->container, 0);
    mode_t mask = umask(0);
    int r = populate(dev_fd, owner);
    if (r < 0)
        error_set_errno(error, -r, "cannot fill /dev of the container");
    for (size_t i = 0; r >= 0 && i < spec->n_devices; i++)
        r = make_job_device(dev_fd, spec->devices[i], owner, error);
    umask(mask);
    return r;
}

int plan_make_dev(struct plan *plan, struct error *error) {
    char owner[16];
    snprintf(owner, sizeof owner, "%u", container_host_id(plan->container, 0));
    const struct mount_option options[] = {{"mode", "0755"}, {"size", "64k"}, {"uid", owner}, {"gid", owner}};
    plan->dev_mount = mount_create("tmpfs", options, ARRAY_SIZE(options), MOUNT_ATTR_NOSUID, error);
    int r = plan->dev_mount < 0 ? plan->dev_mount : make_all(plan, plan->dev_mount, error);
    if (r < 0)
        return r;
    plan->container->null_fd = openat(plan->dev_mount, "null", O_RDWR | O_CLOEXEC);
    return plan->container->null_fd < 0
               ? error_set_errno(error, errno, "cannot open /dev/null of the container")
               : 0;
}

/* --- the allow-list --- */

static int load_own_program(struct container *container, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = container->spec;
    _cleanup_free_ struct device_rule *rules = calloc(spec->n_devices + 1, sizeof *rules);
    if (rules == NULL)
        return error_set_no_memory(error);
    size_t count = 0;
    for (size_t i = 0; i < spec->n_devices; i++) {
        struct stat status;
        int r = look_at(spec->devices[i], &status, error);
        if (r >= 0)
            r = device_access_parse(spec->devices[i]->permissions, &rules[count].access, error);
        if (r < 0)
            return r;
        rules[count].type = S_ISBLK(status.st_mode) ? 'b' : 'c';
        rules[count].major = major(status.st_rdev);
        rules[count++].minor = minor(status.st_rdev);
    }
    if (spec->security->privileged)
        rules[count++] = (struct device_rule){.type = 'a',
                                              .major = DEVICE_ANY,
                                              .minor = DEVICE_ANY,
                                              .access = DEVICE_READ | DEVICE_WRITE | DEVICE_MKNOD};
    int r = device_program_load(rules, count, &container->device_program, error);
    container->owns_device_program = r >= 0;
    return r;
}

/* Without the program only the lack of nodes keeps a task from devices, and only a user namespace ensures
 * that. */
static int go_without(const struct container *container, struct buffer *missing, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = container->spec;
    if (!container_has_user_namespace(container) && !spec->security->privileged)
        return error_set(
            error, ENOTSUP,
            "user_namespace = \"host\" needs a cgroup v2 with device programs (BPF), which this host "
            "lacks; leave it at \"auto\"");
    buffer_append_string(missing, missing->size > 0 ? ",devices" : "devices");
    return 0;
}

int container_attach_devices(struct container *container, struct buffer *missing, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = container->spec;
    container->device_program = -1;
    if (container->cgroup_fd < 0 || container->host->device_program < 0)
        return go_without(container, missing, error);
    int r = device_program_detach_all(container->cgroup_fd, error);
    if (r < 0)
        return r;
    container->device_program = container->host->device_program;
    if (spec->n_devices > 0 || spec->security->privileged)
        r = load_own_program(container, error);
    return r < 0 ? r : device_program_attach(container->device_program, container->cgroup_fd, error);
}
