#include "runtime/sys/path.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "support/test.h"

static void test_reads_below_root(struct test_directory *directory) {
    assert_int_equal(mkdirat(directory->fd, "etc", 0755), 0);
    test_write_file(directory->fd, "etc/motd", "inside");
}

static void assert_contents(int fd, const char *text) {
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    assert_int_equal(fd_read_all(fd, 4096, &contents, "file", NULL), 0);
    assert_string_equal(contents.data, text);
}

static void open_takes_absolute_paths_and_links_in_the_root(void **state) {
    struct test_directory *directory = *state;
    test_reads_below_root(directory);
    assert_int_equal(symlinkat("/etc/motd", directory->fd, "absolute"), 0);
    assert_int_equal(symlinkat("../../../../../etc/motd", directory->fd, "climbing"), 0);
    static const char *const PATHS[] = {"etc/motd",       "/etc/motd", "///etc/motd",
                                        "../../etc/motd", "absolute",  "climbing"};
    for (size_t i = 0; i < ARRAY_SIZE(PATHS); i++) {
        _cleanup_close_ int fd = path_open(directory->fd, PATHS[i], O_RDONLY, 0, PATH_FOLLOW_IN_ROOT, NULL);
        assert_true(fd >= 0);
        assert_contents(fd, "inside");
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
}

static void open_of_the_root_itself(void **state) {
    struct test_directory *directory = *state;
    static const char *const PATHS[] = {"", "/", ".", ".."};
    struct stat root, found;
    fstat(directory->fd, &root);
    for (size_t i = 0; i < ARRAY_SIZE(PATHS); i++) {
        _cleanup_close_ int fd = path_open(directory->fd, PATHS[i], O_PATH, 0, PATH_NO_LINKS, NULL);
        assert_int_equal(fstat(fd, &found), 0);
        assert_int_equal(found.st_ino, root.st_ino);
    }
}

static void open_refuses_links_when_told(void **state) {
    struct test_directory *directory = *state;
    test_reads_below_root(directory);
    assert_int_equal(symlinkat("etc", directory->fd, "link"), 0);
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(path_open(directory->fd, "/link/motd", O_RDONLY, 0, PATH_NO_LINKS, &error), -ELOOP);
    test_assert_error(&error, ELOOP, "cannot open /link/motd: it is, or leads through, a symbolic link");
    assert_int_equal(path_open(directory->fd, "/nope", O_RDONLY, 0, PATH_NO_LINKS, &error), -ENOENT);
    test_assert_error(&error, ENOENT, "cannot open /nope: No such file or directory");
}

static void open_never_follows_magic_links(void **state) {
    (void)state;
    _cleanup_close_ int proc = path_open_host_directory("/proc/self", NULL);
    assert_true(proc >= 0);
    assert_int_equal(path_open(proc, "root/etc/passwd", O_RDONLY, 0, PATH_FOLLOW_IN_ROOT, NULL), -ELOOP);
    assert_int_equal(path_open(proc, "exe", O_RDONLY, 0, PATH_FOLLOW_IN_ROOT, NULL), -ELOOP);
}

static void open_creates_with_a_mode(void **state) {
    struct test_directory *directory = *state;
    _cleanup_close_ int fd =
        path_open(directory->fd, "/new", O_WRONLY | O_CREAT | O_EXCL, 0640, PATH_FOLLOW_IN_ROOT, NULL);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void host_directory_must_be_absolute_and_a_directory(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(path_open_host_directory("etc", &error), -EINVAL);
    test_assert_error(&error, EINVAL, "cannot open directory etc: the path must be absolute");
    assert_int_equal(path_open_host_directory("/etc/passwd", &error), -ENOTDIR);
    test_assert_error(&error, ENOTDIR, "cannot open directory /etc/passwd: Not a directory");
}

static void make_directories_makes_what_is_missing(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "a", 0700), 0);
    mode_t umask_before = umask(077);
    _cleanup_close_ int fd =
        path_make_directories(directory->fd, "/a//b/c/", 01775, 2000, 3000, PATH_NO_LINKS, NULL);
    umask(umask_before);
    assert_true(fd >= 0);
    struct stat made, status;
    assert_int_equal(fstat(fd, &made), 0);
    assert_int_equal(fstatat(directory->fd, "a/b/c", &status, 0), 0);
    assert_int_equal(made.st_ino, status.st_ino);
    fstatat(directory->fd, "a/b", &status, 0);
    assert_int_equal(status.st_mode & 07777, 01775);
    assert_int_equal(status.st_uid, 2000);
    assert_int_equal(status.st_gid, 3000);
    fstatat(directory->fd, "a", &status, 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(status.st_uid, 0);
}

static void make_directories_stays_in_the_root(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "root", 0755), 0);
    _cleanup_close_ int root = openat(directory->fd, "root", O_PATH | O_CLOEXEC);
    assert_int_equal(symlinkat("/..", root, "up"), 0);
    assert_int_equal(symlinkat("/tmp", root, "tmp"), 0);
    _cleanup_close_ int up = path_make_directories(root, "up/../x", 0755, -1, -1, PATH_FOLLOW_IN_ROOT, NULL);
    assert_true(up >= 0);
    assert_true(test_exists(root, "x"));
    assert_false(test_exists(directory->fd, "x"));
    /* A link to what is missing inside the root does not become a directory anywhere. */
    assert_true(path_make_directories(root, "tmp/y", 0755, -1, -1, PATH_FOLLOW_IN_ROOT, NULL) < 0);
    assert_false(test_exists(AT_FDCWD, "/tmp/y"));
}

