/* One sample of a cgroup's figures, read from its files. */
#ifndef DIEGO_SYS_CGROUP_STATS_H
#define DIEGO_SYS_CGROUP_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup_stats {
    int64_t read_ns; /* monotonic */
    uint64_t cpu_usage_us;
    uint64_t cpu_user_us;
    uint64_t cpu_system_us;
    uint64_t cpu_throttled_periods;
    uint64_t cpu_throttled_us;
    bool has_memory; /* the memory controller is there; the figures below are bytes */
    uint64_t memory_current;
    uint64_t memory_peak;
    uint64_t memory_anon;
    uint64_t memory_file;
    uint64_t memory_kernel;
    uint64_t memory_swap;
};

/* -errno when the cgroup is gone. Controllers that are missing leave zeros. */
int cgroup_stats_read(int cgroup_fd, struct cgroup_stats *ret);

#endif
