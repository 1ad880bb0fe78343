#include "runtime/container/user.h"

#include "support/test.h"

static const char PASSWD[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "daemon:x:1:1::/:\n"
                             "vcap:x:2000:2001:,,,:/home/vcap:/bin/bash\n"
                             "vcap:x:6:6::/second:\n"
                             "# a comment\n"
                             "\n"
                             "+::::::\n"
                             "short:x:77:78\n"
                             "relative:x:79:79::home:\n"
                             "too:many:1:2:3:4:5:6\n"
                             "3000:x:0:0::/:\n"
                             "huge:x:4294967296:0::/:\n"
                             "wrap:x:4294967295:0::/:\n"
                             "negative:x:-1:0::/:\n"
                             "badgid:x:90:2147483648::/:\n"
                             "biggest:x:2147483647:2147483647::/big:"; /* no newline at the end */

static const char GROUP[] = "root:x:0:\n"
                            "staff:x:50:vcap,root\n"
                            "wheel:x:10:xvcap,vcapx,vcap\n"
                            "prefix:x:11:vcap2,2vcap\n"
                            "nobodyelse:x:12\n"
                            "badgid:x:4294967296:vcap\n"
                            "60:x:61:\n";

static int setup(void **state) {
    test_directory_setup(state);
    struct test_directory *directory = *state;
    mkdirat(directory->fd, "etc", 0755);
    test_write_file(directory->fd, "etc/passwd", PASSWD);
    test_write_file(directory->fd, "etc/group", GROUP);
    return 0;
}

#define test_with_files(function) cmocka_unit_test_setup_teardown(function, setup, test_directory_teardown)

static void assert_user(void **state, const char *text, uid_t uid, gid_t gid, const char *home,
                        size_t group_count) {
    struct test_directory *directory = *state;
    _cleanup_error_ struct error error = ERROR_INIT;
    struct container_user user;
    if (container_user_resolve(directory->fd, text, &user, &error) < 0)
        fail_msg("%s: %s", text, error.text);
    assert_int_equal(user.uid, uid);
    assert_int_equal(user.gid, gid);
    assert_string_equal(user.home, home);
    assert_int_equal(user.group_count, group_count);
    container_user_release(&user);
}

static void assert_refused(void **state, const char *text, int code, const char *message) {
    struct test_directory *directory = *state;
    struct error error = ERROR_INIT;
    struct container_user user = {.uid = 42};
    assert_int_equal(container_user_resolve(directory->fd, text, &user, &error), -code);
    test_assert_error(&error, code, message);
    assert_int_equal(user.uid, 42);
}

static void names_and_uids_with_an_entry_take_all_from_it(void **state) {
    assert_user(state, "root", 0, 0, "/root", 1);
    assert_user(state, "vcap", 2000, 2001, "/home/vcap", 2);
    assert_user(state, "2000", 2000, 2001, "/home/vcap", 2);
    assert_user(state, "002000", 2000, 2001, "/home/vcap", 2);
    assert_user(state, "biggest", INT32_MAX, INT32_MAX, "/big", 0);
}

static void a_number_is_a_uid_also_without_an_entry(void **state) {
    assert_user(state, "4444", 4444, 0, "/", 0);
    assert_user(state, "3000", 3000, 0, "/", 0); /* not the entry with this name */
}

static void entries_may_end_after_the_gid(void **state) {
    assert_user(state, "short", 77, 78, "/", 0);
}

static void home_that_is_not_absolute_is_the_root(void **state) {
    assert_user(state, "relative", 79, 79, "/", 0);
}

static void explicit_group_replaces_gid_and_supplementary_groups(void **state) {
    assert_user(state, "vcap:staff", 2000, 50, "/home/vcap", 0);
    assert_user(state, "vcap:7", 2000, 7, "/home/vcap", 0);
    assert_user(state, "4444:5555", 4444, 5555, "/", 0);
    assert_user(state, "4444:nobodyelse", 4444, 12, "/", 0);
    assert_user(state, "vcap:60", 2000, 60, "/home/vcap", 0); /* not the group with this name */
}

static void supplementary_groups_are_those_that_list_the_name(void **state) {
    struct test_directory *directory = *state;
    struct container_user user;
    assert_int_equal(container_user_resolve(directory->fd, "vcap", &user, NULL), 0);
    assert_int_equal(user.group_count, 2);
    assert_int_equal(user.groups[0], 50);
    assert_int_equal(user.groups[1], 10);
    container_user_release(&user);
}

static void unknown_names_get_diegos_words(void **state) {
    assert_refused(state, "nobody", ENOENT, "unable to find user nobody: no matching entries in passwd file");
    assert_refused(state, "vcap:nogroup", ENOENT,
                   "unable to find group nogroup: no matching entries in group file");
    assert_refused(state, "vcap:staff:x", ENOENT,
                   "unable to find group staff:x: no matching entries in group file");
    assert_refused(state, "-1", ENOENT, "unable to find user -1: no matching entries in passwd file");
    assert_refused(state, "0x0", ENOENT, "unable to find user 0x0: no matching entries in passwd file");
    assert_refused(state, "too", ENOENT, "unable to find user too: no matching entries in passwd file");
    assert_refused(state, "vcap\n", ENOENT, "unable to find user vcap\n: no matching entries in passwd file");
}

static void empty_parts_are_refused(void **state) {
    assert_refused(state, "", EINVAL, "invalid user \"\": write name, uid, name:group or uid:gid");
    assert_refused(state, ":", EINVAL, "invalid user \":\": write name, uid, name:group or uid:gid");
    assert_refused(state, ":0", EINVAL, "invalid user \":0\": write name, uid, name:group or uid:gid");
    assert_refused(state, "vcap:", EINVAL, "invalid user \"vcap:\": write name, uid, name:group or uid:gid");
}

static void ids_that_could_wrap_to_root_are_refused(void **state) {
    assert_refused(state, "4294967296", EINVAL, "user 4294967296 is not a number from 0 to 2147483647");
    assert_refused(state, "2147483648", EINVAL, "user 2147483648 is not a number from 0 to 2147483647");
    assert_refused(state, "18446744073709551616", EINVAL,
                   "user 18446744073709551616 is not a number from 0 to 2147483647");
    assert_refused(state, "0:4294967296", EINVAL, "group 4294967296 is not a number from 0 to 2147483647");
    static const char *const NAMES[] = {"huge", "wrap", "negative"};
    static const char *const IDS[] = {"4294967296", "4294967295", "-1"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "uid in /etc/passwd of the container %s is not a number from 0 to 2147483647", IDS[i]);
        assert_refused(state, NAMES[i], EINVAL, text);
    }
    assert_refused(state, "badgid", EINVAL,
                   "gid in /etc/passwd of the container 2147483648 is not a number from 0 to 2147483647");
    assert_refused(state, "0:badgid", EINVAL,
                   "gid in /etc/group of the container 4294967296 is not a number from 0 to 2147483647");
}

