/* From values to structs, as a table of fields says. */
#ifndef DIEGO_CONFIG_DECODE_H
#define DIEGO_CONFIG_DECODE_H

#include "plugin/config/field.h"
#include "plugin/config/path.h"
#include "proto/supervisor.pb-c.h"
#include "runtime/base/buffer.h"
#include "runtime/base/error.h"

/* An object that sets fields; NULL sets none. */
struct config_source {
    const json_t *object;
    const struct config_path *path;
    enum field_place place; /* fields of the other place are unknown here */
    bool open;              /* unknown keys are ignored instead of refused */
};

/* One decoding, passed down through nested tables. */
struct config_decoder {
    bool diego;           /* the value at hand is Diego's JSON */
    struct buffer faults; /* "Invalid field: rootfs, Invalid field: user" */
    const char *lrp_only; /* the first field seen that only LRPs have */
    struct error *error;
};

/* Fills *target (zeroed) from the sources: of several the first that sets a field wins, a field that none sets
 * gets its default. -EINVAL for the first fault that is not Diego's; Diego's gather in decoder->faults. What is
 * decoded by then must be released in any case. */
int config_decode_table(const struct config_table *table, const struct config_source *sources, size_t count,
                        struct config_decoder *decoder, void *target);

/* Frees what a table's decoding made and zeroes the struct. */
void config_release_table(const struct config_table *table, void *target);

/* Adds "Invalid field: NAME" (or the whole text) to what is wrong in Diego's words. */
void config_add_fault(struct config_decoder *decoder, const char *text);
void config_add_invalid_field(struct config_decoder *decoder, const char *name);

/* -EINVAL with all faults as one error, 0 without any. */
int config_report_faults(struct config_decoder *decoder);

/* Appends NAME=value to a list of variables; both are copied. */
int config_append_variable(size_t *count, Diego__Supervisor__Variable ***list, const char *name, const char *value,
                           struct error *error);
void config_free_variables(size_t count, Diego__Supervisor__Variable **list);

#endif
