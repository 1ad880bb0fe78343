/* The environment of a process as Diego completes it (PATH, USER and HOME where they are missing). */
#ifndef DIEGO_CONTAINER_ENVIRONMENT_H
#define DIEGO_CONTAINER_ENVIRONMENT_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"
#include "runtime/container/user.h"

/* "NAME=value" of both lists, NULL-terminated; of one name the last value. */
int environment_build(Diego__Supervisor__Variable *const *first, size_t first_count,
                      Diego__Supervisor__Variable *const *second, size_t second_count, char ***ret,
                      struct error *error);

/* A copy of `env` ("NAME=value", NULL-terminated) with the defaults behind it. -E2BIG names a variable that
 * is too long for the kernel. */
int environment_complete(char *const *env, const char *user, const struct container_user *account,
                         char ***ret, struct error *error);
void environment_release(char ***env);

/* The value of a name, or NULL. `env` may be NULL. */
const char *environment_get(char *const *env, const char *name);

#endif