static void without_files_root_and_numbers_work(void **state) {
    assert_user(state, "root", 0, 0, "/", 0);
    assert_user(state, "0", 0, 0, "/", 0);
    assert_user(state, "1000:1000", 1000, 1000, "/", 0);
    assert_refused(state, "vcap", ENOENT, "unable to find user vcap: no matching entries in passwd file");
    assert_refused(state, "root:staff", ENOENT,
                   "unable to find group staff: no matching entries in group file");
}

static void root_has_no_privilege_over_a_file_that_is_there(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "etc/passwd", "toor:x:0:0::/toor:\n");
    assert_refused(state, "root", ENOENT, "unable to find user root: no matching entries in passwd file");
    assert_user(state, "0", 0, 0, "/toor", 0);
}

static void links_instead_of_files_are_refused(void **state) {
    struct test_directory *directory = *state;
    unlinkat(directory->fd, "etc/passwd", 0);
    assert_int_equal(symlinkat("/etc/passwd", directory->fd, "etc/passwd"), 0);
    assert_refused(state, "root", ELOOP, "cannot open /etc/passwd: it is, or leads through, a symbolic link");
    unlinkat(directory->fd, "etc/passwd", 0);
    unlinkat(directory->fd, "etc/group", 0);
    assert_int_equal(symlinkat("/etc/group", directory->fd, "etc/group"), 0);
    assert_refused(state, "0:staff", ELOOP,
                   "cannot open /etc/group: it is, or leads through, a symbolic link");
    assert_user(state, "0", 0, 0, "/", 0);
}

static void files_that_are_something_else_are_refused(void **state) {
    struct test_directory *directory = *state;
    unlinkat(directory->fd, "etc/passwd", 0);
    mkfifoat(directory->fd, "etc/passwd", 0644);
    assert_refused(state, "root", EINVAL, "cannot open /etc/passwd: it is not a regular file");
}

static void huge_files_are_refused(void **state) {
    struct test_directory *directory = *state;
    int fd = openat(directory->fd, "etc/passwd", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, INT64_C(1) << 40), 0);
    fd_close(fd);
    assert_refused(state, "root", EFBIG, "/etc/passwd is larger than 4194304 bytes");
}

static void zero_bytes_are_refused(void **state) {
    struct test_directory *directory = *state;
    int fd = openat(directory->fd, "etc/passwd", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, "\0root:x:0:0::/:", 16), 0);
    fd_close(fd);
    assert_refused(state, "root", EINVAL, "/etc/passwd of the container holds a zero byte");
}

