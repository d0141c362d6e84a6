#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/temp-dir.h"
#include "worker/sink.h"

/* The tags of the file under test and of another one. */
#define TAG   0x12345670U
#define OTHER 0x12345678U

static char *dir;
static int dir_fd;

static void set_up(void)
{
        dir = temp_dir_new();
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
}

static void tear_down(void)
{
        (void) macro_close(dir_fd);
        dir = temp_dir_remove(dir);
}

static Sink *new_sink(const char *name)
{
        Sink *sink;

        ck_assert_int_eq(sink_new(dir_fd, name, TAG, &sink), 0);
        return sink;
}

/* A sink with a temporary file that holds "hello world". */
static Sink *filled_sink(void)
{
        Sink *sink = new_sink("file");

        ck_assert_int_eq(sink_create(sink), 0);
        ck_assert_int_eq(sink_write(sink, "hello ", 6), 0);
        ck_assert_int_eq(sink_write(sink, "world", 5), 0);
        ck_assert_int_eq(sink_sync(sink), 0);
        return sink;
}

/* The file of a sink with a name of its own, since the sink's goes with it. */
static SinkFile kept_file(const Sink *sink)
{
        SinkFile file = sink_file(sink);

        file.temp_name = strdup(file.temp_name);
        ck_assert_ptr_nonnull(file.temp_name);
        return file;
}

static void forget_file(SinkFile *file)
{
        free((char *) (uintptr_t) file->temp_name);
}

static void assert_content(const char *name, const char *expected)
{
        _cleanup_free_ char *path = temp_dir_path(dir, name), *text = temp_dir_read(path, NULL);

        ck_assert_str_eq(text, expected);
}

static size_t entries(void)
{
        DIR *listing = opendir(dir);
        size_t n = 0;

        ck_assert_ptr_nonnull(listing);
        while (readdir(listing))
                n++;
        (void) closedir(listing);
        return n - 2;
}

START_TEST(bytes_are_written_in_order_and_counted)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();

        ck_assert_uint_eq(sink_position(sink), 11);
        ck_assert_uint_eq(sink_synced(sink), 11);
        ck_assert_int_eq(sink_write(sink, "!", 1), 0);
        ck_assert_uint_eq(sink_synced(sink), 11);
        assert_content(sink_file(sink).temp_name, "hello world!");
}
END_TEST

START_TEST(room_is_claimed_without_changing_the_size)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();
        struct stat st;

        ck_assert_int_eq(sink_reserve(sink, 1024 * 1024, 0), 0);
        ck_assert_int_eq(fstatat(dir_fd, sink_file(sink).temp_name, &st, 0), 0);
        ck_assert_int_eq(st.st_size, 11);
        ck_assert_int_eq(sink_reserve(sink, UINT64_MAX - 1, 0), -EFBIG);
        ck_assert_int_eq(sink_reserve(sink, 3, 0), 0);
}
END_TEST

START_TEST(so_much_is_left_free_or_nothing_is_claimed)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();
        struct statvfs room;
        struct stat st;
        uint64_t there;

        ck_assert_int_eq(statvfs(dir, &room), 0);
        there = (uint64_t) room.f_bavail * room.f_frsize;
        /* Others use this disk too: far enough from what they may change meanwhile. */
        ck_assert_int_eq(sink_reserve(sink, 64 * 1024, there / 2), 0);
        ck_assert_int_eq(sink_reserve(sink, 128 * 1024, there * 2), -ENOSR);
        ck_assert_int_eq(sink_reserve(sink, there + there / 2, 1), -ENOSPC);
        ck_assert_int_eq(fstatat(dir_fd, sink_file(sink).temp_name, &st, 0), 0);
        ck_assert_int_lt(st.st_blocks * 512, 128 * 1024);
        ck_assert_int_eq(sink_reserve(sink, 128 * 1024, 0), 0);
        /* It has room of its own: others may take what is left. */
        ck_assert_int_eq(sink_check_room(sink, there * 2), 0);
}
END_TEST

