/* What `--help` and `--version` print. */
#ifndef DIEGO_CLI_USAGE_H
#define DIEGO_CLI_USAGE_H

#include <stdio.h>

void usage_print_help(FILE *stream);
void usage_print_version(FILE *stream);

#endif
