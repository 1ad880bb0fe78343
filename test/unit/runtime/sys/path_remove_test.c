#include "runtime/sys/path.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "support/test.h"

static void missing_is_success(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(path_remove_tree(directory->fd, "nope", NULL), 0);
}

static void single_files_and_links_go(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "file", "");
    assert_int_equal(symlinkat("file", directory->fd, "link"), 0);
    assert_int_equal(path_remove_tree(directory->fd, "link", NULL), 0);
    assert_true(test_exists(directory->fd, "file"));
    assert_int_equal(path_remove_tree(directory->fd, "file", NULL), 0);
    assert_false(test_exists(directory->fd, "file"));
}

static void links_are_removed_not_followed(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "keep", 0755), 0);
    test_write_file(directory->fd, "keep/file", "");
    assert_int_equal(mkdirat(directory->fd, "tree", 0755), 0);
    assert_int_equal(symlinkat("../keep", directory->fd, "tree/link"), 0);
    assert_int_equal(symlinkat("/", directory->fd, "tree/root"), 0);
    assert_int_equal(path_remove_tree(directory->fd, "tree", NULL), 0);
    assert_false(test_exists(directory->fd, "tree"));
    assert_true(test_exists(directory->fd, "keep/file"));
}

static void wide_trees_and_unreadable_modes(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "tree", 0), 0);
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/%d", i);
        assert_int_equal(mkdirat(directory->fd, name, 0), 0);
        for (int j = 0; j < 40; j++) {
            snprintf(name, sizeof name, "tree/%d/%d", i, j);
            test_write_file(directory->fd, name, "");
            assert_int_equal(fchmodat(directory->fd, name, 0, 0), 0);
        }
    }
    assert_int_equal(path_remove_tree(directory->fd, "tree", NULL), 0);
    assert_false(test_exists(directory->fd, "tree"));
}

/* Makes `depth` directories inside each other, each with a file before and after it. */
static void make_chain(int dir_fd, const char *name, int depth) {
    _cleanup_close_ int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < depth; i++) {
        assert_int_equal(mkdirat(fd, name, 0755), 0);
        test_write_file(fd, "a-file", "");
        test_write_file(fd, "z-file", "");
        int next = openat(fd, name, O_PATH | O_CLOEXEC);
        assert_true(next >= 0);
        fd_close(fd);
        fd = next;
    }
}

/* In memory, where making so many files is quick. */
static void depth_is_not_limited(void **state) {
    (void)state;
    char path[] = "/dev/shm/diego-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    _cleanup_close_ int tree = open(path, O_PATH | O_CLOEXEC);
    make_chain(tree, "a-name-that-makes-the-path-longer-than-any-buffer-for-paths", 10000);
    make_chain(tree, "second", 100);
    assert_int_equal(test_remove_directory("/dev/shm", path), 0);
    assert_false(test_exists(AT_FDCWD, path));
}

/* In a mount namespace of its own; 0 when removal stopped at the mount with this error. */
static int remove_tree_with_mount(struct test_directory *directory, const char *mount_point, const char *tree,
                                  const char *text) {
    /* EINVAL: the root is no mount, as in a chroot. */
    if (unshare(CLONE_NEWNS) < 0 ||
        (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL))
        return 10;
    if (chdir(directory->path) < 0 || mount("keep", mount_point, NULL, MS_BIND, NULL) < 0)
        return 11;
    struct error error = ERROR_INIT;
    if (path_remove_tree(directory->fd, tree, &error) != -EBUSY)
        return 12;
    test_assert_error(&error, EBUSY, text);
    return 0;
}

static void assert_mount_survives(struct test_directory *directory, const char *mount_point, const char *tree,
                                  const char *text) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(remove_tree_with_mount(directory, mount_point, tree, text));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(test_exists(directory->fd, "keep/file"));
}

static void mounts_are_not_entered(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "keep", 0755), 0);
    test_write_file(directory->fd, "keep/file", "");
    assert_int_equal(mkdirat(directory->fd, "tree", 0755), 0);
    assert_int_equal(mkdirat(directory->fd, "tree/sub", 0755), 0);
    assert_int_equal(mkdirat(directory->fd, "tree/sub/mount", 0755), 0);
    assert_mount_survives(directory, "tree/sub/mount", "tree",
                          "cannot remove tree: stopped in sub, 1 directories down: Device or resource busy");
    assert_mount_survives(directory, "tree", "tree", "cannot remove tree: Device or resource busy");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_directory(missing_is_success),
        test_with_directory(single_files_and_links_go),
        test_with_directory(links_are_removed_not_followed),
        test_with_directory(wide_trees_and_unreadable_modes),
        cmocka_unit_test(depth_is_not_limited),
        test_with_directory(mounts_are_not_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
