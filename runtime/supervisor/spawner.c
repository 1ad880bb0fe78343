#include "runtime/supervisor/spawner.h"

#include <signal.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/protocol.h"
#include "runtime/supervisor/spawner_process.h"

int spawner_start(struct spawner *ret, struct error *error) {
    int ends[2];
    int result = message_socketpair(ends, false, error);
    if (result < 0)
        return result;
    pid_t pid = fork();
    if (pid == 0)
        spawner_process_run(ends[1]);
    fd_close(ends[1]);
    if (pid < 0) {
        int code = errno;
        fd_close(ends[0]);
        return error_set_errno(error, code, "cannot fork the spawner");
    }
    *ret = (struct spawner){.pid = pid, .fd = ends[0]};
    return 0;
}

static int send_request(const struct spawner *spawner, const Diego__Supervisor__SpawnerRequest *request,
                        const int *fds, size_t fd_count, struct error *error) {
    int result = protocol_send(spawner->fd, &request->base, fds, fd_count, error);
    return result < 0 ? error_wrap(error, "cannot reach the spawner (process %d)", (int)spawner->pid) : 0;
}

int spawner_prepare(const struct spawner *spawner, const Diego__Supervisor__Prepare *config,
                    struct error *error) {
    Diego__Supervisor__SpawnerRequest request = DIEGO__SUPERVISOR__SPAWNER_REQUEST__INIT;
    request.request_case = DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_PREPARE;
    request.prepare = (Diego__Supervisor__Prepare *)config;
    return send_request(spawner, &request, NULL, 0, error);
}

int spawner_remove(const struct spawner *spawner, char *const *paths, size_t count, struct error *error) {
    Diego__Supervisor__Remove remove = DIEGO__SUPERVISOR__REMOVE__INIT;
    remove.n_paths = count;
    remove.paths = (char **)paths;
    Diego__Supervisor__SpawnerRequest request = DIEGO__SUPERVISOR__SPAWNER_REQUEST__INIT;
    request.request_case = DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_REMOVE;
    request.remove = &remove;
    return send_request(spawner, &request, NULL, 0, error);
}

static int pack_spec(const Diego__Supervisor__TaskSpec *spec, struct error *error) {
    size_t size = diego__supervisor__task_spec__get_packed_size(spec);
    _cleanup_free_ uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return error_set_no_memory(error);
    diego__supervisor__task_spec__pack(spec, bytes);
    return message_memfd_create("diego-task-spec", bytes, size, error);
}

int spawner_spawn(const struct spawner *spawner, const Diego__Supervisor__TaskSpec *spec, int *ret_control,
                  struct error *error) {
    _cleanup_close_ int memfd = pack_spec(spec, error);
    if (memfd < 0)
        return memfd;
    int ends[2];
    int result = message_socketpair(ends, true, error);
    if (result < 0)
        return result;
    Diego__Supervisor__Spawn spawn = DIEGO__SUPERVISOR__SPAWN__INIT;
    Diego__Supervisor__SpawnerRequest request = DIEGO__SUPERVISOR__SPAWNER_REQUEST__INIT;
    request.request_case = DIEGO__SUPERVISOR__SPAWNER_REQUEST__REQUEST_SPAWN;
    request.spawn = &spawn;
    int fds[] = {memfd, ends[1]};
    result = send_request(spawner, &request, fds, ARRAY_SIZE(fds), error);
    fd_close(ends[1]);
    if (result < 0) {
        fd_close(ends[0]);
        return result;
    }
    *ret_control = ends[0];
    return 0;
}

void spawner_stop(struct spawner *spawner) {
    spawner->fd = fd_close(spawner->fd);
    if (spawner->pid > 0)
        waitpid(spawner->pid, NULL, 0);
    spawner->pid = -1;
}
