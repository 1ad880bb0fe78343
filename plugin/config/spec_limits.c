#include <inttypes.h>
#include <math.h>

#include "plugin/config/spec_builder.h"
#include "runtime/base/macros.h"

static const int64_t MIB = 1024 * 1024;

enum { SHARES_MIN = 2, SHARES_MAX = 262144, WEIGHT_MAX = 10000, SHARES_PER_WEIGHT_100 = 1024 };

/* As Nomad's exec driver and runc before 1.3 convert: proportional, so that tasks share in the ratio of their
 * `cpu`. */
static uint64_t weight_of_nomad(int64_t shares) {
    int64_t clamped = MIN_OF(MAX_OF(shares, (int64_t)SHARES_MIN), (int64_t)SHARES_MAX);
    return 1 + (uint64_t)((clamped - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN));
}

/* As Garden with runc 1.3 converts Diego's weight w, that is 1024 * w / 100 shares: 100 becomes the kernel's
 * default, 100. */
static uint64_t weight_of_diego(int64_t weight) {
    double shares = (double)SHARES_PER_WEIGHT_100 * (double)weight / 100;
    if (shares <= SHARES_MIN)
        return 1;
    if (shares >= SHARES_MAX)
        return WEIGHT_MAX;
    double l = log2(shares);
    return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34));
}

struct granted {
    int64_t memory_mb; /* 0: nothing was granted, so nothing limits */
    int64_t memory_max_mb;
    int64_t cpu_shares;
    const char *cpuset_cpus;
    const char *cgroup_path;
};

static struct granted find_granted(const Hashicorp__Nomad__Plugins__Drivers__Proto__Resources *resources) {
    struct granted granted = {.cpuset_cpus = "", .cgroup_path = ""};
    if (resources == NULL)
        return granted;
    if (resources->allocated_resources != NULL && resources->allocated_resources->memory != NULL) {
        granted.memory_mb = resources->allocated_resources->memory->memory_mb;
        granted.memory_max_mb = resources->allocated_resources->memory->memory_max_mb;
    }
    if (resources->linux_resources != NULL) {
        granted.cpu_shares = resources->linux_resources->cpu_shares;
        granted.cpuset_cpus = resources->linux_resources->cpuset_cpus;
        granted.cgroup_path = resources->linux_resources->cpuset_cgroup;
        if (granted.memory_mb == 0 && resources->linux_resources->memory_limit_bytes > 0)
            granted.memory_mb = resources->linux_resources->memory_limit_bytes / MIB;
    }
    return granted;
}

/* memory_max above memory is oversubscription: the former limits, the latter is protected. -1 is no limit. */
static int build_memory(struct spec_builder *builder, const struct granted *granted,
                        Diego__Supervisor__Cgroup *cgroup) {
    const struct task_config *task = builder->task;
    int64_t limit_mb = granted->memory_max_mb > 0 ? granted->memory_max_mb : granted->memory_mb;
    if (granted->memory_max_mb < 0)
        limit_mb = 0;
    if (limit_mb > 0 && task->memory_mb > limit_mb)
        return error_set(builder->error, EINVAL,
                         "memory_mb must be at most what Nomad granted, %" PRId64 " MiB, got %" PRId64
                         "; raise memory in the task's resources block",
                         limit_mb, task->memory_mb);
    if (task->memory_mb > 0)
        limit_mb = task->memory_mb;
    cgroup->memory_max = limit_mb * MIB;
    if (granted->memory_max_mb != 0)
        cgroup->memory_low = (limit_mb > 0 ? MIN_OF(granted->memory_mb, limit_mb) : granted->memory_mb) * MIB;
    cgroup->memory_high = task->memory.high_mb * MIB;
    cgroup->memory_swap_max = task->memory.swap_mb * MIB;
    cgroup->memory_oom_group = task->memory.oom_group;
    return 0;
}

static uint64_t choose_cpu_weight(const struct spec_builder *builder, const struct granted *granted) {
    int64_t diego =
        builder->task->cpu_weight > 0 ? builder->task->cpu_weight : builder->plugin->defaults.cpu_weight;
    if (diego > 0)
        return weight_of_diego(diego);
    return granted->cpu_shares > 0 ? weight_of_nomad(granted->cpu_shares) : 0;
}

int spec_build_limits(struct spec_builder *builder) {
    Diego__Supervisor__Cgroup *cgroup = builder->spec->cgroup = SPEC_NEW(builder, Cgroup, cgroup);
    if (cgroup == NULL)
        return 0;
    const struct granted granted = find_granted(builder->nomad->resources);
    cgroup->path = spec_copy(builder, granted.cgroup_path);
    cgroup->cpuset_cpus = spec_copy(builder, granted.cpuset_cpus);
    cgroup->cpu_weight = choose_cpu_weight(builder, &granted);
    cgroup->pids_max =
        builder->task->max_pids > 0 ? builder->task->max_pids : builder->plugin->defaults.max_pids;
    for (size_t i = 0; i < builder->plugin->cgroup.n_required_controllers; i++)
        spec_append(builder, &cgroup->n_required_controllers, &cgroup->required_controllers,
                    spec_copy(builder, builder->plugin->cgroup.required_controllers[i]));
    return build_memory(builder, &granted, cgroup);
}
