/* Where in a configuration something stands, for errors: "action.run.env[2].name". A chain of links on the
 * callers' stacks, so that it costs nothing until an error is written. */
#ifndef DIEGO_CONFIG_PATH_H
#define DIEGO_CONFIG_PATH_H

#include "runtime/base/error.h"

struct config_path {
    const struct config_path *parent; /* NULL: the top */
    const char *name;                 /* NULL: an element of a list, or a top without a name */
    size_t index;
};

/* Sets "PATH: text" with EINVAL and returns -EINVAL. Long names are cut: they may be hostile. */
int config_fail(const struct config_path *path, struct error *error, const char *format, ...) _printf_(3, 4);

/* The same for an error that is set: puts "PATH" in front of it. */
int config_wrap(const struct config_path *path, struct error *error);

#endif
