#include "runtime/sys/mount.h"

#include <fcntl.h>

#include "runtime/base/fd.h"

/* What the file system had to say, as the kernel queues it on the context: lines of "e message". */
static void read_reason(int context_fd, char *text, size_t size) {
    ssize_t got = read(context_fd, text, size - 1);
    text[MAX_OF(got, 0)] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static int fail_create(int context_fd, const char *type, int code, struct error *error) {
    char reason[256];
    read_reason(context_fd, reason, sizeof reason);
    if (reason[0] == '\0')
        return error_set_errno(error, code, "cannot make a %s mount", type);
    const char *message = reason[1] == ' ' ? reason + 2 : reason;
    return error_set_errno(error, code, "cannot make a %s mount (%s)", type, message);
}

int mount_create(const char *type, const struct mount_option *options, size_t count, uint64_t attributes,
                 struct error *error) {
    _cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
    if (context < 0)
        return error_set_errno(error, errno, "this kernel has no file system %s", type);
    for (size_t i = 0; i < count; i++) {
        bool is_flag = options[i].value == NULL;
        if (fsconfig(context, is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, options[i].name,
                     options[i].value, 0) < 0)
            return fail_create(context, type, errno, error);
    }
    /* What mountinfo shows as the source; "none" otherwise. */
    if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail_create(context, type, errno, error);
    int fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    return fd < 0 ? fail_create(context, type, errno, error) : fd;
}

int mount_clone(int fd, bool recursive, struct error *error) {
    unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
    int tree = open_tree(fd, "", flags);
    return tree < 0 ? error_set_errno(error, errno, "cannot clone the mount") : tree;
}

static int set_attributes(int mount_fd, bool recursive, struct mount_attr *attributes) {
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return mount_setattr(mount_fd, "", flags, attributes, sizeof *attributes) < 0 ? -errno : 0;
}

int mount_set_attributes(int mount_fd, uint64_t attributes, bool recursive) {
    return set_attributes(mount_fd, recursive, &(struct mount_attr){.attr_set = attributes});
}

int mount_set_idmap(int mount_fd, int user_namespace_fd) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace_fd};
    return set_attributes(mount_fd, false, &attributes);
}

int mount_set_propagation(int mount_fd, uint64_t propagation) {
    return set_attributes(mount_fd, true, &(struct mount_attr){.propagation = propagation});
}

int mount_attach(int mount_fd, int target_fd) {
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return move_mount(mount_fd, "", target_fd, "", flags) < 0 ? -errno : 0;
}

/* mount(2) knows only paths; this one is the very file that the descriptor stands for. */
typedef char descriptor_path[32];

static const char *format_path(descriptor_path path, int fd) {
    snprintf(path, sizeof(descriptor_path), "/proc/self/fd/%d", fd);
    return path;
}

int mount_bind_path(const char *source, int target_fd) {
    descriptor_path target;
    return mount(source, format_path(target, target_fd), NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int mount_file_system(const char *type, int target_fd, unsigned long flags, const char *options) {
    descriptor_path target;
    return mount(type, format_path(target, target_fd), type, flags, options) < 0 ? -errno : 0;
}
