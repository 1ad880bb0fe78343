#include "runtime/image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/sys/path.h"

enum { BLOCK_SIZE = 128 * 1024 };

struct unpacking {
    struct archive *archive;
    int root_fd;
    const struct unpack_limits *limits;
    uint64_t entries;
    uint64_t bytes;
    struct error *error;
};

/* Where an entry goes: a directory that exists, and a name in it. */
struct place {
    int parent_fd;
    char *path; /* owned */
    const char *name;
};

static void place_release(struct place *place) {
    fd_close(place->parent_fd);
    free(place->path);
}

static bool has_dot_dot(const char *path) {
    for (const char *part = path; *part != '\0'; part += strcspn(part, "/"), part += *part == '/')
        if (strcspn(part, "/") == 2 && text_has_prefix(part, ".."))
            return true;
    return false;
}

static const char *skip_root(const char *path) {
    for (;;) {
        if (path[0] == '/')
            path++;
        else if (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
            path++;
        else
            return path;
    }
}

/* *ret->name is "" for the root itself. Links on the way lead to places below the root only. */
static int find_place(struct unpacking *unpacking, const char *entry_path, struct place *ret) {
    if (has_dot_dot(entry_path))
        return error_set(unpacking->error, EINVAL, "entry \"%s\" leads out of the archive", entry_path);
    ret->path = strdup(skip_root(entry_path));
    if (ret->path == NULL)
        return error_set_no_memory(unpacking->error);
    for (size_t length = strlen(ret->path); length > 0 && ret->path[length - 1] == '/';)
        ret->path[--length] = '\0';
    char *slash = strrchr(ret->path, '/');
    ret->name = slash != NULL ? slash + 1 : ret->path;
    if (slash != NULL)
        *slash = '\0';
    ret->parent_fd = path_make_directories(unpacking->root_fd, slash != NULL ? ret->path : ".", 0755, 0, 0,
                                           PATH_FOLLOW_IN_ROOT, unpacking->error);
    return ret->parent_fd;
}

static int fail(struct unpacking *unpacking, const char *path, int code) {
    return error_set_errno(unpacking->error, code, "cannot unpack \"%s\"", path);
}

static int fail_read(struct unpacking *unpacking) {
    const char *reason = archive_error_string(unpacking->archive);
    return error_set(unpacking->error, EBADMSG, "damaged archive: %s",
                     reason != NULL ? reason : "it ends too early");
}

/* --- what entries become --- */

static void set_file_attributes(int fd, struct archive_entry *entry) {
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        /* A file system without them loses them, as cp would. */
        if (strcmp(name, "security.capability") == 0 || text_has_prefix(name, "user."))
            fsetxattr(fd, name, value, size, 0);
    }
}

static int write_data(struct unpacking *unpacking, int fd, const char *path) {
    for (;;) {
        const void *block;
        size_t size;
        la_int64_t offset;
        int got = archive_read_data_block(unpacking->archive, &block, &size, &offset);
        if (got == ARCHIVE_EOF)
            return 0;
        if (got != ARCHIVE_OK)
            return fail_read(unpacking);
        unpacking->bytes += size;
        if (unpacking->bytes > unpacking->limits->bytes)
            return error_set(unpacking->error, EFBIG, "the archive unpacks to more than %" PRIu64 " bytes",
                             unpacking->limits->bytes);
        if (lseek(fd, offset, SEEK_SET) < 0)
            return fail(unpacking, path, errno);
        int r = fd_write_all(fd, block, size);
        if (r < 0)
            return fail(unpacking, path, -r);
    }
}

static int unpack_file(struct unpacking *unpacking, struct archive_entry *entry, const struct place *place) {
    const char *path = archive_entry_pathname(entry);
    unlinkat(place->parent_fd, place->name, 0);
    _cleanup_close_ int fd =
        openat(place->parent_fd, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(unpacking, path, errno);
    int r = write_data(unpacking, fd, path);
    if (r < 0)
        return r;
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry)}};
    if (ftruncate(fd, archive_entry_size(entry)) < 0 ||
        fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0 ||
        fchmod(fd, archive_entry_perm(entry)) < 0 || futimens(fd, times) < 0)
        return fail(unpacking, path, errno);
    set_file_attributes(fd, entry);
    return 0;
}