START_TEST(a_file_without_room_of_its_own_looks_at_what_is_left)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();
        struct statvfs room;
        uint64_t there;

        ck_assert_int_eq(statvfs(dir, &room), 0);
        there = (uint64_t) room.f_bavail * room.f_frsize;
        ck_assert_int_eq(sink_check_room(sink, 0), 0);
        ck_assert_int_eq(sink_check_room(sink, there / 2), 0);
        ck_assert_int_eq(sink_check_room(sink, there * 2), -ENOSR);
}
END_TEST

START_TEST(room_that_was_not_needed_is_given_back)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);
        struct stat st;

        ck_assert_int_eq(sink_reserve(sink, 1024 * 1024, 0), 0);
        ck_assert_int_eq(fstatat(dir_fd, file.temp_name, &st, 0), 0);
        ck_assert_int_ge(st.st_blocks * 512, 1024 * 1024);
        sink_free(sink);
        ck_assert_int_eq(fstatat(dir_fd, file.temp_name, &st, 0), 0);
        ck_assert_int_lt(st.st_blocks * 512, 128 * 1024);
        ck_assert_int_eq(st.st_size, 11);
        assert_content(file.temp_name, "hello world");
        forget_file(&file);
}
END_TEST

START_TEST(a_file_larger_than_the_disk_is_refused_at_once)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();

        /* Not EFBIG: fallocate(2), which might take all there is for a moment, was not called. */
        ck_assert_int_eq(sink_reserve(sink, 1ULL << 60, 0), -ENOSPC);
}
END_TEST

START_TEST(the_temporary_name_fits_and_is_recognised)
{
        char name[NAME_MAX + 1] = { 0 };
        _cleanup_(sink_freep) Sink *sink = NULL;
        const char *temp;

        memset(name, 'n', 238);
        memcpy(name + 238, "\xc3\xa4\xc3\xa4\xc3\xa4", 7);
        sink = new_sink(name);
        ck_assert_int_eq(sink_create(sink), 0);
        temp = sink_file(sink).temp_name;
        ck_assert_uint_le(strlen(temp), NAME_MAX);
        ck_assert_int_eq(temp[0], '.');
        ck_assert_str_eq(temp + strlen(temp) - 6, ".dosvc");
        /* Cut between characters: the last byte of the stem is a whole one. */
        ck_assert_int_eq(temp[strlen(temp) - 16], 'n');
}
END_TEST

START_TEST(starting_anew_leaves_one_file_under_another_name)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink();
        SinkFile before = kept_file(sink);

        ck_assert_int_eq(sink_create(sink), 0);
        ck_assert_str_ne(sink_file(sink).temp_name, before.temp_name);
        ck_assert_uint_eq(sink_position(sink), 0);
        ck_assert_uint_eq(entries(), 1);
        forget_file(&before);
}
END_TEST

START_TEST(a_recorded_file_goes_on_at_the_offset)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        sink_free(sink);
        sink = new_sink("file");
        ck_assert_int_eq(sink_continue(sink, &file, 6), 0);
        ck_assert_uint_eq(sink_position(sink), 6);
        ck_assert_int_eq(sink_write(sink, "there", 5), 0);
        assert_content(file.temp_name, "hello there");
        sink_free(sink);
        forget_file(&file);
}
END_TEST

START_TEST(bytes_behind_the_offset_are_cut)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        sink_free(sink);
        sink = new_sink("file");
        ck_assert_int_eq(sink_continue(sink, &file, 5), 0);
        assert_content(file.temp_name, "hello");
        sink_free(sink);
        forget_file(&file);
}
END_TEST

START_TEST(a_locked_file_is_refused)
{
        _cleanup_(sink_freep) Sink *sink = filled_sink(), *rival = new_sink("file");
        SinkFile file = sink_file(sink);

        ck_assert_int_eq(sink_continue(rival, &file, 6), -EWOULDBLOCK);
        assert_content(file.temp_name, "hello world");
}
END_TEST

