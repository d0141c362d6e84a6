/*
 * manager/proxy-finder in front of a dosvc-proxy that the test plays, and of its spawner: what
 * is asked, and what is believed of the answer.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/proxy-wire.h"
#include "dbus/spawn-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "manager/proxy-finder.h"

/* ---- the spawner ----------------------------------------------------------------------------- */

static int program_fd = -EBADF; /* the program's end */
static uint32_t program_number, program_uid;
static spawner_event_t to_finder;
static void *to_finder_userdata;
static unsigned n_forgotten;
static int start_result;

int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id)
{
        if (start_result < 0)
                return start_result;
        program_fd = fcntl(link_fd, F_DUPFD_CLOEXEC, 3);
        program_number = program;
        program_uid = uid;
        to_finder = callback;
        to_finder_userdata = userdata;
        *ret_id = 1;
        return 0;
}

void spawner_kill(Spawner *spawner, uint64_t id)
{
}

void spawner_forget(Spawner *spawner, uint64_t id)
{
        n_forgotten++;
}

/* ---- both ends ------------------------------------------------------------------------------- */

static sd_event *event;
static ProxyFinder *finder;
static unsigned n_told;
static char found[4096]; /* proxies, or "! " and the reason */

/* As its user does, it frees the finder from within. */
static void note(void *userdata, char **proxies, const char *reason)
{
        n_told++;
        found[0] = '\0';
        for (; proxies && *proxies; proxies++) {
                (void) strncat(found, *proxies, 1024);
                (void) strncat(found, " ", 2);
        }
        if (reason) {
                (void) strncat(found, "! ", 3);
                (void) strncat(found, reason, 1024);
        }
        finder = proxy_finder_free(finder);
}

static int begin(bool autodetect)
{
        return proxy_finder_new(event,
                                (Spawner *) &program_fd,
                                &(ProxyQuestion){ .uid = 1000,
                                                  .user = "alice",
                                                  .autodetect = autodetect,
                                                  .origin = "http://host:80/" },
                                note,
                                NULL,
                                &finder);
}

static void setup(void)
{
        ck_assert_int_eq(sd_event_new(&event), 0);
}

static void teardown(void)
{
        finder = proxy_finder_free(finder);
        program_fd = macro_close(program_fd);
        event = sd_event_unref(event);
}

static void run_loop(void)
{
        while (sd_event_run(event, 10000) > 0)
                ;
}

/* The strings of the question, each with a "|" behind it. */
static const char *question(void)
{
        static char bytes[PROXY_PACKET_MAX + 1];
        ssize_t n = recv(program_fd, bytes, PROXY_PACKET_MAX, MSG_DONTWAIT);

        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(bytes[n - 1], '\0');
        for (ssize_t i = 0; i < n; i++)
                if (bytes[i] == '\0')
                        bytes[i] = '|';
        bytes[n] = '\0';
        return bytes;
}

static void answer(const void *bytes, size_t size)
{
        ck_assert_int_eq(send(program_fd, bytes, size, MSG_NOSIGNAL), (ssize_t) size);
        run_loop();
}

#define ANSWER(text) answer((text), sizeof(text))

START_TEST(the_program_is_asked_as_the_owner)
{
        ck_assert_int_eq(setenv("http_proxy", "http://p:1", 1), 0);
        ck_assert_int_eq(begin(true), 0);
        ck_assert_uint_eq(program_number, SPAWN_PROGRAM_PROXY);
        ck_assert_uint_eq(program_uid, 1000);
        ck_assert_str_eq(question(), "autodetect|http://host:80/|");
}
END_TEST

START_TEST(what_is_set_in_the_session_goes_along_and_nothing_else)
{
        ck_assert_int_eq(clearenv(), 0);
        ck_assert(!proxy_finder_has_session());
        ck_assert_int_eq(setenv("https_proxy", "", 1), 0);
        ck_assert_int_eq(setenv("no_proxy", "a,b", 1), 0);
        ck_assert_int_eq(setenv("LD_PRELOAD", "/tmp/evil.so", 1), 0);
        ck_assert_int_eq(setenv("PX_MODULE_PATH", "/tmp", 1), 0);
        ck_assert(!proxy_finder_has_session());
        ck_assert_int_eq(setenv("http_proxy", "http://p:1", 1), 0);
        ck_assert(proxy_finder_has_session());
        ck_assert_int_eq(begin(false), 0);
        ck_assert_str_eq(question(), "session|http://host:80/|http_proxy=http://p:1|no_proxy=a,b|");
}
END_TEST

START_TEST(a_session_that_does_not_fit_is_refused)
{
        char *value = calloc(1, PROXY_PACKET_MAX);

        memset(value, 'a', PROXY_PACKET_MAX - 1);
        ck_assert_int_eq(setenv("no_proxy", value, 1), 0);
        ck_assert_int_eq(begin(false), -E2BIG);
        ck_assert_ptr_null(finder);
        free(value);
}
END_TEST

