/* Clocks in nanoseconds. Monotonic for intervals, real time for what people read. */
#ifndef DIEGO_BASE_CLOCK_H
#define DIEGO_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_monotonic_ns(void);
int64_t clock_realtime_ns(void);

/* Writes an RFC 3339 stamp in UTC with six fractional digits, "2026-01-02T03:04:05.000000Z", into `text`. */
void clock_format_rfc3339(int64_t realtime_ns, char text[static 64]);

#endif
