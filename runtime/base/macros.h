/* Ownership attributes and small helpers used by every module.
 *
 * `_cleanup_free_ char *p = NULL;` frees p when it leaves scope; TAKE_PTR moves it out.
 * Cleanup functions accept the empty value of their type (NULL, -1). */
#ifndef DIEGO_BASE_MACROS_H
#define DIEGO_BASE_MACROS_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _printf_(position, first) __attribute__((__format__(__printf__, position, first)))
#define _unused_ __attribute__((unused))

/* Moves ownership out of a variable with a cleanup attribute. */
#define TAKE_PTR(pointer)                                                                                    \
    ({                                                                                                       \
        __typeof__(pointer) *take_from_ = &(pointer);                                                        \
        __typeof__(pointer) taken_ = *take_from_;                                                            \
        *take_from_ = NULL;                                                                                  \
        taken_;                                                                                              \
    })

#define TAKE_FD(fd)                                                                                          \
    ({                                                                                                       \
        int *take_from_ = &(fd);                                                                             \
        int taken_ = *take_from_;                                                                            \
        *take_from_ = -1;                                                                                    \
        taken_;                                                                                              \
    })

static inline void cleanup_free_pointer(void *pointer) {
    free(*(void **)pointer);
}

#define _cleanup_free_ _cleanup_(cleanup_free_pointer)

#endif