START_TEST(proxies_are_told_in_order_and_in_their_normal_form)
{
        ck_assert_int_eq(begin(true), 0);
        ANSWER("\0http://p\0https://q:8443/\0direct://");
        ck_assert_uint_eq(n_told, 1);
        ck_assert_str_eq(found, "http://p:80 https://q:8443 direct:// ");
        ck_assert_uint_eq(n_forgotten, 1);
}
END_TEST

START_TEST(a_reason_is_told)
{
        ck_assert_int_eq(begin(true), 0);
        ANSWER("It is so.");
        ck_assert_str_eq(found, "! It is so.");
}
END_TEST

START_TEST(an_answer_that_breaks_the_contract_is_not_believed)
{
        static const struct {
                const char *bytes;
                size_t size;
        } answers[] = {
#define BROKEN(text) { (text), sizeof(text) }
                BROKEN(""),
                BROKEN("A reason\0http://p:1"),
                BROKEN("\0"),
                BROKEN("\0http://p:1\0socks5://q:2"),
                BROKEN("\0http=http://p:1"),
                BROKEN("\0p:1"),
                BROKEN("\0http://alice:secret@p:1"),
                BROKEN("\0http://p:1/path"),
                BROKEN("two\nlines"),
                { "\0http://p:1", 10 },
                { "x", 1 },
        };

        ck_assert_int_eq(begin(true), 0);
        answer(answers[_i].bytes, answers[_i].size);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_str_eq(found, "! The proxies that were found cannot be used.");
}
END_TEST

START_TEST(an_answer_that_is_too_long_is_not_believed)
{
        char *bytes = calloc(1, 4096);
        size_t size = 1;

        ck_assert_int_eq(begin(true), 0);
        if (_i == 0) {
                for (int i = 0; i < 65; i++, size += 11)
                        memcpy(bytes + size, "http://p:1", 11);
        } else {
                memset(bytes, 'a', 513);
                size = 514;
        }
        answer(bytes, size);
        free(bytes);
        ck_assert_str_eq(found, "! The proxies that were found cannot be used.");
}
END_TEST

START_TEST(a_hang_up_is_told_once_with_the_end_of_the_program)
{
        ck_assert_int_eq(begin(true), 0);
        program_fd = macro_close(program_fd);
        run_loop();
        ck_assert_uint_eq(n_told, 0);
        to_finder(to_finder_userdata, _i ? SPAWNER_LOST : SPAWNER_EXITED, 0);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_str_eq(found, "! The search ended without a result.");
        ck_assert_uint_eq(n_forgotten, 0);
}
END_TEST

/* The end of the process may be heard before its last word. */
START_TEST(an_answer_counts_after_the_end_of_the_program)
{
        ck_assert_int_eq(begin(true), 0);
        ck_assert_int_eq(send(program_fd, "\0http://p:1", 12, 0), 12);
        to_finder(to_finder_userdata, SPAWNER_EXITED, 0);
        ck_assert_str_eq(found, "http://p:1 ");
}
END_TEST

START_TEST(a_program_that_is_not_installed_is_named)
{
        ck_assert_int_eq(begin(true), 0);
        to_finder(to_finder_userdata, SPAWNER_REFUSED, -ENOENT);
        ck_assert_str_eq(found, "! The program dosvc-proxy is not installed.");
}
END_TEST

START_TEST(a_start_that_fails_is_an_error)
{
        start_result = -EAGAIN;
        ck_assert_int_eq(begin(true), -EAGAIN);
        ck_assert_ptr_null(finder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("proxy-finder");
        TCase *tcase = tcase_create("questions");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_program_is_asked_as_the_owner);
        tcase_add_test(tcase, what_is_set_in_the_session_goes_along_and_nothing_else);
        tcase_add_test(tcase, a_session_that_does_not_fit_is_refused);
        tcase_add_test(tcase, proxies_are_told_in_order_and_in_their_normal_form);
        tcase_add_test(tcase, a_reason_is_told);
        tcase_add_loop_test(tcase, an_answer_that_breaks_the_contract_is_not_believed, 0, 11);
        tcase_add_loop_test(tcase, an_answer_that_is_too_long_is_not_believed, 0, 2);
        tcase_add_loop_test(tcase, a_hang_up_is_told_once_with_the_end_of_the_program, 0, 2);
        tcase_add_test(tcase, an_answer_counts_after_the_end_of_the_program);
        tcase_add_test(tcase, a_program_that_is_not_installed_is_named);
        tcase_add_test(tcase, a_start_that_fails_is_an_error);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
