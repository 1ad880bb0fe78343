/* `nomad-driver-diego check`: what this host can and cannot do, and why. */
#ifndef DIEGO_CLI_CHECK_H
#define DIEGO_CLI_CHECK_H

#include <stdio.h>

/* Prints a table for people, with the default configuration. Returns the exit status: 0 when tasks can run
 * here with every limit, 1 when not. */
int check_run(FILE *stream);

#endif
