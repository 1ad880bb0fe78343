/* The default profile as tables: what Docker's allows, by kernel name. Names that an architecture (or the
 * libseccomp in use) does not know are skipped there. */
#ifndef DIEGO_SYS_SECCOMP_SYSCALLS_H
#define DIEGO_SYS_SECCOMP_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

/* Allowed whatever the arguments; ends with NULL. */
extern const char *const seccomp_allowed[];

/* Allowed to a task that has the capability; ends with a NULL name. */
struct seccomp_capability_grant {
    const char *name;
    unsigned capability;
};
extern const struct seccomp_capability_grant seccomp_capability_grants[];

/* Allowed when the whole 64 bit argument 0 is one of these. */
extern const uint64_t seccomp_personalities[];
extern const size_t seccomp_personality_count;

/* Refused when the low half of an argument has this value, although the call is in the list above. The kernel
 * reads only that half, so a comparison of all 64 bits would be passed by garbage in the upper one
 * (CVE-2019-10063). */
struct seccomp_argument_denial {
    const char *name;
    unsigned argument; /* 0 to 5 */
    uint32_t value;
    int code; /* errno */
};
extern const struct seccomp_argument_denial seccomp_argument_denials[];
extern const size_t seccomp_argument_denial_count;

/* From this number on every architecture numbers its calls alike, and Debian 12's libseccomp has no names for
 * them: those listed are allowed, others do not exist (ENOSYS). */
enum { SECCOMP_FIRST_RECENT = 451 };
struct seccomp_recent_syscall {
    const char *name; /* for the reader */
    uint32_t number;
};
extern const struct seccomp_recent_syscall seccomp_recent[];
extern const size_t seccomp_recent_count;

#endif
