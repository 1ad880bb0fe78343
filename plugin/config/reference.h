/* docs/task-config.md, written from the tables of the configuration. */
#ifndef DIEGO_CONFIG_REFERENCE_H
#define DIEGO_CONFIG_REFERENCE_H

#include <stdio.h>

/* Prints the whole page as Markdown. */
void config_print_reference(FILE *stream);

#endif
