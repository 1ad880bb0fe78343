/* Diego's action trees. */
#ifndef DIEGO_CONFIG_ACTION_H
#define DIEGO_CONFIG_ACTION_H

#include "plugin/config/decode.h"

/* Decodes an action envelope: an object with one of Diego's nine kinds as its only key. *ret is freed with
 * diego__supervisor__action__free_unpacked. */
int action_decode(const json_t *value, const struct config_path *path, Diego__Supervisor__Action **ret,
                  struct error *error);

/* A Run of `path` alone, the short form's; strings are copied. NULL when out of memory. */
Diego__Supervisor__Action *action_create_run(const char *path, char *const *args, size_t arg_count,
                                             const char *user, const char *dir);

#endif
