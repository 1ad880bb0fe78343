#include "runtime/sys/device_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "runtime/sys/cgroup_fixture.h"
#include "runtime/sys/child.h"

static struct cgroup_fixture cgroup;
static char nodes[] = "/dev/diego-test-XXXXXX"; /* on a file system where device nodes work */

static int set_up(void **state) {
    (void)state;
    return mkdtemp(nodes) == NULL ? -1 : cgroup_fixture_create(&cgroup);
}

static int tear_down(void **state) {
    (void)state;
    int r = cgroup_fixture_destroy(&cgroup);
    return rmdir(nodes) < 0 ? -errno : r;
}

struct use {
    mode_t type; /* S_IFCHR, S_IFBLK */
    unsigned major, minor;
    int flags; /* open(2); -1: only mknod */
};

/* The errno of making the node and opening it inside the cgroup. */
static int use_device(const void *data) {
    const struct use *use = data;
    char path[64];
    snprintf(path, sizeof path, "%s/node", nodes);
    dev_t device = makedev(use->major, use->minor);
    if (use->flags >= 0 && mknod(path, use->type | 0600, device) < 0)
        return 250;
    if (cgroup_fixture_enter(cgroup.fd) < 0)
        return 251;
    int r = use->flags < 0 ? mknod(path, use->type | 0600, device)
                           : open(path, use->flags | O_NONBLOCK | O_NOCTTY);
    int code = r < 0 ? errno : 0;
    unlink(path);
    return code;
}

static int outcome(mode_t type, unsigned major, unsigned minor, int flags) {
    return child_run(use_device, &(struct use){type, major, minor, flags});
}

static int load(const struct device_rule *rules, size_t count) {
    int fd = -1;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (device_program_load(rules, count, &fd, &error) < 0)
        fail_msg("%s", error.text);
    return fd;
}

static void attach(const struct device_rule *rules, size_t count) {
    _cleanup_close_ int program = load(rules, count);
    assert_int_equal(device_program_attach(program, cgroup.fd, NULL), 0);
}

enum { MEM = 1, KMSG = 11, NULL_DEVICE = 3 };

static int detach_all(void **state) {
    (void)state;
    return device_program_detach_all(cgroup.fd, NULL);
}

static void without_a_program_every_device_opens(void **state) {
    (void)state;
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), 0);
}

static void the_standard_devices_open(void **state) {
    (void)state;
    attach(NULL, 0);
    static const unsigned minors[] = {3, 5, 7, 8, 9};
    for (size_t i = 0; i < ARRAY_SIZE(minors); i++)
        assert_int_equal(outcome(S_IFCHR, MEM, minors[i], O_RDWR), 0);
    assert_int_not_equal(outcome(S_IFCHR, 5, 0, O_RDWR), EPERM); /* tty: no such device without one */
    assert_int_not_equal(outcome(S_IFCHR, 5, 2, O_RDWR), EPERM); /* ptmx: only beside a devpts */
    assert_int_not_equal(outcome(S_IFCHR, 136, 9999, O_RDWR), EPERM);
    assert_int_not_equal(outcome(S_IFCHR, 10, 200, O_RDWR), EPERM);
}

static void other_devices_are_refused(void **state) {
    (void)state;
    attach(NULL, 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), EPERM);
    assert_int_equal(outcome(S_IFCHR, MEM, 1, O_RDONLY), EPERM);           /* mem */
    assert_int_equal(outcome(S_IFCHR, 5, 1, O_RDONLY), EPERM);             /* console */
    assert_int_equal(outcome(S_IFCHR, 10, 237, O_RDONLY), EPERM);          /* loop-control */
    assert_int_equal(outcome(S_IFBLK, 7, 0, O_RDONLY), EPERM);             /* loop0 */
    assert_int_equal(outcome(S_IFBLK, MEM, NULL_DEVICE, O_RDONLY), EPERM); /* ram3, not null */
}

static void any_node_may_be_made(void **state) {
    (void)state;
    attach(NULL, 0);
    assert_int_equal(outcome(S_IFBLK, 7, 0, -1), 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, -1), 0);
}

static void a_rule_grants_its_accesses_only(void **state) {
    (void)state;
    attach((const struct device_rule[]){{'c', MEM, KMSG, DEVICE_READ}}, 1);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_WRONLY), EPERM);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDWR), EPERM);
}

