#include "runtime/sys/rlimit.h"

#include <string.h>
#include <sys/resource.h>

#include "runtime/base/buffer.h"
#include "runtime/base/text.h"

static const struct {
    const char *name;
    int number;
} limits[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

_Static_assert(RLIM_INFINITY == UINT64_MAX, "unlimited needs no conversion");

int rlimit_number(const char *name, struct error *error) {
    _cleanup_buffer_ struct buffer known = BUFFER_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        if (strcmp(name, limits[i].name) == 0)
            return limits[i].number;
        buffer_append_format(&known, "%s%s", i > 0 ? ", " : "", limits[i].name);
    }
    if (known.failed)
        return error_set_no_memory(error);
    return error_set(error, EINVAL, "unknown ulimit \"%s\": use one of %s", name, known.data);
}

static int parse_value(const char *text, uint64_t *ret) {
    if (strcmp(text, "unlimited") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }
    return text_parse_uint64(text, UINT64_MAX - 1, ret);
}

int rlimit_parse(const char *name, const char *text, uint64_t *ret_soft, uint64_t *ret_hard,
                 struct error *error) {
    const char *colon = strchr(text, ':');
    _cleanup_free_ char *first = colon != NULL ? strndup(text, (size_t)(colon - text)) : strdup(text);
    if (first == NULL)
        return error_set_no_memory(error);
    uint64_t soft, hard;
    if (parse_value(first, &soft) < 0 || parse_value(colon != NULL ? colon + 1 : text, &hard) < 0)
        return error_set(
            error, EINVAL,
            "ulimit %s must be \"soft\" or \"soft:hard\", each a number or \"unlimited\", got \"%s\"", name,
            text);
    if (soft > hard)
        return error_set(error, EINVAL,
                         "ulimit %s: the soft limit must not be above the hard one, got \"%s\"", name, text);
    *ret_soft = soft;
    *ret_hard = hard;
    return 0;
}

int rlimit_apply(pid_t pid, const char *name, uint64_t soft, uint64_t hard, struct error *error) {
    int number = rlimit_number(name, error);
    if (number < 0)
        return number;
    const struct rlimit wanted = {.rlim_cur = soft, .rlim_max = hard};
    if (prlimit(pid, number, &wanted, NULL) == 0)
        return 0;
    int code = errno;
    struct rlimit present;
    if (code == EPERM && prlimit(pid, number, NULL, &present) == 0 && hard > present.rlim_max)
        return error_set(
            error, EPERM,
            "ulimit %s: hard limit %ju is above %ju, the highest that a process without "
            "CAP_SYS_RESOURCE can give; lower it, or raise the limit of the Nomad agent's service",
            name, (uintmax_t)hard, (uintmax_t)present.rlim_max);
    return error_set_errno(error, code, "ulimit %s: cannot set %ju:%ju", name, (uintmax_t)soft,
                           (uintmax_t)hard);
}
