/* Capabilities: names, sets as 64 bit masks (bit N is capability number N), and giving them up.
 *
 * The order in a child that becomes a task's process, still root of its user namespace at first:
 *   1. capability_limit_bounding(set)                 needs CAP_SETPCAP, so it comes first
 *   2. setgroups, setresgid, setresuid                a uid other than 0 loses its capabilities here (no
 * keepcaps)
 *   3. prctl(PR_SET_NO_NEW_PRIVS), seccomp_filter_install   (the filter before 4 when no_new_privs is not
 * wanted)
 *   4. capability_set_effective(root ? set : 0)
 *   5. execve                                         root gets the bounding set back, others nothing
 * Securebits stay as they are: it is "root gets the bounding set" that gives `set` to setuid-root programs
 * too. */
#ifndef DIEGO_SYS_CAPABILITY_H
#define DIEGO_SYS_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/error.h"

#define CAPABILITY_BIT(number) (UINT64_C(1) << (number))

/* CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT
 * KILL AUDIT_WRITE: Docker's and Garden's. */
extern const uint64_t capability_default_set;

/* Every capability with a name, 0 to 40. */
extern const uint64_t capability_full_set;

/* The number of "CAP_CHOWN", "cap_chown", "CHOWN" or "chown"; -EINVAL when there is none. */
int capability_number(const char *name);

/* "CAP_CHOWN"; NULL when the number has no name. */
const char *capability_name(unsigned number);

/* The set of all the names; "all" is the full set. -EINVAL names what is unknown. */
int capability_set_parse(const char *const *names, size_t count, uint64_t *ret, struct error *error);

/* The highest capability that the running kernel knows, or -errno. Callers keep it. */
int capability_last(void);

/* The permitted set of the calling thread: what it can hand on. Returns 0 or -errno. */
int capability_get_permitted(uint64_t *ret);

/* Drops all but `keep` from the bounding set. Async-signal-safe; returns 0 or -errno. */
int capability_limit_bounding(uint64_t keep);

/* Empties the ambient and inheritable sets and makes `set` permitted and effective, less what the thread does
 * not have (a host may lack some of the full set). Async-signal-safe; returns 0 or -errno. */
int capability_set_effective(uint64_t set);

#endif