static int unpack_directory(struct unpacking *unpacking, struct archive_entry *entry,
                            const struct place *place) {
    const char *name = place->name[0] != '\0' ? place->name : ".";
    if (mkdirat(place->parent_fd, name, 0700) < 0 && errno != EEXIST)
        return fail(unpacking, archive_entry_pathname(entry), errno);
    _cleanup_close_ int fd = openat(place->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0 ||
        fchmod(fd, archive_entry_perm(entry)) < 0)
        return fail(unpacking, archive_entry_pathname(entry), errno);
    return 0;
}

static int unpack_symlink(struct unpacking *unpacking, struct archive_entry *entry,
                          const struct place *place) {
    unlinkat(place->parent_fd, place->name, 0);
    if (symlinkat(archive_entry_symlink(entry), place->parent_fd, place->name) < 0 ||
        fchownat(place->parent_fd, place->name, (uid_t)archive_entry_uid(entry),
                 (gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
        return fail(unpacking, archive_entry_pathname(entry), errno);
    return 0;
}

static int unpack_hardlink(struct unpacking *unpacking, struct archive_entry *entry,
                           const struct place *place) {
    _cleanup_(place_release) struct place target = {.parent_fd = -1};
    int r = find_place(unpacking, archive_entry_hardlink(entry), &target);
    if (r < 0)
        return r;
    unlinkat(place->parent_fd, place->name, 0);
    if (linkat(target.parent_fd, target.name, place->parent_fd, place->name, 0) < 0)
        return fail(unpacking, archive_entry_pathname(entry), errno);
    return 0;
}

static int unpack_entry(struct unpacking *unpacking, struct archive_entry *entry) {
    const char *path = archive_entry_pathname(entry);
    if (path == NULL)
        return error_set(unpacking->error, EINVAL, "an entry of the archive has no name");
    _cleanup_(place_release) struct place place = {.parent_fd = -1};
    int r = find_place(unpacking, path, &place);
    if (r < 0)
        return r;
    mode_t type = archive_entry_filetype(entry);
    if (place.name[0] == '\0' && type != AE_IFDIR)
        return error_set(unpacking->error, EINVAL, "entry \"%s\" would replace the root directory", path);
    if (archive_entry_hardlink(entry) != NULL)
        return unpack_hardlink(unpacking, entry, &place);
    switch (type) {
    case AE_IFREG:
        return unpack_file(unpacking, entry, &place);
    case AE_IFDIR:
        return unpack_directory(unpacking, entry, &place);
    case AE_IFLNK:
        return unpack_symlink(unpacking, entry, &place);
    default:
        return 0; /* devices, FIFOs and sockets: nothing that a rootfs brings */
    }
}

static int unpack_all(struct unpacking *unpacking) {
    for (;;) {
        struct archive_entry *entry;
        int got = archive_read_next_header(unpacking->archive, &entry);
        if (got == ARCHIVE_EOF)
            return unpacking->entries > 0
                       ? 0
                       : error_set(unpacking->error, EBADMSG, "the archive is empty, or not a tar archive");
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return fail_read(unpacking);
        if (++unpacking->entries > unpacking->limits->entries)
            return error_set(unpacking->error, EFBIG, "the archive has more than %" PRIu64 " entries",
                             unpacking->limits->entries);
        int r = unpack_entry(unpacking, entry);
        if (r < 0)
            return r;
    }
}

int unpack_tar(int archive_fd, int directory_fd, const struct unpack_limits *limits, const char *what,
               struct error *error) {
    struct unpacking unpacking = {
        .archive = archive_read_new(), .root_fd = directory_fd, .limits = limits, .error = error};
    if (unpacking.archive == NULL)
        return error_set_no_memory(error);
    archive_read_support_format_tar(unpacking.archive);
    archive_read_support_filter_gzip(unpacking.archive);
    archive_read_support_filter_xz(unpacking.archive);
    archive_read_support_filter_zstd(unpacking.archive);
    int r = archive_read_open_fd(unpacking.archive, archive_fd, BLOCK_SIZE) == ARCHIVE_OK
                ? unpack_all(&unpacking)
                : fail_read(&unpacking);
    archive_read_free(unpacking.archive);
    if (r < 0 && error != NULL)
        error_wrap(error, "cannot unpack %s", what);
    return r;
}
