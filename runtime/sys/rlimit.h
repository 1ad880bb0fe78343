/* Resource limits by name, as `isolation.ulimit` and Docker spell them. */
#ifndef DIEGO_SYS_RLIMIT_H
#define DIEGO_SYS_RLIMIT_H

#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/error.h"

/* The RLIMIT_* number of "nofile" (lower case, no prefix); -EINVAL names what is unknown and what there is.
 */
int rlimit_number(const char *name, struct error *error);

/* Parses "soft", "soft:hard"; each a number or "unlimited" (UINT64_MAX); one value is both. soft above hard
 * is -EINVAL. `name` is for the error's text. */
int rlimit_parse(const char *name, const char *text, uint64_t *ret_soft, uint64_t *ret_hard,
                 struct error *error);

/* Sets a limit of a process (0: the calling one); UINT64_MAX is unlimited. A hard limit above the process'
 * present one needs CAP_SYS_RESOURCE in the host's user namespace: without it the result is -EPERM with a
 * text that names the highest value possible; nothing is lowered silently. A child in a user namespace of its
 * own never has it, so its parent sets the limits, or the child does before it enters. */
int rlimit_apply(pid_t pid, const char *name, uint64_t soft, uint64_t hard, struct error *error);

#endif