/* The lock is held by a process that ends soon. */
static void hand_to_child(Sink *sink)
{
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void) usleep(200000);
                _exit(EXIT_SUCCESS);
        }
        sink_free(sink);
}

START_TEST(a_lock_that_is_released_soon_is_waited_for)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        hand_to_child(sink);
        sink = new_sink("file");
        if (_i == 0)
                ck_assert_int_eq(sink_continue(sink, &file, 6), 0);
        else if (_i == 1)
                ck_assert_int_eq(sink_create(sink), 0);
        else
                ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, ""), 0);
        ck_assert_uint_eq(entries(), _i == 2 ? 0 : 1);
        sink_free(sink);
        forget_file(&file);
}
END_TEST

/* Things that may stand where the recorded file was; each is stale and none is changed. */
enum { GONE, OTHER_INODE, SHORTER, SYMLINK, HARD_LINK, DIRECTORY, FIFO, KINDS };

static void exchange(int kind, const char *name, SinkFile *file)
{
        _cleanup_free_ char *path = temp_dir_path(dir, name), *aside = temp_dir_path(dir, "aside");

        switch (kind) {
        case GONE:
                ck_assert_int_eq(unlink(path), 0);
                break;
        case OTHER_INODE:
                file->inode++;
                break;
        case SHORTER:
                ck_assert_int_eq(truncate(path, 5), 0);
                break;
        case HARD_LINK:
                ck_assert_int_eq(link(path, aside), 0);
                break;
        default:
                ck_assert_int_eq(rename(path, aside), 0);
                if (kind == SYMLINK)
                        ck_assert_int_eq(symlink("aside", path), 0);
                else if (kind == DIRECTORY)
                        ck_assert_int_eq(mkdir(path, 0755), 0);
                else
                        ck_assert_int_eq(mkfifo(path, 0644), 0);
                break;
        }
}

START_TEST(another_file_in_its_place_is_stale)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);
        _cleanup_free_ char *name = strdup(file.temp_name);

        sink_free(sink);
        exchange(_i, name, &file);
        sink = new_sink("file");
        ck_assert_int_eq(sink_continue(sink, &file, 6), -ESTALE);
        if (_i == HARD_LINK || _i == OTHER_INODE)
                assert_content(name, "hello world");
        if (_i >= SYMLINK && _i != HARD_LINK)
                assert_content("aside", "hello world");
        sink_free(sink);
        forget_file(&file);
}
END_TEST

START_TEST(a_final_name_of_another_kind_is_refused)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        _cleanup_free_ char *path = temp_dir_path(dir, "socket");
        Sink *sink;

        ck_assert_int_eq(mkdirat(dir_fd, "directory", 0755), 0);
        ck_assert_int_eq(sink_new(dir_fd, "directory", TAG, &sink), -EISDIR);
        ck_assert_int_eq(mkfifoat(dir_fd, "fifo", 0644), 0);
        ck_assert_int_eq(sink_new(dir_fd, "fifo", TAG, &sink), -EEXIST);
        (void) strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(sink_new(dir_fd, "socket", TAG, &sink), -EEXIST);
        ck_assert_int_eq(symlinkat("directory", dir_fd, "symlink"), 0);
        sink_free(new_sink("symlink"));
}
END_TEST

START_TEST(publishing_renames_once_and_knows_it_later)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);
        SinkFinal final = { "file", TAG, 027, 1000 }, elsewhere = { "elsewhere", TAG, 027, 1000 };
        struct stat st;
        int fd;

        sink_free(sink);
        ck_assert_int_eq(sink_publish_open(dir_fd, &file, &final, &fd), 0);
        (void) close(fd);
        ck_assert_int_eq(sink_publish_rename(dir_fd, &file, "file"), 0);
        assert_content("file", "hello world");
        ck_assert_int_eq(fstatat(dir_fd, "file", &st, 0), 0);
        ck_assert_int_eq(st.st_mtime, 1000);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        ck_assert_int_eq(sink_publish_open(dir_fd, &file, &final, &fd), 1);
        ck_assert_int_eq(sink_publish_open(dir_fd, &file, &elsewhere, &fd), -ESTALE);
        forget_file(&file);
}
END_TEST

