/* System call filters: built once with libseccomp, kept as BPF, installed with one system call.
 *
 * The default profile is Docker's allow-list. Everything else answers EPERM; clone3 answers ENOSYS, so that
 * libc falls back to clone, whose flags a filter can see; calls newer than the profile answer ENOSYS, as runc
 * does. */
#ifndef DIEGO_SYS_SECCOMP_H
#define DIEGO_SYS_SECCOMP_H

#include <linux/filter.h>
#include <stdint.h>

#include "runtime/base/error.h"

struct seccomp_filter {
    struct sock_filter *instructions; /* owned */
    unsigned short count;
};

/* Compiles the default profile for this machine's architectures (amd64: x86_64 and i386; x32 answers ENOSYS).
 * Calls that Docker grants with a capability (mount with SYS_ADMIN, ...) are allowed when `capabilities` has
 * its bit. Takes about 5 ms: compile once for the default capabilities and keep it. */
int seccomp_filter_compile_default(uint64_t capabilities, struct seccomp_filter **ret, struct error *error);

/* Puts the filter on the calling thread for good. The thread has no_new_privs set, or CAP_SYS_ADMIN in its
 * user namespace: install before capability_set_effective when no_new_privs is not wanted (the profile allows
 * all that a start still needs: setresuid, capset, prctl, execve). Async-signal-safe; returns 0 or -errno. */
int seccomp_filter_install(const struct seccomp_filter *filter);

void seccomp_filter_destroy(struct seccomp_filter *filter); /* accepts NULL */

#endif
