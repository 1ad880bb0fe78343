#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/sys/cgroup.h"
#include "runtime/sys/cgroup_fixture.h"

static struct cgroup_fixture cgroup;

static int set_up(void **state) {
    (void)state;
    return cgroup_fixture_create(&cgroup);
}

static int tear_down(void **state) {
    (void)state;
    return cgroup_fixture_destroy(&cgroup);
}

static int make_child(int parent, const char *name) {
    assert_int_equal(mkdirat(parent, name, 0755), 0);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static bool is_empty(int fd) {
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_nlink == 2;
}

static void kill_reaches_every_process_below(void **state) {
    (void)state;
    _cleanup_close_ int child = make_child(cgroup.fd, "child");
    pid_t here = cgroup_fixture_start_sleeper(cgroup.fd), below = cgroup_fixture_start_sleeper(child);
    bool populated = false;
    assert_int_equal(cgroup_is_populated(cgroup.fd, &populated, NULL), 0);
    assert_true(populated);
    assert_int_equal(cgroup_kill(cgroup.fd, NULL), 0);
    assert_int_equal(cgroup_fixture_reap(here), SIGKILL);
    assert_int_equal(cgroup_fixture_reap(below), SIGKILL);
    assert_int_equal(cgroup_is_populated(cgroup.fd, &populated, NULL), 0);
    assert_false(populated);
}

static void killing_an_empty_cgroup_is_success(void **state) {
    (void)state;
    assert_int_equal(cgroup_kill(cgroup.fd, NULL), 0);
}

static void children_are_removed_wide_and_deep(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "wide%d", i);
        fd_close(make_child(cgroup.fd, name));
    }
    int current = make_child(cgroup.fd, "deep");
    for (int i = 0; i < 300; i++) {
        int next = make_child(current, "below");
        fd_close(current);
        current = next;
        if (i % 50 == 0)
            fd_close(make_child(current, "beside"));
    }
    fd_close(current);
    assert_int_equal(cgroup_remove_children(cgroup.fd, NULL), 0);
    assert_true(is_empty(cgroup.fd));
    assert_int_equal(cgroup_remove_children(cgroup.fd, NULL), 0);
}

static void a_child_with_processes_stays_and_is_named(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_close_ int parent = make_child(cgroup.fd, "parent");
    _cleanup_close_ int busy = make_child(parent, "busy");
    pid_t pid = cgroup_fixture_start_sleeper(busy);
    assert_int_equal(cgroup_remove_children(cgroup.fd, &error), -EBUSY);
    assert_non_null(strstr(error.text, "busy"));
    assert_int_equal(cgroup_kill(cgroup.fd, NULL), 0);
    assert_int_equal(cgroup_fixture_reap(pid), SIGKILL);
    assert_int_equal(cgroup_remove_children(cgroup.fd, NULL), 0);
}

/* ---- without cgroup.kill: a directory of plain files that looks like a cgroup of an older kernel ---- */

static void write_plain(int directory, const char *name, const char *contents) {
    _cleanup_close_ int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(fd_write_all(fd, contents, strlen(contents)), 0);
}

static void write_pids(int directory, pid_t pid) {
    char text[32];
    /* 0 stands for a process of another pid namespace */
    snprintf(text, sizeof text, "0\n%d\n", pid);
    write_plain(directory, "cgroup.procs", text);
}

static pid_t start_sleeper(void) {
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void without_cgroup_kill_each_process_is_killed_frozen(void **state) {
    (void)state;
    char path[] = "/tmp/diego-cgroup-XXXXXX";
    assert_non_null(mkdtemp(path));
    _cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int child = make_child(directory, "child");
    pid_t here = start_sleeper(), below = start_sleeper();
    write_pids(directory, here);
    write_pids(child, below);
    write_plain(directory, "cgroup.events", "populated 1\nfrozen 1\n");
    write_plain(directory, "cgroup.freeze", "0");

    assert_int_equal(cgroup_kill(directory, NULL), 0);
    assert_int_equal(cgroup_fixture_reap(here), SIGKILL);
    assert_int_equal(cgroup_fixture_reap(below), SIGKILL);
    _cleanup_buffer_ struct buffer freeze = BUFFER_INIT;
    assert_int_equal(cgroup_read_file(directory, "cgroup.freeze", &freeze, NULL), 0);
    assert_string_equal(freeze.data, "0");

    unlinkat(child, "cgroup.procs", 0);
    unlinkat(directory, "child", AT_REMOVEDIR);
    unlinkat(directory, "cgroup.procs", 0);
    unlinkat(directory, "cgroup.events", 0);
    unlinkat(directory, "cgroup.freeze", 0);
    assert_int_equal(rmdir(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kill_reaches_every_process_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killing_an_empty_cgroup_is_success, set_up, tear_down),
        cmocka_unit_test_setup_teardown(children_are_removed_wide_and_deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_child_with_processes_stays_and_is_named, set_up, tear_down),
        cmocka_unit_test(without_cgroup_kill_each_process_is_killed_frozen),
    };
    return cmocka_run_group_tests_name("cgroup_tree", tests, NULL, NULL);
}
