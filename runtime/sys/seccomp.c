#include "runtime/sys/seccomp.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime/base/fd.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/seccomp_syscalls.h"

/* All namespaces that clone(2) can make. */
enum { CLONE_NAMESPACES = 0x7E020000 };

enum { I386_SOCKET = 359 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of an argument comes first");

/* The architectures of this machine as libseccomp names them, and as the kernel does; native first. */
static const struct architecture {
    uint32_t token;
    uint32_t audit;
} architectures[] = {
#if defined(__x86_64__)
    {SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64},
    {SCMP_ARCH_X86, AUDIT_ARCH_I386},
#elif defined(__aarch64__)
    {SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64},
#else
#error "add this architecture's names"
#endif
};

/* ---- the part that libseccomp compiles ---- */

static int add_rule(scmp_filter_ctx context, uint32_t action, const char *name, unsigned argument_count,
                    const struct scmp_arg_cmp *arguments) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(context, action, number, argument_count, arguments);
}

static int add_allowed(scmp_filter_ctx context, uint64_t capabilities) {
    for (const char *const *name = seccomp_allowed; *name != NULL; name++) {
        int r = add_rule(context, SCMP_ACT_ALLOW, *name, 0, NULL);
        if (r < 0)
            return r;
    }
    for (const struct seccomp_capability_grant *grant = seccomp_capability_grants; grant->name != NULL;
         grant++) {
        if ((capabilities & CAPABILITY_BIT(grant->capability)) == 0)
            continue;
        int r = add_rule(context, SCMP_ACT_ALLOW, grant->name, 0, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_conditional(scmp_filter_ctx context, uint64_t capabilities) {
    for (size_t i = 0; i < seccomp_personality_count; i++) {
        int r = add_rule(
            context, SCMP_ACT_ALLOW, "personality", 1,
            &(struct scmp_arg_cmp){.arg = 0, .op = SCMP_CMP_EQ, .datum_a = seccomp_personalities[i]});
        if (r < 0)
            return r;
    }
    if ((capabilities & CAPABILITY_BIT(CAP_SYS_ADMIN)) != 0)
        return 0;
    int r = add_rule(context, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    if (r < 0)
        return r;
    return add_rule(context, SCMP_ACT_ALLOW, "clone", 1,
                    &SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NAMESPACES, 0));
}

static void cleanup_context(scmp_filter_ctx *context) {
    if (*context != NULL)
        seccomp_release(*context);
}

static int export_instructions(scmp_filter_ctx context, struct buffer *program) {
    _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(context, fd);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return fd_read_all(fd, BPF_MAXINSNS * sizeof(struct sock_filter), program, "the compiled filter", NULL);
}

static int append_compiled(uint64_t capabilities, struct buffer *program) {
    _cleanup_(cleanup_context) scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (context == NULL)
        return -ENOMEM;
    for (size_t i = 1; i < ARRAY_SIZE(architectures); i++) {
        int r = seccomp_arch_add(context, architectures[i].token);
        if (r < 0)
            return r;
    }
    /* A binary tree: linear filters take twice as long to load, since the kernel walks them once per call. */
    int r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r < 0)
        return r;
    r = add_allowed(context, capabilities);
    if (r < 0)
        return r;
    r = add_conditional(context, capabilities);
    if (r < 0)
        return r;
    return export_instructions(context, program);
}

/* ---- the part in front of it, which libseccomp cannot express ---- */

static void append(struct buffer *program, struct sock_filter instruction) {
    buffer_append(program, &instruction, sizeof instruction);
}

static void append_load(struct buffer *program, size_t offset) {
    append(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void append_return(struct buffer *program, uint32_t action) {
    append(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Skips the next `count` instructions unless the accumulator equals `value`. */
static void append_skip_unless_equal(struct buffer *program, uint32_t value, size_t count) {
    append(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)count));
}

/* Decides every call from SECCOMP_FIRST_RECENT on. Those of x32 are among them (they have bit 30 set) and
 * answer ENOSYS as on Debian's kernels: a third architecture would cost each start 60 us for programs that
 * nobody has. */
static void append_recent(struct buffer *program) {
    append_load(program, offsetof(struct seccomp_data, nr));
    size_t body = 2 * seccomp_recent_count + 1;
    append(program,
           (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SECCOMP_FIRST_RECENT, 0, (uint8_t)body));
    for (size_t i = 0; i < seccomp_recent_count; i++) {
        append_skip_unless_equal(program, seccomp_recent[i].number, 1);
        append_return(program, SECCOMP_RET_ALLOW);
    }
    append_return(program, SECCOMP_RET_ERRNO | ENOSYS);
}

/* Negative when the architecture has no such call. */
static int resolve_number(const struct architecture *architecture, const char *name) {
    /* libseccomp answers i386's socket with a pseudo number that stands for socketcall as well. */
    if (architecture->audit == AUDIT_ARCH_I386 && strcmp(name, "socket") == 0)
        return I386_SOCKET;
    return seccomp_syscall_resolve_name_arch(architecture->token, name);
}

/* Expects and leaves the call's number in the accumulator. */
static void append_denial(struct buffer *program, const struct architecture *architecture,
                          const struct seccomp_argument_denial *denial) {
    int number = resolve_number(architecture, denial->name);
    if (number < 0)
        return;
    append_skip_unless_equal(program, (uint32_t)number, 4);
    append_load(program, offsetof(struct seccomp_data, args) + denial->argument * sizeof(uint64_t));
    append_skip_unless_equal(program, denial->value, 1);
    append_return(program, SECCOMP_RET_ERRNO | (uint32_t)denial->code);
    append_load(program, offsetof(struct seccomp_data, nr));
}

static void append_denials(struct buffer *program, const struct architecture *architecture) {
    _cleanup_buffer_ struct buffer body = BUFFER_INIT;
    append_load(&body, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < seccomp_argument_denial_count; i++)
        append_denial(&body, architecture, &seccomp_argument_denials[i]);

    append_load(program, offsetof(struct seccomp_data, arch));
    append_skip_unless_equal(program, architecture->audit, body.size / sizeof(struct sock_filter));
    buffer_append(program, body.data, body.size);
    program->failed |= body.failed;
}

/* ---- both ---- */

static int take_filter(struct buffer *program, struct seccomp_filter **ret) {
    if (program->failed)
        return -ENOMEM;
    size_t count = program->size / sizeof(struct sock_filter);
    if (count > BPF_MAXINSNS)
        return -E2BIG;
    struct seccomp_filter *filter = malloc(sizeof *filter);
    if (filter == NULL)
        return -ENOMEM;
    *filter = (struct seccomp_filter){
        .instructions = (struct sock_filter *)TAKE_PTR(program->data),
        .count = (unsigned short)count,
    };
    *program = BUFFER_INIT;
    *ret = filter;
    return 0;
}

int seccomp_filter_compile_default(uint64_t capabilities, struct seccomp_filter **ret, struct error *error) {
    _cleanup_buffer_ struct buffer program = BUFFER_INIT;
    append_recent(&program);
    for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
        append_denials(&program, &architectures[i]);
    int r = append_compiled(capabilities, &program);
    if (r >= 0)
        r = take_filter(&program, ret);
    return r < 0 ? error_set_errno(error, -r, "cannot compile the default seccomp filter") : 0;
}

int seccomp_filter_install(const struct seccomp_filter *filter) {
    struct sock_fprog program = {.len = filter->count, .filter = filter->instructions};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

void seccomp_filter_destroy(struct seccomp_filter *filter) {
    if (filter == NULL)
        return;
    free(filter->instructions);
    free(filter);
}
