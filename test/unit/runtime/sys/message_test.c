#include "runtime/sys/message.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "support/test.h"

struct received {
    struct buffer bytes;
    int fds[MESSAGE_MAX_FDS];
    size_t fd_count;
};

static int receive(int fd, struct received *ret, struct error *error) {
    return message_receive(fd, &ret->bytes, ret->fds, &ret->fd_count, error);
}

static void assert_receives(int fd, const char *text) {
    struct received got = {0};
    assert_int_equal(receive(fd, &got, NULL), 1);
    assert_string_equal(got.bytes.data, text);
    assert_int_equal(got.fd_count, 0);
    buffer_release(&got.bytes);
}

static void make_pair(int pair[2], bool nonblocking) {
    assert_int_equal(message_socketpair(pair, nonblocking, NULL), 0);
}

static void close_pair(int pair[2]) {
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void messages_keep_their_bounds_and_end_with_0(void **state) {
    (void)state;
    int pair[2];
    make_pair(pair, false);
    assert_int_equal(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(message_send(pair[0], "one", 3, NULL, 0, NULL), 0);
    assert_int_equal(message_send(pair[0], "two2", 4, NULL, 0, NULL), 0);
    pair[0] = fd_close(pair[0]);
    assert_receives(pair[1], "one");
    assert_receives(pair[1], "two2");
    struct received got = {0};
    assert_int_equal(receive(pair[1], &got, NULL), 0);
    assert_int_equal(receive(pair[1], &got, NULL), 0);
    buffer_release(&got.bytes);
    close_pair(pair);
}

static void largest_message_passes_and_a_larger_does_not(void **state) {
    (void)state;
    int pair[2];
    make_pair(pair, true);
    char *bytes = calloc(1, MESSAGE_MAX_SIZE + 1);
    bytes[MESSAGE_MAX_SIZE - 1] = 'z';
    assert_int_equal(message_send(pair[0], bytes, MESSAGE_MAX_SIZE, NULL, 0, NULL), 0);
    struct received got = {0};
    assert_int_equal(receive(pair[1], &got, NULL), 1);
    assert_int_equal(got.bytes.size, MESSAGE_MAX_SIZE);
    assert_int_equal(got.bytes.data[MESSAGE_MAX_SIZE - 1], 'z');

    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(message_send(pair[0], bytes, MESSAGE_MAX_SIZE + 1, NULL, 0, &error), -EMSGSIZE);
    test_assert_error(&error, EMSGSIZE, "cannot send a message of 131073 bytes, only 1 to 131072");
    assert_int_equal(message_send(pair[0], bytes, 0, NULL, 0, NULL), -EMSGSIZE);

    /* One that some other program sent. */
    assert_true(send(pair[0], bytes, MESSAGE_MAX_SIZE + 1, 0) > 0);
    assert_int_equal(receive(pair[1], &got, NULL), -EMSGSIZE);
    buffer_release(&got.bytes);
    free(bytes);
    close_pair(pair);
}

static void full_socket_is_eagain_and_an_empty_one_too(void **state) {
    (void)state;
    int pair[2];
    make_pair(pair, true);
    struct received got = {0};
    assert_int_equal(receive(pair[0], &got, NULL), -EAGAIN);
    int failed = 0;
    while (failed == 0)
        failed = message_send(pair[0], "x", 1, NULL, 0, NULL);
    assert_int_equal(failed, -EAGAIN);
    buffer_release(&got.bytes);
    close_pair(pair);
}

static void gone_peer_is_epipe_without_a_signal(void **state) {
    (void)state;
    int pair[2];
    make_pair(pair, false);
    pair[1] = fd_close(pair[1]);
    assert_int_equal(message_send(pair[0], "x", 1, NULL, 0, NULL), -EPIPE);
    close_pair(pair);
    make_pair(pair, false);
    assert_int_equal(message_send(pair[0], "unread", 6, NULL, 0, NULL), 0);
    pair[1] = fd_close(pair[1]);
    assert_int_equal(message_send(pair[0], "x", 1, NULL, 0, NULL), -EPIPE);
    close_pair(pair);
}

static void last_words_of_a_peer_that_did_not_listen_arrive(void **state) {
    (void)state;
    int pair[2];
    make_pair(pair, true);
    assert_int_equal(message_send(pair[0], "unread", 6, NULL, 0, NULL), 0);
    assert_int_equal(message_send(pair[1], "exited", 6, NULL, 0, NULL), 0);
    pair[1] = fd_close(pair[1]);
    assert_receives(pair[0], "exited");
    struct received got = {0};
    assert_int_equal(receive(pair[0], &got, NULL), 0);
    buffer_release(&got.bytes);
    close_pair(pair);
}

static void descriptors_travel_close_on_exec(void **state) {
    (void)state;
    int pair[2], sent[MESSAGE_MAX_FDS];
    make_pair(pair, false);
    for (int i = 0; i < MESSAGE_MAX_FDS; i++)
        sent[i] = pair[i % 2];
    assert_int_equal(message_send(pair[0], "fds", 3, sent, MESSAGE_MAX_FDS, NULL), 0);
    struct received got = {0};
    assert_int_equal(receive(pair[1], &got, NULL), 1);
    assert_int_equal(got.fd_count, MESSAGE_MAX_FDS);
    for (size_t i = 0; i < got.fd_count; i++) {
        assert_int_equal(fcntl(got.fds[i], F_GETFD), FD_CLOEXEC);
        struct stat there, here;
        fstat(sent[i], &there);
        fstat(got.fds[i], &here);
        assert_int_equal(there.st_ino, here.st_ino);
        fd_close(got.fds[i]);
    }
    assert_int_equal(message_send(pair[0], "fds", 3, sent, MESSAGE_MAX_FDS + 1, NULL), -EMSGSIZE);
    buffer_release(&got.bytes);
    close_pair(pair);
}

static int count_open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void too_many_descriptors_are_refused_and_closed(void **state) {
    (void)state;
    enum { COUNT = MESSAGE_MAX_FDS + 1 };
    int pair[2];
    make_pair(pair, false);
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(COUNT * sizeof(int))];
    } rights = {.header = {.cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS,
                           .cmsg_len = CMSG_LEN(COUNT * sizeof(int))}};
    for (int i = 0; i < COUNT; i++)
        memcpy(CMSG_DATA(&rights.header) + (size_t)i * sizeof(int), &pair[0], sizeof(int));
    struct iovec data = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    assert_int_equal(sendmsg(pair[0], &message, 0), 1);
    int before = count_open_descriptors();
    struct received got = {0};
    assert_int_equal(receive(pair[1], &got, NULL), -EMSGSIZE);
    assert_int_equal(got.fd_count, 0);
    assert_int_equal(count_open_descriptors(), before);
    buffer_release(&got.bytes);
    close_pair(pair);
}

