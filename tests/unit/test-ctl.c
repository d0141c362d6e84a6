/*
 * The parts of dosvcctl at work before and after it talks to the service: local names, passwords,
 * advice, JSON.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/local-name.h"
#include "ctl/password.h"
#include "tests/lib/temp-dir.h"

/* ------------------------------------------------------------------- local names */

START_TEST(the_name_is_the_last_part_of_the_path)
{
        static const char *const cases[][2] = {
                { "http://h/a", "a" },
                { "https://h:8443/x/y/image.iso", "image.iso" },
                { "http://h/a?b=c/d", "a" },
                { "http://h/a#frag/ment", "a" },
                { "http://h/%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd" },
                { "http://h/a%20b", "a b" },
                { "http://h/caf%C3%a9", "caf\xc3\xa9" },
                { "http://h/caf%e9", "caf%e9" },
                { "http://h/a%0ab%1", "a%0ab%1" },
                { "http://h/%2e", "%2e" },
                { "http://h/%c2%9b", "%c2%9b" },
                { "http://h/.hidden", ".hidden" },
        };
        char *name;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_int_eq(local_name_from_url(cases[i][0], &name), 0);
                ck_assert_str_eq(name, cases[i][1]);
                free(name);
        }
}
END_TEST

START_TEST(a_url_without_a_file_name_gives_none)
{
        static const char *const cases[] = { "http://h",      "http://h/",
                                             "http://h/dir/", "nonsense",
                                             "http://h/..",   "http://h/.",
                                             "http://h/?x",   "" };
        char *name = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(local_name_from_url(cases[i], &name) == -EINVAL, "%s", cases[i]);
        ck_assert_ptr_null(name);
}
END_TEST

static char *resolve(const char *path)
{
        char *name = NULL;

        ck_assert_int_eq(local_name_resolve(path, "http://h/x/file.bin", &name), 0);
        return name;
}

START_TEST(relative_names_become_absolute)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *real = realpath(dir, NULL), *plain = NULL, *dotted = NULL;
        _cleanup_free_ char *expected = temp_dir_path(real, "out.bin");

        ck_assert_int_eq(chdir(dir), 0);
        plain = resolve("out.bin");
        ck_assert_str_eq(plain, expected);
        dotted = resolve("./../././out.bin");
        ck_assert_ptr_nonnull(strstr(dotted, "/tmp/out.bin"));
        ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_directory_gets_the_name_of_the_url)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *real = realpath(dir, NULL), *name = resolve(dir);
        _cleanup_free_ char *expected = temp_dir_path(real, "file.bin");
        _cleanup_free_ char *root = resolve("/");

        ck_assert_str_eq(name, expected);
        ck_assert_str_eq(root, "/file.bin");
}
END_TEST

START_TEST(links_to_directories_are_resolved_and_the_file_part_is_kept)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *real = realpath(dir, NULL), *inner = temp_dir_path(dir, "inner");
        _cleanup_free_ char *link_path = temp_dir_path(dir, "link"), *name = NULL, *expected = NULL;
        _cleanup_free_ char *through = temp_dir_path(link_path, "file");

        ck_assert_int_eq(mkdir(inner, 0755), 0);
        ck_assert_int_eq(symlink("inner", link_path), 0);
        /* The file part is a link too, to nowhere. */
        ck_assert_int_eq(symlink("/nowhere", through), 0);
        name = resolve(through);
        ck_assert_int_gt(asprintf(&expected, "%s/inner/file", real), 0);
        ck_assert_str_eq(name, expected);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
        char *name = NULL;

        ck_assert_int_eq(local_name_resolve("/nonexistent/x", "http://h/f", &name), -ENOENT);
        ck_assert_int_eq(local_name_resolve("/nonexistent/", "http://h/f", &name), -ENOENT);
        ck_assert_int_eq(local_name_resolve("/etc/passwd/x", "http://h/f", &name), -ENOTDIR);
        ck_assert_int_eq(local_name_resolve("", "http://h/f", &name), -EINVAL);
        ck_assert_int_eq(local_name_resolve("/tmp/", "http://h/", &name), -EINVAL);
        ck_assert_ptr_null(name);
}
END_TEST

/* --------------------------------------------------------------------- passwords */

static int read_password(const char *text, size_t size, Password *password)
{
        int fds[2], r;

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(write(fds[1], text, size), (ssize_t) size);
        (void) close(fds[1]);
        r = password_read(fds[0], password);
        (void) close(fds[0]);
        return r;
}

