/* Durations as Go writes them. */
#ifndef DIEGO_CONFIG_DURATION_H
#define DIEGO_CONFIG_DURATION_H

#include <stdint.h>

/* Parses "10s", "1m30s", "1.5h", "250ms", "0" (units h m s ms us ns) into milliseconds, a started one
 * counting whole. -EINVAL on anything else and on negative durations, -ERANGE above 290 years. */
int duration_parse_ms(const char *text, uint64_t *ret);

#endif
