/* Which devices a cgroup may use: BPF_PROG_TYPE_CGROUP_DEVICE, assembled here and loaded with bpf(2).
 *
 * Always allowed: null zero full random urandom tty ptmx, every pts (136:*), net/tun (10:200), and mknod of
 * anything (the node then is of no use). Everything else is EPERM. A program that was loaded once serves any
 * number of cgroups; loading costs 0.3 ms, attaching 4 us. */
#ifndef DIEGO_SYS_DEVICE_PROGRAM_H
#define DIEGO_SYS_DEVICE_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/error.h"

#define DEVICE_ANY UINT32_MAX

enum device_access {
    DEVICE_MKNOD = 1, /* the kernel's BPF_DEVCG_ACC_* */
    DEVICE_READ = 2,
    DEVICE_WRITE = 4,
};

struct device_rule {
    char type;       /* 'b', 'c', or 'a' for both */
    uint32_t major;  /* DEVICE_ANY: every one */
    uint32_t minor;  /* DEVICE_ANY: every one */
    uint32_t access; /* DEVICE_* bits that are granted */
};

/* The bits of a string of "rwm"; -EINVAL when it is empty or has another letter. */
int device_access_parse(const char *permissions, uint32_t *ret, struct error *error);

/* Loads the program that allows the list above and `rules`. *ret_fd is the caller's. -ENOTSUP when this
 * kernel has no such programs or the process may not load them. */
int device_program_load(const struct device_rule *rules, size_t count, int *ret_fd, struct error *error);

/* Adds the program to the cgroup's own (all of them must agree, those of parents too). It stays until it is
 * detached or the cgroup goes, whatever becomes of program_fd. -ENOTSUP as above. */
int device_program_attach(int program_fd, int cgroup_fd, struct error *error);

/* Takes it off again; one that is not attached is success. */
int device_program_detach(int program_fd, int cgroup_fd, struct error *error);

/* Takes off every device program of this very cgroup: leftovers of an earlier attempt. */
int device_program_detach_all(int cgroup_fd, struct error *error);

#endif
