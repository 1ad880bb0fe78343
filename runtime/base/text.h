/* Strict conversions of text. */
#ifndef DIEGO_BASE_TEXT_H
#define DIEGO_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses a whole decimal number with no sign, space or leading '+'. -EINVAL on anything else, -ERANGE above
 * max. */
int text_parse_uint64(const char *text, uint64_t max, uint64_t *ret);

bool text_has_prefix(const char *text, const char *prefix);

#endif
