#include "plugin/hclog.h"

#include "runtime/base/buffer.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"

/* The agent reads lines of at most 64 KiB. */
enum { TEXT_LIMIT = 16 * 1024 };

/* Length of the well-formed UTF-8 sequence at text, 0 when there is none. */
static size_t utf8_length(const unsigned char *text) {
    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    size_t length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    bool surrogate = text[0] == 0xed && text[1] > 0x9f;
    bool too_large = text[0] == 0xf4 && text[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : length;
}

static void append_json_text(struct buffer *line, const char *text) {
    const unsigned char *next = (const unsigned char *)text;
    const unsigned char *end = next + strnlen(text, TEXT_LIMIT);
    while (next < end) {
        size_t length = utf8_length(next);
        if (length == 0) {
            buffer_append_string(line, "\\ufffd");
            next++;
        } else if (*next < 0x20 || *next == 0x7f) {
            buffer_append_format(line, "\\u%04x", *next++);
        } else {
            if (*next == '"' || *next == '\\')
                buffer_append_char(line, '\\');
            buffer_append(line, next, length);
            next += length;
        }
    }
}

char *hclog_format_line(enum log_level level, const char *text) {
    char timestamp[64];
    clock_format_rfc3339(clock_realtime_ns(), timestamp);
    struct buffer line = BUFFER_INIT;
    buffer_append_format(&line, "{\"@level\":\"%s\",\"@message\":\"", log_level_name(level));
    append_json_text(&line, text);
    buffer_append_format(&line, "\",\"@module\":\"diego\",\"@timestamp\":\"%s\"}\n", timestamp);
    char *result = NULL;
    return buffer_take_string(&line, &result, NULL) < 0 ? NULL : result;
}

static void write_line(_unused_ const struct logger *logger, enum log_level level, const char *text) {
    _cleanup_free_ char *line = hclog_format_line(level, text);
    if (line != NULL)
        fd_write_all(STDERR_FILENO, line, strlen(line));
}

struct logger hclog_logger(enum log_level level) {
    return (struct logger){.level = level, .write = write_line};
}
