/* Diego's user strings resolved in the container's own /etc/passwd and /etc/group.
 *
 * Forms: name, uid, uid:gid, name:group. A numeric first part is always a uid; without an entry its gid is 0
 * and its home "/", as root's are where there is no passwd file. An explicit group replaces the gid and drops
 * supplementary groups. An empty part is refused. Both files are hostile: read through runtime/sys/path.h
 * with a size limit, never through a link, parsed strictly, ids above INT32_MAX refused. */
#ifndef DIEGO_CONTAINER_USER_H
#define DIEGO_CONTAINER_USER_H

#include <sys/types.h>

#include "runtime/base/error.h"

struct container_user {
    uid_t uid; /* as the container sees it */
    gid_t gid;
    gid_t *groups; /* supplementary, owned */
    size_t group_count;
    char *home; /* owned; never NULL after success */
};

/* `root_fd` is the container's root directory. Errors have Diego's words:
 * "unable to find user X: no matching entries in passwd file", "unable to find group G: ...". */
int container_user_resolve(int root_fd, const char *user, struct container_user *ret, struct error *error);
void container_user_release(struct container_user *user);

#endif
