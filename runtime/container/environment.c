#include "runtime/container/environment.h"

#include "runtime/base/text.h"

/* The kernel's MAX_ARG_STRLEN: 32 pages, the NUL included. */
enum { VARIABLE_LIMIT = 128 * 1024 };

static const char ROOT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static const char USER_PATH[] = "/usr/local/bin:/usr/bin:/bin";

/* Where the name's value is, or the end. */
static size_t find_name(char *const *env, size_t count, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncmp(env[i], name, length) == 0 && env[i][length] == '=')
            return i;
    return count;
}

static int put_variable(char **env, size_t *count, const char *name, const char *value) {
    char *text;
    if (asprintf(&text, "%s=%s", name, value) < 0)
        return -ENOMEM;
    size_t place = find_name(env, *count, name);
    free(env[place]);
    env[place] = text;
    *count += place == *count;
    return 0;
}

int environment_build(Diego__Supervisor__Variable *const *first, size_t first_count,
                      Diego__Supervisor__Variable *const *second, size_t second_count, char ***ret,
                      struct error *error) {
    _cleanup_(environment_release) char **env = calloc(first_count + second_count + 1, sizeof *env);
    int r = env == NULL ? -ENOMEM : 0;
    size_t count = 0;
    for (size_t i = 0; r == 0 && i < first_count; i++)
        r = put_variable(env, &count, first[i]->name, first[i]->value);
    for (size_t i = 0; r == 0 && i < second_count; i++)
        r = put_variable(env, &count, second[i]->name, second[i]->value);
    if (r < 0)
        return error_set_no_memory(error);
    *ret = TAKE_PTR(env);
    return 0;
}

static int check_sizes(char *const *env, struct error *error) {
    for (size_t i = 0; env[i] != NULL; i++) {
        size_t size = strlen(env[i]) + 1;
        if (size > VARIABLE_LIMIT)
            return error_set(error, E2BIG,
                             "environment variable %.*s has %zu bytes, more than the kernel's limit of %d",
                             (int)MIN_OF(strcspn(env[i], "="), (size_t)64), env[i], size, VARIABLE_LIMIT);
    }
    return 0;
}

const char *environment_get(char *const *env, const char *name) {
    size_t count = 0;
    while (env != NULL && env[count] != NULL)
        count++;
    size_t place = find_name(env, count, name);
    return place < count ? env[place] + strlen(name) + 1 : NULL;
}

static int put_default(char **env, size_t *count, const char *name, const char *value) {
    return find_name(env, *count, name) < *count ? 0 : put_variable(env, count, name, value);
}

int environment_complete(char *const *env, const char *user, const struct container_user *account,
                         char ***ret, struct error *error) {
    int r = check_sizes(env, error);
    if (r < 0)
        return r;
    size_t count = 0;
    while (env[count] != NULL)
        count++;
    _cleanup_(environment_release) char **full = calloc(count + 4, sizeof *full);
    if (full == NULL)
        return error_set_no_memory(error);
    for (count = 0; env[count] != NULL; count++) {
        full[count] = strdup(env[count]);
        if (full[count] == NULL)
            return error_set_no_memory(error);
    }
    if (put_default(full, &count, "PATH", account->uid == 0 ? ROOT_PATH : USER_PATH) < 0 ||
        put_default(full, &count, "USER", user != NULL && *user != '\0' ? user : "root") < 0 ||
        put_default(full, &count, "HOME", account->home) < 0)
        return error_set_no_memory(error);
    *ret = TAKE_PTR(full);
    return 0;
}

void environment_release(char ***env) {
    for (size_t i = 0; *env != NULL && (*env)[i] != NULL; i++)
        free((*env)[i]);
    free(*env);
    *env = NULL;
}