START_TEST(publishing_replaces_a_file_and_a_symlink_only)
{
        static const char *const names[] = { "regular", "symlink", "directory", "fifo" };
        _cleanup_free_ char *regular = temp_dir_path(dir, "regular");

        temp_dir_write(regular, "old");
        ck_assert_int_eq(symlinkat("regular", dir_fd, "symlink"), 0);
        ck_assert_int_eq(mkdirat(dir_fd, "directory", 0755), 0);
        ck_assert_int_eq(mkfifoat(dir_fd, "fifo", 0644), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                static const int expected[] = { 0, 0, -EISDIR, -EEXIST };
                Sink *sink = filled_sink();
                SinkFile file = kept_file(sink);
                SinkFinal final = { names[i], TAG, 022, -1 };
                int fd = -EBADF;

                sink_free(sink);
                ck_assert_int_eq(sink_publish_open(dir_fd, &file, &final, &fd), expected[i]);
                ck_assert_int_eq(sink_publish_rename(dir_fd, &file, names[i]), expected[i]);
                (void) macro_close(fd);
                forget_file(&file);
        }
        assert_content("regular", "hello world");
        assert_content("symlink", "hello world");
}
END_TEST

START_TEST(cleaning_removes_the_recorded_file_only)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        sink_free(sink);
        file.inode++;
        ck_assert_int_eq(sink_clean(dir_fd, &file), 0);
        ck_assert_uint_eq(entries(), 1);
        file.inode--;
        ck_assert_int_eq(sink_clean(dir_fd, &file), 0);
        ck_assert_uint_eq(entries(), 0);
        ck_assert_int_eq(sink_clean(dir_fd, &file), 0);
        forget_file(&file);
}
END_TEST

/* Killed between the making and the record: the next one takes the place, the end sweeps. */
START_TEST(a_file_that_was_never_recorded_is_found_by_its_name)
{
        Sink *sink = filled_sink();
        SinkFile first = kept_file(sink);

        sink_free(sink);
        sink = filled_sink();
        ck_assert_str_eq(sink_file(sink).temp_name, first.temp_name);
        ck_assert_uint_eq(entries(), 1);
        sink_free(sink);

        ck_assert_int_eq(sink_sweep(dir_fd, "file", OTHER, ""), 0);
        ck_assert_int_eq(sink_sweep(dir_fd, "another", TAG, ""), 0);
        ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, first.temp_name), 0);
        ck_assert_uint_eq(entries(), 1);
        ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, ""), 0);
        ck_assert_uint_eq(entries(), 0);
        forget_file(&first);
}
END_TEST

/* Files at work, files that are not ours to make, files that were published: no leftovers. */
START_TEST(sweeping_leaves_what_may_be_somebodys)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, ""), -EWOULDBLOCK);
        ck_assert_uint_eq(entries(), 1);
        sink_free(sink);
        ck_assert_int_eq(fchmodat(dir_fd, file.temp_name, 0644, 0), 0);
        ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, ""), 0);
        ck_assert_uint_eq(entries(), 1);
        ck_assert_int_eq(unlinkat(dir_fd, file.temp_name, 0), 0);
        ck_assert_int_eq(symlinkat("file", dir_fd, file.temp_name), 0);
        ck_assert_int_eq(sink_sweep(dir_fd, "file", TAG, ""), 0);
        ck_assert_uint_eq(entries(), 1);
        /* The name being taken, another one does. */
        sink = filled_sink();
        ck_assert_str_ne(sink_file(sink).temp_name, file.temp_name);
        sink_free(sink);
        forget_file(&file);
}
END_TEST

