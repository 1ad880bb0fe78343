/* Environments: Diego's list of {name, value} or a map, and what a variable may be. */
#ifndef DIEGO_CONFIG_ENVIRONMENT_H
#define DIEGO_CONFIG_ENVIRONMENT_H

#include <jansson.h>

#include "plugin/config/decode.h"

/* Appends the variables of `value` to the list, in order. It is Diego's list when every element has the keys
 * `name` and, optionally, `value` and no others, otherwise a map or a list of maps; from Diego's JSON it can
 * only be the former. */
int environment_decode(const json_t *value, const struct config_path *path, struct config_decoder *decoder,
                       size_t *count, Diego__Supervisor__Variable ***list);

/* What no process could be given is -EINVAL: a name that is empty or has '=', and more than 131,071 bytes of
 * "NAME=value" (the kernel's MAX_ARG_STRLEN less the NUL). The error names the variable. */
int environment_check_variable(const char *name, const char *value, struct error *error);

#endif
