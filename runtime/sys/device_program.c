#include "runtime/sys/device_program.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/buffer.h"
#include "runtime/base/fd.h"

_Static_assert((int)DEVICE_MKNOD == (int)BPF_DEVCG_ACC_MKNOD && (int)DEVICE_READ == (int)BPF_DEVCG_ACC_READ &&
                   (int)DEVICE_WRITE == (int)BPF_DEVCG_ACC_WRITE,
               "access bits are the kernel's");

enum { DEVICE_ALL = DEVICE_MKNOD | DEVICE_READ | DEVICE_WRITE };

static const struct device_rule default_rules[] = {
    {'a', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD},
    {'c', 1, 3, DEVICE_ALL},            /* null */
    {'c', 1, 5, DEVICE_ALL},            /* zero */
    {'c', 1, 7, DEVICE_ALL},            /* full */
    {'c', 1, 8, DEVICE_ALL},            /* random */
    {'c', 1, 9, DEVICE_ALL},            /* urandom */
    {'c', 5, 0, DEVICE_ALL},            /* tty */
    {'c', 5, 2, DEVICE_ALL},            /* ptmx */
    {'c', 136, DEVICE_ANY, DEVICE_ALL}, /* pts */
    {'c', 10, 200, DEVICE_ALL},         /* net/tun */
};

static uint32_t access_of_letter(char letter) {
    switch (letter) {
    case 'r':
        return DEVICE_READ;
    case 'w':
        return DEVICE_WRITE;
    case 'm':
        return DEVICE_MKNOD;
    default:
        return 0;
    }
}

int device_access_parse(const char *permissions, uint32_t *ret, struct error *error) {
    uint32_t access = 0;
    for (const char *letter = permissions; *letter != '\0' || letter == permissions; letter++) {
        uint32_t bit = access_of_letter(*letter);
        if (bit == 0)
            return error_set(error, EINVAL, "device permissions must be some of \"rwm\", got \"%s\"",
                             permissions);
        access |= bit;
    }
    *ret = access;
    return 0;
}

/* ---- the program ----
 *
 * r1 points at the context {access_type = access << 16 | type, major, minor}. After the prologue r2 is the
 * type, r3 the access bits, r4 and r5 the numbers. Each rule jumps over its own end where something differs;
 * the first rule that holds grants. */

static void append(struct buffer *program, struct bpf_insn instruction) {
    buffer_append(program, &instruction, sizeof instruction);
}

static void append_load(struct buffer *program, uint8_t target, size_t offset) {
    append(program, (struct bpf_insn){
                        .code = BPF_LDX | BPF_MEM | BPF_W,
                        .dst_reg = target,
                        .src_reg = BPF_REG_1,
                        .off = (int16_t)offset,
                    });
}

static void append_alu(struct buffer *program, uint8_t operation, uint8_t target, uint32_t value) {
    append(program,
           (struct bpf_insn){.code = BPF_ALU | operation | BPF_K, .dst_reg = target, .imm = (int32_t)value});
}

static void append_move(struct buffer *program, uint8_t target, uint8_t source) {
    append(program,
           (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = target, .src_reg = source});
}

static void append_skip_unless_equal(struct buffer *program, uint8_t target, uint32_t value, size_t count) {
    append(program, (struct bpf_insn){
                        .code = BPF_JMP32 | BPF_JNE | BPF_K,
                        .dst_reg = target,
                        .off = (int16_t)count,
                        .imm = (int32_t)value,
                    });
}

