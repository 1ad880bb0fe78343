/* The msgpack of Nomad's configurations as a value tree.
 *
 * Our own reader rather than msgpack-c's, which allocates what a hostile length claims before it looks at the
 * bytes and gives up below 32 levels, where eight nested actions in block form already need 33. */
#ifndef DIEGO_CONFIG_VALUE_MSGPACK_H
#define DIEGO_CONFIG_VALUE_MSGPACK_H

#include <jansson.h>

#include "runtime/base/error.h"

/* Reads exactly one value: every width and sign of integers, str and bin alike as strings of any bytes, map
 * keys as text without NUL. An integer above INT64_MAX becomes decimal text, as Nomad's own encoder writes
 * it. Zero bytes are null. Extension types, NaN, bytes left over and more than 4 MiB, 200,000 values or 256
 * levels are -EINVAL. *ret is the caller's. */
int value_read_msgpack(const void *bytes, size_t size, json_t **ret, struct error *error);

#endif
