#include "runtime/sys/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "runtime/sys/cgroup_fixture.h"
#include "runtime/sys/child.h"

#define MIB (INT64_C(1024) * 1024)

/* The limits of one task, as the kernel's files show them afterwards. */
static const char *const limit_files[] = {"memory.swap.max", "memory.oom.group", "memory.low",  "memory.high",
                                          "memory.max",      "cpu.weight",       "cpuset.cpus", "pids.max"};

static struct cgroup_fixture cgroup;

/* Where limits are written: the fixture's cgroup where the host has version 2's controllers, else a directory
 * of plain files with the same names. */
static int limits_fd;
static char plain_path[] = "/tmp/diego-limits-XXXXXX";

static void write_plain(const char *name, const char *contents) {
    _cleanup_close_ int fd = openat(limits_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(fd_write_all(fd, contents, strlen(contents)), 0);
}

static bool is_plain(void) {
    return limits_fd != cgroup.fd;
}

static int open_plain(void) {
    snprintf(plain_path, sizeof plain_path, "/tmp/diego-limits-XXXXXX");
    if (mkdtemp(plain_path) == NULL)
        return -errno;
    limits_fd = open(plain_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(limit_files); i++)
        write_plain(limit_files[i], "");
    return limits_fd;
}

static int set_up(void **state) {
    (void)state;
    int r = cgroup_fixture_create(&cgroup);
    limits_fd = r == 0 && cgroup_fixture_has_controllers(&cgroup) ? cgroup.fd : open_plain();
    return r;
}

static int set_up_plain(void **state) {
    (void)state;
    int r = cgroup_fixture_create(&cgroup);
    return r < 0 || open_plain() < 0 ? -1 : 0;
}

static int tear_down(void **state) {
    (void)state;
    if (is_plain()) {
        static const char *const others[] = {"memory.events.local", "memory.peak", "cgroup.events"};
        for (size_t i = 0; i < ARRAY_SIZE(limit_files); i++)
            unlinkat(limits_fd, limit_files[i], 0);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
            unlinkat(limits_fd, others[i], 0);
        fd_close(limits_fd);
        if (rmdir(plain_path) < 0)
            return -errno;
    }
    return cgroup_fixture_destroy(&cgroup);
}

static void assert_file(const char *name, const char *value) {
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    assert_int_equal(cgroup_read_file(limits_fd, name, &contents, NULL), 0);
    _cleanup_free_ char *line =
        contents.size > 0 ? strndup(contents.data, strcspn(contents.data, "\n")) : strdup("");
    if (strcmp(line, value) != 0)
        fail_msg("%s: expected \"%s\", got \"%s\"", name, value, line);
}

static Diego__Supervisor__Cgroup no_limits(void) {
    return (Diego__Supervisor__Cgroup)DIEGO__SUPERVISOR__CGROUP__INIT;
}

static Diego__Supervisor__Cgroup every_limit(void) {
    Diego__Supervisor__Cgroup limits = no_limits();
    limits.memory_max = 64 * MIB;
    limits.memory_low = 16 * MIB;
    limits.memory_high = 48 * MIB;
    limits.memory_swap_max = 8 * MIB;
    limits.memory_oom_group = true;
    limits.cpu_weight = 250;
    limits.cpuset_cpus = (char *)"0";
    limits.pids_max = 100;
    return limits;
}

/* ---- limits ---- */

static void every_limit_is_written(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    const Diego__Supervisor__Cgroup limits = every_limit();
    assert_int_equal(cgroup_apply_limits(limits_fd, &limits, &missing, NULL), 0);
    assert_int_equal(missing.size, 0);
    assert_file("memory.max", "67108864");
    assert_file("memory.low", "16777216");
    assert_file("memory.high", "50331648");
    if (faccessat(limits_fd, "memory.swap.max", F_OK, 0) == 0)
        assert_file("memory.swap.max", "8388608");
    assert_file("memory.oom.group", "1");
    assert_file("cpu.weight", "250");
    assert_file("cpuset.cpus", "0");
    assert_file("pids.max", "100");
}

static void no_limit_is_max_and_no_swap(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    const Diego__Supervisor__Cgroup limits = no_limits();
    assert_int_equal(cgroup_apply_limits(limits_fd, &limits, &missing, NULL), 0);
    assert_file("memory.max", "max");
    assert_file("pids.max", "max");
    assert_file("memory.oom.group", "0");
    if (faccessat(limits_fd, "memory.swap.max", F_OK, 0) == 0)
        assert_file("memory.swap.max", "0");
    assert_file("memory.low", is_plain() ? "" : "0");
    assert_file("memory.high", is_plain() ? "" : "max");
    assert_file("cpu.weight", is_plain() ? "" : "100");
    assert_file("cpuset.cpus", "");
}

/* A restarted task finds the cgroup of its last attempt. */
static void limits_are_lifted_again(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    const Diego__Supervisor__Cgroup before = every_limit(), after = no_limits();
    assert_int_equal(cgroup_apply_limits(limits_fd, &before, &missing, NULL), 0);
    if (is_plain()) /* a plain file keeps the end of a longer text */
        for (size_t i = 0; i < ARRAY_SIZE(limit_files); i++)
            write_plain(limit_files[i], "");
    assert_int_equal(cgroup_apply_limits(limits_fd, &after, &missing, NULL), 0);
    assert_file("memory.max", "max");
    assert_file("pids.max", "max");
    assert_file("memory.oom.group", "0");
}

/* Positions of the writes to these files, in order; plain files only. */
static void swap_and_high_are_lowered_before_max(void **state) {
    (void)state;
    _cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(inotify_add_watch(watch, plain_path, IN_MODIFY) >= 0);
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    const Diego__Supervisor__Cgroup limits = every_limit();
    assert_int_equal(cgroup_apply_limits(limits_fd, &limits, &missing, NULL), 0);

    _Alignas(struct inotify_event) char events[4096];
    ssize_t size = read(watch, events, sizeof events);
    int position = 0, swap = -1, high = -1, max = -1;
    for (ssize_t at = 0; at < size; position++) {
        const struct inotify_event *event = (const struct inotify_event *)(events + at);
        if (strcmp(event->name, "memory.swap.max") == 0)
            swap = position;
        if (strcmp(event->name, "memory.high") == 0)
            high = position;
        if (strcmp(event->name, "memory.max") == 0)
            max = position;
        at += (ssize_t)(sizeof *event + event->len);
    }
    assert_in_range(swap, 0, max - 1);
    assert_in_range(high, 0, max - 1);
}

static void a_refused_value_is_named_with_its_file(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    Diego__Supervisor__Cgroup limits = no_limits();
    limits.cpuset_cpus = (char *)"70000";
    if (is_plain()) { /* what no plain file refuses, a device does */
        assert_int_equal(unlinkat(limits_fd, "cpuset.cpus", 0), 0);
        assert_int_equal(mknodat(limits_fd, "cpuset.cpus", S_IFCHR | 0600, makedev(1, 7)), 0);
    }
    int r = cgroup_apply_limits(limits_fd, &limits, &missing, &error);
    assert_true(r < 0);
    assert_int_equal(r, -error.code);
    assert_non_null(strstr(error.text, "cpuset.cpus"));
    assert_non_null(strstr(error.text, "70000"));
    assert_non_null(strstr(error.text, strerror(-r)));
}

static void missing_controllers_are_told_once_each(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    const Diego__Supervisor__Cgroup limits = every_limit();
    for (size_t i = 0; i < ARRAY_SIZE(limit_files); i++)
        if (strcmp(limit_files[i], "cpu.weight") != 0)
            assert_int_equal(unlinkat(limits_fd, limit_files[i], 0), 0);
    assert_int_equal(cgroup_apply_limits(limits_fd, &limits, &missing, NULL), 0);
    assert_string_equal(missing.data, "memory,cpuset,pids");
    assert_file("cpu.weight", "250");
}

static void without_a_cgroup_everything_asked_for_is_missing(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    Diego__Supervisor__Cgroup limits = no_limits();
    assert_int_equal(cgroup_apply_limits(-1, &limits, &missing, NULL), 0);
    assert_int_equal(missing.size, 0);
    limits.memory_max = MIB;
    limits.cpu_weight = 1;
    assert_int_equal(cgroup_apply_limits(-1, &limits, &missing, NULL), 0);
    assert_string_equal(missing.data, "memory,cpu");
}

static void a_missing_controller_that_is_required_is_an_error(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    Diego__Supervisor__Cgroup limits = no_limits();
    limits.pids_max = 100;
    limits.required_controllers = (char *[]){(char *)"cpu", (char *)"pids"};
    limits.n_required_controllers = 2;
    assert_int_equal(cgroup_apply_limits(-1, &limits, &missing, &error), -ENOENT);
    assert_non_null(strstr(error.text, "pids.max to 100"));
    assert_non_null(strstr(error.text, "required_controllers"));
}

static void a_kernel_without_swap_accounting_misses_nothing(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    Diego__Supervisor__Cgroup limits = no_limits();
    limits.memory_max = MIB;
    assert_int_equal(unlinkat(limits_fd, "memory.swap.max", 0), 0);
    assert_int_equal(cgroup_apply_limits(limits_fd, &limits, &missing, NULL), 0);
    assert_int_equal(missing.size, 0);
    assert_file("memory.max", "1048576");
}

/* ---- opening ---- */

static void only_version_2_directories_open(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_close_ int fd = cgroup_open(cgroup.path, NULL);
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(cgroup_open("/tmp", &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "/tmp"));
    assert_int_equal(cgroup_open("/sys/fs/cgroup/no/such", &error), -ENOENT);
    assert_non_null(strstr(error.text, "/sys/fs/cgroup/no/such"));
}

static void controllers_are_listed(void **state) {
    (void)state;
    _cleanup_free_ char *controllers = NULL;
    assert_int_equal(cgroup_controllers(cgroup_fixture_root(), &controllers, NULL), 0);
    assert_null(strchr(controllers, '\n'));
    if (cgroup_fixture_has_controllers(&cgroup))
        assert_non_null(strstr(controllers, "memory"));
    assert_int_equal(cgroup_controllers("/tmp", &controllers, NULL), -ENOTSUP);
}

/* ---- figures ---- */

static int eat_memory(const void *data) {
    size_t size = *(const size_t *)data;
    if (cgroup_fixture_enter(cgroup.fd) < 0)
        return 1;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 2;
    for (size_t at = 0; at < size; at += 4096)
        ((volatile char *)memory)[at] = 1;
    return 0;
}

static void provoke_oom_kill(void) {
    Diego__Supervisor__Cgroup limits = no_limits();
    limits.memory_max = 8 * MIB;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    assert_int_equal(cgroup_apply_limits(cgroup.fd, &limits, &missing, NULL), 0);
    assert_int_equal(child_run(eat_memory, &(size_t){64 * MIB}), 1000 + SIGKILL);
}

static void oom_kills_of_this_cgroup_are_counted(void **state) {
    (void)state;
    uint64_t kills = 99;
    if (is_plain())
        write_plain("memory.events.local", "low 0\nhigh 5\nmax 7\noom 3\noom_group_kill 4\noom_kill 1\n");
    else
        provoke_oom_kill();
    assert_int_equal(cgroup_oom_kills(limits_fd, &kills, NULL), 0);
    assert_int_equal(kills, 1);
}

static void without_the_memory_controller_nothing_was_killed(void **state) {
    (void)state;
    uint64_t kills = 99;
    assert_int_equal(cgroup_oom_kills(limits_fd, &kills, NULL), 0);
    assert_int_equal(kills, 0);
    assert_int_equal(cgroup_memory_peak(limits_fd), 0);
}

static void the_peak_is_in_bytes(void **state) {
    (void)state;
    if (is_plain())
        write_plain("memory.peak", "20971520\n");
    else
        assert_int_equal(child_run(eat_memory, &(size_t){20 * MIB}), 0);
    assert_in_range(cgroup_memory_peak(limits_fd), 20 * MIB, 40 * MIB);
}

static void faulty_events_are_an_error(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    uint64_t kills;
    bool populated;
    write_plain("memory.events.local", "oom_kill many\n");
    assert_int_equal(cgroup_oom_kills(limits_fd, &kills, &error), -EINVAL);
    write_plain("memory.events.local", "");
    assert_int_equal(cgroup_oom_kills(limits_fd, &kills, &error), -ENODATA);
    write_plain("cgroup.events", "frozen 0\n");
    assert_int_equal(cgroup_is_populated(limits_fd, &populated, &error), -ENODATA);
    assert_non_null(strstr(error.text, "populated"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define PLAIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_plain, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_limit_is_written),
        TEST(no_limit_is_max_and_no_swap),
        TEST(limits_are_lifted_again),
        PLAIN_TEST(swap_and_high_are_lowered_before_max),
        TEST(a_refused_value_is_named_with_its_file),
        PLAIN_TEST(missing_controllers_are_told_once_each),
        TEST(without_a_cgroup_everything_asked_for_is_missing),
        TEST(a_missing_controller_that_is_required_is_an_error),
        PLAIN_TEST(a_kernel_without_swap_accounting_misses_nothing),
        TEST(only_version_2_directories_open),
        TEST(controllers_are_listed),
        TEST(oom_kills_of_this_cgroup_are_counted),
        PLAIN_TEST(without_the_memory_controller_nothing_was_killed),
        TEST(the_peak_is_in_bytes),
        PLAIN_TEST(faulty_events_are_an_error),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
