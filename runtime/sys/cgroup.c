#include "runtime/sys/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

enum { FILE_LIMIT = 64 * 1024 };

int cgroup_open(const char *path, struct error *error) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open cgroup %s", path);
    struct statfs file_system;
    if (fstatfs(fd, &file_system) < 0)
        return error_set_errno(error, errno, "cannot look at cgroup %s", path);
    if (file_system.f_type != CGROUP2_SUPER_MAGIC)
        return error_set(error, ENOTSUP,
                         "%s is not a cgroup v2 directory: boot with systemd.unified_cgroup_hierarchy=1",
                         path);
    return TAKE_FD(fd);
}

int cgroup_write_file(int cgroup_fd, const char *name, const char *value, struct error *error) {
    _cleanup_close_ int fd = openat(cgroup_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open %s of the cgroup", name);
    int r = fd_write_all(fd, value, strlen(value));
    return r < 0 ? error_set_errno(error, -r, "cannot write \"%s\" to %s of the cgroup", value, name) : 0;
}

int cgroup_read_file(int cgroup_fd, const char *name, struct buffer *contents, struct error *error) {
    _cleanup_close_ int fd = openat(cgroup_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open %s of the cgroup", name);
    return fd_read_all(fd, FILE_LIMIT, contents, name, error);
}

/* ---- limits ---- */

/* One write. What was not asked for is written all the same, since a restarted task finds the cgroup of its
 * last attempt; there a missing file does not matter. */
struct setting {
    const char *controller;
    const char *file;
    const char *value; /* NULL: leave as it is */
    bool asked;
};

typedef char number_text[24];

static const char *format_number(number_text text, int64_t value) {
    snprintf(text, sizeof(number_text), "%" PRId64, value);
    return text;
}

static const char *format_limit(number_text text, int64_t limit) {
    return limit > 0 ? format_number(text, limit) : "max";
}

static bool is_required(const Diego__Supervisor__Cgroup *limits, const char *controller) {
    for (size_t i = 0; i < limits->n_required_controllers; i++)
        if (strcmp(limits->required_controllers[i], controller) == 0)
            return true;
    return false;
}

static void add_missing(struct buffer *missing, const char *controller) {
    if (missing->size > 0) {
        const char *last = strrchr(missing->data, ',');
        if (strcmp(last != NULL ? last + 1 : missing->data, controller) == 0)
            return;
        buffer_append_char(missing, ',');
    }
    buffer_append_string(missing, controller);
}

static int apply_setting(int cgroup_fd, const struct setting *setting,
                         const Diego__Supervisor__Cgroup *limits, struct buffer *missing,
                         struct error *error) {
    if (setting->value == NULL)
        return 0;
    _cleanup_error_ struct error cause = ERROR_INIT;
    int r = cgroup_fd < 0 ? -ENOENT : cgroup_write_file(cgroup_fd, setting->file, setting->value, &cause);
    if (r == -ENOENT && !setting->asked)
        return 0;
    if (r == -ENOENT && is_required(limits, setting->controller))
        return error_set(
            error, ENOENT,
            "cannot set %s to %s: the task's cgroup has no %s controller; enable it for nomad.slice, or take "
            "\"%s\" out of required_controllers in the plugin's cgroup block",
            setting->file, setting->value, setting->controller, setting->controller);
    if (r == -ENOENT) {
        add_missing(missing, setting->controller);
        return 0;
    }
    if (r < 0)
        error_copy(error, &cause);
    return r;
}

int cgroup_apply_limits(int cgroup_fd, const Diego__Supervisor__Cgroup *limits, struct buffer *missing,
                        struct error *error) {
    number_text swap, low, high, max, weight, pids;
    /* Grouped by controller. Swap comes first, so that lowering the memory limits does not push pages there;
     * high before max, so that reclaim starts before the hard limit kills. A kernel without swap accounting
     * has no memory.swap.max, and then nothing to set. */
    const struct setting settings[] = {
        {"memory", "memory.swap.max", format_number(swap, limits->memory_swap_max), false},
        {"memory", "memory.oom.group", limits->memory_oom_group ? "1" : "0", limits->memory_oom_group},
        {"memory", "memory.low", limits->memory_low > 0 ? format_number(low, limits->memory_low) : NULL,
         true},
        {"memory", "memory.high", limits->memory_high > 0 ? format_number(high, limits->memory_high) : NULL,
         true},
        {"memory", "memory.max", format_limit(max, limits->memory_max), limits->memory_max > 0},
        {"cpu", "cpu.weight",
         limits->cpu_weight > 0 ? format_number(weight, (int64_t)limits->cpu_weight) : NULL, true},
        {"cpuset", "cpuset.cpus", limits->cpuset_cpus[0] != '\0' ? limits->cpuset_cpus : NULL, true},
        {"pids", "pids.max", format_limit(pids, limits->pids_max), limits->pids_max > 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        int r = apply_setting(cgroup_fd, &settings[i], limits, missing, error);
        if (r < 0)
            return r;
    }
    return missing->failed ? error_set_no_memory(error) : 0;
}

/* ---- figures ---- */

/* The number behind "key " at the start of a line. */
static int find_count(const char *text, const char *key, uint64_t *ret) {
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0 || line[length] != ' ')
            continue;
        const char *digits = line + length + 1;
        _cleanup_free_ char *number = strndup(digits, strcspn(digits, "\n"));
        return number == NULL ? -ENOMEM : text_parse_uint64(number, UINT64_MAX, ret);
    }
    return -ENODATA;
}

static int read_count(int cgroup_fd, const char *file, const char *key, uint64_t *ret, struct error *error) {
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    int r = cgroup_read_file(cgroup_fd, file, &contents, error);
    if (r < 0)
        return r;
    r = contents.size == 0 ? -ENODATA : find_count(contents.data, key, ret);
    return r < 0 ? error_set_errno(error, -r, "cannot find %s in %s of the cgroup", key, file) : 0;
}

int cgroup_is_populated(int cgroup_fd, bool *ret, struct error *error) {
    uint64_t populated;
    int r = read_count(cgroup_fd, "cgroup.events", "populated", &populated, error);
    if (r < 0)
        return r;
    *ret = populated != 0;
    return 0;
}

int cgroup_oom_kills(int cgroup_fd, uint64_t *ret, struct error *error) {
    _cleanup_error_ struct error cause = ERROR_INIT;
    int r = read_count(cgroup_fd, "memory.events.local", "oom_kill", ret, &cause);
    if (r == -ENOENT) {
        *ret = 0;
        return 0;
    }
    if (r < 0)
        error_copy(error, &cause);
    return r;
}

/* The file without its line end. */
static int read_line(int cgroup_fd, const char *file, char **ret, struct error *error) {
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    int r = cgroup_read_file(cgroup_fd, file, &contents, error);
    if (r < 0)
        return r;
    if (contents.size > 0 && contents.data[contents.size - 1] == '\n')
        contents.data[--contents.size] = '\0';
    return buffer_take_string(&contents, ret, error);
}

uint64_t cgroup_memory_peak(int cgroup_fd) {
    _cleanup_free_ char *text = NULL;
    uint64_t peak;
    if (read_line(cgroup_fd, "memory.peak", &text, NULL) < 0 ||
        text_parse_uint64(text, UINT64_MAX, &peak) < 0)
        return 0;
    return peak;
}

int cgroup_controllers(const char *path, char **ret, struct error *error) {
    _cleanup_close_ int fd = cgroup_open(path, error);
    return fd < 0 ? fd : read_line(fd, "cgroup.controllers", ret, error);
}
