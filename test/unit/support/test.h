/* What unit tests share: a directory of their own below /tmp, files in it, and checks on errors. */
#ifndef DIEGO_TEST_SUPPORT_TEST_H
#define DIEGO_TEST_SUPPORT_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/sys/path.h"

struct test_directory {
    char path[32]; /* "/tmp/diego-test-XXXXXX" */
    int fd;
};

static inline int test_remove_directory(const char *parent, const char *path) {
    _cleanup_close_ int parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return path_remove_tree(parent_fd, path + strlen(parent) + 1, NULL);
}

/* Setup and teardown for cmocka_unit_test_setup_teardown: *state is a struct test_directory. */
static inline int test_directory_setup(void **state) {
    struct test_directory *directory = malloc(sizeof *directory);
    assert_non_null(directory);
    snprintf(directory->path, sizeof directory->path, "/tmp/diego-test-XXXXXX");
    assert_non_null(mkdtemp(directory->path));
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory->fd >= 0);
    *state = directory;
    return 0;
}

static inline int test_directory_teardown(void **state) {
    struct test_directory *directory = *state;
    fd_close(directory->fd);
    int failed = test_remove_directory("/tmp", directory->path);
    free(directory);
    return failed;
}

#define test_with_directory(function)                                                                        \
    cmocka_unit_test_setup_teardown(function, test_directory_setup, test_directory_teardown)

static inline void test_write_file(int dir_fd, const char *path, const char *text) {
    int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    fd_close(fd);
}

/* Checks the whole text of an error, and clears it. */
static inline void test_assert_error(struct error *error, int code, const char *text) {
    char *whole = error_format(error);
    assert_non_null(whole);
    assert_string_equal(whole, text);
    assert_int_equal(error->code, code);
    free(whole);
    error_clear(error);
}

/* The same for a part of the text. */
static inline void test_assert_error_holds(struct error *error, int code, const char *part) {
    char *whole = error_format(error);
    assert_non_null(whole);
    if (strstr(whole, part) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", whole, part);
    assert_int_equal(error->code, code);
    free(whole);
    error_clear(error);
}

static inline bool test_exists(int dir_fd, const char *path) {
    struct stat status;
    return fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
