/* A container on a busybox rootfs, run in a forked child, since its maker changes namespaces for good. */
#ifndef DIEGO_TEST_CONTAINER_FIXTURE_H
#define DIEGO_TEST_CONTAINER_FIXTURE_H

#include <poll.h>
#include <sys/wait.h>

#include "runtime/container/container.h"
#include "runtime/container/environment.h"
#include "support/test.h"

/* A task specification with every part in place; tests change what they are about. */
struct container_fixture {
    struct test_directory *directory;
    char state_dir[64], run_dir[64], layer_dir[80], rootfs_dir[64];
    Diego__Supervisor__TaskSpec spec;
    Diego__Supervisor__Rootfs rootfs;
    Diego__Supervisor__Namespaces namespaces;
    Diego__Supervisor__Security security;
    Diego__Supervisor__NetworkFiles network_files;
    Diego__Supervisor__Cgroup cgroup;
    char *capabilities[16];
    char output[65536]; /* what the process wrote, or the error's text */
    struct process_exit exit;
};

static inline void container_fixture_init(struct container_fixture *fixture, void **state) {
    static const char *const names[] = {
        "CHOWN",  "DAC_OVERRIDE", "FSETID",  "FOWNER",           "MKNOD",      "NET_RAW", "SETGID",
        "SETUID", "SETFCAP",      "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",    "AUDIT_WRITE"};
    memset(fixture, 0, sizeof *fixture);
    fixture->directory = *state;
    const char *path = fixture->directory->path;
    snprintf(fixture->state_dir, sizeof fixture->state_dir, "%s/state", path);
    snprintf(fixture->run_dir, sizeof fixture->run_dir, "%s/run", path);
    snprintf(fixture->layer_dir, sizeof fixture->layer_dir, "%s/state/tasks/a", path);
    snprintf(fixture->rootfs_dir, sizeof fixture->rootfs_dir, "%s/rootfs", path);
    diego__supervisor__task_spec__init(&fixture->spec);
    diego__supervisor__rootfs__init(&fixture->rootfs);
    diego__supervisor__namespaces__init(&fixture->namespaces);
    diego__supervisor__security__init(&fixture->security);
    diego__supervisor__network_files__init(&fixture->network_files);
    diego__supervisor__cgroup__init(&fixture->cgroup);
    fixture->spec.layer_dir = fixture->layer_dir;
    fixture->spec.rootfs = &fixture->rootfs;
    fixture->spec.namespaces = &fixture->namespaces;
    fixture->spec.security = &fixture->security;
    fixture->spec.network_files = &fixture->network_files;
    fixture->spec.cgroup = &fixture->cgroup;
    fixture->rootfs.label = (char *)"preloaded:busybox";
    fixture->namespaces.hostname = (char *)"house";
    fixture->namespaces.first_id = 1879048192;
    fixture->namespaces.id_count = 65536;
    fixture->security.no_new_privileges = true;
    fixture->security.seccomp = true;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        fixture->capabilities[i] = (char *)names[i];
    fixture->security.capabilities = fixture->capabilities;
    fixture->security.n_capabilities = ARRAY_SIZE(names);
}

/* bin/busybox with its links, and the users of a small system. */
static inline void container_fixture_make_rootfs(const struct container_fixture *fixture) {
    int dir_fd = fixture->directory->fd;
    static const char *const directories[] = {"rootfs",     "rootfs/bin",  "rootfs/etc",
                                              "rootfs/tmp", "rootfs/home", "rootfs/home/vcap"};
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        assert_int_equal(mkdirat(dir_fd, directories[i], 0755), 0);
    _cleanup_close_ int source = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int target = openat(dir_fd, "rootfs/bin/busybox", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_true(source >= 0 && target >= 0);
    while (copy_file_range(source, NULL, target, NULL, 1 << 24, 0) > 0)
        continue;
    static const char *const tools[] = {"sh",    "id",    "cat",  "ls",      "mount", "hostname",
                                        "sleep", "echo",  "stat", "touch",   "grep",  "mkdir",
                                        "chmod", "mknod", "env",  "readlink"};
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
        char link[64];
        snprintf(link, sizeof link, "rootfs/bin/%s", tools[i]);
        assert_int_equal(symlinkat("busybox", dir_fd, link), 0);
    }
    test_write_file(dir_fd, "rootfs/etc/passwd",
                    "root:x:0:0::/root:/bin/sh\nvcap:x:2000:2000::/home/vcap:/bin/sh\n");
    test_write_file(dir_fd, "rootfs/etc/group", "root:x:0:\nvcap:x:2000:\nstaff:x:50:vcap\n");
}

