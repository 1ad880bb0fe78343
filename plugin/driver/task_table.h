/* All tasks of this plugin by their id. */
#ifndef DIEGO_DRIVER_TASK_TABLE_H
#define DIEGO_DRIVER_TASK_TABLE_H

#include "plugin/driver/task.h"

enum { TASK_TABLE_BUCKETS = 1024 };

struct task_table {
    struct list buckets[TASK_TABLE_BUCKETS];
    size_t count;
};

void task_table_init(struct task_table *table);
void task_table_add(struct task_table *table, struct task *task);
void task_table_remove(struct task_table *table, struct task *task);
struct task *task_table_find(const struct task_table *table, const char *id); /* NULL when unknown */

/* 64-bit FNV-1a, also used where an id becomes a file name. */
uint64_t task_id_hash(const char *id);

/* Destroys every task object; files and supervisors stay. */
void task_table_release(struct task_table *table);

#endif
