/* The plugin's logger: hclog JSON lines on stderr, which the agent reads (go-plugin's client.go,
 * log_entry.go).
 *
 * Every value is a string: a host that finds another type in @message, @level or @timestamp panics. */
#ifndef DIEGO_PLUGIN_HCLOG_H
#define DIEGO_PLUGIN_HCLOG_H

#include "runtime/base/log.h"

/* A logger whose lines go to stderr; a closed stderr is no error. */
struct logger hclog_logger(enum log_level level);

/* One line as it is written, newline included; the caller frees it. NULL when memory is short. For tests. */
char *hclog_format_line(enum log_level level, const char *text);

#endif
