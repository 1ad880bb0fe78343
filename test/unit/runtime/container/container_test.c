#include "runtime/container/container.h"

#include "container_fixture.h"

static int setup(void **state) {
    test_directory_setup(state);
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    container_fixture_make_rootfs(&fixture);
    return 0;
}

#define test_with_rootfs(function) cmocka_unit_test_setup_teardown(function, setup, test_directory_teardown)

static void runs_a_process_as_the_containers_root(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(container_fixture_shell(&fixture, "root", "id -u; hostname; echo $HOME $USER"),
                        "0\nhouse\n/root root\n");
    assert_int_equal(fixture.exit.exit_code, 0);
}

static void its_root_is_an_unprivileged_id_of_the_host(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    const char *map = container_fixture_shell(&fixture, "root", "cat /proc/self/uid_map");
    unsigned inside, outside, count;
    assert_int_equal(sscanf(map, "%u %u %u", &inside, &outside, &count), 3);
    assert_int_equal(inside, 0);
    assert_int_equal(outside, 1879048192);
    assert_int_equal(count, 65536);
}

static void sees_only_its_own_processes(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(container_fixture_shell(&fixture, "root", "echo $$; cat /proc/1/comm"),
                        "2\ndiego-init\n");
}

static void the_rootfs_belongs_to_its_root_and_is_never_changed(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(container_fixture_shell(
                            &fixture, "root", "stat -c %u /bin/busybox; touch /bin/new; stat -c %u /bin/new"),
                        "0\n0\n");
    assert_false(test_exists(fixture.directory->fd, "rootfs/bin/new"));
    assert_true(test_exists(fixture.directory->fd, "state/tasks/a/upper/bin/new"));
    struct stat status;
    assert_int_equal(fstatat(fixture.directory->fd, "state/tasks/a/upper/bin/new", &status, 0), 0);
    assert_int_equal(status.st_uid, 1879048192);
}

static void a_readonly_rootfs_cannot_be_written(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    fixture.rootfs.readonly = true;
    const char *output =
        container_fixture_shell(&fixture, "root", "touch /bin/new; touch /dev/shm/x && echo shm");
    assert_non_null(strstr(output, "Read-only file system"));
    assert_non_null(strstr(output, "shm\n"));
}

