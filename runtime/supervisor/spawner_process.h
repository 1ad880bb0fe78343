/* The spawner's own side: what runs in the forked process. */
#ifndef DIEGO_SUPERVISOR_SPAWNER_PROCESS_H
#define DIEGO_SUPERVISOR_SPAWNER_PROCESS_H

/* Serves requests on `fd` until its other end is closed. Never returns. */
_Noreturn void spawner_process_run(int fd);

#endif
