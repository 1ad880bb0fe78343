#include <fcntl.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/container/internal.h"
#include "runtime/sys/path.h"

/* Only what belongs to a namespace of the container; anything else would change the host. A name that ends in
 * a dot stands for all below it. */
static const struct {
    const char *name;
    enum sysctl_place place;
} ALLOWED[] = {
    {"net.", SYSCTL_NETWORK},
    {"fs.mqueue.", SYSCTL_CONTAINER},
    {"kernel.domainname", SYSCTL_CONTAINER},
    {"kernel.msgmax", SYSCTL_CONTAINER},
    {"kernel.msgmnb", SYSCTL_CONTAINER},
    {"kernel.msgmni", SYSCTL_CONTAINER},
    {"kernel.sem", SYSCTL_CONTAINER},
    {"kernel.shm_rmid_forced", SYSCTL_CONTAINER},
    {"kernel.shmall", SYSCTL_CONTAINER},
    {"kernel.shmmax", SYSCTL_CONTAINER},
    {"kernel.shmmni", SYSCTL_CONTAINER},
};

static int find_place(const char *name, enum sysctl_place *ret, struct error *error) {
    for (size_t i = 0; i < ARRAY_SIZE(ALLOWED); i++) {
        size_t length = strlen(ALLOWED[i].name);
        bool is_prefix = ALLOWED[i].name[length - 1] == '.';
        if (is_prefix ? text_has_prefix(name, ALLOWED[i].name) : strcmp(name, ALLOWED[i].name) == 0) {
            *ret = ALLOWED[i].place;
            return 0;
        }
    }
    return error_set(
        error, EINVAL,
        "sysctl %s does not belong to the container: only net.*, fs.mqueue.* and kernel.domainname, msg*, "
        "sem, shm* can be set",
        name);
}

static int write_sysctl(int proc_fd, const Diego__Supervisor__Variable *sysctl, struct error *error) {
    _cleanup_free_ char *path = NULL;
    if (asprintf(&path, "sys/%s", sysctl->name) < 0)
        return error_set_no_memory(error);
    for (char *dot = path; (dot = strchr(dot, '.')) != NULL;)
        *dot = '/';
    _cleanup_close_ int fd = path_open(proc_fd, path, O_WRONLY, 0, PATH_NO_LINKS, error);
    if (fd < 0)
        return error_wrap(error, "cannot set sysctl %s", sysctl->name);
    int r = fd_write_all(fd, sysctl->value, strlen(sysctl->value));
    return r < 0 ? error_set_errno(error, -r, "cannot set sysctl %s to \"%s\"", sysctl->name, sysctl->value)
                 : 0;
}

int container_write_sysctls(const Diego__Supervisor__TaskSpec *spec, enum sysctl_place place, int proc_fd,
                            struct error *error) {
    for (size_t i = 0; i < spec->security->n_sysctls; i++) {
        const Diego__Supervisor__Variable *sysctl = spec->security->sysctls[i];
        enum sysctl_place found = place;
        int r = find_place(sysctl->name, &found, error);
        if (r >= 0 && found == SYSCTL_NETWORK && spec->namespaces->network_path[0] == '\0')
            r = error_set(error, EINVAL, "sysctl %s would change the host: the task is on its network",
                          sysctl->name);
        if (r >= 0 && found == place)
            r = write_sysctl(proc_fd, sysctl, error);
        if (r < 0)
            return r;
    }
    return 0;
}
