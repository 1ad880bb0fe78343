#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

enum { DEFAULT_SHM_MB = 64 };

/* Everything below is made by the container's own root. Links are refused on the way to a standard mount,
 * since the rootfs is hostile. */
static int open_standard_target(int root_fd, const char *path, struct error *error) {
    return path_make_directories(root_fd, path, 0755, 0, 0, PATH_NO_LINKS, error);
}

#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct {
    const char *target;
    const char *type;
    unsigned long flags;
    const char *options; /* NULL: those of /dev/shm */
} FILE_SYSTEMS[] = {
    {"dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"dev/shm", "tmpfs", PLAIN, NULL},
    {"dev/mqueue", "mqueue", PLAIN, ""},
    {"sys/fs/cgroup", "cgroup2", PLAIN | MS_RDONLY, ""},
};

static int mount_new(const struct plan *plan, int root_fd, const char *target, const char *type,
                     unsigned long flags, const char *options, struct error *error) {
    const Diego__Supervisor__Security *security = plan->container->spec->security;
    char shm[48];
    if (options == NULL) {
        uint64_t size_mb = security->shm_size_mb > 0 ? security->shm_size_mb : DEFAULT_SHM_MB;
        snprintf(shm, sizeof shm, "mode=1777,size=%jum", (uintmax_t)size_mb);
        options = shm;
    }
    if (security->privileged)
        flags &= ~(unsigned long)MS_RDONLY;
    _cleanup_close_ int fd = open_standard_target(root_fd, target, error);
    if (fd < 0)
        return fd;
    int r = mount_file_system(type, fd, flags, options);
    return r < 0 ? error_set_errno(error, -r, "cannot mount %s at /%s", type, target) : 0;
}

static int attach_standard(int mount_fd, int root_fd, const char *target, struct error *error) {
    _cleanup_close_ int fd = open_standard_target(root_fd, target, error);
    int r = fd < 0 ? fd : mount_attach(mount_fd, fd);
    return fd >= 0 && r < 0 ? error_set_errno(error, -r, "cannot attach /%s", target) : r;
}

static int mount_standard(const struct plan *plan, int root_fd, struct error *error) {
    int r = mount_new(plan, root_fd, "proc", "proc", PLAIN, "", error);
    if (r >= 0)
        r = attach_standard(plan->dev_mount, root_fd, "dev", error);
    if (r >= 0)
        r = attach_standard(plan->sysfs_mount, root_fd, "sys", error);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(FILE_SYSTEMS); i++)
        r = mount_new(plan, root_fd, FILE_SYSTEMS[i].target, FILE_SYSTEMS[i].type, FILE_SYSTEMS[i].flags,
                      FILE_SYSTEMS[i].options, error);
    return r;
}

/* --- what a container must not see or change of the kernel: Docker's and runc's lists --- */

static const char *const MASKED[] = {
    "proc/acpi",       "proc/asound",        "proc/interrupts",  "proc/kcore",
    "proc/keys",       "proc/latency_stats", "proc/sched_debug", "proc/scsi",
    "proc/timer_list", "proc/timer_stats",   "sys/firmware",     "sys/devices/virtual/powercap",
};

static const char *const READ_ONLY[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};

/* -1 where this kernel has no such file. */
static int open_kernel_path(int root_fd, const char *path) {
    return path_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, PATH_NO_LINKS, NULL);
}

static int mask(int root_fd, const char *path, struct error *error) {
    _cleanup_close_ int fd = open_kernel_path(root_fd, path);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return 0;
    int r = mount_bind_path(S_ISDIR(status.st_mode) ? NURSERY_EMPTY : NURSERY_NULL, fd);
    return r < 0 ? error_set_errno(error, -r, "cannot mask /%s", path) : 0;
}

static int make_read_only(int root_fd, const char *path, struct error *error) {
    _cleanup_close_ int fd = open_kernel_path(root_fd, path);
    if (fd < 0)
        return 0;
    _cleanup_close_ int clone = mount_clone(fd, true, error);
    int r = clone < 0 ? clone : mount_set_attributes(clone, MOUNT_ATTR_RDONLY, true);
    if (r >= 0)
        r = mount_attach(clone, fd);
    return r < 0 ? error_set_errno(error, -r, "cannot make /%s read-only", path) : 0;
}

static int hide_kernel(int root_fd, struct error *error) {
    int r = 0;
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(MASKED); i++)
        r = mask(root_fd, MASKED[i], error);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(READ_ONLY); i++)
        r = make_read_only(root_fd, READ_ONLY[i], error);
    return r;
}

/* --- files in /etc --- */

static const char *const FILE_NAMES[PLAN_FILES] = {
    [PLAN_HOSTS] = "hosts", [PLAN_HOSTNAME] = "hostname", [PLAN_RESOLV_CONF] = "resolv.conf"};

