#include "runtime/sys/seccomp.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "runtime/base/clock.h"
#include "runtime/base/macros.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/child.h"

/* One system call and what it must answer. */
struct call {
    const char *name;
    long number;
    unsigned long arguments[3];
    int code; /* errno; -1: any but EPERM and ENOSYS, or success */
};

#define ANY ULONG_MAX, ULONG_MAX, ULONG_MAX
enum { PASSES = -1 };

static struct seccomp_filter *filter;    /* for the default capabilities */
static struct seccomp_filter *sys_admin; /* with CAP_SYS_ADMIN beside them */

static int set_up(void **state) {
    (void)state;
    if (seccomp_filter_compile_default(capability_default_set, &filter, NULL) < 0)
        return -1;
    return seccomp_filter_compile_default(capability_default_set | CAPABILITY_BIT(CAP_SYS_ADMIN), &sys_admin,
                                          NULL);
}

static int tear_down(void **state) {
    (void)state;
    seccomp_filter_destroy(filter);
    seccomp_filter_destroy(sys_admin);
    return 0;
}

struct attempt {
    const struct call *call;
    const struct seccomp_filter *filter;
};

/* The errno of the call under the filter; 254 when the filter could not be installed. */
static int attempt_call(const void *data) {
    const struct attempt *attempt = data;
    const struct call *call = attempt->call;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_filter_install(attempt->filter) < 0)
        return 254;
    long r = syscall(call->number, call->arguments[0], call->arguments[1], call->arguments[2], -1L, -1L, -1L);
    return r < 0 ? errno : 0;
}

static void check(const struct seccomp_filter *with, const struct call *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int code = child_run(attempt_call, &(struct attempt){&calls[i], with});
        bool right =
            calls[i].code == PASSES ? code != EPERM && code != ENOSYS && code < 254 : code == calls[i].code;
        if (!right)
            fail_msg("%s: expected errno %d, got %d", calls[i].name, calls[i].code, code);
    }
}

/* Arguments are nonsense, so that none of these would do anything or answer EPERM without a filter. */
static void calls_outside_the_profile_are_refused(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"unshare", SYS_unshare, {ANY}, EPERM},
        {"setns", SYS_setns, {ANY}, EPERM},
        {"mount", SYS_mount, {ANY}, EPERM},
        {"umount2", SYS_umount2, {ANY}, EPERM},
        {"pivot_root", SYS_pivot_root, {ANY}, EPERM},
        {"open_tree", SYS_open_tree, {ANY}, EPERM},
        {"move_mount", SYS_move_mount, {ANY}, EPERM},
        {"fsopen", SYS_fsopen, {ANY}, EPERM},
        {"fsconfig", SYS_fsconfig, {ANY}, EPERM},
        {"fsmount", SYS_fsmount, {ANY}, EPERM},
        {"fspick", SYS_fspick, {ANY}, EPERM},
        {"mount_setattr", SYS_mount_setattr, {ANY}, EPERM},
        {"bpf", SYS_bpf, {ANY}, EPERM},
        {"keyctl", SYS_keyctl, {ANY}, EPERM},
        {"add_key", SYS_add_key, {ANY}, EPERM},
        {"request_key", SYS_request_key, {ANY}, EPERM},
        {"userfaultfd", SYS_userfaultfd, {ANY}, EPERM},
        {"perf_event_open", SYS_perf_event_open, {ANY}, EPERM},
        {"io_uring_setup", SYS_io_uring_setup, {ANY}, EPERM},
        {"io_uring_enter", SYS_io_uring_enter, {ANY}, EPERM},
        {"io_uring_register", SYS_io_uring_register, {ANY}, EPERM},
        {"kexec_load", SYS_kexec_load, {ANY}, EPERM},
        {"kexec_file_load", SYS_kexec_file_load, {ANY}, EPERM},
        {"init_module", SYS_init_module, {ANY}, EPERM},
        {"finit_module", SYS_finit_module, {ANY}, EPERM},
        {"delete_module", SYS_delete_module, {ANY}, EPERM},
        {"reboot", SYS_reboot, {ANY}, EPERM},
        {"swapon", SYS_swapon, {ANY}, EPERM},
        {"swapoff", SYS_swapoff, {ANY}, EPERM},
        {"acct", SYS_acct, {ANY}, EPERM},
        {"quotactl", SYS_quotactl, {ANY}, EPERM},
        {"open_by_handle_at", SYS_open_by_handle_at, {ANY}, EPERM},
        {"settimeofday", SYS_settimeofday, {ANY}, EPERM},
        {"clock_settime", SYS_clock_settime, {ANY}, EPERM},
        {"syslog", SYS_syslog, {ANY}, EPERM},
        {"sethostname", SYS_sethostname, {ANY}, EPERM},
        {"setdomainname", SYS_setdomainname, {ANY}, EPERM},
        {"kcmp", SYS_kcmp, {ANY}, EPERM},
        {"mbind", SYS_mbind, {ANY}, EPERM},
        {"move_pages", SYS_move_pages, {ANY}, EPERM},
        {"fanotify_init", SYS_fanotify_init, {ANY}, EPERM},
        {"pidfd_getfd", SYS_pidfd_getfd, {ANY}, EPERM},
        {"process_madvise", SYS_process_madvise, {ANY}, EPERM},
    };
    check(filter, calls, ARRAY_SIZE(calls));
}

