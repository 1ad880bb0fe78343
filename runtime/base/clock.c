#include "runtime/base/clock.h"

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_realtime_ns(void) {
    return read_clock(CLOCK_REALTIME);
}

void clock_format_rfc3339(int64_t realtime_ns, char text[static 64]) {
    time_t seconds = (time_t)(realtime_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char date[40];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, 64, "%s.%06dZ", date, (int)(realtime_ns % NS_PER_S / NS_PER_US));
}
