/* From what Nomad asks for to what the runtime runs: Nomad's TaskConfig, the driver's config block in it and
 * the plugin's configuration become one TaskSpec. The operator's rules (allow_*) are enforced here. */
#ifndef DIEGO_CONFIG_TASK_SPEC_H
#define DIEGO_CONFIG_TASK_SPEC_H

#include "plugin/config/plugin_config.h"
#include "proto/nomad/driver.pb-c.h"
#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"

/* Host ids of containers: the 65,536 just above the range that systemd gives to containers (524288 to
 * 1879048191), so that nothing else on a Debian host owns or hands out any of them. */
#define CONTAINER_FIRST_ID UINT32_C(1879048192)
#define CONTAINER_ID_COUNT UINT32_C(65536)

/* *ret is freed with diego__supervisor__task_spec__free_unpacked. `task_dir` and `layer_dir` are the absolute
 * paths of TaskSpec. Nothing on the host is looked at. -EINVAL for what the job should say otherwise, -EPERM
 * for what the operator does not allow. */
int task_spec_build(const Hashicorp__Nomad__Plugins__Drivers__Proto__TaskConfig *task,
                    const struct plugin_config *config, const char *task_dir, const char *layer_dir,
                    Diego__Supervisor__TaskSpec **ret, struct error *error);

#endif