static void make_directories_refuses_files_and_links(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "file", "");
    assert_int_equal(symlinkat(".", directory->fd, "link"), 0);
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(
        path_make_directories(directory->fd, "file/x", 0755, -1, -1, PATH_FOLLOW_IN_ROOT, &error), -ENOTDIR);
    test_assert_error(&error, ENOTDIR, "cannot open file/x: Not a directory");
    assert_int_equal(path_make_directories(directory->fd, "link/x", 0755, -1, -1, PATH_NO_LINKS, &error),
                     -ELOOP);
    assert_false(test_exists(directory->fd, "x"));
}

static void read_file_takes_regular_files_only(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "file", "12345");
    mkfifoat(directory->fd, "fifo", 0600);
    mknodat(directory->fd, "device", S_IFCHR | 0600, makedev(1, 5));
    assert_int_equal(symlinkat("file", directory->fd, "link"), 0);
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(path_read_file(directory->fd, "/file", 5, &contents, &error), 0);
    assert_string_equal(contents.data, "12345");
    assert_int_equal(path_read_file(directory->fd, "/file", 4, &contents, &error), -EFBIG);
    test_assert_error(&error, EFBIG, "/file is larger than 4 bytes");
    assert_int_equal(path_read_file(directory->fd, "fifo", 4, &contents, &error), -EINVAL);
    test_assert_error(&error, EINVAL, "cannot open fifo: it is not a regular file");
    assert_int_equal(path_read_file(directory->fd, "device", 4, &contents, &error), -EINVAL);
    assert_int_equal(path_read_file(directory->fd, "link", 4, &contents, &error), -ELOOP);
    test_assert_error(&error, ELOOP, "cannot open link: it is, or leads through, a symbolic link");
}

static void write_file_replaces_and_leaves_nothing_beside(void **state) {
    struct test_directory *directory = *state;
    mode_t umask_before = umask(077);
    test_write_file(directory->fd, "record", "a longer text than the new one");
    assert_int_equal(path_write_file(directory->fd, "record", "new", 3, 0644, true, NULL), 0);
    umask(umask_before);
    _cleanup_close_ int fd = openat(directory->fd, "record", O_RDONLY | O_CLOEXEC);
    assert_contents(fd, "new");
    struct stat status;
    fstat(fd, &status);
    assert_int_equal(status.st_mode & 07777, 0644);
    unlinkat(directory->fd, "record", 0);
    assert_int_equal(rmdir(directory->path), 0);
    mkdir(directory->path, 0700);
}

static void write_file_that_fails_leaves_the_old_one(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "taken", 0755), 0);
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(path_write_file(directory->fd, "taken", "x", 1, 0600, false, &error), -EISDIR);
    test_assert_error(&error, EISDIR, "cannot write taken: Is a directory");
    unlinkat(directory->fd, "taken", AT_REMOVEDIR);
    assert_int_equal(rmdir(directory->path), 0);
    mkdir(directory->path, 0700);
}

/* --- log FIFOs: DIRECTORY/alloc/logs/.web.stdout.fifo --- */

static char *make_log_fifo(struct test_directory *directory) {
    assert_int_equal(mkdirat(directory->fd, "alloc", 0777), 0);
    assert_int_equal(mkdirat(directory->fd, "alloc/logs", 0777), 0);
    assert_int_equal(mkfifoat(directory->fd, "alloc/logs/.web.stdout.fifo", 0600), 0);
    char *path;
    assert_true(asprintf(&path, "%s/alloc/logs/.web.stdout.fifo", directory->path) > 0);
    return path;
}

