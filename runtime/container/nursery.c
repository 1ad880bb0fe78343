#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

/* proc and sysfs must be fully visible here: the kernel lets a user namespace mount its own only then. */
static const struct {
    const char *path; /* without the leading slash */
    const char *type; /* NULL: just a directory */
} DIRECTORIES[] = {
    {"proc", "proc"},           {"sys", "sysfs"},         {&NURSERY_STATE[1], NULL},
    {&NURSERY_LAYERS[1], NULL}, {&NURSERY_ROOT[1], NULL}, {&NURSERY_EMPTY[1], NULL},
};

static int attach_at(int mount_fd, int dir_fd, const char *name, struct error *error) {
    if (move_mount(mount_fd, "", dir_fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return error_set_errno(error, errno, "cannot attach a mount at /%s of the containers' namespace",
                               name);
    return 0;
}

static int populate(int root_fd, int state_mount, struct error *error) {
    for (size_t i = 0; i < ARRAY_SIZE(DIRECTORIES); i++) {
        if (mkdirat(root_fd, DIRECTORIES[i].path, 0755) < 0)
            return error_set_errno(error, errno, "cannot make /%s of the containers' namespace",
                                   DIRECTORIES[i].path);
        if (DIRECTORIES[i].type == NULL)
            continue;
        _cleanup_close_ int mount = mount_create(DIRECTORIES[i].type, NULL, 0, 0, error);
        int r = mount < 0 ? mount : attach_at(mount, root_fd, DIRECTORIES[i].path, error);
        if (r < 0)
            return r;
    }
    if (mknodat(root_fd, &NURSERY_NULL[1], S_IFCHR | 0666, makedev(1, 3)) < 0)
        return error_set_errno(error, errno, "cannot make a null device (CAP_MKNOD is needed)");
    return attach_at(state_mount, root_fd, &NURSERY_STATE[1], error);
}

/* Puts the tmpfs in the place of everything that was copied from the host. */
static int replace_root(int root_mount, struct error *error) {
    _cleanup_close_ int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    /* A chroot is left first: pivot_root wants the namespace's own root. */
    if (own < 0 || setns(own, CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return error_set_errno(error, errno, "cannot make the containers' mount namespace private");
    if (move_mount(root_mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(root_mount) < 0 ||
        syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return error_set_errno(error, errno, "cannot replace the root of the containers' mount namespace");
    return 0;
}

static int build(int state_mount, int *ret_namespace, int *ret_layers_fd, struct error *error) {
    static const struct mount_option options[] = {{"mode", "0755"}, {"size", "64k"}};
    _cleanup_close_ int root = mount_create("tmpfs", options, ARRAY_SIZE(options), 0, error);
    int r = root < 0 ? root : replace_root(root, error);
    if (r >= 0)
        r = populate(root, state_mount, error);
    if (r < 0)
        return r;
    _cleanup_close_ int layers = path_open_host_directory(NURSERY_LAYERS, error);
    if (layers < 0)
        return layers;
    *ret_namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (*ret_namespace < 0)
        return error_set_errno(error, errno, "cannot open the containers' mount namespace");
    *ret_layers_fd = TAKE_FD(layers);
    return 0;
}

int nursery_create(const char *state_dir, int *ret_namespace, int *ret_layers_fd, struct error *error) {
    _cleanup_close_ int state = path_open_host_directory(state_dir, error);
    if (state < 0)
        return state;
    _cleanup_close_ int state_mount = mount_clone(state, false, error);
    if (state_mount < 0)
        return state_mount;
    /* The mount tree is copied once here, so that no container has to. */
    if (unshare(CLONE_NEWNS) < 0)
        return error_set_errno(error, errno, "cannot make a mount namespace (CAP_SYS_ADMIN is needed)");
    return build(state_mount, ret_namespace, ret_layers_fd, error);
}