static void sockets_in_a_directory_with_a_long_path(void **state) {
    struct test_directory *directory = *state;
    char name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    mkdirat(directory->fd, name, 0700);
    _cleanup_close_ int dir_fd = openat(directory->fd, name, O_PATH | O_CLOEXEC);
    assert_int_equal(message_connect(dir_fd, "control", NULL), -ENOENT);
    _cleanup_close_ int listener = message_listen(dir_fd, "control", NULL);
    assert_true(listener >= 0);
    struct stat status;
    fstatat(dir_fd, "control", &status, 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(message_accept(listener, NULL), -EAGAIN);

    _cleanup_close_ int client = message_connect(dir_fd, "control", NULL);
    assert_true(client >= 0);
    _cleanup_close_ int server = message_accept(listener, NULL);
    assert_true(server >= 0);
    assert_int_equal(fcntl(server, F_GETFD), FD_CLOEXEC);
    assert_int_equal(message_send(client, "hello", 5, NULL, 0, NULL), 0);
    assert_receives(server, "hello");
    pid_t pid;
    uid_t uid;
    assert_int_equal(message_peer(server, &pid, &uid, NULL), 0);
    assert_int_equal(pid, getpid());
    assert_int_equal(uid, getuid());
}

static void listen_replaces_a_dead_socket_but_no_other_file(void **state) {
    struct test_directory *directory = *state;
    fd_close(message_listen(directory->fd, "control", NULL));
    assert_int_equal(message_connect(directory->fd, "control", NULL), -ECONNREFUSED);
    _cleanup_close_ int listener = message_listen(directory->fd, "control", NULL);
    assert_true(listener >= 0);
    test_write_file(directory->fd, "file", "");
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(message_listen(directory->fd, "file", &error), -EADDRINUSE);
    test_assert_error(&error, EADDRINUSE, "cannot listen on socket file: Address already in use");
}

static void memfds_are_sealed_and_read_whole(void **state) {
    (void)state;
    _cleanup_close_ int fd = message_memfd_create("spec", "contents", 8, NULL);
    assert_true(fd >= 0);
    assert_true(write(fd, "x", 1) < 0);
    assert_true(ftruncate(fd, 0) < 0);
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    assert_int_equal(message_memfd_read(fd, 8, &contents, NULL), 0);
    assert_string_equal(contents.data, "contents");
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(message_memfd_read(fd, 7, &contents, &error), -EFBIG);
    test_assert_error(&error, EFBIG, "received a memfd of 8 bytes, more than 7");
}

static void empty_memfd(void **state) {
    (void)state;
    _cleanup_close_ int fd = message_memfd_create("empty", NULL, 0, NULL);
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    assert_int_equal(message_memfd_read(fd, 0, &contents, NULL), 0);
    assert_int_equal(contents.size, 0);
    assert_string_equal(contents.data, "");
}

static void memfds_that_could_change_are_refused(void **state) {
    struct test_directory *directory = *state;
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    _cleanup_close_ int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fcntl(loose, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW);
    assert_int_equal(message_memfd_read(loose, 100, &contents, NULL), -EINVAL);
    test_write_file(directory->fd, "file", "");
    _cleanup_close_ int file = openat(directory->fd, "file", O_RDONLY | O_CLOEXEC);
    assert_int_equal(message_memfd_read(file, 100, &contents, NULL), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_keep_their_bounds_and_end_with_0),
        cmocka_unit_test(largest_message_passes_and_a_larger_does_not),
        cmocka_unit_test(full_socket_is_eagain_and_an_empty_one_too),
        cmocka_unit_test(gone_peer_is_epipe_without_a_signal),
        cmocka_unit_test(last_words_of_a_peer_that_did_not_listen_arrive),
        cmocka_unit_test(descriptors_travel_close_on_exec),
        cmocka_unit_test(too_many_descriptors_are_refused_and_closed),
        test_with_directory(sockets_in_a_directory_with_a_long_path),
        test_with_directory(listen_replaces_a_dead_socket_but_no_other_file),
        cmocka_unit_test(memfds_are_sealed_and_read_whole),
        cmocka_unit_test(empty_memfd),
        test_with_directory(memfds_that_could_change_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
