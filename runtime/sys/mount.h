/* Mounts as descriptors: made, changed and attached without a path of the host in between.
 *
 * A detached mount lives as long as its descriptor or, once attached, as the namespace it is in. Descriptors
 * returned are close-on-exec and the caller's. */
#ifndef DIEGO_SYS_MOUNT_H
#define DIEGO_SYS_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include "runtime/base/error.h"

struct mount_option {
    const char *name;
    const char *value; /* NULL: a flag */
};

/* A new file system, "overlay" or "tmpfs", with MOUNT_ATTR_* attributes, detached. Errors carry what the file
 * system itself says. */
int mount_create(const char *type, const struct mount_option *options, size_t count, uint64_t attributes,
                 struct error *error);

/* A detached bind mount of what the descriptor stands for. It must be in this process' mount namespace. */
int mount_clone(int fd, bool recursive, struct error *error);

/* Sets MOUNT_ATTR_* on a mount, with those below it when recursive. -errno. */
int mount_set_attributes(int mount_fd, uint64_t attributes, bool recursive);

/* Ids on disk become ids of the user namespace for whoever uses the mount. -EINVAL where the file system does
 * not know idmapped mounts. -errno. */
int mount_set_idmap(int mount_fd, int user_namespace_fd);

/* MS_PRIVATE, MS_SLAVE or MS_SHARED, recursively. -errno. */
int mount_set_propagation(int mount_fd, uint64_t propagation);

/* Attaches a detached mount on top of what target_fd stands for. -errno. */
int mount_attach(int mount_fd, int target_fd);

/* Binds `source`, a path of ours, on top of what target_fd stands for; needs /proc. -errno. */
int mount_bind_path(const char *source, int target_fd);

/* mount(2) of a new file system on top of what target_fd stands for, with MS_* flags; needs /proc. -errno. */
int mount_file_system(const char *type, int target_fd, unsigned long flags, const char *options);

#endif
