#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/container/internal.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

static int open_source(const Diego__Supervisor__Mount *mount, struct error *error) {
    if (mount->source_root[0] == '\0') {
        int fd = open(mount->source, O_PATH | O_CLOEXEC);
        return fd < 0 ? error_set_errno(error, errno, "cannot open %s", mount->source) : fd;
    }
    if (!text_has_prefix(mount->source, mount->source_root))
        return error_set(error, EINVAL, "%s is not below %s", mount->source, mount->source_root);
    _cleanup_close_ int root = path_open_host_directory(mount->source_root, error);
    if (root < 0)
        return root;
    return path_open(root, mount->source + strlen(mount->source_root), O_PATH, 0, PATH_NO_LINKS, error);
}

/* --- file systems without idmapped mounts: what host root owns is given to the container's root --- */

enum { OWNERSHIP_DEPTH = 32 };

static int give_tree(int directory, uint32_t root_id, int depth);

static int give_entry(int directory, const char *name, uint32_t root_id, int depth) {
    struct stat status;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    uid_t uid = status.st_uid == 0 ? root_id : (uid_t)-1;
    gid_t gid = status.st_gid == 0 ? root_id : (gid_t)-1;
    if (fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(status.st_mode) || depth == OWNERSHIP_DEPTH)
        return 0;
    int child = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return child < 0 ? -errno : give_tree(child, root_id, depth + 1);
}

/* Takes over the descriptor. */
static int give_tree(int directory, uint32_t root_id, int depth) {
    DIR *stream = fdopendir(directory);
    if (stream == NULL) {
        int r = -errno;
        fd_close(directory);
        return r;
    }
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = give_entry(directory, entry->d_name, root_id, depth);
    }
    closedir(stream);
    return r;
}

/* tmpfs learnt idmapped mounts in 6.3, and Nomad's secrets directory is one. */
static int map_ids(const struct plan *plan, int clone, struct error *error) {
    const struct container_host *host = plan->container->host;
    int r = mount_set_idmap(clone, host->user_namespace);
    struct statfs file_system;
    if (r != -EINVAL || fstatfs(clone, &file_system) < 0 || file_system.f_type != TMPFS_MAGIC)
        return r < 0 ? error_set_errno(error, -r,
                                       "its file system cannot map user ids; use ext4, xfs or btrfs, or set "
                                       "isolation { user_namespace = \"host\" }")
                     : 0;
    if (fchownat(clone, "", host->first_id, host->first_id, AT_EMPTY_PATH) < 0)
        return error_set_errno(error, errno, "cannot give it to the container");
    int directory = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = directory < 0 ? -errno : give_tree(directory, host->first_id, 0);
    return r < 0 ? error_set_errno(error, -r, "cannot give what is in it to the container") : 0;
}

/* --- one mount --- */

static const struct {
    const char *name;
    uint64_t flag;
} PROPAGATIONS[] = {
    {"", MS_PRIVATE}, {"private", MS_PRIVATE}, {"host-to-task", MS_SLAVE}, {"bidirectional", MS_SHARED}};

static int set_propagation(const struct plan *plan, int clone, const char *propagation, struct error *error) {
    for (size_t i = 0; i < ARRAY_SIZE(PROPAGATIONS); i++) {
        if (strcmp(PROPAGATIONS[i].name, propagation) != 0)
            continue;
        if (PROPAGATIONS[i].flag == MS_SHARED && container_has_user_namespace(plan->container))
            return error_set(error, EINVAL,
                             "propagation \"bidirectional\" needs isolation { user_namespace = \"host\" }");
        int r = mount_set_propagation(clone, PROPAGATIONS[i].flag);
        return r < 0 ? error_set_errno(error, -r, "cannot set propagation \"%s\"", propagation) : 0;
    }
    return error_set(error, EINVAL, "unknown propagation \"%s\": use private, host-to-task or bidirectional",
                     propagation);
}

static int open_bind(const struct plan *plan, struct plan_mount *ret, struct error *error) {
    const Diego__Supervisor__Mount *mount = ret->mount;
    _cleanup_close_ int source = open_source(mount, error);
    struct stat status;
    if (source < 0)
        return source;
    if (fstat(source, &status) < 0)
        return error_set_errno(error, errno, "cannot look at %s", mount->source);
    bool maps_ids = mount->idmap && container_has_user_namespace(plan->container);
    _cleanup_close_ int clone = mount_clone(source, !maps_ids, error);
    if (clone < 0)
        return clone;
    int r = maps_ids ? map_ids(plan, clone, error) : 0;
    if (r < 0)
        return r;
    uint64_t attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | (mount->readonly ? MOUNT_ATTR_RDONLY : 0);
    if (plan->container->spec->security->privileged)
        attributes &= MOUNT_ATTR_RDONLY;
    r = mount_set_attributes(clone, attributes, true);
    if (r < 0)
        return error_set_errno(error, -r, "cannot make the mount read-only, nosuid and nodev");
    r = set_propagation(plan, clone, mount->propagation, error);
    if (r < 0)
        return r;
    ret->fd = TAKE_FD(clone);
    ret->is_directory = S_ISDIR(status.st_mode);
    return 0;
}

int plan_open_mounts(struct plan *plan, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = plan->container->spec;
    plan->mounts = calloc(MAX_OF(spec->n_mounts, (size_t)1), sizeof *plan->mounts);
    if (plan->mounts == NULL)
        return error_set_no_memory(error);
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const Diego__Supervisor__Mount *mount = spec->mounts[i];
        struct plan_mount *next = &plan->mounts[plan->mount_count++];
        *next = (struct plan_mount){.mount = mount, .fd = -1, .is_directory = true};
        if (mount->type == DIEGO__SUPERVISOR__MOUNT__TYPE__BIND && open_bind(plan, next, error) < 0)
            return error_wrap(error, "cannot mount %s at %s", mount->source, mount->target);
    }
    return 0;
}