static void rules_may_leave_type_and_numbers_open(void **state) {
    (void)state;
    attach((const struct device_rule[]){{'c', MEM, DEVICE_ANY, DEVICE_READ}}, 1);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), 0);
    assert_int_equal(outcome(S_IFCHR, 10, 237, O_RDONLY), EPERM);
    assert_int_equal(outcome(S_IFBLK, MEM, KMSG, O_RDONLY), EPERM);
    device_program_detach_all(cgroup.fd, NULL);
    attach((const struct device_rule[]){{'a', DEVICE_ANY, DEVICE_ANY, DEVICE_READ | DEVICE_WRITE}}, 1);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDWR), 0);
    assert_int_not_equal(outcome(S_IFBLK, 7, 0, O_RDONLY), EPERM);
}

static void all_programs_must_agree(void **state) {
    (void)state;
    attach((const struct device_rule[]){{'c', MEM, KMSG, DEVICE_READ}}, 1);
    attach(NULL, 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), EPERM);
}

static void detaching_opens_the_cgroup_again(void **state) {
    (void)state;
    _cleanup_close_ int program = load(NULL, 0);
    assert_int_equal(device_program_attach(program, cgroup.fd, NULL), 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), EPERM);
    assert_int_equal(device_program_detach(program, cgroup.fd, NULL), 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), 0);
    assert_int_equal(device_program_detach(program, cgroup.fd, NULL), 0);
}

static void leftovers_are_detached_without_their_descriptor(void **state) {
    (void)state;
    attach(NULL, 0);
    attach((const struct device_rule[]){{'c', MEM, 1, DEVICE_READ}}, 1);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), EPERM);
    assert_int_equal(device_program_detach_all(cgroup.fd, NULL), 0);
    assert_int_equal(outcome(S_IFCHR, MEM, KMSG, O_RDONLY), 0);
    assert_int_equal(device_program_detach_all(cgroup.fd, NULL), 0);
}

static int load_without_rights(const void *data) {
    (void)data;
    if (setresuid(12345, 12345, 12345) < 0)
        return 1;
    int fd = -1;
    _cleanup_error_ struct error error = ERROR_INIT;
    int r = device_program_load(NULL, 0, &fd, &error);
    return r == -ENOTSUP && strstr(error.text, "Operation not permitted") != NULL ? 0 : 2;
}

static void a_host_that_forbids_programs_is_told_apart(void **state) {
    (void)state;
    assert_int_equal(child_run(load_without_rights, NULL), 0);
}

static void permissions_are_letters(void **state) {
    (void)state;
    uint32_t access = 0;
    assert_int_equal(device_access_parse("rwm", &access, NULL), 0);
    assert_int_equal(access, DEVICE_READ | DEVICE_WRITE | DEVICE_MKNOD);
    assert_int_equal(device_access_parse("r", &access, NULL), 0);
    assert_int_equal(access, DEVICE_READ);
    static const char *const faulty[] = {"", "x", "rx", "R", "r w"};
    for (size_t i = 0; i < ARRAY_SIZE(faulty); i++) {
        _cleanup_error_ struct error error = ERROR_INIT;
        assert_int_equal(device_access_parse(faulty[i], &access, &error), -EINVAL);
        assert_non_null(strstr(error.text, faulty[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_program_every_device_opens),
        cmocka_unit_test_teardown(the_standard_devices_open, detach_all),
        cmocka_unit_test_teardown(other_devices_are_refused, detach_all),
        cmocka_unit_test_teardown(any_node_may_be_made, detach_all),
        cmocka_unit_test_teardown(a_rule_grants_its_accesses_only, detach_all),
        cmocka_unit_test_teardown(rules_may_leave_type_and_numbers_open, detach_all),
        cmocka_unit_test_teardown(all_programs_must_agree, detach_all),
        cmocka_unit_test(detaching_opens_the_cgroup_again),
        cmocka_unit_test_teardown(leftovers_are_detached_without_their_descriptor, detach_all),
        cmocka_unit_test(a_host_that_forbids_programs_is_told_apart),
        cmocka_unit_test(permissions_are_letters),
    };
    return cmocka_run_group_tests_name("device_program", tests, set_up, tear_down);
}
