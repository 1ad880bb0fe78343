#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/container/internal.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

/* Which directory this is. The birth time tells it from a later one that got the same inode number. */
static int name_layer(struct plan *plan, int lower_fd, struct statx *ret, struct error *error) {
    if (statx(lower_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MODE | STATX_BTIME, ret) < 0)
        return error_set_errno(error, errno, "cannot look at the rootfs");
    snprintf(plan->layer_name, sizeof plan->layer_name, "%x.%x-%" PRIx64 "-%" PRIx64 ".%" PRIx32 "-%s",
             ret->stx_dev_major, ret->stx_dev_minor, (uint64_t)ret->stx_ino, (uint64_t)ret->stx_btime.tv_sec,
             ret->stx_btime.tv_nsec, container_has_user_namespace(plan->container) ? "map" : "host");
    return 0;
}

static bool is_attached(const struct container_host *host, const char *name, const struct statx *lower) {
    struct statx found;
    return statx(host->layers_fd, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &found) == 0 &&
           found.stx_ino == lower->stx_ino && found.stx_dev_major == lower->stx_dev_major &&
           found.stx_dev_minor == lower->stx_dev_minor;
}

static int clone_layer(struct plan *plan, int lower_fd, const char *lower_dir, struct error *error) {
    _cleanup_close_ int clone = mount_clone(lower_fd, false, error);
    if (clone < 0)
        return clone;
    if (container_has_user_namespace(plan->container)) {
        int r = mount_set_idmap(clone, plan->container->host->user_namespace);
        if (r < 0)
            return error_set_errno(
                error, -r,
                "the file system of rootfs %s cannot map user ids; put the rootfs on ext4, xfs "
                "or btrfs, or set isolation { user_namespace = \"host\" }",
                lower_dir);
    }
    plan->layer_clone = TAKE_FD(clone);
    return 0;
}

/* The writable layer's two directories, empty. The upper one becomes the container's root directory. */
static int make_upper(const struct plan *plan, mode_t mode, struct error *error) {
    const struct container *container = plan->container;
    _cleanup_close_ int state = path_open_host_directory(container->host->state_dir, error);
    if (state < 0)
        return state;
    const char *below = container->spec->layer_dir + strlen(container->host->state_dir);
    _cleanup_close_ int directory =
        path_make_directories(state, below, 0700, (uid_t)-1, (gid_t)-1, PATH_NO_LINKS, error);
    if (directory < 0)
        return error_wrap(error, "cannot make the writable layer %s", container->spec->layer_dir);
    static const char *const names[] = {"upper", "work"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int r = 0;
        if (mkdirat(directory, names[i], 0700) == 0)
            continue;
        if (errno != EEXIST || (r = path_remove_tree(directory, names[i], error)) < 0 ||
            mkdirat(directory, names[i], 0700) < 0)
            return r < 0 ? r
                         : error_set_errno(error, errno, "cannot make %s/%s", container->spec->layer_dir,
                                           names[i]);
    }
    uid_t root = container_host_id(container, 0);
    if (fchownat(directory, names[0], root, root, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(directory, names[0], mode & 07777, 0) < 0)
        return error_set_errno(error, errno, "cannot give %s/upper to the container",
                               container->spec->layer_dir);
    return 0;
}

int plan_open_layer(struct plan *plan, const char *lower_dir, struct error *error) {
    if (!text_has_prefix(plan->container->spec->layer_dir, plan->container->host->state_dir))
        return error_set(error, EINVAL, "the writable layer %s is not below %s",
                         plan->container->spec->layer_dir, plan->container->host->state_dir);
    _cleanup_close_ int lower = path_open_host_directory(lower_dir, error);
    if (lower < 0)
        return error_wrap(error, "rootfs %s", plan->container->spec->rootfs->label);
    struct statx status;
    int r = name_layer(plan, lower, &status, error);
    if (r >= 0 && !is_attached(plan->container->host, plan->layer_name, &status))
        r = clone_layer(plan, lower, lower_dir, error);
    return r < 0 ? r : make_upper(plan, status.stx_mode, error);
}

/* Two supervisors that come first at the same time attach a clone each, one upon the other: no harm. */
static int attach_layer(const struct plan *plan, struct error *error) {
    int layers = plan->container->host->layers_fd;
    if (mkdirat(layers, plan->layer_name, 0700) < 0 && errno != EEXIST)
        return error_set_errno(error, errno, "cannot make a place for the rootfs");
    if (move_mount(plan->layer_clone, "", layers, plan->layer_name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return error_set_errno(error, errno, "cannot attach the rootfs");
    return 0;
}

int plan_make_overlay(struct plan *plan, struct error *error) {
    const struct container *container = plan->container;
    int r = plan->layer_clone >= 0 ? attach_layer(plan, error) : 0;
    if (r < 0)
        return r;
    const char *below = container->spec->layer_dir + strlen(container->host->state_dir);
    _cleanup_free_ char *lower = NULL, *upper = NULL, *work = NULL;
    if (asprintf(&lower, NURSERY_LAYERS "/%s", plan->layer_name) < 0 ||
        asprintf(&upper, NURSERY_STATE "%s/upper", below) < 0 ||
        asprintf(&work, NURSERY_STATE "%s/work", below) < 0)
        return error_set_no_memory(error);
    /* The layer is thrown away after a crash of the host, so nothing needs to be synchronised for it. */
    const struct mount_option options[] = {
        {"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}, {"volatile", NULL}};
    plan->root_mount = mount_create("overlay", options, ARRAY_SIZE(options), 0, error);
    return plan->root_mount < 0 ? error_wrap(error, "rootfs %s", container->spec->rootfs->label) : 0;
}