/* A record that a crash left behind must not vouch for a file that was made later. */
START_TEST(the_name_of_a_lost_file_is_not_used_again)
{
        Sink *sink = filled_sink();
        SinkFile file = kept_file(sink);

        sink_free(sink);
        ck_assert_int_eq(unlinkat(dir_fd, file.temp_name, 0), 0);
        sink = new_sink("file");
        ck_assert_int_eq(sink_continue(sink, &file, 5), -ESTALE);
        for (int i = 0; i < 7; i++) {
                ck_assert_int_eq(sink_create(sink), 0);
                ck_assert_str_ne(sink_file(sink).temp_name, file.temp_name);
        }
        ck_assert_uint_eq(entries(), 1);
        sink_free(sink);
        forget_file(&file);
}
END_TEST

START_TEST(a_tag_is_of_one_file_of_one_job)
{
        sd_id128_t a =
                SD_ID128_MAKE(00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f);
        sd_id128_t b =
                SD_ID128_MAKE(00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 10);

        ck_assert_uint_eq(sink_tag(a, 1), sink_tag(a, 1));
        ck_assert_uint_ne(sink_tag(a, 1), sink_tag(a, 2));
        ck_assert_uint_ne(sink_tag(a, 1), sink_tag(b, 1));
}
END_TEST

START_TEST(a_write_that_fails_keeps_what_went_before)
{
        static const struct rlimit limit = { 15, 15 };
        _cleanup_(sink_freep) Sink *sink = filled_sink();

        (void) signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_int_eq(sink_write(sink, " and more", 9), -EFBIG);
        ck_assert_uint_eq(sink_position(sink), 15);
        assert_content(sink_file(sink).temp_name, "hello world and");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("sink");
        TCase *writing = tcase_create("writing"), *going_on = tcase_create("going on"),
              *publishing = tcase_create("publishing"), *sweeping = tcase_create("sweeping");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(writing, set_up, tear_down);
        tcase_add_checked_fixture(going_on, set_up, tear_down);
        tcase_add_checked_fixture(publishing, set_up, tear_down);
        tcase_add_checked_fixture(sweeping, set_up, tear_down);
        tcase_add_test(writing, bytes_are_written_in_order_and_counted);
        tcase_add_test(writing, room_is_claimed_without_changing_the_size);
        tcase_add_test(writing, so_much_is_left_free_or_nothing_is_claimed);
        tcase_add_test(writing, a_file_without_room_of_its_own_looks_at_what_is_left);
        tcase_add_test(writing, room_that_was_not_needed_is_given_back);
        tcase_add_test(writing, a_file_larger_than_the_disk_is_refused_at_once);
        tcase_add_test(writing, the_temporary_name_fits_and_is_recognised);
        tcase_add_test(writing, starting_anew_leaves_one_file_under_another_name);
        tcase_add_test(writing, a_write_that_fails_keeps_what_went_before);
        tcase_add_test(going_on, a_recorded_file_goes_on_at_the_offset);
        tcase_add_test(going_on, bytes_behind_the_offset_are_cut);
        tcase_add_test(going_on, a_locked_file_is_refused);
        tcase_add_loop_test(going_on, a_lock_that_is_released_soon_is_waited_for, 0, 3);
        tcase_add_loop_test(going_on, another_file_in_its_place_is_stale, 0, KINDS);
        tcase_add_test(publishing, a_final_name_of_another_kind_is_refused);
        tcase_add_test(publishing, publishing_renames_once_and_knows_it_later);
        tcase_add_test(publishing, publishing_replaces_a_file_and_a_symlink_only);
        tcase_add_test(publishing, cleaning_removes_the_recorded_file_only);
        tcase_add_test(sweeping, a_file_that_was_never_recorded_is_found_by_its_name);
        tcase_add_test(sweeping, sweeping_leaves_what_may_be_somebodys);
        tcase_add_test(sweeping, the_name_of_a_lost_file_is_not_used_again);
        tcase_add_test(sweeping, a_tag_is_of_one_file_of_one_job);
        suite_add_tcase(suite, writing);
        suite_add_tcase(suite, going_on);
        suite_add_tcase(suite, publishing);
        suite_add_tcase(suite, sweeping);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
