#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/secret.h"

/* A child that touches the byte; its signal, 0 when nothing happened. */
static int signal_of_reading(const volatile char *byte)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                (void) signal(SIGSEGV, SIG_DFL);
                (void) signal(SIGABRT, SIG_DFL);
                _exit(*byte == 'x' ? 1 : 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_new_secret_is_zeroed_and_ends_with_a_nul)
{
        static const size_t sizes[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 196609 };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_(secret_freep) Secret *secret = NULL;

                ck_assert_int_eq(secret_new(sizes[i], &secret), 0);
                ck_assert_uint_eq(secret_size(secret), sizes[i]);
                for (size_t at = 0; at <= sizes[i]; at++)
                        ck_assert_int_eq(secret_data(secret)[at], 0);
        }
}
END_TEST

START_TEST(a_copy_holds_what_was_given)
{
        _cleanup_(secret_freep) Secret *secret = NULL, *empty = NULL;

        ck_assert_int_eq(secret_new_copy("one\0two", 7, &secret), 0);
        ck_assert_mem_eq(secret_data(secret), "one\0two", 8);
        ck_assert_uint_eq(secret_size(secret), 7);

        ck_assert_int_eq(secret_new_copy(NULL, 0, &empty), 0);
        ck_assert_str_eq(secret_data(empty), "");
}
END_TEST

START_TEST(what_is_cut_off_is_erased)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        ck_assert_int_eq(secret_new_copy("passwordtail", 12, &secret), 0);
        secret_truncate(secret, 8);
        ck_assert_uint_eq(secret_size(secret), 8);
        ck_assert_mem_eq(secret_data(secret), "password\0\0\0\0", 12);

        secret_truncate(secret, 100);
        ck_assert_uint_eq(secret_size(secret), 8);
}
END_TEST

START_TEST(secrets_are_equal_by_content)
{
        static const struct {
                const char *a, *b;
                bool equal;
        } pairs[] = {
                { "", "", true },         { "same", "same", true },  { "same", "sama", false },
                { "same", "sam", false }, { "same", "Same", false }, { "", "x", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                _cleanup_(secret_freep) Secret *a = NULL, *b = NULL;

                ck_assert_int_eq(secret_new_copy(pairs[i].a, strlen(pairs[i].a), &a), 0);
                ck_assert_int_eq(secret_new_copy(pairs[i].b, strlen(pairs[i].b), &b), 0);
                ck_assert_int_eq(secret_equal(a, b), pairs[i].equal);
        }
}
END_TEST

START_TEST(a_byte_behind_a_secret_cannot_be_read)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        ck_assert_int_eq(secret_new(16, &secret), 0);
        ck_assert_int_eq(signal_of_reading(secret_data(secret) + 16), 0);
        ck_assert_int_ne(signal_of_reading(secret_data(secret) + 17), 0);
}
END_TEST

START_TEST(a_size_that_cannot_be_is_out_of_memory)
{
        Secret *secret = NULL;

        ck_assert_int_eq(secret_new(SIZE_MAX, &secret), -ENOMEM);
        ck_assert_int_eq(secret_new(SIZE_MAX - 100000, &secret), -ENOMEM);
        ck_assert_ptr_null(secret);
        ck_assert_ptr_null(secret_free(NULL));
}
END_TEST

START_TEST(erasing_reaches_every_byte)
{
        char text[] = "a password on the stack";

        secret_erase(text, sizeof(text));
        for (size_t i = 0; i < sizeof(text); i++)
                ck_assert_int_eq(text[i], 0);
        secret_erase(NULL, 0);
}
END_TEST

START_TEST(a_descriptor_is_read_from_its_start)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        _cleanup_close_ int fd = fd_new_sealed("test", "password", 8);

        ck_assert_int_eq(lseek(fd, 5, SEEK_SET), 5);
        ck_assert_int_eq(secret_read_fd(fd, 8, &secret), 0);
        ck_assert_uint_eq(secret_size(secret), 8);
        ck_assert_str_eq(secret_data(secret), "password");
        ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 5);
}
END_TEST

START_TEST(a_descriptor_over_the_limit_is_too_long)
{
        _cleanup_close_ int fd = fd_new_sealed("test", "password", 8);
        Secret *secret = NULL;

        ck_assert_int_eq(secret_read_fd(fd, 7, &secret), -EMSGSIZE);
        ck_assert_int_eq(secret_read_fd(-EBADF, 7, &secret), -EBADF);
        ck_assert_ptr_null(secret);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("secret");
        TCase *memory = tcase_create("memory"), *descriptors = tcase_create("descriptors");

        tcase_add_test(memory, a_new_secret_is_zeroed_and_ends_with_a_nul);
        tcase_add_test(memory, a_copy_holds_what_was_given);
        tcase_add_test(memory, what_is_cut_off_is_erased);
        tcase_add_test(memory, secrets_are_equal_by_content);
        tcase_add_test(memory, a_byte_behind_a_secret_cannot_be_read);
        tcase_add_test(memory, a_size_that_cannot_be_is_out_of_memory);
        tcase_add_test(memory, erasing_reaches_every_byte);
        suite_add_tcase(suite, memory);

        tcase_add_test(descriptors, a_descriptor_is_read_from_its_start);
        tcase_add_test(descriptors, a_descriptor_over_the_limit_is_too_long);
        suite_add_tcase(suite, descriptors);
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
