#include "runtime/image/rootfs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/image/unpack.h"
#include "runtime/sys/path.h"

static const struct unpack_limits LIMITS = {.entries = 4000000, .bytes = UINT64_C(64) << 30};

typedef char tree_name[96];

/* A changed archive is another tree. */
static void name_tree(const struct stat *archive, tree_name name) {
    snprintf(name, sizeof(tree_name), "%jx-%jx-%jx-%jx.%lx", (uintmax_t)archive->st_dev,
             (uintmax_t)archive->st_ino, (uintmax_t)archive->st_size, (uintmax_t)archive->st_mtim.tv_sec,
             archive->st_mtim.tv_nsec);
}

static bool is_unpacked(int store_fd, const char *name) {
    return faccessat(store_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Held until the descriptor is closed: one unpacks, the others wait and find the tree. */
static int lock_store(int store_fd, struct error *error) {
    _cleanup_close_ int lock = openat(store_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        return error_set_errno(error, errno, "cannot lock the store of unpacked archives");
    return TAKE_FD(lock);
}

/* The tree gets its name when it is whole. */
static int unpack_into(int store_fd, int archive_fd, const char *source, const char *name,
                       struct error *error) {
    char partial[sizeof(tree_name) + 8];
    snprintf(partial, sizeof partial, "%s.partial", name);
    int r = path_remove_tree(store_fd, partial, error); /* of one that was interrupted */
    if (r < 0)
        return r;
    if (mkdirat(store_fd, partial, 0755) < 0)
        return error_set_errno(error, errno, "cannot make a directory to unpack %s into", source);
    _cleanup_close_ int tree = openat(store_fd, partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree < 0)
        return error_set_errno(error, errno, "cannot open the directory to unpack %s into", source);
    r = unpack_tar(archive_fd, tree, &LIMITS, source, error);
    if (r >= 0 && renameat(store_fd, partial, store_fd, name) < 0)
        r = error_set_errno(error, errno, "cannot finish unpacking %s", source);
    if (r < 0)
        path_remove_tree(store_fd, partial, NULL);
    return r;
}

static int unpack_once(const char *store_dir, int archive_fd, const char *source, const char *name,
                       struct error *error) {
    _cleanup_close_ int root = path_open_host_directory("/", error);
    _cleanup_close_ int store = root < 0 ? root
                                         : path_make_directories(root, store_dir, 0700, (uid_t)-1, (gid_t)-1,
                                                                 PATH_FOLLOW_IN_ROOT, error);
    if (store < 0)
        return store;
    if (is_unpacked(store, name))
        return 0;
    _cleanup_close_ int lock = lock_store(store, error);
    if (lock < 0 || is_unpacked(store, name))
        return MIN_OF(lock, 0);
    mode_t mask = umask(0);
    int r = unpack_into(store, archive_fd, source, name, error);
    umask(mask);
    return r;
}

int rootfs_resolve(const Diego__Supervisor__Rootfs *rootfs, char **ret_lower_dir, struct error *error) {
    _cleanup_close_ int source = open(rootfs->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (source < 0 || fstat(source, &status) < 0)
        return error_set_errno(error, errno, "rootfs %s: cannot open %s", rootfs->label, rootfs->source);
    char *lower_dir = NULL;
    if (S_ISDIR(status.st_mode)) {
        lower_dir = strdup(rootfs->source);
    } else if (S_ISREG(status.st_mode)) {
        tree_name name;
        name_tree(&status, name);
        int r = unpack_once(rootfs->store_dir, source, rootfs->source, name, error);
        if (r < 0)
            return error != NULL ? error_wrap(error, "rootfs %s", rootfs->label) : r;
        if (asprintf(&lower_dir, "%s/%s", rootfs->store_dir, name) < 0)
            lower_dir = NULL;
    } else {
        return error_set(error, EINVAL, "rootfs %s: %s is neither a directory nor an archive", rootfs->label,
                         rootfs->source);
    }
    if (lower_dir == NULL)
        return error_set_no_memory(error);
    *ret_lower_dir = lower_dir;
    return 0;
}
