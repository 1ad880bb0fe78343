/* What the files that build a TaskSpec share. */
#ifndef DIEGO_CONFIG_SPEC_BUILDER_H
#define DIEGO_CONFIG_SPEC_BUILDER_H

#include <stdbool.h>

#include "plugin/config/plugin_config.h"
#include "plugin/config/task_config.h"
#include "proto/nomad/driver.pb-c.h"
#include "proto/supervisor.pb-c.h"

struct spec_builder {
    const Hashicorp__Nomad__Plugins__Drivers__Proto__TaskConfig *nomad;
    const struct plugin_config *plugin;
    const struct task_config *task;
    Diego__Supervisor__TaskSpec *spec;
    bool failed; /* memory was short */
    struct error *error;
};

/* A copy that the spec owns; "" for NULL. Sets builder->failed. */
char *spec_copy(struct spec_builder *builder, const char *text);

/* A new message that the spec will own, initialized by `init`; NULL when memory was short. */
void *spec_new(struct spec_builder *builder, size_t size, void (*init)(void *message));

/* Appends a pointer to a repeated field. Frees nothing. */
void spec_append(struct spec_builder *builder, size_t *count, void *list, void *element);

void spec_append_variable(struct spec_builder *builder, size_t *count, Diego__Supervisor__Variable ***list,
                          const char *name, const char *value);

int spec_build_limits(struct spec_builder *builder);
int spec_build_security(struct spec_builder *builder);
int spec_build_mounts(struct spec_builder *builder);

#define SPEC_NEW(builder, Type, name)                                                                        \
    ((Diego__Supervisor__##Type *)spec_new((builder), sizeof(Diego__Supervisor__##Type),                     \
                                           (void (*)(void *))diego__supervisor__##name##__init))

#endif
