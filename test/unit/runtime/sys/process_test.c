#include "runtime/sys/process.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "support/test.h"

static void wait_readable(int pidfd) {
    struct pollfd ready = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
}

/* A child that sleeps until it is killed. */
static pid_t clone_sleeper(uint64_t flags, int *ret_pidfd) {
    pid_t pid = process_clone(flags, -1, ret_pidfd);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static struct process_exit kill_and_reap(int pidfd, int signal) {
    struct process_exit end;
    assert_int_equal(process_signal(pidfd, signal), 0);
    wait_readable(pidfd);
    assert_int_equal(process_reap(pidfd, &end, NULL), 1);
    return end;
}

static void clone_gives_a_pidfd_and_an_exit_code(void **state) {
    (void)state;
    int pidfd = -1;
    pid_t pid = process_clone(0, -1, &pidfd);
    if (pid == 0)
        _exit(pidfd == -1 ? 7 : 8);
    assert_true(pid > 0);
    assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    wait_readable(pidfd);
    struct process_exit end;
    assert_int_equal(process_reap(pidfd, &end, NULL), 1);
    assert_int_equal(end.exit_code, 7);
    assert_int_equal(end.signal, 0);
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(process_reap(pidfd, &end, &error), -ECHILD);
    fd_close(pidfd);
}

static void reap_of_a_running_child_is_0_and_of_a_killed_one_its_signal(void **state) {
    (void)state;
    _cleanup_close_ int pidfd = -1;
    clone_sleeper(0, &pidfd);
    struct process_exit end;
    assert_int_equal(process_reap(pidfd, &end, NULL), 0);
    end = kill_and_reap(pidfd, SIGTERM);
    assert_int_equal(end.signal, SIGTERM);
    assert_int_equal(end.exit_code, 128 + SIGTERM);
    /* Gone is what was wanted. */
    assert_int_equal(process_signal(pidfd, SIGTERM), 0);
}

static void clone_makes_namespaces(void **state) {
    (void)state;
    _cleanup_close_ int pidfd = -1;
    pid_t pid = process_clone(CLONE_NEWPID | CLONE_NEWUTS, -1, &pidfd);
    if (pid == 0)
        _exit(getpid() == 1 && sethostname("x", 1) == 0 ? 0 : 1);
    wait_readable(pidfd);
    struct process_exit end;
    assert_int_equal(process_reap(pidfd, &end, NULL), 1);
    assert_int_equal(end.exit_code, 0);
}

static void clone_failure_is_a_negative_errno(void **state) {
    (void)state;
    int pidfd = -1;
    _cleanup_close_ int not_a_cgroup = open("/", O_PATH | O_CLOEXEC);
    assert_int_equal(process_clone(0, not_a_cgroup, &pidfd), -EBADF);
    assert_int_equal(pidfd, -1);
}

static void open_finds_the_same_process_only(void **state) {
    (void)state;
    _cleanup_close_ int pidfd = -1;
    pid_t pid = clone_sleeper(0, &pidfd);
    struct process_identity identity;
    assert_int_equal(process_identify(pid, &identity, NULL), 0);
    assert_int_equal(identity.pid, pid);
    assert_true(identity.start_time > 0);
    assert_int_equal(strlen(identity.boot_id), 36);
    _cleanup_close_ int same = process_open(&identity, NULL);
    assert_true(same >= 0);
    assert_int_equal(fcntl(same, F_GETFD), FD_CLOEXEC);

    struct process_identity other = identity;
    other.start_time++;
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(process_open(&other, &error), -ESRCH);
    other = identity;
    other.boot_id[0] = other.boot_id[0] == 'x' ? 'y' : 'x';
    assert_int_equal(process_open(&other, NULL), -ESRCH);

    kill_and_reap(pidfd, SIGKILL);
    assert_int_equal(process_open(&identity, NULL), -ESRCH);
    assert_int_equal(process_identify(pid, &identity, NULL), -ESRCH);
}

static void identity_does_not_depend_on_the_name(void **state) {
    (void)state;
    struct process_identity before, after;
    assert_int_equal(process_identify(getpid(), &before, NULL), 0);
    prctl(PR_SET_NAME, ") R 1 (2) 3");
    assert_int_equal(process_identify(getpid(), &after, NULL), 0);
    assert_int_equal(before.start_time, after.start_time);
}

static void open_refuses_what_is_no_pid(void **state) {
    (void)state;
    struct process_identity nobody = {.pid = 0};
    assert_int_equal(process_open(&nobody, NULL), -EINVAL);
    nobody.pid = -1;
    assert_int_equal(process_open(&nobody, NULL), -EINVAL);
}

static void signal_names_in_every_spelling(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int number;
    } CASES[] = {
        {"SIGHUP", SIGHUP},  {"sighup", SIGHUP},     {"HUP", SIGHUP},
        {"hup", SIGHUP},     {"1", SIGHUP},          {"SIGKILL", SIGKILL},
        {"9", SIGKILL},      {"SIGNULL", 0},         {"0", 0},
        {"SIGIOT", SIGABRT}, {"SIGIO", SIGIO},       {"SIGPOLL", SIGIO},
        {"SIGSYS", SIGSYS},  {"RTMIN+3", 37},        {"SIGRTMAX", 64},
        {"64", 64},          {"FREEZE", -EINVAL},    {"", -EINVAL},
        {"SIG", -EINVAL},    {"SIGSIGHUP", -EINVAL}, {"-1", -EINVAL},
        {"65", -EINVAL},     {"32", -EINVAL},        {"1x", -EINVAL},
        {" HUP", -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        assert_int_equal(process_signal_number(CASES[i].name), CASES[i].number);
}

static void signal_numbers_and_names_match_the_c_library(void **state) {
    (void)state;
    for (int number = 1; number < 32; number++) {
        const char *name = process_signal_name(number);
        assert_non_null(name);
        if (number != SIGIO) /* which glibc calls POLL */
            assert_string_equal(name + 3, sigabbrev_np(number));
        assert_int_equal(process_signal_number(name), number);
    }
    assert_string_equal(process_signal_name(SIGRTMIN), "SIGRTMIN");
    assert_string_equal(process_signal_name(SIGRTMAX), "SIGRTMAX");
    assert_null(process_signal_name(0));
    assert_null(process_signal_name(-1));
    assert_null(process_signal_name(65));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clone_gives_a_pidfd_and_an_exit_code),
        cmocka_unit_test(reap_of_a_running_child_is_0_and_of_a_killed_one_its_signal),
        cmocka_unit_test(clone_makes_namespaces),
        cmocka_unit_test(clone_failure_is_a_negative_errno),
        cmocka_unit_test(open_finds_the_same_process_only),
        cmocka_unit_test(identity_does_not_depend_on_the_name),
        cmocka_unit_test(open_refuses_what_is_no_pid),
        cmocka_unit_test(signal_names_in_every_spelling),
        cmocka_unit_test(signal_numbers_and_names_match_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
