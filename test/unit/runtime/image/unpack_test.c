#include "runtime/image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>

#include "support/test.h"

static const struct unpack_limits LIMITS = {.entries = 100, .bytes = 1 << 20};

struct entry {
    const char *path;
    unsigned type;
    unsigned mode;
    const char *data; /* of a file; the target of a link */
    bool hard;
    int uid;
};

/* A tar of these entries, ready to be read. */
static int make_archive(const struct entry *entries, size_t count) {
    int fd = memfd_create("archive", MFD_CLOEXEC);
    struct archive *archive = archive_write_new();
    archive_write_set_format_gnutar(archive);
    archive_write_add_filter_gzip(archive);
    assert_int_equal(archive_write_open_fd(archive, fd), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, entries[i].path);
        archive_entry_set_filetype(entry, entries[i].type);
        archive_entry_set_perm(entry, entries[i].mode);
        archive_entry_set_uid(entry, entries[i].uid);
        archive_entry_set_gid(entry, entries[i].uid);
        size_t size = entries[i].type == AE_IFREG && !entries[i].hard ? strlen(entries[i].data) : 0;
        archive_entry_set_size(entry, (la_int64_t)size);
        if (entries[i].hard)
            archive_entry_set_hardlink(entry, entries[i].data);
        else if (entries[i].type == AE_IFLNK)
            archive_entry_set_symlink(entry, entries[i].data);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        archive_write_data(archive, entries[i].data, size);
        archive_entry_free(entry);
    }
    archive_write_close(archive);
    archive_write_free(archive);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int unpack(struct test_directory *directory, const struct entry *entries, size_t count,
                  struct error *error) {
    _cleanup_close_ int archive = make_archive(entries, count);
    return unpack_tar(archive, directory->fd, &LIMITS, "a.tar", error);
}

static void assert_file(struct test_directory *directory, const char *path, const char *text) {
    _cleanup_buffer_ struct buffer contents = BUFFER_INIT;
    assert_int_equal(path_read_file(directory->fd, path, 1000, &contents, NULL), 0);
    assert_string_equal(contents.size > 0 ? contents.data : "", text);
}

static void files_links_and_owners_are_kept(void **state) {
    static const struct entry entries[] = {
        {"./", AE_IFDIR, 0755, "", false, 0},
        {"bin/", AE_IFDIR, 0755, "", false, 0},
        {"bin/tool", AE_IFREG, 04755, "x", false, 7},
        {"sbin", AE_IFLNK, 0777, "bin", false, 0},
        {"bin/same", AE_IFREG, 0644, "bin/tool", true, 0},
        {"sbin/more", AE_IFREG, 0600, "y", false, 0},
    };
    struct test_directory *directory = *state;
    assert_int_equal(unpack(directory, entries, ARRAY_SIZE(entries), NULL), 0);
    assert_file(directory, "bin/tool", "x");
    assert_file(directory, "bin/same", "x");
    assert_file(directory, "bin/more", "y"); /* through the link, which stays inside */
    struct stat status;
    assert_int_equal(fstatat(directory->fd, "bin/tool", &status, 0), 0);
    assert_int_equal(status.st_uid, 7);
    assert_int_equal(status.st_mode & 07777, 04755);
    assert_int_equal(status.st_nlink, 2);
}

static void a_later_entry_replaces_an_earlier_one(void **state) {
    static const struct entry entries[] = {
        {"f", AE_IFLNK, 0777, "/etc/passwd", false, 0},
        {"f", AE_IFREG, 0644, "new", false, 0},
    };
    assert_int_equal(unpack(*state, entries, ARRAY_SIZE(entries), NULL), 0);
    assert_file(*state, "f", "new");
}

static void assert_refused(void **state, const struct entry *entries, size_t count, int code,
                           const char *text) {
    struct error error = ERROR_INIT;
    assert_int_equal(unpack(*state, entries, count, &error), -code);
    test_assert_error_holds(&error, code, text);
}

static void nothing_leads_out(void **state) {
    static const struct entry up[] = {{"../escape", AE_IFREG, 0644, "x", false, 0}};
    static const struct entry within[] = {{"a/../../escape", AE_IFREG, 0644, "x", false, 0}};
    static const struct entry link[] = {{"passwd", AE_IFREG, 0644, "../../etc/passwd", true, 0}};
    static const struct entry root[] = {{".", AE_IFREG, 0644, "x", false, 0}};
    assert_refused(state, up, 1, EINVAL, "entry \"../escape\" leads out of the archive");
    assert_refused(state, within, 1, EINVAL, "leads out of the archive");
    assert_refused(state, link, 1, EINVAL, "leads out of the archive");
    assert_refused(state, root, 1, EINVAL, "would replace the root directory");
}

static void links_to_the_host_lead_to_places_inside(void **state) {
    static const struct entry entries[] = {
        {"out", AE_IFLNK, 0777, "/tmp/diego-out", false, 0},
        {"tmp/", AE_IFDIR, 0755, "", false, 0},
        {"tmp/diego-out/", AE_IFDIR, 0755, "", false, 0},
        {"out/file", AE_IFREG, 0644, "inside", false, 0},
    };
    assert_int_equal(unpack(*state, entries, ARRAY_SIZE(entries), NULL), 0);
    assert_file(*state, "tmp/diego-out/file", "inside");
    assert_false(test_exists(AT_FDCWD, "/tmp/diego-out"));
}

static void devices_are_left_out(void **state) {
    static const struct entry entries[] = {{"null", AE_IFCHR, 0666, "", false, 0},
                                           {"fifo", AE_IFIFO, 0666, "", false, 0}};
    struct test_directory *directory = *state;
    assert_int_equal(unpack(directory, entries, ARRAY_SIZE(entries), NULL), 0);
    assert_false(test_exists(directory->fd, "null"));
    assert_false(test_exists(directory->fd, "fifo"));
}

static void sizes_and_counts_are_limited(void **state) {
    struct entry many[101];
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = (struct entry){"f", AE_IFREG, 0644, "", false, 0};
    assert_refused(state, many, ARRAY_SIZE(many), EFBIG, "more than 100 entries");
    _cleanup_free_ char *large = calloc(1, (2 << 20) + 1);
    assert_non_null(large);
    memset(large, 'x', 2 << 20);
    const struct entry bomb[] = {{"bomb", AE_IFREG, 0644, large, false, 0}};
    assert_refused(state, bomb, 1, EFBIG, "more than 1048576 bytes");
}

static void what_is_no_archive_is_refused(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "a.tar", "this is not an archive");
    _cleanup_close_ int fd = openat(directory->fd, "a.tar", O_RDONLY | O_CLOEXEC);
    struct error error = ERROR_INIT;
    assert_int_equal(unpack_tar(fd, directory->fd, &LIMITS, "a.tar", &error), -EBADMSG);
    test_assert_error_holds(&error, EBADMSG, "cannot unpack a.tar");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_directory(files_links_and_owners_are_kept),
        test_with_directory(a_later_entry_replaces_an_earlier_one),
        test_with_directory(nothing_leads_out),
        test_with_directory(links_to_the_host_lead_to_places_inside),
        test_with_directory(devices_are_left_out),
        test_with_directory(sizes_and_counts_are_limited),
        test_with_directory(what_is_no_archive_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