/* --- in the child --- */

static inline int container_fixture_wait(int pidfd, struct process_exit *ret) {
    struct pollfd ready = {.fd = pidfd, .events = POLLIN};
    poll(&ready, 1, 20000);
    return process_reap(pidfd, ret, NULL) == 1 ? 0 : -1;
}

static inline int container_fixture_spawn(struct container *container,
                                          const struct container_process *process, int report_fd,
                                          struct error *error) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    struct container_process piped = *process;
    piped.stdio[0] = -1;
    piped.stdio[1] = piped.stdio[2] = ends[1];
    piped.terminal = -1;
    struct container_child child;
    int r = container_spawn(container, &piped, &child, error);
    fd_close(ends[1]);
    if (r < 0)
        return r;
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    fd_read_all(ends[0], 65536, &output, "output", NULL);
    struct process_exit result = {.exit_code = 999};
    container_fixture_wait(child.pidfd, &result);
    fd_write_all(report_fd, &result, sizeof result);
    return fd_write_all(report_fd, output.data, output.size);
}

static inline int container_fixture_run_child(const struct container_fixture *fixture,
                                              const struct container_process *process, int report_fd,
                                              struct error *error) {
    Diego__Supervisor__Prepare prepare = DIEGO__SUPERVISOR__PREPARE__INIT;
    prepare.state_dir = (char *)fixture->state_dir;
    prepare.run_dir = (char *)fixture->run_dir;
    prepare.first_id = fixture->namespaces.first_id;
    prepare.id_count = fixture->namespaces.id_count;
    struct container_host *host = NULL;
    struct container *container = NULL;
    _cleanup_buffer_ struct buffer missing = BUFFER_INIT;
    int r = container_host_create(&prepare, &host, error);
    if (r == 0)
        r = container_create(host, &fixture->spec, fixture->rootfs_dir, &container, &missing, error);
    if (r == 0)
        r = container_fixture_spawn(container, process, report_fd, error);
    container_destroy(container);
    container_host_destroy(host);
    return r;
}

/* Runs one process in a new container: 0 with its output and exit, or 1 with the error's text as output. */
static inline int container_fixture_run(struct container_fixture *fixture,
                                        const struct container_process *process) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = container_fixture_run_child(fixture, process, ends[1], &error);
        if (r < 0) {
            char *text = error_format(&error);
            fd_write_all(ends[1], text, strlen(text));
            free(text);
        }
        error_clear(&error);
        _exit(r < 0);
    }
    fd_close(ends[1]);
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    assert_int_equal(fd_read_all(ends[0], sizeof fixture->output, &output, "report", NULL), 0);
    fd_close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0) {
        memcpy(&fixture->exit, output.data, sizeof fixture->exit);
        buffer_consume(&output, sizeof fixture->exit);
    }
    snprintf(fixture->output, sizeof fixture->output, "%s", output.size > 0 ? output.data : "");
    return WEXITSTATUS(status);
}

/* The output of a shell command as a user; fails the test when the container cannot be made. */
static inline const char *container_fixture_shell(struct container_fixture *fixture, const char *user,
                                                  const char *command) {
    const char *const args[] = {"-c", command, NULL};
    char *const env[] = {(char *)"PATH=/bin", NULL};
    const struct container_process process = {
        .path = "sh", .args = args, .env = env, .user = user, .dir = "/"};
    if (container_fixture_run(fixture, &process) != 0)
        fail_msg("%s", fixture->output);
    return fixture->output;
}

#endif
