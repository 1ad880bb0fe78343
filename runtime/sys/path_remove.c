/* path_remove_tree: a walk whose depth costs memory, not stack, descriptors or path length. */
#include "runtime/sys/path.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/base/fd.h"

/* How many of the deepest directories stay open. One that was closed is opened again through `..` of its
 * child and read from its start, which must stay rare in wide trees. */
enum { OPEN_LEVELS = 32 };

struct level {
    char *name;   /* owned; in the directory above */
    DIR *entries; /* owned; NULL while closed */
    dev_t device;
    ino_t inode;
};

struct walk {
    struct level *levels; /* outermost first */
    size_t depth;
    size_t capacity;
};

static void walk_pop(struct walk *walk) {
    struct level *level = &walk->levels[--walk->depth];
    if (level->entries != NULL)
        closedir(level->entries);
    free(level->name);
}

static void walk_release(struct walk *walk) {
    while (walk->depth > 0)
        walk_pop(walk);
    free(walk->levels);
}

static struct level *walk_top(struct walk *walk) {
    return &walk->levels[walk->depth - 1];
}

/* Opens a directory on the same mount, never through a link. Sets errno. */
static DIR *open_directory(int dir_fd, const char *name, struct stat *ret_status) {
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    _cleanup_close_ int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
    if (fd < 0 || fstat(fd, ret_status) < 0)
        return NULL;
    DIR *entries = fdopendir(fd);
    if (entries != NULL)
        TAKE_FD(fd);
    return entries;
}

static int walk_push(struct walk *walk, int dir_fd, const char *name) {
    if (walk->depth == walk->capacity) {
        size_t capacity = MAX_OF((size_t)OPEN_LEVELS, walk->capacity * 2);
        struct level *levels = reallocarray(walk->levels, capacity, sizeof *levels);
        if (levels == NULL)
            return -ENOMEM;
        walk->levels = levels;
        walk->capacity = capacity;
    }
    struct stat status;
    DIR *entries = open_directory(dir_fd, name, &status);
    if (entries == NULL)
        return -errno;
    struct level level = {
        .name = strdup(name), .entries = entries, .device = status.st_dev, .inode = status.st_ino};
    walk->levels[walk->depth++] = level;
    if (level.name == NULL)
        return -ENOMEM;
    if (walk->depth > OPEN_LEVELS) {
        struct level *outer = &walk->levels[walk->depth - 1 - OPEN_LEVELS];
        closedir(outer->entries);
        outer->entries = NULL;
    }
    return 0;
}

/* Opens the level above the top again, and makes sure that `..` still is that directory. */
static int reopen_parent(struct walk *walk) {
    struct level *parent = walk_top(walk) - 1;
    if (parent->entries != NULL)
        return 0;
    struct stat status;
    DIR *entries = open_directory(dirfd(walk_top(walk)->entries), "..", &status);
    if (entries == NULL)
        return -errno;
    if (status.st_dev != parent->device || status.st_ino != parent->inode) {
        closedir(entries);
        return -ESTALE;
    }
    parent->entries = entries;
    return 0;
}

/* Removes the emptied directory on top. */
static int leave(struct walk *walk, int dir_fd) {
    if (walk->depth > 1) {
        int failed = reopen_parent(walk);
        if (failed < 0)
            return failed;
        dir_fd = dirfd((walk_top(walk) - 1)->entries);
    }
    if (unlinkat(dir_fd, walk_top(walk)->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return -errno;
    walk_pop(walk);
    return 0;
}

/* Removes one name: 0 when it is gone, -ENOTEMPTY for a directory that has to be entered. */
static int remove_entry(int dir_fd, const char *name) {
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes the next entry of the top directory, or enters it, or leaves the directory when there is none. */
static int step(struct walk *walk, int dir_fd) {
    DIR *entries = walk_top(walk)->entries;
    errno = 0;
    const struct dirent *entry = readdir(entries);
    if (entry == NULL)
        return errno != 0 ? -errno : leave(walk, dir_fd);
    if (is_dots(entry->d_name))
        return 0;
    int failed = remove_entry(dirfd(entries), entry->d_name);
    return failed == -ENOTEMPTY ? walk_push(walk, dirfd(entries), entry->d_name) : failed;
}

int path_remove_tree(int dir_fd, const char *name, struct error *error) {
    _cleanup_(walk_release) struct walk walk = {0};
    int failed = remove_entry(dir_fd, name);
    if (failed == -ENOTEMPTY)
        failed = walk_push(&walk, dir_fd, name);
    while (failed == 0 && walk.depth > 0)
        failed = step(&walk, dir_fd);
    if (failed == 0)
        return 0;
    if (walk.depth > 1)
        return error_set_errno(error, -failed, "cannot remove %s: stopped in %s, %zu directories down", name,
                               walk_top(&walk)->name, walk.depth - 1);
    return error_set_errno(error, -failed, "cannot remove %s", name);
}