START_TEST(one_newline_at_the_end_is_not_part_of_a_password)
{
        static const struct {
                const char *text, *password;
        } cases[] = {
                { "secret", "secret" },
                { "secret\n", "secret" },
                { "secret\n\n", "secret\n" },
                { " \n", " " },
                { "\n", "" },
                { "", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Password password;

                ck_assert_int_eq(read_password(cases[i].text, strlen(cases[i].text), &password), 0);
                ck_assert_uint_eq(password.size, strlen(cases[i].password));
                ck_assert_mem_eq(password.data, cases[i].password, password.size);
                /* There is a place for it: no bytes is a password, and not the lack of one. */
                ck_assert_ptr_nonnull(password.data);
                password_done(&password);
                ck_assert_ptr_null(password.data);
        }
}
END_TEST

START_TEST(an_endless_password_is_too_long)
{
        int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        Password password = { 0 };

        ck_assert_int_eq(password_read(fd, &password), -EMSGSIZE);
        ck_assert_ptr_null(password.data);
        ck_assert_int_eq(password_read(-1, &password), -EBADF);
        (void) close(fd);
}
END_TEST

START_TEST(the_longest_password_fits)
{
        /* 65536 UTF-16 units, three bytes each. */
        const size_t size = 3UL * 65536;
        FILE *file = tmpfile();
        Password password;

        for (size_t i = 0; i < size; i++)
                (void) fputc('x', file);
        (void) fputc('\n', file);
        rewind(file);
        ck_assert_int_eq(password_read(fileno(file), &password), 0);
        ck_assert_uint_eq(password.size, size);
        password_done(&password);
        (void) fclose(file);
}
END_TEST

START_TEST(without_a_terminal_nobody_is_asked)
{
        Password password = { 0 };

        /* A session of its own has no terminal. */
        (void) setsid();
        ck_assert_int_eq(password_ask("? ", &password), -ENXIO);
        ck_assert_ptr_null(password.data);
}
END_TEST

/* ------------------------------------------------------------------------ advice */

START_TEST(exit_statuses_are_those_of_the_manual)
{
        ck_assert_int_eq(advice_exit_of_call(-EINVAL), 2);
        ck_assert_int_eq(advice_exit_of_call(-ENOENT), 3);
        ck_assert_int_eq(advice_exit_of_call(-EACCES), 4);
        ck_assert_int_eq(advice_exit_of_call(-EHOSTUNREACH), 5);
        ck_assert_int_eq(advice_exit_of_call(-ETIMEDOUT), 6);
        ck_assert_int_eq(advice_exit_of_call(-ENOSPC), 9);
        ck_assert_int_eq(advice_exit_of_call(-EBADFD), 13);
        ck_assert_int_eq(advice_exit_of_call(-EUSERS), 14);
        ck_assert_int_eq(advice_exit_of_call(-EIO), 1);

        ck_assert_int_eq(advice_exit_of_job("http-401"), 8);
        ck_assert_int_eq(advice_exit_of_job("http-407"), 8);
        ck_assert_int_eq(advice_exit_of_job("disk-full"), 9);
        ck_assert_int_eq(advice_exit_of_job("remote-file-changed"), 10);
        ck_assert_int_eq(advice_exit_of_job("validation-failed"), 10);
        ck_assert_int_eq(advice_exit_of_job("http-404"), 11);
        ck_assert_int_eq(advice_exit_of_job("connect-failure"), 12);
        ck_assert_int_eq(advice_exit_of_job("what-nobody-knows"), 1);
}
END_TEST

START_TEST(every_exit_status_and_state_has_words)
{
        static const char *const states[] = { "queued",      "connecting",   "transferring",
                                              "suspended",   "error",        "transient-error",
                                              "transferred", "acknowledged", "cancelled" };

        for (int i = 0; i < EXIT_STATUS_MAX; i++)
                ck_assert_int_gt((int) strlen(advice_exit_meaning((ExitStatus) i)), 3);
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                ck_assert_int_gt((int) strlen(advice_meaning_of_state(states[i])), 3);
        ck_assert_str_eq(advice_meaning_of_state("of a later service"), "");
}
END_TEST

/* -------------------------------------------------------------------------- JSON */

static void assert_json(json_t *value, const char *expected)
{
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        ck_assert_str_eq(text, expected);
        free(text);
        json_decref(value);
}

START_TEST(unknown_values_are_null)
{
        assert_json(ctl_json_size(DOSVC_UNKNOWN_SIZE), "null");
        assert_json(ctl_json_size(0), "0");
        assert_json(ctl_json_size(9007199254740993ULL), "9007199254740993");
        assert_json(ctl_json_time(0), "null");
        assert_json(ctl_json_time(1700000000000001ULL), "\"2023-11-14T22:13:20.000001Z\"");
        assert_json(ctl_json_strings((const char *const[]){ "a", "b", NULL }), "[\"a\",\"b\"]");
        assert_json(ctl_json_strings((const char *const[]){ NULL }), "[]");
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("ctl");
        TCase *names = tcase_create("local-names"), *passwords = tcase_create("passwords");
        TCase *advice = tcase_create("advice"), *json = tcase_create("json");

        tcase_add_test(names, the_name_is_the_last_part_of_the_path);
        tcase_add_test(names, a_url_without_a_file_name_gives_none);
        tcase_add_test(names, relative_names_become_absolute);
        tcase_add_test(names, a_directory_gets_the_name_of_the_url);
        tcase_add_test(names, links_to_directories_are_resolved_and_the_file_part_is_kept);
        tcase_add_test(names, a_directory_that_is_not_there_is_an_error);
        suite_add_tcase(suite, names);

        tcase_add_test(passwords, one_newline_at_the_end_is_not_part_of_a_password);
        tcase_add_test(passwords, an_endless_password_is_too_long);
        tcase_add_test(passwords, the_longest_password_fits);
        tcase_add_test(passwords, without_a_terminal_nobody_is_asked);
        suite_add_tcase(suite, passwords);

        tcase_add_test(advice, exit_statuses_are_those_of_the_manual);
        tcase_add_test(advice, every_exit_status_and_state_has_words);
        suite_add_tcase(suite, advice);

        tcase_add_test(json, unknown_values_are_null);
        suite_add_tcase(suite, json);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
