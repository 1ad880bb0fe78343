#include "plugin/config/path.h"

#include <stdarg.h>

#include "runtime/base/buffer.h"

enum { NAME_SHOWN = 128 };

static void append_path(const struct config_path *path, struct buffer *text) {
    if (path->parent != NULL)
        append_path(path->parent, text);
    if (path->name != NULL)
        buffer_append_format(text, "%s%.*s", text->size > 0 ? "." : "", NAME_SHOWN, path->name);
    else if (path->parent != NULL)
        buffer_append_format(text, "[%zu]", path->index);
}

static void format_path(const struct config_path *path, struct buffer *text) {
    append_path(path, text);
    if (text->size == 0)
        buffer_append_string(text, "configuration");
}

int config_fail(const struct config_path *path, struct error *error, const char *format, ...) {
    _cleanup_buffer_ struct buffer where = BUFFER_INIT;
    format_path(path, &where);
    _cleanup_free_ char *what = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&what, format, arguments);
    va_end(arguments);
    if (size < 0) {
        what = NULL;
        return error_set_no_memory(error);
    }
    if (where.failed)
        return error_set_no_memory(error);
    return error_set(error, EINVAL, "%s: %s", where.data, what);
}

int config_wrap(const struct config_path *path, struct error *error) {
    _cleanup_buffer_ struct buffer where = BUFFER_INIT;
    format_path(path, &where);
    return error_wrap(error, "%s", where.failed ? "configuration" : where.data);
}
