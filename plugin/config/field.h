/* The tables that describe every configuration key once: the schema, the decoder, its checks and the page
 * docs/task-config.md are read from them. */
#ifndef DIEGO_CONFIG_FIELD_H
#define DIEGO_CONFIG_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key holds and, behind it, where it is decoded to. */
enum field_kind {
    FIELD_BOOL,        /* bool */
    FIELD_NUMBER,      /* int64_t */
    FIELD_STRING,      /* char *, NULL when not set */
    FIELD_DURATION,    /* uint64_t milliseconds, written as a Go duration */
    FIELD_STRING_LIST, /* size_t and char ** */
    FIELD_STRING_MAP,  /* size_t and Diego__Supervisor__Variable ** */
    FIELD_ENVIRONMENT, /* the same, from Diego's list or a map */
    FIELD_ACTION,      /* Diego__Supervisor__Action * */
    FIELD_BLOCK,       /* the nested table's struct in place */
    FIELD_BLOCK_LIST,  /* size_t and an array of the nested table's structs */
    FIELD_LABEL,       /* size_t and Diego__Supervisor__Variable **, shared: name and text are added to it */
    FIELD_DEFINITION,  /* nowhere: its fields are a source of the table it stands in */
    FIELD_RECORD,      /* nowhere: Diego's own notes, which ask for nothing */
    FIELD_UNSUPPORTED, /* nowhere: an error unless the value asks for nothing */
};

/* Where a key may be written: in the HCL block, in Diego's JSON, in both. */
enum field_place { FIELD_ANYWHERE, FIELD_IN_BLOCK, FIELD_IN_DEFINITION };

/* What is wrong with a value ("must be an absolute path"), or NULL. Never called for a value that is not set. */
typedef const char *field_check_fn(const json_t *value);

struct config_table;

struct config_field {
    const char *name;
    enum field_kind kind;
    enum field_place place;
    bool required;
    bool diego_fault; /* Diego itself checks this: a fault is told in its words, "Invalid field: NAME" */
    bool lrp_only;    /* Tasks do not have it */
    size_t offset;
    size_t count_offset;
    int64_t minimum; /* of numbers */
    int64_t maximum;
    const char *const *choices;        /* of strings and elements of lists; ends with NULL */
    field_check_fn *check;             /* of the whole value */
    const char *default_text;          /* as the page shows it; elements of a list are separated by spaces */
    const struct config_table *nested; /* of blocks, and of trees for the page */
    const char *help;                  /* Markdown, one line */
};

struct config_table {
    const struct config_field *fields;
    size_t count;
    size_t size; /* of the struct that it is decoded into */
};

#define FIELD_AT(type, member) .offset = offsetof(type, member)
#define FIELD_LIST_AT(type, member) .offset = offsetof(type, member), .count_offset = offsetof(type, n_##member)

extern const struct config_table plugin_config_table; /* struct plugin_config */
extern const struct config_table task_config_table;   /* struct task_config */
extern const struct config_table run_action_table;    /* struct run_fields of action.c */

#endif
