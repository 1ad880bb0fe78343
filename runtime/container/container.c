#include "runtime/container/container.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/device_program.h"
#include "runtime/sys/path.h"

int container_init_pidfd(const struct container *container) {
    return container->init_pidfd;
}

pid_t container_init_pid(const struct container *container) {
    return container->init_pid;
}

int container_cgroup_fd(const struct container *container) {
    return container->cgroup_fd;
}

int container_root_fd(const struct container *container) {
    return container->root_fd;
}

size_t container_timings(const struct container *container, const struct container_timing **ret) {
    *ret = container->timings;
    return container->timing_count;
}

/* The container's root may have put anything in the place of its ptmx. */
static int open_multiplexer(const struct container *container, struct error *error) {
    _cleanup_close_ int found =
        path_open(container->root_fd, "dev/pts/ptmx", O_PATH | O_NOFOLLOW, 0, PATH_NO_LINKS, error);
    struct stat status;
    if (found < 0)
        return found;
    if (fstat(found, &status) < 0 || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2))
        return error_set(error, ENODEV, "/dev/pts/ptmx of the container is not a terminal multiplexer");
    return path_open(container->root_fd, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0,
                     PATH_NO_LINKS, error);
}

int container_open_terminal(struct container *container, int *ret_master, int *ret_slave,
                            struct error *error) {
    _cleanup_close_ int master = open_multiplexer(container, error);
    if (master < 0)
        return master;
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return error_set_errno(error, errno, "cannot unlock a terminal");
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return error_set_errno(error, errno, "cannot open a terminal");
    *ret_slave = slave;
    *ret_master = TAKE_FD(master);
    return 0;
}

void container_kill(struct container *container) {
    if (container->init_pid > 0)
        process_signal(container->init_pidfd, SIGKILL);
    if (container->cgroup_fd >= 0)
        cgroup_kill(container->cgroup_fd, NULL);
}

/* The kernel lets pid 1 end only after all others of its pid namespace were reaped, and those that
 * container_spawn made are for us to reap. */
static void reap_all(void) {
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

void container_destroy(struct container *container) {
    if (container == NULL)
        return;
    if (container->init_pid > 0) {
        container_kill(container);
        reap_all();
    }
    if (container->device_program >= 0 && container->cgroup_fd >= 0)
        device_program_detach(container->device_program, container->cgroup_fd, NULL);
    if (container->owns_device_program)
        fd_close(container->device_program);
    fd_close(container->init_pidfd);
    fd_close(container->root_fd);
    fd_close(container->null_fd);
    fd_close(container->cgroup_fd);
    seccomp_filter_destroy(container->seccomp);
    free(container);
}
