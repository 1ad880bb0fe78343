/* User namespaces: a child's id maps, and namespaces kept as a descriptor only, for idmapped mounts. */
#ifndef DIEGO_SYS_USER_NAMESPACE_H
#define DIEGO_SYS_USER_NAMESPACE_H

#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/error.h"

/* Maps the ids 0 to count - 1 of a child in a new user namespace (still unmapped) to first_id and up. */
int user_namespace_map(pid_t pid, uint32_t first_id, uint32_t count, struct error *error);

/* Makes a namespace with that map, in which no process is; it lives as long as the descriptor (close-on-exec)
 * or a mount that uses it. Costs a short-lived child that only makes system calls. */
int user_namespace_create(uint32_t first_id, uint32_t count, int *ret_fd, struct error *error);

#endif
