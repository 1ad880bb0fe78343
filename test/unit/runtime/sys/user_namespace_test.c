#include "runtime/sys/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "runtime/base/fd.h"
#include "runtime/sys/child.h"

enum { FIRST_ID = 200000, COUNT = 1000 };

/* Enters the namespace and tells which host ids its first, last and next id have. */
static int enter(const void *data) {
    int fd = *(const int *)data;
    if (setns(fd, CLONE_NEWUSER) < 0)
        return 1;
    char map[128] = "";
    _cleanup_close_ int map_fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    if (read(map_fd, map, sizeof map - 1) <= 0)
        return 2;
    unsigned first, host, count;
    if (sscanf(map, "%u %u %u", &first, &host, &count) != 3)
        return 3;
    if (first != 0 || host != FIRST_ID || count != COUNT)
        return 4;
    if (setresgid(COUNT - 1, COUNT - 1, COUNT - 1) < 0)
        return 5;
    return setresuid(COUNT, COUNT, COUNT) < 0 && errno == EINVAL ? 0 : 6;
}

static void a_namespace_lives_without_processes(void **state) {
    (void)state;
    _cleanup_close_ int fd = -1;
    assert_int_equal(user_namespace_create(FIRST_ID, COUNT, &fd, NULL), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(child_run(enter, &fd), 0);
}

static void an_impossible_map_is_an_error_and_leaves_no_child(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    int fd = -1;
    assert_int_equal(user_namespace_create(FIRST_ID, 0, &fd, &error), -EINVAL);
    assert_non_null(strstr(error.text, "\"0 200000 0\" to uid_map"));
    assert_int_equal(fd, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void an_unknown_process_is_an_error(void **state) {
    (void)state;
    assert_int_equal(user_namespace_map(INT32_MAX, FIRST_ID, COUNT, NULL), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_namespace_lives_without_processes),
        cmocka_unit_test(an_impossible_map_is_an_error_and_leaves_no_child),
        cmocka_unit_test(an_unknown_process_is_an_error),
    };
    return cmocka_run_group_tests_name("user_namespace", tests, NULL, NULL);
}