static void log_fifo_opens_without_blocking(void **state) {
    struct test_directory *directory = *state;
    _cleanup_free_ char *path = make_log_fifo(directory);
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -ENXIO);
    _cleanup_close_ int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    _cleanup_close_ int writer = path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL);
    assert_true(writer >= 0);
    assert_int_equal(fcntl(writer, F_GETFL) & O_ACCMODE, O_WRONLY);
    assert_int_equal(fd_write_all(writer, "x", 1), 0);
    char byte;
    assert_int_equal(read(reader, &byte, 1), 1);
}

static void log_fifo_may_be_dev_null(void **state) {
    (void)state;
    _cleanup_close_ int null = path_open_log_fifo("/dev/null", O_WRONLY | O_NONBLOCK, NULL);
    assert_true(null >= 0);
    assert_int_equal(path_open_log_fifo("dev/null", O_WRONLY | O_NONBLOCK, NULL), -EINVAL);
}

static void log_fifo_that_is_something_else_is_refused(void **state) {
    struct test_directory *directory = *state;
    _cleanup_free_ char *path = make_log_fifo(directory);
    _cleanup_close_ int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    renameat(directory->fd, "alloc/logs/.web.stdout.fifo", directory->fd, "alloc/logs/other");
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -ENOENT);
    assert_int_equal(symlinkat("other", directory->fd, "alloc/logs/.web.stdout.fifo"), 0);
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -ELOOP);
    unlink(path);
    test_write_file(directory->fd, "alloc/logs/.web.stdout.fifo", "");
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, &error), -EINVAL);
    test_assert_error_holds(&error, EINVAL, "it is not a FIFO");
    unlink(path);
    mknod(path, S_IFCHR | 0600, makedev(1, 3));
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -EINVAL);
}

static void log_fifo_directory_must_not_be_swapped_for_a_link(void **state) {
    struct test_directory *directory = *state;
    _cleanup_free_ char *path = make_log_fifo(directory);
    _cleanup_close_ int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    renameat(directory->fd, "alloc/logs", directory->fd, "elsewhere");
    assert_int_equal(symlinkat("../elsewhere", directory->fd, "alloc/logs"), 0);
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -ELOOP);
    unlinkat(directory->fd, "alloc/logs", 0);
    renameat(directory->fd, "elsewhere", directory->fd, "alloc/logs");
    renameat(directory->fd, "alloc", directory->fd, "moved");
    assert_int_equal(symlinkat("moved", directory->fd, "alloc"), 0);
    assert_int_equal(path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL), -ELOOP);
}

static void log_fifo_below_links_of_the_host_is_fine(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "disk", 0755), 0);
    assert_int_equal(mkdirat(directory->fd, "disk/alloc", 0777), 0);
    assert_int_equal(mkdirat(directory->fd, "disk/alloc/logs", 0777), 0);
    mkfifoat(directory->fd, "disk/alloc/logs/f", 0600);
    assert_int_equal(symlinkat("disk", directory->fd, "nomad"), 0);
    char path[64];
    snprintf(path, sizeof path, "%s/nomad/alloc/logs/f", directory->path);
    _cleanup_close_ int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    _cleanup_close_ int writer = path_open_log_fifo(path, O_WRONLY | O_NONBLOCK, NULL);
    assert_true(writer >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_directory(open_takes_absolute_paths_and_links_in_the_root),
        test_with_directory(open_of_the_root_itself),
        test_with_directory(open_refuses_links_when_told),
        cmocka_unit_test(open_never_follows_magic_links),
        test_with_directory(open_creates_with_a_mode),
        cmocka_unit_test(host_directory_must_be_absolute_and_a_directory),
        test_with_directory(make_directories_makes_what_is_missing),
        test_with_directory(make_directories_stays_in_the_root),
        test_with_directory(make_directories_refuses_files_and_links),
        test_with_directory(read_file_takes_regular_files_only),
        test_with_directory(write_file_replaces_and_leaves_nothing_beside),
        test_with_directory(write_file_that_fails_leaves_the_old_one),
        test_with_directory(log_fifo_opens_without_blocking),
        cmocka_unit_test(log_fifo_may_be_dev_null),
        test_with_directory(log_fifo_that_is_something_else_is_refused),
        test_with_directory(log_fifo_directory_must_not_be_swapped_for_a_link),
        test_with_directory(log_fifo_below_links_of_the_host_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