/* A new file in the place of whatever the rootfs has there: a link of it is replaced, never written through.
 */
static int write_file(int etc_fd, const char *name, const struct buffer *contents) {
    unlinkat(etc_fd, name, 0);
    _cleanup_close_ int fd = openat(etc_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd_write_all(fd, contents->data, contents->size);
}

static int write_files(const struct plan *plan, int root_fd, struct error *error) {
    _cleanup_close_ int etc = path_make_directories(root_fd, "etc", 0755, 0, 0, PATH_FOLLOW_IN_ROOT, error);
    if (etc < 0)
        return etc;
    for (size_t i = 0; i < PLAN_FILES; i++) {
        int r = write_file(etc, FILE_NAMES[i], &plan->files[i]);
        if (r < 0)
            return error_set_errno(error, -r, "cannot write /etc/%s", FILE_NAMES[i]);
    }
    return 0;
}

/* --- the task's own mounts --- */

static int open_file_target(int root_fd, const char *target, struct error *error) {
    int fd = path_open(root_fd, target, O_PATH, 0, PATH_FOLLOW_IN_ROOT, NULL);
    if (fd >= 0)
        return fd;
    const char *slash = strrchr(target, '/');
    _cleanup_free_ char *parent_path = strndup(target, slash != NULL ? (size_t)(slash - target) : 0);
    if (parent_path == NULL)
        return error_set_no_memory(error);
    _cleanup_close_ int parent =
        path_make_directories(root_fd, parent_path, 0755, 0, 0, PATH_FOLLOW_IN_ROOT, error);
    if (parent < 0)
        return parent;
    return path_open(parent, slash != NULL ? slash + 1 : target, O_RDONLY | O_CREAT | O_NOFOLLOW, 0644,
                     PATH_NO_LINKS, error);
}

/* A mount over a part of /proc or /sys could undo what hides the kernel. */
static int refuse_kernel_target(int target_fd, struct error *error) {
    struct statfs file_system;
    if (fstatfs(target_fd, &file_system) < 0)
        return error_set_errno(error, errno, "cannot look at the target");
    if (file_system.f_type == PROC_SUPER_MAGIC || file_system.f_type == SYSFS_MAGIC)
        return error_set(error, EINVAL, "the target leads into /proc or /sys; choose another");
    return 0;
}

static int make_tmpfs(const Diego__Supervisor__Mount *mount, struct error *error) {
    char size[32];
    snprintf(size, sizeof size, "%jum", (uintmax_t)mount->size_mb);
    const struct mount_option options[] = {{"mode", "1777"}, {"size", size}};
    uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (mount->readonly ? MOUNT_ATTR_RDONLY : 0);
    return mount_create("tmpfs", options, mount->size_mb > 0 ? 2 : 1, attributes, error);
}

static int attach_mount(const struct plan_mount *planned, int root_fd, struct error *error) {
    const char *path = planned->mount->target;
    _cleanup_close_ int target =
        planned->is_directory ? path_make_directories(root_fd, path, 0755, 0, 0, PATH_FOLLOW_IN_ROOT, error)
                              : open_file_target(root_fd, path, error);
    int r = target < 0 ? target : refuse_kernel_target(target, error);
    if (r < 0)
        return r;
    _cleanup_close_ int made = planned->fd < 0 ? make_tmpfs(planned->mount, error) : -1;
    if (planned->fd < 0 && made < 0)
        return made;
    r = mount_attach(planned->fd >= 0 ? planned->fd : made, target);
    return r < 0 ? error_set_errno(error, -r, "cannot attach the mount") : 0;
}

static int write_sysctls(const struct plan *plan, int root_fd, struct error *error) {
    if (plan->container->spec->security->n_sysctls == 0)
        return 0;
    _cleanup_close_ int proc = path_open(root_fd, "proc", O_PATH | O_DIRECTORY, 0, PATH_NO_LINKS, error);
    return proc < 0 ? proc : container_write_sysctls(plan->container->spec, SYSCTL_CONTAINER, proc, error);
}

int container_mount_all(const struct plan *plan, int root_fd, struct error *error) {
    int r = mount_standard(plan, root_fd, error);
    if (r < 0)
        return error_wrap(error, "rootfs %s", plan->container->spec->rootfs->label);
    r = write_files(plan, root_fd, error);
    for (size_t i = 0; r >= 0 && i < plan->mount_count; i++) {
        r = attach_mount(&plan->mounts[i], root_fd, error);
        if (r < 0)
            error_wrap(error, "cannot mount at %s", plan->mounts[i].mount->target);
    }
    if (r >= 0)
        r = write_sysctls(plan, root_fd, error); /* hide_kernel makes them read-only */
    if (r >= 0 && !plan->container->spec->security->privileged)
        r = hide_kernel(root_fd, error);
    return r;
}
