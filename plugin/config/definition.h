/* A Diego Task or DesiredLRP as JSON text, taken apart: what the driver acts on, what only a scheduler uses,
 * and what this version does not do, which is an error as soon as it asks for something. */
#ifndef DIEGO_CONFIG_DEFINITION_H
#define DIEGO_CONFIG_DEFINITION_H

#include <jansson.h>

#include "plugin/config/path.h"
#include "plugin/config/task_config.h"

/* Parses and checks; *ret is the whole object, the caller's, whose known keys have the names of the task
 * block. Sets *ret_is_lrp when a field is set that only LRPs have, and adds the scheduler's fields to the
 * labels. */
int definition_read(const char *text, const struct config_path *path, struct task_config *config,
                    json_t **ret, bool *ret_is_lrp, struct error *error);

#endif
