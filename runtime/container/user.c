#include "runtime/container/user.h"

#include <limits.h>
#include <stdint.h>

#include "runtime/base/buffer.h"
#include "runtime/base/text.h"
#include "runtime/sys/path.h"

#define PASSWD_PATH "/etc/passwd"
#define GROUP_PATH "/etc/group"

enum { DATABASE_LIMIT = 4 * 1024 * 1024, ID_MAX = INT32_MAX };

enum passwd_field {
    PASSWD_NAME,
    PASSWD_PASSWORD,
    PASSWD_UID,
    PASSWD_GID,
    PASSWD_GECOS,
    PASSWD_HOME,
    PASSWD_FIELDS = 7
};
enum group_field { GROUP_NAME, GROUP_PASSWORD, GROUP_GID, GROUP_MEMBERS, GROUP_FIELDS };

/* A passwd or group file, cut up in place while it is read. */
struct database {
    struct buffer text;
    char *next; /* the next line; NULL at the end, and when there is no such file */
};

static void database_release(struct database *database) {
    buffer_release(&database->text);
}

/* A missing file is an empty one. */
static int database_open(int root_fd, const char *path, struct database *ret, bool *ret_missing,
                         struct error *error) {
    _cleanup_error_ struct error failure = ERROR_INIT;
    int failed = path_read_file(root_fd, path, DATABASE_LIMIT, &ret->text, &failure);
    *ret_missing = failed == -ENOENT;
    if (failed < 0 && failed != -ENOENT) {
        error_copy(error, &failure);
        return failed;
    }
    if (ret->text.size > 0 && memchr(ret->text.data, '\0', ret->text.size) != NULL)
        return error_set(error, EINVAL, "%s of the container holds a zero byte", path);
    ret->next = ret->text.data;
    return 0;
}

/* The fields of the next entry, "" for those that its line ends before; a line without all of the first
 * `required` fields, or with more than `count`, is no entry. */
static bool database_next(struct database *database, const char *fields[], size_t required, size_t count) {
    char *line;
    while ((line = strsep(&database->next, "\n")) != NULL) {
        size_t found = 0;
        while (line != NULL && found < count)
            fields[found++] = strsep(&line, ":");
        if (line != NULL || found < required)
            continue;
        while (found < count)
            fields[found++] = "";
        return true;
    }
    return false;
}

static int parse_id(const char *text, uint32_t *ret) {
    uint64_t id;
    int failed = text_parse_uint64(text, ID_MAX, &id);
    if (failed == 0)
        *ret = (uint32_t)id;
    return failed;
}

