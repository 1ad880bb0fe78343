/* Diego's action trees. */
#ifndef DIEGO_CONFIG_ACTION_H
#define DIEGO_CONFIG_ACTION_H

#include "plugin/config/decode.h"

/* Decodes an action envelope: the first of Diego's nine kinds that it has, in Diego's order. Faults of the tree
 * are added to decoder->faults behind "Invalid field: NAME", NAME being the field that holds it. *ret is freed
 * with diego__supervisor__action__free_unpacked. */
int action_decode(const json_t *value, const char *name, const struct config_path *path,
                  struct config_decoder *decoder, Diego__Supervisor__Action **ret);

/* A Run of `path` alone, the short form's. NULL when out of memory. */
Diego__Supervisor__Action *action_create_run(const char *path, char *const *args, size_t arg_count,
                                             const char *user, const char *dir);

#endif
