#include "plugin/config/spec_builder.h"
#include "runtime/base/macros.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/rlimit.h"

/* --- what the operator allows --- */

static int check_allowed(const struct spec_builder *builder) {
    const struct task_config *task = builder->task;
    const struct {
        const char *key;
        bool asked;
    } rights[] = {
        {"privileged = true", task->privileged},
        {"isolation.user_namespace = \"host\"", strcmp(task->isolation.user_namespace, "host") == 0},
        {"isolation.seccomp = \"unconfined\"", strcmp(task->isolation.seccomp, "unconfined") == 0},
        {"device", task->n_device > 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
        if (rights[i].asked && !builder->plugin->allow_privileged)
            return error_set(
                builder->error, EPERM,
                "%s is not allowed on this node: it needs allow_privileged = true in the plugin block",
                rights[i].key);
    return 0;
}

/* --- capabilities --- */

static int parse_set(struct spec_builder *builder, char *const *names, size_t count, uint64_t *ret) {
    return capability_set_parse((const char *const *)names, count, ret, builder->error);
}

static int choose_capabilities(struct spec_builder *builder, uint64_t *ret) {
    const struct task_isolation *isolation = &builder->task->isolation;
    uint64_t allowed, added, dropped;
    int r = parse_set(builder, builder->plugin->allow_caps, builder->plugin->n_allow_caps, &allowed);
    if (r >= 0)
        r = parse_set(builder, isolation->cap_add, isolation->n_cap_add, &added);
    if (r >= 0)
        r = parse_set(builder, isolation->cap_drop, isolation->n_cap_drop, &dropped);
    if (r < 0)
        return r;
    for (unsigned number = 0; number < 64; number++)
        if ((added & ~allowed & CAPABILITY_BIT(number)) != 0)
            return error_set(
                builder->error, EPERM,
                "isolation.cap_add: %s is not allowed on this node: it is not in allow_caps of the plugin "
                "block",
                capability_name(number));
    *ret = (capability_default_set & allowed & ~dropped) | added;
    return 0;
}

static int build_capabilities(struct spec_builder *builder, Diego__Supervisor__Security *security) {
    uint64_t set = 0;
    int r = choose_capabilities(builder, &set);
    for (unsigned number = 0; r >= 0 && number < 64; number++)
        if ((set & CAPABILITY_BIT(number)) != 0)
            spec_append(builder, &security->n_capabilities, &security->capabilities,
                        spec_copy(builder, capability_name(number)));
    return r;
}

/* --- limits of processes --- */

static int build_rlimits(struct spec_builder *builder, Diego__Supervisor__Security *security) {
    for (size_t i = 0; i < builder->task->isolation.n_ulimit; i++) {
        const Diego__Supervisor__Variable *ulimit = builder->task->isolation.ulimit[i];
        uint64_t soft, hard;
        int r = rlimit_number(ulimit->name, builder->error);
        if (r >= 0)
            r = rlimit_parse(ulimit->name, ulimit->value, &soft, &hard, builder->error);
        if (r < 0)
            return r;
        Diego__Supervisor__Rlimit *limit = SPEC_NEW(builder, Rlimit, rlimit);
        if (limit == NULL)
            return 0;
        limit->name = spec_copy(builder, ulimit->name);
        limit->soft = soft;
        limit->hard = hard;
        spec_append(builder, &security->n_rlimits, &security->rlimits, limit);
    }
    return 0;
}

int spec_build_security(struct spec_builder *builder) {
    int r = check_allowed(builder);
    Diego__Supervisor__Security *security = builder->spec->security = SPEC_NEW(builder, Security, security);
    if (r < 0 || security == NULL)
        return r;
    const struct task_isolation *isolation = &builder->task->isolation;
    security->privileged = builder->task->privileged;
    security->no_new_privileges = isolation->no_new_privileges && !builder->task->privileged;
    security->seccomp = strcmp(isolation->seccomp, "default") == 0;
    security->shm_size_mb = (uint64_t)isolation->shm_size_mb;
    for (size_t i = 0; i < isolation->n_sysctl; i++)
        spec_append_variable(builder, &security->n_sysctls, &security->sysctls, isolation->sysctl[i]->name,
                             isolation->sysctl[i]->value);
    r = build_capabilities(builder, security);
    return r < 0 ? r : build_rlimits(builder, security);
}
