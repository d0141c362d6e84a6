/* The measure is always a file that open(2) makes in the same directory. As root. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/in-child.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/temp-dir.h"
#include "worker/file-access.h"

#define ACCESS_ACL  "system.posix_acl_access"
#define DEFAULT_ACL "system.posix_acl_default"

#define OWNER_UID 7101U
#define OTHER_UID 7102U
#define OTHER_GID 7200U

static char *dir;
static int dir_fd;

static void set_up(void)
{
        ck_assert_int_eq(geteuid(), 0);
        dir = temp_dir_new();
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
        (void) umask(077); /* as in a worker */
}

static void tear_down(void)
{
        (void) macro_close(dir_fd);
        dir = temp_dir_remove(dir);
}

/* An ACL in which the user OTHER_UID has other rights than the group and everybody. */
static void set_acl(const char *path, const char *kind, unsigned user, unsigned mask)
{
        struct {
                struct posix_acl_xattr_header header;
                struct posix_acl_xattr_entry entries[5];
        } acl = {
                { POSIX_ACL_XATTR_VERSION },
                { { ACL_USER_OBJ, 6, UINT32_MAX },
                  { ACL_USER, (unsigned short) user, OTHER_UID },
                  { ACL_GROUP_OBJ, 0, UINT32_MAX },
                  { ACL_MASK, (unsigned short) mask, UINT32_MAX },
                  { ACL_OTHER, 0, UINT32_MAX } },
        };

        ck_assert_int_eq(setxattr(path, kind, &acl, sizeof(acl), 0), 0);
}

/* The finished file, before it is published. */
static int make_temp(void)
{
        int fd = openat(dir_fd, "temp", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        return fd;
}

/* Does as programs do: a file that is there is written to. */
static int make_by_open(const char *name, mode_t mask)
{
        int fd;

        (void) umask(mask);
        fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        (void) umask(077);
        ck_assert_int_ge(fd, 0);
        return fd;
}

static bool is_alike(int a, int b)
{
        char acl_of_a[1024], acl_of_b[1024];
        ssize_t n_a = fgetxattr(a, ACCESS_ACL, acl_of_a, sizeof(acl_of_a));
        ssize_t n_b = fgetxattr(b, ACCESS_ACL, acl_of_b, sizeof(acl_of_b));
        struct stat st_a, st_b;

        return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_mode == st_b.st_mode &&
               st_a.st_gid == st_b.st_gid && n_a == n_b &&
               (n_a < 0 || memcmp(acl_of_a, acl_of_b, (size_t) n_a) == 0);
}

static mode_t mode_of(int fd)
{
        struct stat st;

        ck_assert_int_eq(fstat(fd, &st), 0);
        return st.st_mode & 07777;
}

/* ---- new files ------------------------------------------------------------------------------- */

static const mode_t masks[] = { 022, 002, 077, 027, 0, 0777 };

static void make_plain(void)
{
}

static void make_acl(void)
{
        set_acl(dir, DEFAULT_ACL, 6, 6);
}

static void make_narrow_acl(void)
{
        set_acl(dir, DEFAULT_ACL, 4, 4);
}

static void make_setgid(void)
{
        ck_assert_int_eq(chown(dir, 0, OTHER_GID), 0);
        ck_assert_int_eq(chmod(dir, 02775), 0);
}

static void (*const directories[])(void) = { make_plain, make_acl, make_narrow_acl, make_setgid };

/* late: the directory becomes so while the file is fetched. */
static void assert_as_by_open(void (*make_directory)(void), mode_t mask, bool late)
{
        _cleanup_close_ int fd = -EBADF, other = -EBADF;

        if (!late)
                make_directory();
        fd = make_temp();
        if (late)
                make_directory();
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", mask), 0);
        other = make_by_open("other", mask);
        ck_assert_msg(is_alike(fd, other), "%o instead of %o", mode_of(fd), mode_of(other));
        ck_assert_int_lt(faccessat(dir_fd, "probe", F_OK, 0), 0);
}

START_TEST(a_new_file_is_as_open_makes_it)
{
        assert_as_by_open(directories[(size_t) _i / ARRAY_SIZE(masks)],
                          masks[(size_t) _i % ARRAY_SIZE(masks)],
                          false);
}
END_TEST

START_TEST(the_directory_counts_as_it_is_in_the_end)
{
        assert_as_by_open(directories[_i], 022, true);
}
END_TEST

START_TEST(a_default_acl_that_is_gone_is_gone)
{
        _cleanup_close_ int fd = -EBADF, other = -EBADF;

        make_acl();
        fd = make_temp();
        ck_assert_int_eq(removexattr(dir, DEFAULT_ACL), 0);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 022), 0);
        other = make_by_open("other", 022);
        ck_assert(is_alike(fd, other));
}
END_TEST