static void append_return(struct buffer *program, int32_t verdict) {
    append(program,
           (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict});
    append(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static void append_prologue(struct buffer *program) {
    append_load(program, BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    append_move(program, BPF_REG_3, BPF_REG_2);
    append_alu(program, BPF_AND, BPF_REG_2, 0xffff);
    append_alu(program, BPF_RSH, BPF_REG_3, 16);
    append_load(program, BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major));
    append_load(program, BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static void append_rule(struct buffer *program, const struct device_rule *rule) {
    bool check_type = rule->type != 'a', check_major = rule->major != DEVICE_ANY;
    bool check_minor = rule->minor != DEVICE_ANY;
    size_t rest = 2 + check_type + check_major + check_minor;

    /* what is asked for beyond the rule's bits must be nothing */
    append_move(program, BPF_REG_0, BPF_REG_3);
    append_alu(program, BPF_AND, BPF_REG_0, ~rule->access);
    append_skip_unless_equal(program, BPF_REG_0, 0, rest);
    if (check_type)
        append_skip_unless_equal(program, BPF_REG_2,
                                 rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, --rest);
    if (check_major)
        append_skip_unless_equal(program, BPF_REG_4, rule->major, --rest);
    if (check_minor)
        append_skip_unless_equal(program, BPF_REG_5, rule->minor, --rest);
    append_return(program, 1);
}

static void append_rules(struct buffer *program, const struct device_rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++)
        append_rule(program, &rules[i]);
}

/* ---- the kernel's side ---- */

static int call_bpf(enum bpf_cmd command, union bpf_attr *attributes) {
    long r = syscall(SYS_bpf, command, attributes, sizeof *attributes);
    return r < 0 ? -errno : (int)r;
}

/* What a kernel without these programs, or one that forbids them, answers. */
static int code_of_failure(int r) {
    return r == -EPERM || r == -ENOSYS || r == -EINVAL ? ENOTSUP : -r;
}

static int fail(struct error *error, int r, const char *what) {
    char reason[128];
    return error_set(error, code_of_failure(r), "%s: %s", what, strerror_r(-r, reason, sizeof reason));
}

int device_program_load(const struct device_rule *rules, size_t count, int *ret_fd, struct error *error) {
    _cleanup_buffer_ struct buffer program = BUFFER_INIT;
    append_prologue(&program);
    append_rules(&program, default_rules, ARRAY_SIZE(default_rules));
    append_rules(&program, rules, count);
    append_return(&program, 0);
    if (program.failed)
        return error_set_no_memory(error);

    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .expected_attach_type = BPF_CGROUP_DEVICE,
        .insns = (uintptr_t)program.data,
        .insn_cnt = (uint32_t)(program.size / sizeof(struct bpf_insn)),
        .license = (uintptr_t) "",
        .prog_name = "diego_devices",
    };
    int fd = call_bpf(BPF_PROG_LOAD, &attributes);
    if (fd < 0)
        return fail(error, fd, "cannot load the device program");
    *ret_fd = fd;
    return 0;
}

int device_program_attach(int program_fd, int cgroup_fd, struct error *error) {
    union bpf_attr attributes = {
        .target_fd = (uint32_t)cgroup_fd,
        .attach_bpf_fd = (uint32_t)program_fd,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    int r = call_bpf(BPF_PROG_ATTACH, &attributes);
    return r < 0 ? fail(error, r, "cannot attach the device program to the cgroup") : 0;
}

int device_program_detach(int program_fd, int cgroup_fd, struct error *error) {
    union bpf_attr attributes = {
        .target_fd = (uint32_t)cgroup_fd,
        .attach_bpf_fd = (uint32_t)program_fd,
        .attach_type = BPF_CGROUP_DEVICE,
    };
    int r = call_bpf(BPF_PROG_DETACH, &attributes);
    return r < 0 && r != -ENOENT ? fail(error, r, "cannot detach the device program from the cgroup") : 0;
}

/* The kernel's BPF_CGROUP_MAX_PROGS. */
enum { MAX_PROGRAMS = 64 };

static int detach_id(uint32_t id, int cgroup_fd, struct error *error) {
    union bpf_attr attributes = {.prog_id = id};
    _cleanup_close_ int program_fd = call_bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
    if (program_fd == -ENOENT)
        return 0;
    if (program_fd < 0)
        return fail(error, program_fd, "cannot open an attached device program");
    return device_program_detach(program_fd, cgroup_fd, error);
}

int device_program_detach_all(int cgroup_fd, struct error *error) {
    uint32_t ids[MAX_PROGRAMS];
    union bpf_attr attributes = {.query = {
                                     .target_fd = (uint32_t)cgroup_fd,
                                     .attach_type = BPF_CGROUP_DEVICE,
                                     .prog_ids = (uintptr_t)ids,
                                     .prog_cnt = MAX_PROGRAMS,
                                 }};
    int r = call_bpf(BPF_PROG_QUERY, &attributes);
    if (r < 0)
        return fail(error, r, "cannot list the cgroup's device programs");
    for (uint32_t i = 0; i < attributes.query.prog_cnt; i++) {
        r = detach_id(ids[i], cgroup_fd, error);
        if (r < 0)
            return r;
    }
    return 0;
}
