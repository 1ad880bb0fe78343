#include "plugin/config/duration.h"

#include <errno.h>
#include <math.h>

#include "runtime/base/macros.h"
#include "runtime/base/text.h"

static const struct {
    const char *name;
    double milliseconds;
} UNITS[] = {{"ms", 1}, {"us", 1e-3}, {"µs", 1e-3}, {"ns", 1e-6}, {"h", 3600e3}, {"m", 60e3}, {"s", 1e3}};

static const double LIMIT_MS = 290.0 * 365 * 24 * 3600e3;

static int parse_unit(const char **next, double *ret) {
    for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++) {
        if (!text_has_prefix(*next, UNITS[i].name))
            continue;
        *next += strlen(UNITS[i].name);
        *ret = UNITS[i].milliseconds;
        return 0;
    }
    return -EINVAL;
}

int duration_parse_ms(const char *text, uint64_t *ret) {
    double total = 0;
    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return 0;
    }
    const char *next = text;
    do {
        size_t length = strspn(next, "0123456789.");
        if (length == 0 || strspn(next, ".") == length)
            return -EINVAL;
        char *end;
        double number = strtod(next, &end);
        if (end != next + length)
            return -EINVAL;
        next = end;
        double unit;
        if (parse_unit(&next, &unit) < 0)
            return -EINVAL;
        total += number * unit;
    } while (*next != '\0');
    if (total > LIMIT_MS)
        return -ERANGE;
    *ret = (uint64_t)ceil(total);
    return 0;
}