START_TEST(the_umask_of_the_process_stays)
{
        _cleanup_close_ int fd = make_temp();

        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 0), 0);
        ck_assert_uint_eq(umask(0), 077);
}
END_TEST

#ifndef WITH_SANITIZER

/* As a file system answers that cannot make a file without a name. */
static void forbid_unnamed_files(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        scmp_datum_t unnamed = O_TMPFILE & ~O_DIRECTORY;

        MUST(filter);
        MUST(seccomp_rule_add(filter,
                              SCMP_ACT_ERRNO(EOPNOTSUPP),
                              SCMP_SYS(openat),
                              1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, unnamed, unnamed)) == 0);
        MUST(seccomp_load(filter) == 0);
        seccomp_release(filter);
        MUST(openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600) < 0);
}

static void check_without_unnamed_files(void)
{
        int fd = openat(dir_fd, "temp", O_RDONLY | O_CLOEXEC);
        int other = openat(dir_fd, "other", O_RDONLY | O_CLOEXEC);

        forbid_unnamed_files();
        MUST(file_access_set(fd, dir_fd, "file", "probe", 002) == 0);
        MUST(is_alike(fd, other));
        MUST(faccessat(dir_fd, "probe", F_OK, 0) < 0);
}

START_TEST(a_file_system_without_unnamed_files_does_as_well)
{
        directories[_i]();
        (void) close(make_temp());
        (void) close(make_by_open("other", 002));
        in_child(check_without_unnamed_files);
}
END_TEST

#endif

static void become_owner(void)
{
        MUST(setgroups(0, NULL) == 0);
        MUST(setresgid(OWNER_UID, OWNER_UID, OWNER_UID) == 0);
        MUST(setresuid(OWNER_UID, OWNER_UID, OWNER_UID) == 0);
}

static void check_without_new_file(void)
{
        int fd = openat(dir_fd, "temp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        MUST(fchown(fd, OWNER_UID, OWNER_UID) == 0);
        become_owner();
        MUST(openat(dir_fd, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0);
        MUST(file_access_set(fd, dir_fd, "file", "probe", 026) == 0);
        MUST(mode_of(fd) == 0640);
}

/* As on a disk that has no room for another file. */
START_TEST(where_no_file_can_be_made_the_umask_alone_counts)
{
        in_child(check_without_new_file);
}
END_TEST

/* ---- replaced files -------------------------------------------------------------------------- */

START_TEST(a_replaced_file_keeps_its_mode)
{
        static const mode_t modes[] = { 0600, 0664, 0640, 0755, 0444, 0666 };
        _cleanup_close_ int fd = make_temp(), replaced = make_by_open("file", 022);

        ck_assert_int_eq(fchmod(replaced, modes[_i]), 0);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 022), 0);
        ck_assert(is_alike(fd, replaced));
}
END_TEST

START_TEST(a_replaced_file_keeps_group_and_acl)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "file");
        _cleanup_close_ int fd = -EBADF, replaced = -EBADF;

        if (_i)
                make_acl(); /* of the directory: the file's own counts */
        fd = make_temp();
        replaced = make_by_open("file", 022);
        ck_assert_int_eq(fchown(replaced, 0, OTHER_GID), 0);
        set_acl(path, ACCESS_ACL, 4, 4);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 022), 0);
        ck_assert(is_alike(fd, replaced));
}
END_TEST

