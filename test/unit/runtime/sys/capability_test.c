#include "runtime/sys/capability.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "runtime/base/fd.h"
#include "runtime/base/macros.h"
#include "runtime/sys/child.h"

static void every_spelling_of_a_name_is_known(void **state) {
    (void)state;
    assert_int_equal(capability_number("CAP_CHOWN"), CAP_CHOWN);
    assert_int_equal(capability_number("cap_net_raw"), CAP_NET_RAW);
    assert_int_equal(capability_number("NET_BIND_SERVICE"), CAP_NET_BIND_SERVICE);
    assert_int_equal(capability_number("checkpoint_restore"), CAP_CHECKPOINT_RESTORE);
    assert_int_equal(capability_number("CAP_"), -EINVAL);
    assert_int_equal(capability_number(""), -EINVAL);
    assert_int_equal(capability_number("chown "), -EINVAL);
    assert_int_equal(capability_number("chow"), -EINVAL);
}

static void all_41_have_their_kernel_number(void **state) {
    (void)state;
    assert_int_equal(capability_full_set, (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1);
    for (unsigned number = 0; number <= CAP_LAST_CAP; number++)
        assert_int_equal(capability_number(capability_name(number)), number);
    assert_null(capability_name(CAP_LAST_CAP + 1));
    assert_string_equal(capability_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
    assert_string_equal(capability_name(CAP_MAC_OVERRIDE), "CAP_MAC_OVERRIDE");
    assert_string_equal(capability_name(CAP_BPF), "CAP_BPF");
}

static void the_default_set_is_dockers(void **state) {
    (void)state;
    assert_int_equal(capability_default_set, 0x00000000a80425fb);
}

static void names_make_a_set(void **state) {
    (void)state;
    const char *const names[] = {"CAP_CHOWN", "sys_ptrace", "chown"};
    uint64_t set = 0;
    assert_int_equal(capability_set_parse(names, ARRAY_SIZE(names), &set, NULL), 0);
    assert_int_equal(set, CAPABILITY_BIT(CAP_CHOWN) | CAPABILITY_BIT(CAP_SYS_PTRACE));
    assert_int_equal(capability_set_parse((const char *const[]){"ALL"}, 1, &set, NULL), 0);
    assert_int_equal(set, capability_full_set);
    assert_int_equal(capability_set_parse(NULL, 0, &set, NULL), 0);
    assert_int_equal(set, 0);
}

static void an_unknown_name_is_named(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    uint64_t set = 7;
    const char *const names[] = {"chown", "net_rwa"};
    assert_int_equal(capability_set_parse(names, ARRAY_SIZE(names), &set, &error), -EINVAL);
    assert_non_null(strstr(error.text, "\"net_rwa\""));
    assert_int_equal(set, 7);
}

static void the_kernels_last_capability_is_found(void **state) {
    (void)state;
    _cleanup_close_ int fd = open("/proc/sys/kernel/cap_last_cap", O_RDONLY | O_CLOEXEC);
    char text[16] = "";
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_int_equal(capability_last(), strtol(text, NULL, 10));
}

/* ---- giving up ---- */

struct sets {
    uint64_t inheritable, permitted, effective, bounding, ambient;
};

static uint64_t find_set(const char *status, const char *key) {
    const char *line = strstr(status, key);
    return line != NULL ? strtoull(line + strlen(key), NULL, 16) : UINT64_MAX;
}

static struct sets parse_sets(const char *status) {
    return (struct sets){
        .inheritable = find_set(status, "CapInh:"),
        .permitted = find_set(status, "CapPrm:"),
        .effective = find_set(status, "CapEff:"),
        .bounding = find_set(status, "CapBnd:"),
        .ambient = find_set(status, "CapAmb:"),
    };
}

struct person {
    uid_t uid;
    uint64_t set;
};

/* Becomes what capability.h says in its order; then `cat` tells what it has. */
static void become(const struct person *person, int output) {
    if (capability_limit_bounding(person->set) < 0)
        _exit(101);
    if (setresgid(person->uid, person->uid, person->uid) < 0 ||
        setresuid(person->uid, person->uid, person->uid) < 0)
        _exit(102);
    if (capability_set_effective(person->uid == 0 ? person->set : 0) < 0)
        _exit(103);
    dup2(output, STDOUT_FILENO);
    execl("/bin/cat", "cat", "/proc/self/status", NULL);
    _exit(104);
}

static struct sets sets_of(const struct person *person) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        become(person, ends[1]);
    fd_close(ends[1]);
    _cleanup_buffer_ struct buffer status = BUFFER_INIT;
    assert_int_equal(fd_read_all(ends[0], 64 * 1024, &status, "status", NULL), 0);
    fd_close(ends[0]);
    int result;
    assert_int_equal(waitpid(pid, &result, 0), pid);
    assert_int_equal(result, 0);
    return parse_sets(status.data);
}

static void root_keeps_the_bounding_set(void **state) {
    (void)state;
    struct sets sets = sets_of(&(struct person){0, capability_default_set});
    assert_int_equal(sets.bounding, capability_default_set);
    assert_int_equal(sets.permitted, capability_default_set);
    assert_int_equal(sets.effective, capability_default_set);
    assert_int_equal(sets.inheritable, 0);
    assert_int_equal(sets.ambient, 0);
}

static void others_have_the_bounding_set_and_nothing_else(void **state) {
    (void)state;
    struct sets sets = sets_of(&(struct person){12345, capability_default_set});
    assert_int_equal(sets.bounding, capability_default_set);
    assert_int_equal(sets.permitted, 0);
    assert_int_equal(sets.effective, 0);
    assert_int_equal(sets.inheritable, 0);
    assert_int_equal(sets.ambient, 0);
}

static void the_empty_set_leaves_root_nothing(void **state) {
    (void)state;
    struct sets sets = sets_of(&(struct person){0, 0});
    assert_int_equal(sets.bounding, 0);
    assert_int_equal(sets.permitted, 0);
    assert_int_equal(sets.effective, 0);
}

/* A privileged task on a host that lacks some capability gets the others. */
static int lack_one(const void *data) {
    (void)data;
    uint64_t before, after;
    if (capability_get_permitted(&before) < 0)
        return 1;
    before &= ~CAPABILITY_BIT(CAP_SYS_TIME);
    if (capability_set_effective(before) < 0 || capability_set_effective(capability_full_set) < 0)
        return 2;
    if (capability_get_permitted(&after) < 0)
        return 3;
    return after == before ? 0 : 4;
}

static void what_the_host_lacks_is_left_out(void **state) {
    (void)state;
    assert_int_equal(child_run(lack_one, NULL), 0);
}

static int raise_ambient_first(const void *data) {
    (void)data;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets) < 0)
        return 1;
    sets[0].inheritable = sets[0].permitted;
    sets[1].inheritable = sets[1].permitted;
    if (syscall(SYS_capset, &header, sets) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) < 0)
        return 2;
    if (capability_set_effective(capability_default_set) < 0)
        return 3;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) != 0)
        return 4;
    if (syscall(SYS_capget, &header, sets) < 0)
        return 5;
    return sets[0].inheritable == 0 && sets[1].inheritable == 0 ? 0 : 6;
}

