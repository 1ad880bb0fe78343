/* From values to structs, as a table of fields says. */
#ifndef DIEGO_CONFIG_DECODE_H
#define DIEGO_CONFIG_DECODE_H

#include <jansson.h>

#include "plugin/config/field.h"
#include "plugin/config/path.h"
#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"

/* An object that sets fields. */
struct config_source {
    const json_t *object;
    const struct config_path *path;
};

/* Fills *target (zeroed) from the sources: of several the first that sets a field wins, a field that none
 * sets gets its default. -EINVAL with path and value of the first fault. What is decoded by then must be
 * released in any case. Unknown keys are not looked at. */
int config_decode_table(const struct config_table *table, const struct config_source *sources, size_t count,
                        void *target, struct error *error);

/* -EINVAL for the first key of the object that the table does not have. */
int config_refuse_unknown(const struct config_table *table, const json_t *object,
                          const struct config_path *path, struct error *error);

/* Frees what a table's decoding made and zeroes the struct. */
void config_release_table(const struct config_table *table, void *target);

/* Appends NAME=value to a list of variables; both are copied. */
int config_append_variable(size_t *count, Diego__Supervisor__Variable ***list, const char *name,
                           const char *value, struct error *error);
void config_free_variables(size_t count, Diego__Supervisor__Variable **list);

/* Appends the variables of `value`: Diego's list when every element has the keys `name` and, optionally,
 * `value` and no others; otherwise a map. What no process could be given is an error. */
int environment_decode(const json_t *value, const struct config_path *path, size_t *count,
                       Diego__Supervisor__Variable ***list, struct error *error);

#endif
