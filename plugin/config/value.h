/* Configuration values before they have a type: jansson trees, whether they came as msgpack or as JSON text.
 *
 * The conversions take what Nomad's encoders make of a value (HCL of either form, Go harnesses): numbers and
 * booleans written as text, whole floats, an object inside a list of one. They know null as "not set". */
#ifndef DIEGO_CONFIG_VALUE_H
#define DIEGO_CONFIG_VALUE_H

#include <jansson.h>
#include <stdint.h>

#include "plugin/config/path.h"
#include "runtime/base/error.h"

/* Larger configurations, and definitions, are refused. */
#define VALUE_SIZE_LIMIT ((size_t)4 << 20)

/* Parses JSON text that must be an object. *ret is the caller's. */
int value_parse_json(const char *text, const struct config_path *path, json_t **ret, struct error *error);

/* Whether a key holds something: not missing, null or "". */
bool value_is_set(const json_t *value);

/* Whether a value asks for nothing: not set, false, 0, or a list or object of nothing but such. */
bool value_is_empty(const json_t *value);

/* Each is -EINVAL with path and value when the value is something else. Texts have no NUL byte and are the
 * caller's; objects are borrowed. */
int value_to_bool(const json_t *value, const struct config_path *path, bool *ret, struct error *error);
int value_to_int64(const json_t *value, const struct config_path *path, int64_t *ret, struct error *error);
int value_to_text(const json_t *value, const struct config_path *path, char **ret, struct error *error);
int value_to_object(const json_t *value, const struct config_path *path, const json_t **ret,
                    struct error *error);

/* How an error shows a value: the value itself, or what it is; cut when long. */
void value_describe(const json_t *value, char text[static 128]);

#endif