static void ordinary_calls_pass(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"getpid", SYS_getpid, {ANY}, PASSES},
        {"openat", SYS_openat, {ANY}, PASSES},
        {"execve", SYS_execve, {ANY}, PASSES},
        {"setresuid", SYS_setresuid, {0, 0, 0}, PASSES},
        {"chroot", SYS_chroot, {ANY}, PASSES},
        {"mknodat", SYS_mknodat, {ANY}, PASSES},
        {"seccomp", SYS_seccomp, {ANY}, PASSES},
        {"landlock_create_ruleset", SYS_landlock_create_ruleset, {0, 0, 1}, PASSES},
        {"process_vm_readv", SYS_process_vm_readv, {ANY}, PASSES},
        {"ioctl TIOCGWINSZ", SYS_ioctl, {ULONG_MAX, TIOCGWINSZ, 0}, PASSES},
        {"socket AF_INET", SYS_socket, {AF_INET, SOCK_DGRAM, 0}, PASSES},
        {"socket AF_UNIX", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, PASSES},
        {"socket AF_NETLINK", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}, PASSES},
        {"the present personality", SYS_personality, {0xffffffff}, PASSES},
        {"an ordinary personality", SYS_personality, {PER_LINUX}, PASSES},
    };
    check(filter, calls, ARRAY_SIZE(calls));
}

static void namespaces_cannot_be_made(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"clone NEWNS", SYS_clone, {CLONE_NEWNS | SIGCHLD}, EPERM},
        {"clone NEWCGROUP", SYS_clone, {CLONE_NEWCGROUP | SIGCHLD}, EPERM},
        {"clone NEWUTS", SYS_clone, {CLONE_NEWUTS | SIGCHLD}, EPERM},
        {"clone NEWIPC", SYS_clone, {CLONE_NEWIPC | SIGCHLD}, EPERM},
        {"clone NEWUSER", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
        {"clone NEWPID", SYS_clone, {CLONE_NEWPID | SIGCHLD}, EPERM},
        {"clone NEWNET", SYS_clone, {CLONE_NEWNET | SIGCHLD}, EPERM},
        {"clone of a process", SYS_clone, {SIGCHLD}, 0},
        {"clone3", SYS_clone3, {ANY}, ENOSYS},
    };
    check(filter, calls, ARRAY_SIZE(calls));
}

static void calls_newer_than_the_profile_do_not_exist(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"open_tree_attr", 467, {ANY}, ENOSYS},
        {"lsm_set_self_attr", 460, {ANY}, ENOSYS},
        {"600", 600, {ANY}, ENOSYS},
        {"100000", 100000, {ANY}, ENOSYS},
#if defined(__x86_64__)
        {"getpid of x32", 0x40000000 | SYS_getpid, {ANY}, ENOSYS},
#endif
    };
    check(filter, calls, ARRAY_SIZE(calls));
}

/* Beyond what Debian 12's libseccomp can name. */
static void recent_calls_of_the_profile_reach_the_kernel(void **state) {
    (void)state;
    static const struct call calls[] = {{"fchmodat2", 452, {ANY}, 0}, {"cachestat", 451, {ANY}, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        errno = 0;
        syscall(calls[i].number, -1L, -1L, -1L, -1L);
        int unfiltered = errno;
        assert_int_equal(child_run(attempt_call, &(struct attempt){&calls[i], filter}), unfiltered);
    }
}

static void dangerous_arguments_are_refused(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"ioctl TIOCSTI", SYS_ioctl, {ULONG_MAX, TIOCSTI, 0}, EPERM},
        {"ioctl TIOCSTI, upper half set", SYS_ioctl, {ULONG_MAX, TIOCSTI | 1UL << 32, 0}, EPERM},
        {"ioctl TIOCLINUX", SYS_ioctl, {ULONG_MAX, TIOCLINUX, 0}, EPERM},
        {"socket AF_VSOCK", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, EPERM},
        {"socket AF_VSOCK, upper half set", SYS_socket, {AF_VSOCK | 1UL << 32, SOCK_STREAM, 0}, EPERM},
        {"socket AF_ALG", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}, EPERM},
        {"personality ADDR_NO_RANDOMIZE", SYS_personality, {ADDR_NO_RANDOMIZE}, EPERM},
        {"personality READ_IMPLIES_EXEC", SYS_personality, {READ_IMPLIES_EXEC}, EPERM},
    };
    check(filter, calls, ARRAY_SIZE(calls));
}

