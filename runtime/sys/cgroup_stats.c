#include "runtime/sys/cgroup_stats.h"

#include <errno.h>
#include <fcntl.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/macros.h"

struct key {
    const char *name;
    uint64_t *value;
};

/* Reads a small file; returns its length, or -errno. */
static ssize_t read_file(int cgroup_fd, const char *name, char *text, size_t size) {
    _cleanup_close_ int fd = openat(cgroup_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, text, size - 1);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    return length;
}

static void read_number(int cgroup_fd, const char *name, uint64_t *value) {
    char text[64];
    if (read_file(cgroup_fd, name, text, sizeof text) > 0)
        *value = strtoull(text, NULL, 10);
}

/* "key value" lines; keys that are not wanted are passed over. */
static void parse_keys(char *text, const struct key *keys, size_t count) {
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *space = strchr(line, ' ');
        if (space == NULL)
            continue;
        *space = '\0';
        for (size_t i = 0; i < count; i++) {
            if (strcmp(line, keys[i].name) == 0) {
                *keys[i].value = strtoull(space + 1, NULL, 10);
                break;
            }
        }
    }
}

static void read_memory(int cgroup_fd, struct cgroup_stats *stats) {
    const struct key keys[] = {
        {"anon", &stats->memory_anon},
        {"file", &stats->memory_file},
        {"kernel", &stats->memory_kernel},
    };
    char text[8192];
    if (read_file(cgroup_fd, "memory.stat", text, sizeof text) <= 0)
        return;
    stats->has_memory = true;
    parse_keys(text, keys, ARRAY_SIZE(keys));
    read_number(cgroup_fd, "memory.current", &stats->memory_current);
    read_number(cgroup_fd, "memory.peak", &stats->memory_peak);
    read_number(cgroup_fd, "memory.swap.current", &stats->memory_swap);
}

int cgroup_stats_read(int cgroup_fd, struct cgroup_stats *ret) {
    *ret = (struct cgroup_stats){.read_ns = clock_monotonic_ns()};
    const struct key keys[] = {
        {"usage_usec", &ret->cpu_usage_us},         {"user_usec", &ret->cpu_user_us},
        {"system_usec", &ret->cpu_system_us},       {"nr_throttled", &ret->cpu_throttled_periods},
        {"throttled_usec", &ret->cpu_throttled_us},
    };
    char text[1024];
    ssize_t length = read_file(cgroup_fd, "cpu.stat", text, sizeof text);
    if (length < 0)
        return (int)length;
    parse_keys(text, keys, ARRAY_SIZE(keys));
    read_memory(cgroup_fd, ret);
    return 0;
}
