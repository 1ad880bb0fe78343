/* Archives into directories, safely. */
#ifndef DIEGO_IMAGE_UNPACK_H
#define DIEGO_IMAGE_UNPACK_H

#include <stdint.h>

#include "runtime/base/error.h"

struct unpack_limits {
    uint64_t entries;
    uint64_t bytes; /* of all files together */
};

/* Unpacks a tar (plain, gzip, xz or zstd) that archive_fd reads from into the directory. Owners, modes,
 * times, links and file capabilities are kept. -EINVAL names an entry that leads out or that cannot be,
 * -EFBIG the limit that was passed. What was unpacked until then stays. `what` names the archive in errors.
 */
int unpack_tar(int archive_fd, int directory_fd, const struct unpack_limits *limits, const char *what,
               struct error *error);

#endif
