/* What the agent checks job files and its own configuration against before the driver sees them: hclspec,
 * built from the same tables that the decoder reads. */
#ifndef DIEGO_CONFIG_SCHEMA_H
#define DIEGO_CONFIG_SCHEMA_H

#include "proto/nomad/hclspec.pb-c.h"

/* NULL when out of memory. The caller frees with
 * hashicorp__nomad__plugins__shared__hclspec__spec__free_unpacked. */
Hashicorp__Nomad__Plugins__Shared__Hclspec__Spec *config_schema_plugin(void);
Hashicorp__Nomad__Plugins__Shared__Hclspec__Spec *config_schema_task(void);

#endif