static void ambient_and_inheritable_are_emptied(void **state) {
    (void)state;
    assert_int_equal(child_run(raise_ambient_first, NULL), 0);
}

static int drop_without_setpcap(const void *data) {
    (void)data;
    if (capability_set_effective(capability_full_set & ~CAPABILITY_BIT(CAP_SETPCAP)) < 0)
        return 1;
    return -capability_limit_bounding(capability_default_set);
}

static void limiting_needs_setpcap(void **state) {
    (void)state;
    assert_int_equal(child_run(drop_without_setpcap, NULL), EPERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_a_name_is_known),
        cmocka_unit_test(all_41_have_their_kernel_number),
        cmocka_unit_test(the_default_set_is_dockers),
        cmocka_unit_test(names_make_a_set),
        cmocka_unit_test(an_unknown_name_is_named),
        cmocka_unit_test(the_kernels_last_capability_is_found),
        cmocka_unit_test(root_keeps_the_bounding_set),
        cmocka_unit_test(others_have_the_bounding_set_and_nothing_else),
        cmocka_unit_test(the_empty_set_leaves_root_nothing),
        cmocka_unit_test(what_the_host_lacks_is_left_out),
        cmocka_unit_test(ambient_and_inheritable_are_emptied),
        cmocka_unit_test(limiting_needs_setpcap),
    };
    return cmocka_run_group_tests_name("capability", tests, NULL, NULL);
}
