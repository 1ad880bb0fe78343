/* From what a definition calls its rootfs to a directory on the host.
 *
 * A directory is used as it is. A .tar or .tar.gz is unpacked once into the store, by whoever comes first
 * (others wait on a lock), and used by all later tasks; a changed archive (size, time or inode) is unpacked
 * anew. The archive is hostile: entries cannot leave the target, sizes and counts are limited. Device nodes,
 * FIFOs and sockets are left out: /dev is the runtime's. */
#ifndef DIEGO_IMAGE_ROOTFS_H
#define DIEGO_IMAGE_ROOTFS_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"

/* *ret_lower_dir is the absolute path of the read-only tree; the caller frees it. Blocking: unpacking may
 * take as long as the archive is large. */
int rootfs_resolve(const Diego__Supervisor__Rootfs *rootfs, char **ret_lower_dir, struct error *error);

#endif