static void a_capability_brings_its_calls(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"unshare", SYS_unshare, {0}, 0},
        {"setns", SYS_setns, {ANY}, PASSES},
        {"mount", SYS_mount, {ANY}, PASSES},
        {"clone3", SYS_clone3, {ANY}, PASSES},
        {"clone NEWUTS", SYS_clone, {CLONE_NEWUTS | SIGCHLD}, 0},
        {"delete_module", SYS_delete_module, {ANY}, EPERM},
    };
    check(sys_admin, calls, ARRAY_SIZE(calls));
}

#if defined(__x86_64__)
struct legacy_call {
    const struct seccomp_filter *filter; /* NULL: none */
    long number;
    long arguments[2];
};

/* The errno of an i386 call from this 64 bit process. */
static int attempt_legacy_call(const void *data) {
    const struct legacy_call *call = data;
    if (call->filter != NULL &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_filter_install(call->filter) < 0))
        return 254;
    long r;
    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "a"(call->number), "b"(call->arguments[0]), "c"(call->arguments[1]), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    int code = (int)r;
    return code < 0 ? -code : 0;
}

static void the_32_bit_calls_are_filtered_alike(void **state) {
    (void)state;
    enum { I386_GETPID = 20, I386_IOCTL = 54, I386_SOCKETCALL = 102, I386_UNSHARE = 310, I386_SOCKET = 359 };
    bool has_i386 = child_run(attempt_legacy_call, &(struct legacy_call){NULL, I386_GETPID, {0, 0}}) == 0;
    if (!has_i386)
        return; /* a kernel without them: nothing to reach */
    static const struct {
        long number, arguments[2];
        int code;
    } calls[] = {
        {I386_GETPID, {0, 0}, 0},
        {I386_UNSHARE, {0, 0}, EPERM},
        {I386_IOCTL, {-1, TIOCSTI}, EPERM},
        {I386_IOCTL, {-1, TIOCGWINSZ}, EBADF},
        {I386_SOCKET, {AF_VSOCK, SOCK_STREAM}, EPERM},
        {I386_SOCKETCALL, {1 /* SYS_SOCKET */, 0}, ENOSYS},
        {I386_SOCKETCALL, {2 /* SYS_BIND */, 0}, EFAULT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        struct legacy_call call = {filter, calls[i].number, {calls[i].arguments[0], calls[i].arguments[1]}};
        int code = child_run(attempt_legacy_call, &call);
        if (code != calls[i].code)
            fail_msg("i386 call %ld: expected errno %d, got %d", calls[i].number, calls[i].code, code);
    }
}
#endif

static int execute_true(const void *data) {
    (void)data;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_filter_install(filter) < 0)
        return 254;
    execl("/bin/sh", "sh", "-c", "true | cat; exit 7", NULL);
    return 253;
}

static void a_program_runs_under_the_filter(void **state) {
    (void)state;
    assert_int_equal(child_run(execute_true, NULL), 7);
}

static int install_without_rights(const void *data) {
    (void)data;
    if (capability_set_effective(0) < 0)
        return 254;
    return -seccomp_filter_install(filter);
}

static void installing_needs_no_new_privs_or_sys_admin(void **state) {
    (void)state;
    assert_int_equal(child_run(install_without_rights, NULL), EACCES);
}

static int time_install(const void *data) {
    (void)data;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return 254;
    int64_t start = clock_monotonic_ns();
    if (seccomp_filter_install(filter) < 0)
        return 254;
    int64_t took_ms = (clock_monotonic_ns() - start) / NS_PER_MS;
    return took_ms < 200 ? (int)took_ms : 200;
}

/* 0.4 ms on idle hardware; the bound is for a loaded machine or an emulated one. */
static void installing_is_quick(void **state) {
    (void)state;
    assert_true(filter->count > 300 && filter->count < 2000);
    assert_in_range(child_run(time_install, NULL), 0, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_outside_the_profile_are_refused),
        cmocka_unit_test(ordinary_calls_pass),
        cmocka_unit_test(namespaces_cannot_be_made),
        cmocka_unit_test(calls_newer_than_the_profile_do_not_exist),
        cmocka_unit_test(recent_calls_of_the_profile_reach_the_kernel),
        cmocka_unit_test(dangerous_arguments_are_refused),
        cmocka_unit_test(a_capability_brings_its_calls),
#if defined(__x86_64__)
        cmocka_unit_test(the_32_bit_calls_are_filtered_alike),
#endif
        cmocka_unit_test(a_program_runs_under_the_filter),
        cmocka_unit_test(installing_needs_no_new_privs_or_sys_admin),
        cmocka_unit_test(installing_is_quick),
    };
    return cmocka_run_group_tests_name("seccomp", tests, set_up, tear_down);
}