static void too_many_groups_are_refused(void **state) {
    struct test_directory *directory = *state;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    for (int i = 0; i < 65536; i++)
        buffer_append_format(&text, "g:x:%d:vcap\n", i);
    test_write_file(directory->fd, "etc/group", text.data);
    assert_user(state, "vcap", 2000, 2001, "/home/vcap", 65536);
    buffer_append_string(&text, "g:x:70000:vcap\n");
    test_write_file(directory->fd, "etc/group", text.data);
    assert_refused(state, "vcap", EINVAL, "user vcap is in more than 65536 groups");
}

/* --- mutations: whatever the files hold, an answer is a user with sane ids or an error with a text --- */

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void mutate(char *bytes, size_t *size, size_t capacity, uint32_t *random) {
    static const char INTERESTING[] = {':', '\n', ',', '\0', '0', '9', '-', '\r', (char)0xff, 'v'};
    for (uint32_t edits = 1 + next_random(random) % 8; edits > 0 && *size > 0; edits--) {
        size_t at = next_random(random) % *size;
        char byte = INTERESTING[next_random(random) % sizeof INTERESTING];
        switch (next_random(random) % 4) {
        case 0:
            bytes[at] = byte;
            break;
        case 1:
            memmove(bytes + at, bytes + at + 1, --*size - at);
            break;
        case 2:
            if (*size < capacity) {
                memmove(bytes + at + 1, bytes + at, (*size)++ - at);
                bytes[at] = byte;
            }
            break;
        default:
            *size = at;
        }
    }
}

static void write_mutation(int dir_fd, const char *path, const char *original, uint32_t *random) {
    char bytes[1024];
    size_t size = strlen(original);
    memcpy(bytes, original, size);
    mutate(bytes, &size, sizeof bytes, random);
    _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(fd_write_all(fd, bytes, size), 0);
}

static void mutated_files_give_a_user_or_an_error(void **state) {
    struct test_directory *directory = *state;
    static const char *const USERS[] = {"root",  "vcap",    "2000", "vcap:staff", "0:0",
                                        "short", "biggest", "v",    "-",          "99"};
    uint32_t random = 20260102;
    int resolved = 0;
    for (int round = 0; round < 3000; round++) {
        write_mutation(directory->fd, "etc/passwd", PASSWD, &random);
        write_mutation(directory->fd, "etc/group", GROUP, &random);
        struct container_user user;
        _cleanup_error_ struct error error = ERROR_INIT;
        const char *text = USERS[next_random(&random) % ARRAY_SIZE(USERS)];
        if (container_user_resolve(directory->fd, text, &user, &error) < 0) {
            assert_true(error.code == ENOENT || error.code == EINVAL);
            assert_non_null(error.text);
            continue;
        }
        assert_true(user.uid <= INT32_MAX && user.gid <= INT32_MAX);
        assert_int_equal(user.home[0], '/');
        for (size_t i = 0; i < user.group_count; i++)
            assert_true(user.groups[i] <= INT32_MAX);
        container_user_release(&user);
        resolved++;
    }
    assert_true(resolved > 500);
}

static void mutated_users_never_become_root(void **state) {
    struct test_directory *directory = *state;
    uint32_t random = 7;
    for (int round = 0; round < 20000; round++) {
        char text[32] = "4294967296:4294967296";
        size_t size = strlen(text);
        mutate(text, &size, sizeof text - 1, &random);
        text[size] = '\0';
        struct container_user user;
        if (container_user_resolve(directory->fd, text, &user, NULL) < 0)
            continue;
        /* Root only for what reads as root: zeros, or the entries of PASSWD with uid 0. */
        char *end;
        if (user.uid == 0)
            assert_true(strtoul(text, &end, 10) == 0 && (*end == '\0' || *end == ':'));
        container_user_release(&user);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_files(names_and_uids_with_an_entry_take_all_from_it),
        test_with_files(a_number_is_a_uid_also_without_an_entry),
        test_with_files(entries_may_end_after_the_gid),
        test_with_files(home_that_is_not_absolute_is_the_root),
        test_with_files(explicit_group_replaces_gid_and_supplementary_groups),
        test_with_files(supplementary_groups_are_those_that_list_the_name),
        test_with_files(unknown_names_get_diegos_words),
        test_with_files(empty_parts_are_refused),
        test_with_files(ids_that_could_wrap_to_root_are_refused),
        test_with_directory(without_files_root_and_numbers_work),
        test_with_files(root_has_no_privilege_over_a_file_that_is_there),
        test_with_files(links_instead_of_files_are_refused),
        test_with_files(files_that_are_something_else_are_refused),
        test_with_files(huge_files_are_refused),
        test_with_files(zero_bytes_are_refused),
        test_with_files(too_many_groups_are_refused),
        test_with_files(mutated_files_give_a_user_or_an_error),
        test_with_files(mutated_users_never_become_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