START_TEST(a_replaced_file_without_acl_stays_without)
{
        _cleanup_close_ int fd = -EBADF, replaced = make_by_open("file", 022);

        make_acl();
        fd = make_temp();
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 0), 0);
        ck_assert(is_alike(fd, replaced));
}
END_TEST

START_TEST(a_program_loses_the_rights_of_its_owner)
{
        _cleanup_close_ int fd = make_temp(), replaced = make_by_open("file", 022);

        ck_assert_int_eq(fchmod(replaced, 06755), 0);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 022), 0);
        ck_assert_uint_eq(mode_of(fd), 0755);
}
END_TEST

/* Otherwise he could make a file in time that everybody may write to. */
START_TEST(another_users_file_gives_no_permission)
{
        static const mode_t modes[][2] = { { 0666, 0644 }, { 0600, 0600 }, { 0222, 0200 } };
        _cleanup_close_ int fd = make_temp(), replaced = make_by_open("file", 022);
        _cleanup_free_ char *path = temp_dir_path(dir, "file");

        set_acl(path, ACCESS_ACL, 6, 6);
        ck_assert_int_eq(fchmod(replaced, modes[_i][0]), 0);
        ck_assert_int_eq(fchown(replaced, OTHER_UID, OTHER_UID), 0);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 022), 0);
        ck_assert_uint_eq(mode_of(fd), modes[_i][1]);
        ck_assert_int_lt(fgetxattr(fd, ACCESS_ACL, NULL, 0), 0);
}
END_TEST

static void check_foreign_group(void)
{
        int fd = openat(dir_fd, "temp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        int replaced = openat(dir_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        MUST(fchown(fd, OWNER_UID, OWNER_UID) == 0);
        MUST(fchown(replaced, OWNER_UID, OTHER_GID) == 0);
        MUST(fchmod(replaced, 0664) == 0);
        become_owner();
        MUST(file_access_set(fd, dir_fd, "file", "probe", 022) == 0);
        MUST(mode_of(fd) == 0644);
}

START_TEST(the_owners_group_gets_nothing_that_was_another_groups)
{
        in_child(check_foreign_group);
}
END_TEST

START_TEST(what_is_no_file_is_no_model)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "file");
        _cleanup_close_ int fd = make_temp();

        if (_i)
                ck_assert_int_eq(mkfifo(path, 0666), 0);
        else
                ck_assert_int_eq(symlink("temp", path), 0);
        ck_assert_int_eq(file_access_set(fd, dir_fd, "file", "probe", 027), 0);
        ck_assert_uint_eq(mode_of(fd), 0640);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("file-access");
        TCase *new = tcase_create("new"), *replaced = tcase_create("replaced");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(new, set_up, tear_down);
        tcase_add_checked_fixture(replaced, set_up, tear_down);
        tcase_add_loop_test(new,
                            a_new_file_is_as_open_makes_it,
                            0,
                            ARRAY_SIZE(directories) * ARRAY_SIZE(masks));
        tcase_add_loop_test(new,
                            the_directory_counts_as_it_is_in_the_end,
                            0,
                            ARRAY_SIZE(directories));
        tcase_add_test(new, a_default_acl_that_is_gone_is_gone);
        tcase_add_test(new, the_umask_of_the_process_stays);
#ifndef WITH_SANITIZER
        tcase_add_loop_test(new,
                            a_file_system_without_unnamed_files_does_as_well,
                            0,
                            ARRAY_SIZE(directories));
#endif
        tcase_add_test(new, where_no_file_can_be_made_the_umask_alone_counts);
        tcase_add_loop_test(replaced, a_replaced_file_keeps_its_mode, 0, 6);
        tcase_add_loop_test(replaced, a_replaced_file_keeps_group_and_acl, 0, 2);
        tcase_add_test(replaced, a_replaced_file_without_acl_stays_without);
        tcase_add_test(replaced, a_program_loses_the_rights_of_its_owner);
        tcase_add_loop_test(replaced, another_users_file_gives_no_permission, 0, 3);
        tcase_add_test(replaced, the_owners_group_gets_nothing_that_was_another_groups);
        tcase_add_loop_test(replaced, what_is_no_file_is_no_model, 0, 2);
        suite_add_tcase(suite, new);
        suite_add_tcase(suite, replaced);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
