/* Functions that must not be used; included in front of every source file by the build.
 * Each has a bounded or reentrant counterpart in runtime/base. */
#ifndef DIEGO_BASE_BANNED_H
#define DIEGO_BASE_BANNED_H

/* Headers that declare the names below, so that poisoning them afterwards is possible. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison system popen tmpnam mktemp atoi atol atoll gmtime localtime asctime ctime

#endif
