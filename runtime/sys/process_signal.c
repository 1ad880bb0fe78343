/* Signal names as kill -l spells them. */
#include "runtime/sys/process.h"

#include <signal.h>

#include "runtime/base/text.h"

/* The numbers of real-time signals are glibc's; it keeps 32 and 33 for itself. */
static const char *const SIGNAL_NAMES[] = {
    [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
    [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",     [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
    [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM", [SIGSTKFLT] = "SIGSTKFLT",
    [SIGCHLD] = "SIGCHLD", [SIGCONT] = "SIGCONT",     [SIGSTOP] = "SIGSTOP", [SIGTSTP] = "SIGTSTP",
    [SIGTTIN] = "SIGTTIN", [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",   [SIGXCPU] = "SIGXCPU",
    [SIGXFSZ] = "SIGXFSZ", [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF", [SIGWINCH] = "SIGWINCH",
    [SIGIO] = "SIGIO",     [SIGPWR] = "SIGPWR",       [SIGSYS] = "SIGSYS",   [34] = "SIGRTMIN",
    [35] = "SIGRTMIN+1",   [36] = "SIGRTMIN+2",       [37] = "SIGRTMIN+3",   [38] = "SIGRTMIN+4",
    [39] = "SIGRTMIN+5",   [40] = "SIGRTMIN+6",       [41] = "SIGRTMIN+7",   [42] = "SIGRTMIN+8",
    [43] = "SIGRTMIN+9",   [44] = "SIGRTMIN+10",      [45] = "SIGRTMIN+11",  [46] = "SIGRTMIN+12",
    [47] = "SIGRTMIN+13",  [48] = "SIGRTMIN+14",      [49] = "SIGRTMIN+15",  [50] = "SIGRTMAX-14",
    [51] = "SIGRTMAX-13",  [52] = "SIGRTMAX-12",      [53] = "SIGRTMAX-11",  [54] = "SIGRTMAX-10",
    [55] = "SIGRTMAX-9",   [56] = "SIGRTMAX-8",       [57] = "SIGRTMAX-7",   [58] = "SIGRTMAX-6",
    [59] = "SIGRTMAX-5",   [60] = "SIGRTMAX-4",       [61] = "SIGRTMAX-3",   [62] = "SIGRTMAX-2",
    [63] = "SIGRTMAX-1",   [64] = "SIGRTMAX",
};

/* Second names, and Nomad's name for the signal that only asks whether the process is there. */
static const struct {
    const char *name;
    int number;
} ALIASES[] = {{"SIGNULL", 0}, {"SIGIOT", SIGABRT}, {"SIGPOLL", SIGIO}, {"SIGCLD", SIGCHLD}};

enum { PREFIX_SIZE = 3 };

static bool is_same(const char *name, const char *full_name) {
    return strcasecmp(name, full_name) == 0 || strcasecmp(name, full_name + PREFIX_SIZE) == 0;
}

int process_signal_number(const char *name) {
    uint64_t number;
    if (text_parse_uint64(name, ARRAY_SIZE(SIGNAL_NAMES) - 1, &number) == 0)
        return number == 0 || process_signal_name((int)number) != NULL ? (int)number : -EINVAL;
    for (size_t i = 1; i < ARRAY_SIZE(SIGNAL_NAMES); i++) {
        if (SIGNAL_NAMES[i] != NULL && is_same(name, SIGNAL_NAMES[i]))
            return (int)i;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ALIASES); i++) {
        if (is_same(name, ALIASES[i].name))
            return ALIASES[i].number;
    }
    return -EINVAL;
}

const char *process_signal_name(int number) {
    return number > 0 && (size_t)number < ARRAY_SIZE(SIGNAL_NAMES) ? SIGNAL_NAMES[number] : NULL;
}
