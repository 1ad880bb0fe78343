#include "runtime/supervisor/spawner_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/supervisor/protocol.h"
#include "runtime/supervisor/supervisor.h"
#include "runtime/sys/path.h"

/* A task specification holds the whole environment: large, but not without end. */
static const size_t SPEC_LIMIT = 64 * 1024 * 1024;

struct spawner_process {
    int fd;
    struct container_host *host;               /* NULL before a Prepare that worked */
    Diego__Supervisor__SpawnerRequest *config; /* the request with that Prepare, owned */
    struct error prepare_error;                /* why there is no host */
};

static void prepare(struct spawner_process *spawner, Diego__Supervisor__SpawnerRequest *request) {
    struct container_host *host = NULL;
    error_clear(&spawner->prepare_error);
    if (container_host_create(request->prepare, &host, &spawner->prepare_error) < 0) {
        diego__supervisor__spawner_request__free_unpacked(request, NULL);
        return;
    }
    container_host_destroy(spawner->host);
    if (spawner->config != NULL)
        diego__supervisor__spawner_request__free_unpacked(spawner->config, NULL);
    spawner->host = host;
    spawner->config = request;
}

/* --- supervisors --- */

static void report_failure(int control_fd, const struct error *error) {
    _cleanup_free_ char *text = error_format(error);
    Diego__Supervisor__StartFailed failed = DIEGO__SUPERVISOR__START_FAILED__INIT;
    failed.code = error->code;
    failed.error = text != NULL ? text : (char *)"out of memory";
    failed.recoverable = true;
    Diego__Supervisor__Event event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_START_FAILED;
    event.start_failed = &failed;
    protocol_send(control_fd, &event.base, NULL, 0, NULL);
}

static int read_spec(int memfd, Diego__Supervisor__TaskSpec **ret, struct error *error) {
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    int result = message_memfd_read(memfd, SPEC_LIMIT, &bytes, error);
    if (result < 0)
        return result;
    *ret = diego__supervisor__task_spec__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
    return *ret != NULL ? 0 : error_set(error, EBADMSG, "the task's specification cannot be read");
}

/* The agent may be protected from the OOM killer; its tasks are not. */
static void reset_oom_score(void) {
    _cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "0", 1) < 0)
        return; /* a host that does not let us lower it keeps what it set */
}

_Noreturn static void run_supervisor(const struct spawner_process *spawner, int memfd, int control_fd) {
    fd_close(spawner->fd);
    signal(SIGCHLD, SIG_DFL); /* a supervisor wants to know how its children end */
    setsid();
    prctl(PR_SET_NAME, "diego-task");
    reset_oom_score();
    Diego__Supervisor__TaskSpec *spec = NULL;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (read_spec(memfd, &spec, &error) < 0) {
        report_failure(control_fd, &error);
        _exit(1);
    }
    fd_close(memfd);
    _exit(supervisor_run(spawner->host, spec, control_fd));
}

static void spawn(const struct spawner_process *spawner, int memfd, int control_fd) {
    _cleanup_error_ struct error error = ERROR_INIT;
    if (spawner->host == NULL) {
        if (error_is_set(&spawner->prepare_error))
            error_copy(&error, &spawner->prepare_error);
        else
            error_set(&error, EINVAL, "the driver is not configured yet");
        report_failure(control_fd, &error);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        run_supervisor(spawner, memfd, control_fd);
    if (pid < 0) {
        error_set_errno(&error, errno, "cannot fork a supervisor for the task");
        report_failure(control_fd, &error);
    }
}

/* --- removal --- */

static bool is_below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return length > 0 && text_has_prefix(path, directory) && path[length] == '/' &&
           strstr(path, "/..") == NULL;
}

static void remove_path(const Diego__Supervisor__Prepare *config, const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0' ||
        (!is_below(path, config->run_dir) && !is_below(path, config->state_dir)))
        return;
    _cleanup_free_ char *parent = strndup(path, (size_t)(slash - path));
    _cleanup_close_ int directory = parent != NULL ? path_open_host_directory(parent, NULL) : -1;
    if (directory >= 0)
        path_remove_tree(directory, slash + 1, NULL);
}

static void remove_paths(const struct spawner_process *spawner, const Diego__Supervisor__Remove *request) {
    if (spawner->config == NULL || fork() != 0)
        return; /* what cannot be removed now is found by the next plugin's start */
    for (size_t i = 0; i < request->n_paths; i++)
        remove_path(spawner->config->prepare, request->paths[i]);
    _exit(0);
}

/* --- the loop --- */

static void handle_request(struct spawner_process *spawner, Diego__Supervisor__SpawnerRequest *request,
                           const int *fds, size_t fd_count) {
    switch (request->request_case) {
    case DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_PREPARE:
        prepare(spawner, request);
        return; /* keeps the request */
    case DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_SPAWN:
        if (fd_count == 2)
            spawn(spawner, fds[0], fds[1]);
        break;
    case DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_REMOVE:
        remove_paths(spawner, request->remove);
        break;
    default:
        break;
    }
    diego__supervisor__spawner_request__free_unpacked(request, NULL);
}

/* The plugin's secrets and descriptors are not the spawner's; its signals are not either. */
static void detach_from_plugin(int fd) {
    setsid();
    prctl(PR_SET_NAME, "diego-spawner");
    prctl(PR_SET_DUMPABLE, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = STDIN_FILENO; null >= 0 && standard <= STDERR_FILENO; standard++)
        dup2(null, standard);
    fd_close(null);
    if (fd > STDERR_FILENO + 1)
        close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
    /* SIGCHLD too: children are reaped by the kernel, since this process only ever waits for requests. */
    static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGCHLD};
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

_Noreturn void spawner_process_run(int fd) {
    struct spawner_process spawner = {.fd = fd};
    detach_from_plugin(fd);
    for (;;) {
        ProtobufCMessage *request = NULL;
        int fds[MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        int got = protocol_receive(fd, &diego__supervisor__spawner_request__descriptor, &request, fds,
                                   &fd_count, NULL);
        if (got == -EBADMSG || got == -EINTR)
            continue;
        if (got <= 0)
            _exit(0);
        handle_request(&spawner, (Diego__Supervisor__SpawnerRequest *)request, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++)
            fd_close(fds[i]);
    }
}
