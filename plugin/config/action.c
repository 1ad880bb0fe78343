#include "plugin/config/action.h"

#include "plugin/config/value.h"

/* --- Run --- */

struct run_limits {
    int64_t nofile;
};

struct run_fields {
    char *path;
    size_t n_args;
    char **args;
    char *dir;
    size_t n_env;
    Diego__Supervisor__Variable **env;
    char *user;
    struct run_limits resource_limits;
    char *log_source;
    bool suppress_log_output;
};

static const struct config_field LIMIT_FIELDS[] = {
    {"nofile", FIELD_NUMBER, FIELD_AT(struct run_limits, nofile),
     .help = "soft and hard limit of open files; 0: `defaults.nofile` of the plugin"},
    {"nproc", FIELD_IGNORED, .help = "accepted and without effect, as in Diego: use `max_pids`"},
};
static const struct config_table LIMITS = CONFIG_TABLE(LIMIT_FIELDS, struct run_limits);

static const struct config_field RUN_FIELDS[] = {
    {"path", FIELD_STRING, .required = true, FIELD_AT(struct run_fields, path),
     .help = "the program; without a slash it is looked up in `PATH`"},
    {"args", FIELD_STRING_LIST, FIELD_LIST_AT(struct run_fields, args), .help = "its arguments"},
    {"dir", FIELD_STRING, FIELD_AT(struct run_fields, dir),
     .help = "absolute directory to start in, made when missing; default: the user's home"},
    {"env", FIELD_ENVIRONMENT, FIELD_LIST_AT(struct run_fields, env),
     .help = "added to the task's environment"},
    {"user", FIELD_STRING, .required = true, FIELD_AT(struct run_fields, user),
     .help = "`name`, `uid`, `name:group` or `uid:gid`, as the rootfs knows them"},
    {"resource_limits", FIELD_BLOCK, FIELD_AT(struct run_fields, resource_limits), .nested = &LIMITS,
     .help = "limits of this process"},
    {"log_source", FIELD_STRING, FIELD_AT(struct run_fields, log_source),
     .help = "name of this process in failure reasons; default: the task's"},
    {"suppress_log_output", FIELD_BOOL, FIELD_AT(struct run_fields, suppress_log_output),
     .help = "throw its output away"},
};
const struct config_table run_action_table = CONFIG_TABLE(RUN_FIELDS, struct run_fields);

static char *text_or_empty(char **text) {
    return *text != NULL ? TAKE_PTR(*text) : (char *)protobuf_c_empty_string;
}

/* Moves everything out of the fields. */
static void fill_run(Diego__Supervisor__Run *run, struct run_fields *fields) {
    run->path = text_or_empty(&fields->path);
    run->dir = text_or_empty(&fields->dir);
    run->user = text_or_empty(&fields->user);
    run->log_source = text_or_empty(&fields->log_source);
    run->args = TAKE_PTR(fields->args);
    run->n_args = fields->n_args;
    run->env = TAKE_PTR(fields->env);
    run->n_env = fields->n_env;
    run->nofile = (uint64_t)fields->resource_limits.nofile;
    run->suppress_log_output = fields->suppress_log_output;
    fields->n_args = fields->n_env = 0;
}

static Diego__Supervisor__Action *new_run_action(void) {
    Diego__Supervisor__Action *action = malloc(sizeof *action);
    Diego__Supervisor__Run *run = malloc(sizeof *run);
    if (action == NULL || run == NULL) {
        free(action);
        free(run);
        return NULL;
    }
    diego__supervisor__action__init(action);
    diego__supervisor__run__init(run);
    action->action_case = DIEGO__SUPERVISOR__ACTION__ACTION_RUN;
    action->run = run;
    return action;
}

static int decode_run(const json_t *value, const struct config_path *path, Diego__Supervisor__Action **ret,
                      struct error *error) {
    const json_t *object;
    int r = value_to_object(value, path, &object, error);
    if (r >= 0)
        r = config_refuse_unknown(&run_action_table, object, path, error);
    if (r < 0)
        return r;
    struct run_fields fields = {0};
    const struct config_source source = {.object = object, .path = path};
    r = config_decode_table(&run_action_table, &source, 1, &fields, error);
    if (r >= 0) {
        *ret = new_run_action();
        if (*ret == NULL)
            r = error_set_no_memory(error);
        else
            fill_run((*ret)->run, &fields);
    }
    config_release_table(&run_action_table, &fields);
    return r;
}

/* --- the envelope --- */

/* Diego's nine, in its order. Those without a decoder are not run yet. */
static const struct {
    const char *name;
    int (*decode)(const json_t *value, const struct config_path *path, Diego__Supervisor__Action **ret,
                  struct error *error);
} KINDS[] = {
    {"download", NULL}, {"upload", NULL},        {"run", decode_run},
    {"timeout", NULL},  {"emit_progress", NULL}, {"try", NULL},
    {"parallel", NULL}, {"serial", NULL},        {"codependent", NULL},
};

int action_decode(const json_t *value, const struct config_path *path, Diego__Supervisor__Action **ret,
                  struct error *error) {
    const json_t *object;
    int r = value_to_object(value, path, &object, error);
    if (r < 0)
        return r;
    if (json_object_size(object) != 1)
        return config_fail(path, error, "must hold one action, such as run { ... }, got %zu",
                           json_object_size(object));
    const char *name = json_object_iter_key(json_object_iter((json_t *)object));
    const struct config_path place = {.parent = path, .name = name};
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        if (strcmp(KINDS[i].name, name) != 0)
            continue;
        if (KINDS[i].decode == NULL)
            return config_fail(&place, error, "this version of the driver runs only `run` actions");
        return KINDS[i].decode(json_object_get(object, name), &place, ret, error);
    }
    return config_fail(&place, error, "unknown field");
}

Diego__Supervisor__Action *action_create_run(const char *path, char *const *args, size_t arg_count,
                                             const char *user, const char *dir) {
    Diego__Supervisor__Action *action = new_run_action();
    if (action == NULL)
        return NULL;
    struct run_fields fields = {
        .path = strdup(path), .user = strdup(user), .dir = strdup(dir != NULL ? dir : "")};
    fields.args = calloc(MAX_OF(arg_count, (size_t)1), sizeof *fields.args);
    bool whole = fields.path != NULL && fields.user != NULL && fields.dir != NULL && fields.args != NULL;
    for (; whole && fields.n_args < arg_count; fields.n_args++) {
        fields.args[fields.n_args] = strdup(args[fields.n_args]);
        whole = fields.args[fields.n_args] != NULL;
    }
    if (whole)
        fill_run(action->run, &fields);
    config_release_table(&run_action_table, &fields);
    if (!whole) {
        diego__supervisor__action__free_unpacked(action, NULL);
        return NULL;
    }
    return action;
}