static bool is_number(const char *text) {
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int set_id_error(struct error *error, const char *what, const char *id) {
    return error_set(error, EINVAL, "%s %s is not a number from 0 to %d", what, id, ID_MAX);
}

/* What the user part says: uid, and from its passwd entry gid, home and name (NULL without an entry). */
struct account {
    uint32_t uid;
    uint32_t gid;
    char *home; /* owned */
    char *name; /* owned */
};

static void account_release(struct account *account) {
    free(account->home);
    free(account->name);
}

static int fill_account(struct account *account, const char *const fields[], struct error *error) {
    if (parse_id(fields[PASSWD_UID], &account->uid) < 0)
        return set_id_error(error, "uid in " PASSWD_PATH " of the container", fields[PASSWD_UID]);
    if (parse_id(fields[PASSWD_GID], &account->gid) < 0)
        return set_id_error(error, "gid in " PASSWD_PATH " of the container", fields[PASSWD_GID]);
    account->name = strdup(fields[PASSWD_NAME]);
    account->home = strdup(*fields[PASSWD_HOME] == '/' ? fields[PASSWD_HOME] : "/");
    return account->name == NULL || account->home == NULL ? error_set_no_memory(error) : 0;
}

static bool is_account(const char *const fields[], const char *name, bool numeric, uint32_t uid) {
    uint32_t found;
    if (numeric)
        return parse_id(fields[PASSWD_UID], &found) == 0 && found == uid;
    return strcmp(fields[PASSWD_NAME], name) == 0;
}

static int find_account(int root_fd, const char *user, struct account *ret, struct error *error) {
    bool numeric = is_number(user);
    if (numeric && parse_id(user, &ret->uid) < 0)
        return set_id_error(error, "user", user);
    _cleanup_(database_release) struct database passwd = {0};
    bool missing;
    int failed = database_open(root_fd, PASSWD_PATH, &passwd, &missing, error);
    if (failed < 0)
        return failed;
    const char *fields[PASSWD_FIELDS];
    while (database_next(&passwd, fields, PASSWD_GID + 1, PASSWD_FIELDS)) {
        if (is_account(fields, user, numeric, ret->uid))
            return fill_account(ret, fields, error);
    }
    if (!numeric && !(missing && strcmp(user, "root") == 0))
        return error_set(error, ENOENT, "unable to find user %s: no matching entries in passwd file", user);
    ret->home = strdup("/");
    return ret->home == NULL ? error_set_no_memory(error) : 0;
}

static int find_group(int root_fd, const char *group, gid_t *ret, struct error *error) {
    if (is_number(group))
        return parse_id(group, ret) < 0 ? set_id_error(error, "group", group) : 0;
    _cleanup_(database_release) struct database groups = {0};
    bool missing;
    int failed = database_open(root_fd, GROUP_PATH, &groups, &missing, error);
    if (failed < 0)
        return failed;
    const char *fields[GROUP_FIELDS];
    while (database_next(&groups, fields, GROUP_GID + 1, GROUP_FIELDS)) {
        if (strcmp(fields[GROUP_NAME], group) == 0)
            return parse_id(fields[GROUP_GID], ret) < 0
                       ? set_id_error(error, "gid in " GROUP_PATH " of the container", fields[GROUP_GID])
                       : 0;
    }
    return error_set(error, ENOENT, "unable to find group %s: no matching entries in group file", group);
}

static bool lists_member(const char *members, const char *name) {
    size_t size = strlen(name);
    while (strncmp(members, name, size) != 0 || (members[size] != ',' && members[size] != '\0')) {
        members += strcspn(members, ",");
        if (*members == '\0')
            return false;
        members++;
    }
    return true;
}

/* The groups that name the user as a member. */
static int find_supplementary_groups(int root_fd, const char *name, struct container_user *user,
                                     struct error *error) {
    _cleanup_(database_release) struct database groups = {0};
    bool missing;
    int failed = database_open(root_fd, GROUP_PATH, &groups, &missing, error);
    if (failed < 0)
        return failed;
    const char *fields[GROUP_FIELDS];
    size_t capacity = 0;
    while (database_next(&groups, fields, GROUP_GID + 1, GROUP_FIELDS)) {
        uint32_t gid = 0;
        if (!lists_member(fields[GROUP_MEMBERS], name) || parse_id(fields[GROUP_GID], &gid) < 0)
            continue;
        if (user->group_count == NGROUPS_MAX)
            return error_set(error, EINVAL, "user %s is in more than %d groups", name, NGROUPS_MAX);
        if (user->group_count == capacity) {
            capacity = MAX_OF((size_t)8, capacity * 2);
            gid_t *longer = reallocarray(user->groups, capacity, sizeof *longer);
            if (longer == NULL)
                return error_set_no_memory(error);
            user->groups = longer;
        }
        user->groups[user->group_count++] = gid;
    }
    return 0;
}

int container_user_resolve(int root_fd, const char *user, struct container_user *ret, struct error *error) {
    const char *colon = strchr(user, ':');
    const char *group = colon != NULL ? colon + 1 : NULL;
    _cleanup_free_ char *name = colon != NULL ? strndup(user, (size_t)(colon - user)) : strdup(user);
    if (name == NULL)
        return error_set_no_memory(error);
    if (*name == '\0' || (group != NULL && *group == '\0'))
        return error_set(error, EINVAL, "invalid user \"%s\": write name, uid, name:group or uid:gid", user);

    _cleanup_(account_release) struct account account = {0};
    _cleanup_(container_user_release) struct container_user found = {0};
    int failed = find_account(root_fd, name, &account, error);
    if (failed < 0)
        return failed;
    found.uid = account.uid;
    found.gid = account.gid;
    found.home = TAKE_PTR(account.home);
    if (group != NULL)
        failed = find_group(root_fd, group, &found.gid, error);
    else if (account.name != NULL)
        failed = find_supplementary_groups(root_fd, account.name, &found, error);
    if (failed < 0)
        return failed;
    *ret = found;
    found = (struct container_user){0};
    return 0;
}

void container_user_release(struct container_user *user) {
    free(user->groups);
    free(user->home);
    *user = (struct container_user){0};
}
