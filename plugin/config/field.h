/* The tables that describe every configuration key once: the schema, the decoder, its checks and the page
 * docs/task-config.md are read from them. */
#ifndef DIEGO_CONFIG_FIELD_H
#define DIEGO_CONFIG_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key holds and, behind it, what it is decoded to. */
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
    FIELD_IGNORED,     /* nothing: Diego has the key and does nothing with it either */
};

struct config_table;

struct config_field {
    const char *name;
    enum field_kind kind;
    bool required;
    size_t offset;
    size_t count_offset;
    int64_t minimum; /* of numbers */
    int64_t maximum; /* 0: INT32_MAX */
    /* What is wrong with a text ("must be an absolute path"), or NULL. Of lists and maps: of every value. */
    const char *(*check)(const char *text);
    const char *default_text;          /* elements of a list are separated by spaces; NULL: empty, 0, false */
    const struct config_table *nested; /* of blocks */
    const char *help;                  /* Markdown, one line */
};

struct config_table {
    const struct config_field *fields;
    size_t count;
    size_t size; /* of the struct that it is decoded into */
};

#define FIELD_AT(type, member) .offset = offsetof(type, member)
#define FIELD_LIST_AT(type, member)                                                                          \
    .offset = offsetof(type, member), .count_offset = offsetof(type, n_##member)
#define CONFIG_TABLE(list, type)                                                                             \
    { .fields = (list), .count = sizeof(list) / sizeof((list)[0]), .size = sizeof(type) }

extern const struct config_table plugin_config_table; /* struct plugin_config */
extern const struct config_table task_config_table;   /* struct task_config */
extern const struct config_table run_action_table;    /* struct run_fields of action.c */

#endif