static void another_user_has_no_capabilities(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(
        container_fixture_shell(&fixture, "vcap",
                                "id; cat /proc/self/status | grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs|Seccomp:'"),
        "uid=2000(vcap) gid=2000(vcap) "
        "groups=50(staff)\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
        "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

static void root_has_the_default_capabilities(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(container_fixture_shell(&fixture, "root", "cat /proc/self/status | grep CapEff"),
                        "CapEff:\t00000000a80425fb\n");
}

static void has_only_harmless_devices(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_string_equal(
        container_fixture_shell(&fixture, "root", "ls /dev; echo x > /dev/null; echo $?"),
        "core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\n"
        "zero\n0\n");
}

static void kernel_files_are_hidden_or_read_only(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    const char *output = container_fixture_shell(
        &fixture, "root",
        "cat /proc/kcore; ls /sys/firmware; echo x > /proc/sys/kernel/hostname; mount | grep ' / '");
    assert_non_null(strstr(output, "Read-only file system"));
    assert_non_null(strstr(output, "overlay on / type overlay"));
}

static void etc_has_the_runtimes_files(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    char *servers[] = {(char *)"192.0.2.1"};
    char *hosts[] = {(char *)"db:192.0.2.7"};
    fixture.network_files.dns_servers = servers;
    fixture.network_files.n_dns_servers = 1;
    fixture.network_files.extra_hosts = hosts;
    fixture.network_files.n_extra_hosts = 1;
    assert_string_equal(
        container_fixture_shell(&fixture, "root", "cat /etc/hostname /etc/resolv.conf; grep db /etc/hosts"),
        "house\nnameserver 192.0.2.1\n192.0.2.7\tdb\n");
}

static void a_missing_directory_is_made_for_the_user(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    const char *const args[] = {"-c", "echo $PWD; stat -c %u .", NULL};
    char *const env[] = {NULL};
    const struct container_process process = {
        .path = "/bin/sh", .args = args, .env = env, .user = "vcap", .dir = "/srv/app"};
    container_fixture_run(&fixture, &process);
    assert_string_equal(fixture.output, "/srv/app\n2000\n");
}

/* --- what cannot be started --- */

static void assert_refused(void **state, const char *path, const char *user, const char *dir,
                           const char *text) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    char *const env[] = {NULL};
    const struct container_process process = {.path = path, .env = env, .user = user, .dir = dir};
    assert_int_equal(container_fixture_run(&fixture, &process), 1);
    assert_string_equal(fixture.output, text);
}

static void a_missing_program_is_an_error(void **state) {
    assert_refused(state, "/bin/nothing", "root", "/", "stat /bin/nothing: no such file or directory");
}

static void a_program_that_is_not_in_path_is_an_error(void **state) {
    assert_refused(state, "nothing", "root", "/", "exec: \"nothing\": executable file not found in $PATH");
}

static void a_file_that_is_no_program_is_an_error(void **state) {
    assert_refused(state, "/etc/passwd", "root", "/", "exec: \"/etc/passwd\": permission denied");
}

static void an_unknown_user_is_an_error(void **state) {
    assert_refused(state, "/bin/sh", "nobody", "/",
                   "unable to find user nobody: no matching entries in passwd file");
}

static void a_relative_directory_is_an_error(void **state) {
    assert_refused(state, "/bin/sh", "root", "app", "dir must be an absolute path, got \"app\"");
}

static void a_directory_that_the_user_cannot_enter_is_an_error(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(mkdirat(directory->fd, "rootfs/closed", 0700), 0);
    assert_refused(state, "/bin/sh", "vcap", "/closed",
                   "user vcap cannot enter dir /closed: Permission denied");
}

/* --- hostile root file systems --- */

static void assert_link_refused(void **state, const char *name) {
    struct test_directory *directory = *state;
    char path[32], text[128];
    snprintf(path, sizeof path, "rootfs/%s", name);
    assert_int_equal(symlinkat("/tmp", directory->fd, path), 0);
    snprintf(text, sizeof text,
             "rootfs preloaded:busybox: cannot open %s: it is, or leads through, a symbolic link", name);
    assert_refused(state, "/bin/sh", "root", "/", text);
}

static void a_link_in_the_place_of_proc_is_refused(void **state) {
    assert_link_refused(state, "proc");
}

static void a_link_in_the_place_of_dev_is_refused(void **state) {
    assert_link_refused(state, "dev");
}

static void a_link_in_the_place_of_sys_is_refused(void **state) {
    assert_link_refused(state, "sys");
}

static void a_link_in_the_place_of_passwd_is_refused(void **state) {
    struct test_directory *directory = *state;
    assert_int_equal(unlinkat(directory->fd, "rootfs/etc/passwd", 0), 0);
    assert_int_equal(symlinkat("/etc/shadow", directory->fd, "rootfs/etc/passwd"), 0);
    assert_refused(state, "/bin/sh", "root", "/",
                   "cannot open /etc/passwd: it is, or leads through, a symbolic link");
}

/* --- mounts --- */

static void binds_a_directory_with_mapped_ids(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    assert_int_equal(mkdirat(fixture.directory->fd, "alloc", 0755), 0);
    char source[64];
    snprintf(source, sizeof source, "%s/alloc", fixture.directory->path);
    Diego__Supervisor__Mount mount = DIEGO__SUPERVISOR__MOUNT__INIT;
    mount.source = source;
    mount.source_root = fixture.directory->path;
    mount.target = (char *)"/alloc";
    mount.idmap = true;
    Diego__Supervisor__Mount *mounts[] = {&mount};
    fixture.spec.mounts = mounts;
    fixture.spec.n_mounts = 1;
    assert_string_equal(
        container_fixture_shell(&fixture, "root", "touch /alloc/f && stat -c %u /alloc /alloc/f"), "0\n0\n");
    struct stat status;
    assert_int_equal(fstatat(fixture.directory->fd, "alloc/f", &status, 0), 0);
    assert_int_equal(status.st_uid, 0);
}

static void a_mount_into_proc_is_refused(void **state) {
    struct container_fixture fixture;
    container_fixture_init(&fixture, state);
    Diego__Supervisor__Mount mount = DIEGO__SUPERVISOR__MOUNT__INIT;
    mount.type = DIEGO__SUPERVISOR__MOUNT__TYPE__TMPFS;
    mount.target = (char *)"/proc/sys";
    Diego__Supervisor__Mount *mounts[] = {&mount};
    fixture.spec.mounts = mounts;
    fixture.spec.n_mounts = 1;
    char *const env[] = {NULL};
    const struct container_process process = {.path = "/bin/sh", .env = env};
    assert_int_equal(container_fixture_run(&fixture, &process), 1);
    assert_string_equal(fixture.output,
                        "cannot mount at /proc/sys: the target leads into /proc or /sys; choose another");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_rootfs(runs_a_process_as_the_containers_root),
        test_with_rootfs(its_root_is_an_unprivileged_id_of_the_host),
        test_with_rootfs(sees_only_its_own_processes),
        test_with_rootfs(the_rootfs_belongs_to_its_root_and_is_never_changed),
        test_with_rootfs(a_readonly_rootfs_cannot_be_written),
        test_with_rootfs(another_user_has_no_capabilities),
        test_with_rootfs(root_has_the_default_capabilities),
        test_with_rootfs(has_only_harmless_devices),
        test_with_rootfs(kernel_files_are_hidden_or_read_only),
        test_with_rootfs(etc_has_the_runtimes_files),
        test_with_rootfs(a_missing_directory_is_made_for_the_user),
        test_with_rootfs(a_missing_program_is_an_error),
        test_with_rootfs(a_program_that_is_not_in_path_is_an_error),
        test_with_rootfs(a_file_that_is_no_program_is_an_error),
        test_with_rootfs(an_unknown_user_is_an_error),
        test_with_rootfs(a_relative_directory_is_an_error),
        test_with_rootfs(a_directory_that_the_user_cannot_enter_is_an_error),
        test_with_rootfs(a_link_in_the_place_of_proc_is_refused),
        test_with_rootfs(a_link_in_the_place_of_dev_is_refused),
        test_with_rootfs(a_link_in_the_place_of_sys_is_refused),
        test_with_rootfs(a_link_in_the_place_of_passwd_is_refused),
        test_with_rootfs(binds_a_directory_with_mapped_ids),
        test_with_rootfs(a_mount_into_proc_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
