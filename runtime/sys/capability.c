#include "runtime/sys/capability.h"

#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/macros.h"

/* By number. */
static const char *const names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

enum { PREFIX_LENGTH = 4 };

const uint64_t capability_default_set =
    CAPABILITY_BIT(CAP_CHOWN) | CAPABILITY_BIT(CAP_DAC_OVERRIDE) | CAPABILITY_BIT(CAP_FSETID) |
    CAPABILITY_BIT(CAP_FOWNER) | CAPABILITY_BIT(CAP_MKNOD) | CAPABILITY_BIT(CAP_NET_RAW) |
    CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETFCAP) |
    CAPABILITY_BIT(CAP_SETPCAP) | CAPABILITY_BIT(CAP_NET_BIND_SERVICE) | CAPABILITY_BIT(CAP_SYS_CHROOT) |
    CAPABILITY_BIT(CAP_KILL) | CAPABILITY_BIT(CAP_AUDIT_WRITE);

const uint64_t capability_full_set = CAPABILITY_BIT(ARRAY_SIZE(names)) - 1;

int capability_number(const char *name) {
    if (strncasecmp(name, "cap_", PREFIX_LENGTH) == 0)
        name += PREFIX_LENGTH;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcasecmp(name, names[i] + PREFIX_LENGTH) == 0)
            return (int)i;
    return -EINVAL;
}

const char *capability_name(unsigned number) {
    return number < ARRAY_SIZE(names) ? names[number] : NULL;
}

int capability_set_parse(const char *const *list, size_t count, uint64_t *ret, struct error *error) {
    uint64_t set = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(list[i], "all") == 0) {
            set |= capability_full_set;
            continue;
        }
        int number = capability_number(list[i]);
        if (number < 0)
            return error_set(
                error, EINVAL,
                "unknown capability \"%s\": use names of capabilities(7) like CAP_NET_RAW or net_raw",
                list[i]);
        set |= CAPABILITY_BIT(number);
    }
    *ret = set;
    return 0;
}

int capability_last(void) {
    int number = 0;
    while (prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0)
        number++;
    return number > 0 ? number - 1 : -errno;
}

static int get_sets(struct __user_cap_data_struct data[static _LINUX_CAPABILITY_U32S_3]) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static uint64_t join_halves(uint32_t low, uint32_t high) {
    return (uint64_t)high << 32 | low;
}

int capability_get_permitted(uint64_t *ret) {
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    int r = get_sets(data);
    if (r < 0)
        return r;
    *ret = join_halves(data[0].permitted, data[1].permitted);
    return 0;
}

int capability_limit_bounding(uint64_t keep) {
    for (unsigned number = 0; number < 64; number++) {
        if ((keep & CAPABILITY_BIT(number)) != 0)
            continue;
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
            /* EINVAL: past the last one that this kernel knows */
            return errno == EINVAL ? 0 : -errno;
    }
    return 0;
}

int capability_set_effective(uint64_t set) {
    uint64_t permitted;
    int r = capability_get_permitted(&permitted);
    if (r < 0)
        return r;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    set &= permitted;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = (uint32_t)set, .permitted = (uint32_t)set},
        {.effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32)},
    };
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
